import { applyDraft } from "../../src/customer/book-store.ts";
import { E12_ONE } from "../../src/domain/amount.ts";
import { type Draft, openDraft } from "../../src/domain/book.ts";
import type { AppliedWeight, CreditEntry, E4, Grant, Pool } from "../../src/domain/credit.ts";
import type { CreditPast } from "../../src/domain/credit-ledger.ts";
import { drawOrdersOf } from "../../src/domain/draw-order.ts";
import { decideGrant, type GrantSpec } from "../../src/domain/grants.ts";
import { assertDraft } from "../../src/domain/laws.ts";
import { auditPool, heldCredits } from "../../src/domain/pool-books.ts";
import { makePool, type PoolSpec } from "../../src/domain/pools.ts";
import type { Reply } from "../../src/domain/refusal.ts";
import type { Hold } from "../../src/domain/usage.ts";
import { emptyBook } from "./book.ts";

/** Credits of one customer without an object: the book in memory, and everything that ever left it. */

/** What must be so for whoever decided: the value, or a failure of the test. */
export function granted<T>(reply: Reply<T>): T {
  if (!reply.ok) throw new Error(`refused: ${reply.code}`);
  return reply.value;
}

/** Credits and units as people write them. */
export const credits = (amount: number): E4 => BigInt(Math.round(amount * 10_000));
export const units = (amount: number): bigint => BigInt(Math.round(amount * 1e6)) * 10n ** 6n;
export const weighing = (creditsPerUnit: number): AppliedWeight => ({
  creditsPerUnitE12: units(creditsPerUnit),
  match: "FEATURE_DEFAULT",
});
export const ONE_EACH: AppliedWeight = { creditsPerUnitE12: E12_ONE, match: "NONE" };

export function creditBook() {
  const book = emptyBook();
  const pools = new Map<number, Pool>();
  const grants = new Map<number, Grant>();
  const holds = new Map<number, Hold>();
  const entries: CreditEntry[] = [];
  const ends = new Map<number, number | undefined>();
  let draft: Draft = openDraft(book);
  const past: CreditPast = {
    grant: (number) => grants.get(number),
    grantWithKey: (pool, key) => [...grants.values()].find((grant) => grant.pool === pool && grant.key === key),
    deductionWithKey: (pool, key) => entries.find((entry) => entry.pool === pool && entry.key === key),
    reversalsOf: (number) => entries.filter(({ reverses }) => reverses === number),
  };
  const pool = (number: number): Pool => found(draft.pools.get(number) ?? pools.get(number));
  const grant = (number: number): Grant => found(draft.grants.get(number) ?? grants.get(number));
  return {
    book,
    past,
    pool,
    grant,
    draft: () => draft,
    hold: (number: number): Hold => found(draft.holds.get(number) ?? holds.get(number)),
    /** Every entry there ever was. */
    entries: (): CreditEntry[] => [...entries, ...draft.creditEntries],
    /** Holds what was written against the laws, as every commit does. */
    check: () => assertDraft(book, draft),
    /** Keeps what was written, and begins anew over it. */
    commit() {
      assertDraft(book, draft);
      for (const [number, written] of draft.pools.written) pools.set(number, written);
      for (const [number, written] of draft.grants.written) grants.set(number, written);
      for (const [number, written] of draft.holds.written) holds.set(number, written);
      for (const number of book.subscriptions.keys()) ends.set(number, undefined);
      for (const [number, { endedAtMs }] of draft.subscriptions.written) ends.set(number, endedAtMs);
      entries.push(...draft.creditEntries);
      applyDraft(book, draft);
      draft = openDraft(book);
    },
    /** The laws of the books that what was committed breaks. */
    brokenLaws() {
      const held = heldCredits(holds.values());
      return [...pools.values()].flatMap((one) => {
        const ledger = entries.filter(({ pool }) => pool === one.number);
        const facts = { heldE4: held.ofGrants, linksHeldE4: held.ofLinks(one.number), ends };
        const audit = auditPool(one, { ...facts, entryCount: ledger.length, ledger: () => ledger });
        for (const entry of ledger) {
          const reversedFor = ledger.find(({ number }) => number === entry.reverses)?.subscription;
          audit.entry(entry, reversedFor === undefined ? {} : { reversedFor });
        }
        for (const each of grants.values()) if (each.pool === one.number) audit.grant(each);
        return audit.verdicts().filter(({ holds }) => !holds);
      });
    },
    /** What an object that was evicted would read back. */
    reloaded() {
      const live = new Map([...pools].filter(([, { status }]) => status !== "ARCHIVED"));
      const open = new Map([...grants].filter(([, one]) => one.remainingE4 > 0n && live.has(one.pool)));
      return { pools: live, grants: open, drawOrders: drawOrdersOf(open.values()) };
    },
    makePool: (spec: Partial<PoolSpec> = {}): number =>
      makePool(draft, { name: "Pool", denomination: "AI", hardLimit: true, rolloverPolicy: "NONE", ...spec }, 0).number,
    give: (number: number, amount: number, spec: Partial<GrantSpec> = {}, nowMs = 0): number =>
      granted(
        decideGrant(
          draft,
          { pool: pool(number), spec: { type: "MANUAL", amountE4: credits(amount), ...spec }, past },
          nowMs,
        ),
      ).grant.number,
    /** A reservation of the units of a feature, with these credits. */
    reserve(held: Pick<Hold, "subscription" | "credits">, expiresAtMs = 60_000): number {
      draft.last.hold += 1;
      const base = { number: draft.last.hold, featureId: "f", featureKey: "f", unitsE12: 0n, createdAtMs: 0 };
      return draft.holds.put({ ...base, ...held, status: "HELD", expiresAtMs }).number;
    },
    end(number: number, status: "RELEASED" | "LAPSED" | "COMMITTED"): Hold {
      const hold = found(draft.holds.get(number));
      draft.holds.put({ ...hold, status });
      return hold;
    },
  };
}

function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error("there is no such thing in the test");
  return thing;
}
