import { assert } from "./assert.ts";
import type { Draft } from "./book.ts";
import type { E4, Pool, PoolLink } from "./credit.ts";
import { closedPool, poolOf, post } from "./credit-ledger.ts";
import type { Reply } from "./refusal.ts";

/**
 * Credit pools: how they begin, who draws from them, and when they stand still. Leaves what is in them to `grants.ts` and
 * `charge.ts`.
 *
 * Laws: a FROZEN pool gives nothing but what was held before, and expires as ever; what a subscription's end or a refund takes with it
 * goes; an ARCHIVED one never changes again.
 */

export type PoolSpec = Pick<Pool, "name" | "denomination" | "hardLimit" | "rolloverPolicy"> &
  Partial<Pick<Pool, "currency" | "rolloverCapE4" | "modelId" | "metadata">>;

/** An empty pool, ACTIVE and linked to nothing. */
export function makePool(draft: Draft, spec: PoolSpec, nowMs: number): Pool {
  assert((spec.rolloverPolicy === "CAPPED") === (spec.rolloverCapE4 !== undefined), "CAPPED alone has a cap");
  draft.last.pool += 1;
  return draft.pools.put({
    ...spec,
    number: draft.last.pool,
    status: "ACTIVE",
    balanceE4: 0n,
    heldE4: 0n,
    grantedE4: 0n,
    consumedE4: 0n,
    expiredE4: 0n,
    reversedE4: 0n,
    voidedE4: 0n,
    links: [],
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
  });
}

/** The pool as the draft has it: an archived one is in no book, and comes from the object's tables. */
export function currentPool(draft: Draft, pool: Pool): Pool {
  return draft.pools.get(pool.number) ?? pool;
}

export function linkTo({ links }: Pool, subscription: number): PoolLink | undefined {
  return links.find((link) => link.subscription === subscription);
}

/** The link of a subscription that counts in this period, also when it was taken away. */
export function countOf({ links, unlinked = [] }: Pool, subscription: number): PoolLink | undefined {
  return [...links, ...unlinked].find((link) => link.subscription === subscription);
}

/** Changes what is counted of a link, if the pool has or had one to this subscription. */
export function moveLink(
  draft: Draft,
  { pool: number, subscription }: { pool: number; subscription: number },
  change: (link: PoolLink) => Partial<PoolLink>,
): void {
  const pool = poolOf(draft, number);
  const { links, unlinked = [] } = pool;
  const changed = (all: readonly PoolLink[]): PoolLink[] =>
    all.map((link) => (link.subscription === subscription ? { ...link, ...change(link) } : link));
  if (linkTo(pool, subscription) !== undefined) draft.pools.put({ ...pool, links: changed(links) });
  else if (unlinked.some((link) => link.subscription === subscription))
    draft.pools.put({ ...pool, unlinked: changed(unlinked) });
}

/**
 * Lets a subscription draw from a pool; lower priority first. A link that is there, or was in this period, gets the new terms and keeps
 * what it has counted.
 * Refuses `state_conflict` for an ARCHIVED pool.
 */
export function decideLink(
  draft: Draft,
  pool: Pool,
  terms: Pick<PoolLink, "subscription" | "drawPriority" | "drawLimitE4">,
  nowMs: number,
): Reply<Pool> {
  const there = currentPool(draft, pool);
  if (there.status === "ARCHIVED") return closedPool(there);
  const { unlinked = [], ...rest } = there;
  const before = countOf(there, terms.subscription);
  const { drawLimitE4: _, ...counted } = before ?? {
    drawnE4: 0n,
    drawnAfter: draft.last.creditEntry,
    heldE4: heldFor(draft, terms.subscription, there.number),
  };
  const others = there.links.filter(({ subscription }) => subscription !== terms.subscription);
  const links = [...others, { ...counted, ...terms }];
  const left = unlinked.filter((link) => link !== before);
  return { ok: true, value: draft.pools.put({ ...rest, ...unlinkedOf(left), links, modifiedAtMs: nowMs }) };
}

function unlinkedOf(unlinked: readonly PoolLink[]): Pick<Pool, "unlinked"> {
  return unlinked.length === 0 ? {} : { unlinked };
}

/** Forgets what links that were taken away have counted for a subscription: its next period begins, or it has ended. */
export function forgetUnlinked({ unlinked = [], ...pool }: Pool, subscription: number): Pool {
  return { ...pool, ...unlinkedOf(unlinked.filter((link) => link.subscription !== subscription)) };
}

/** What a subscription's reservations hold in a pool: it may have been drawn from before it was linked. */
function heldFor(draft: Draft, subscription: number, pool: number): E4 {
  let sumE4 = 0n;
  for (const hold of draft.holds.values())
    if (hold.status === "HELD" && hold.subscription === subscription)
      for (const held of hold.credits ?? []) if (held.pool === pool) sumE4 += held.amountE4;
  return sumE4;
}

/** Ends a link, whose count goes on. None there: nothing changes. Refuses `state_conflict` for an ARCHIVED pool. */
export function decideUnlink(draft: Draft, pool: Pool, subscription: number, nowMs: number): Reply<Pool> {
  const there = currentPool(draft, pool);
  if (there.status === "ARCHIVED") return closedPool(there);
  const link = linkTo(there, subscription);
  if (link === undefined) return { ok: true, value: there };
  const links = there.links.filter((other) => other !== link);
  const unlinked = [...(there.unlinked ?? []), link];
  return { ok: true, value: draft.pools.put({ ...there, links, unlinked, modifiedAtMs: nowMs }) };
}

/** Nothing more is drawn, held, granted, deducted or voided by hand; expiry goes on. Freezing a frozen pool changes nothing. */
export function decideFreeze(draft: Draft, pool: Pool, nowMs: number): Reply<Pool> {
  return turn(draft, pool, "FROZEN", nowMs);
}

/** Takes a freeze back. An ACTIVE pool stays as it is. */
export function decideUnfreeze(draft: Draft, pool: Pool, nowMs: number): Reply<Pool> {
  return turn(draft, pool, "ACTIVE", nowMs);
}

function turn(draft: Draft, pool: Pool, status: "ACTIVE" | "FROZEN", nowMs: number): Reply<Pool> {
  const there = currentPool(draft, pool);
  if (there.status === "ARCHIVED") return closedPool(there);
  if (there.status === status) return { ok: true, value: there };
  draft.pools.put({ ...there, status });
  post(draft, there.number, { type: status === "FROZEN" ? "FREEZE" : "UNFREEZE", amountE4: 0n, atMs: nowMs });
  return { ok: true, value: poolOf(draft, there.number) };
}

/** Closes a pool for ever, with what is in it. Refuses `state_conflict` while a reservation holds credits of it. */
export function decideArchive(draft: Draft, pool: Pool, nowMs: number): Reply<Pool> {
  const there = currentPool(draft, pool);
  if (there.status === "ARCHIVED") return { ok: true, value: there };
  if (there.heldE4 > 0n)
    return {
      ok: false,
      code: "state_conflict",
      why: "Reservations hold credits of this pool: commit or release them, or wait until they lapse.",
    };
  return { ok: true, value: draft.pools.put({ ...there, status: "ARCHIVED", modifiedAtMs: nowMs }) };
}
