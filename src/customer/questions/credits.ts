import type { E4, Grant, Pool } from "../../domain/credit.ts";
import {
  type EntryView,
  entryViewOf,
  type GrantStep,
  type GrantView,
  grantViewOf,
  type PoolView,
  poolViewOf,
} from "../../domain/credit-views.ts";
import { sharesOf } from "../../domain/grant-books.ts";
import { customerThingId } from "../../domain/ids.ts";
import { EXPLAIN_ENTRIES_MAX } from "../../domain/limits.ts";
import { invalid, type Reply } from "../../domain/refusal.ts";
import type { ExplainPage, ExplainReply, GrantReply, LedgerPage, PageReply, PoolReply } from "../calls.ts";
import {
  entriesBefore,
  entriesBehind,
  entryTextAt,
  readEntries,
  readEntry,
  readGrant,
  readGrants,
  readPool,
  readPools,
} from "../credit-store.ts";
import { notFound } from "../decide.ts";
import type { Customer } from "../image.ts";
import { numberOf } from "./billing.ts";
import { unknownCustomer } from "./check.ts";

/** Credits as the customer's object tells of them: open pools and grants from memory, the rest and the ledger from its tables. */

type Page = { limit: number; offset: number };

/** A pool of this customer, archived or not. */
export function poolOf(customer: Customer, id: string): Reply<Pool> {
  const number = numberOf(customer, "creditPool", id);
  const found =
    number === undefined ? undefined : (customer.image.book.pools.get(number) ?? readPool(customer.sql, number));
  return found === undefined ? notFound("credit pool", id) : { ok: true, value: found };
}

/** The pool that a grant or an entry names. */
export function poolAt({ image, sql }: Customer, number: number): Pool {
  const pool = image.book.pools.get(number) ?? readPool(sql, number);
  if (pool === undefined) throw new Error("invariant broken: grants and entries belong to a pool");
  return pool;
}

/** A grant of this customer, emptied or not. */
export function grantOf(customer: Customer, id: string): Reply<Grant> {
  const number = numberOf(customer, "creditGrant", id);
  const found =
    number === undefined ? undefined : (customer.image.book.grants.get(number) ?? readGrant(customer.sql, number));
  return found === undefined ? notFound("credit grant", id) : { ok: true, value: found };
}

/** All pools there ever were, newest first. */
export function allPools({ image, sql }: Customer): PoolView[] {
  const { book, owner } = image;
  // Who never archived a pool needs no table.
  const all = book.pools.size === book.last.pool ? [...book.pools.values()] : readPools(sql);
  return all.sort((a, b) => b.number - a.number).map((pool) => poolViewOf(owner.tag, pool));
}

/** A page of all pools, newest first. */
export function poolPage(customer: Customer, { limit, offset }: Page): Reply<PageReply<PoolView>> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const pools = allPools(customer);
  return { ok: true, value: { items: pools.slice(offset, offset + limit), total: pools.length } };
}

export function poolQuestion(customer: Customer, id: string, nowMs: number): Reply<PoolReply> {
  const found = poolOf(customer, id);
  if (!found.ok) return found;
  return { ok: true, value: { pool: poolViewOf(customer.image.owner.tag, found.value), asOfMs: nowMs } };
}

export function grantQuestion(customer: Customer, id: string): Reply<GrantReply> {
  const found = grantOf(customer, id);
  if (!found.ok) return found;
  return { ok: true, value: { grant: grantViewOf(customer.image.owner.tag, found.value), isRepeat: false } };
}

/** A page of a pool's grants, oldest first. */
export function poolGrants(customer: Customer, id: string, page: Page): Reply<PageReply<GrantView>> {
  const found = poolOf(customer, id);
  if (!found.ok) return found;
  const { items, total } = readGrants(customer.sql, found.value.number, page);
  return { ok: true, value: { items: items.map((one) => grantViewOf(customer.image.owner.tag, one)), total } };
}

/** A page of a pool's ledger, newest first. */
export function poolEntries(customer: Customer, id: string, page: Page): Reply<PageReply<EntryView>> {
  const found = poolOf(customer, id);
  if (!found.ok) return found;
  const { items, total } = readEntries(customer.sql, found.value.number, page);
  return { ok: true, value: { items: items.map((one) => entryViewOf(customer.image.owner.tag, one)), total } };
}

/** A pool's ledger behind an entry, newest first: for whoever goes through all of it. */
export function poolEntriesBehind(
  customer: Customer,
  id: string,
  { after, limit }: LedgerPage,
): Reply<{ items: EntryView[] }> {
  const found = poolOf(customer, id);
  if (!found.ok) return found;
  const number = after === undefined ? undefined : numberOf(customer, "creditEntry", after);
  const before = number === undefined ? undefined : readEntry(customer.sql, number);
  if (after !== undefined && before === undefined) return notFound("credit transaction", after);
  const entries = entriesBefore(customer.sql, found.value.number, { before, limit });
  return { ok: true, value: { items: entries.map((entry) => entryViewOf(customer.image.owner.tag, entry)) } };
}

/**
 * What a pool had at an instant: what its last entry until then left, told as it is stored; empty where the ledger begins later.
 * Whatever expired until now was settled before, at its own instant, so nobody has to have looked then. Refuses `invalid` for the
 * future.
 */
export function balanceAt(
  customer: Customer,
  { id, atMs = Number.POSITIVE_INFINITY }: { id: string; atMs: number | undefined },
  nowMs: number,
): Reply<{ atMs: number; entryText: string }> {
  const found = poolOf(customer, id);
  if (!found.ok) return found;
  if (atMs !== Number.POSITIVE_INFINITY && atMs > nowMs) return invalid("at", "must not be in the future");
  const askedMs = Math.min(atMs, nowMs);
  const entryText = entryTextAt(customer.sql, found.value.number, askedMs) ?? "";
  return { ok: true, value: { atMs: askedMs, entryText } };
}

/**
 * What happened to each grant of a page, in order. The ledger is read from the first of these grants on, so far as one call may. What
 * a grant had left after a step is told where the ledger is read from its beginning, or goes on from what an answer before said.
 */
export function explainPool(customer: Customer, id: string, page: ExplainPage): Reply<ExplainReply> {
  const found = poolOf(customer, id);
  if (!found.ok) return found;
  const pool = found.value;
  const { sql, image } = customer;
  const { tag } = image.owner;
  const { items: grants, total } = readGrants(sql, pool.number, page);
  const behind = page.afterEntry === undefined ? undefined : numberOf(customer, "creditEntry", page.afterEntry);
  const after = behind === undefined ? undefined : readEntry(sql, behind);
  if (page.afterEntry !== undefined && after?.pool !== pool.number)
    return notFound("credit transaction", page.afterEntry);
  // Grants that were made since the answer before had nothing then.
  const leftAt = (index: number): E4 | undefined =>
    after === undefined ? 0n : page.leftE4 === undefined ? undefined : (page.leftE4[index] ?? 0n);
  const steps = new Map<number, { leftE4: E4 | undefined; steps: GrantStep[] }>(
    grants.map(({ number }, index) => [number, { leftE4: leftAt(index), steps: [] }]),
  );
  const [oldest] = grants;
  const from = after ?? (oldest === undefined ? undefined : { atMs: oldest.createdAtMs, number: 0 });
  let read = 0;
  let last: number | undefined;
  let hasMore = false;
  for (const entry of from === undefined ? [] : entriesBehind(sql, pool.number, from)) {
    hasMore = read === EXPLAIN_ENTRIES_MAX;
    if (hasMore) break;
    read += 1;
    last = entry.number;
    for (const { grant, amountE4 } of sharesOf(entry)) {
      const told = steps.get(grant);
      if (told === undefined) continue;
      if (told.leftE4 !== undefined) told.leftE4 += amountE4;
      const left = told.leftE4 === undefined ? {} : { remainingE4: told.leftE4 };
      told.steps.push({ entry: entryViewOf(tag, entry), amountE4, ...left });
    }
  }
  const nextLeftE4 = [...steps.values()].flatMap(({ leftE4 }) => leftE4 ?? []);
  return {
    ok: true,
    value: {
      pool: poolViewOf(tag, pool),
      items: grants.map((grant) => ({ grant: grantViewOf(tag, grant), steps: steps.get(grant.number)?.steps ?? [] })),
      total,
      ...(hasMore && last !== undefined
        ? {
            nextEntry: customerThingId(tag, "creditEntry", last),
            ...(nextLeftE4.length === grants.length ? { nextLeftE4 } : {}),
          }
        : {}),
    },
  };
}
