import type { Draft } from "../domain/book.ts";
import type { CreditEntry, E4, Grant, Pool } from "../domain/credit.ts";
import type { CreditPast } from "../domain/credit-ledger.ts";
import { type DrawOrder, drawOrdersOf } from "../domain/draw-order.ts";
import { fromJsonText, jsonText } from "../domain/json-text.ts";
import { bodies } from "./bodies.ts";
import { overwrite, type Row, writeOver } from "./rows.ts";

/**
 * SQL of credits: rows in, rows out, nothing decided. Pools that are not archived and grants that have anything left are in memory;
 * archived pools, emptied grants and the ledger are in these tables alone, for ever.
 */

/** The credits of the book, read by indexes that hold nothing else. */
export function loadCredits(sql: SqlStorage): {
  pools: Map<number, Pool>;
  grants: Map<number, Grant>;
  drawOrders: Map<number, DrawOrder>;
} {
  const pools = bodies<Pool>(sql, "SELECT body FROM credit_pools WHERE status <> 'ARCHIVED' ORDER BY number");
  const grants = pools.flatMap(({ number }) =>
    bodies<Grant>(sql, "SELECT body FROM credit_grants WHERE pool = ? AND is_open = 1 ORDER BY number", number),
  );
  return {
    pools: new Map(pools.map((one) => [one.number, one])),
    grants: new Map(grants.map((one) => [one.number, one])),
    drawOrders: drawOrdersOf(grants),
  };
}

export const POOLS = overwrite(
  { into: "credit_pools (number, status, entries, body)", width: 4 },
  `ON CONFLICT DO UPDATE SET status = excluded.status, entries = credit_pools.entries + excluded.entries,
     body = excluded.body`,
);

/** `entriesAdded`: how many its ledger has got since the row was last written. */
export function poolRow(pool: Pool, entriesAdded: number): Row {
  return [pool.number, pool.status, entriesAdded, jsonText(pool)];
}

export const GRANTS = overwrite(
  { into: "credit_grants (number, pool, is_open, key, body)", width: 5 },
  "ON CONFLICT (number) DO UPDATE SET is_open = excluded.is_open, body = excluded.body",
);

export function grantRow(grant: Grant): Row {
  return [grant.number, grant.pool, grant.remainingE4 > 0n ? 1 : 0, grant.key ?? null, jsonText(grant)];
}

/** How many entries a draft adds to a pool's ledger. */
export function entriesAdded({ creditEntries }: Draft, pool: number): number {
  return creditEntries.filter((entry) => entry.pool === pool).length;
}

/** Writes pools and grants as a draft left them. */
export function writeCredits(sql: SqlStorage, draft: Draft): void {
  const pools = [...draft.pools.written.values()];
  writeOver(
    sql,
    POOLS,
    pools.map((pool) => poolRow(pool, entriesAdded(draft, pool.number))),
  );
  writeOver(sql, GRANTS, [...draft.grants.written.values()].map(grantRow));
}

/** Puts an entry behind those that are there. A number that is taken breaks the primary key: the ledger is never written over. */
export function insertEntry(sql: SqlStorage, entry: CreditEntry): void {
  sql.exec(
    "INSERT INTO credit_entries (number, pool, type, at_ms, key, reverses, event_seq, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    entry.number,
    entry.pool,
    entry.type,
    entry.atMs,
    entry.key ?? null,
    entry.reverses ?? null,
    entry.eventSeq ?? null,
    jsonText(entry),
  );
}

/** What left the book, for decisions that look back. */
export function creditPast(sql: SqlStorage): CreditPast {
  return {
    grant: (number) => readGrant(sql, number),
    grantWithKey: (pool, key) =>
      bodies<Grant>(sql, "SELECT body FROM credit_grants WHERE pool = ? AND key = ?", pool, key)[0],
    deductionWithKey: (pool, key) =>
      bodies<CreditEntry>(sql, "SELECT body FROM credit_entries WHERE pool = ? AND key = ?", pool, key)[0],
    reversalsOf: (entry) =>
      bodies<CreditEntry>(sql, "SELECT body FROM credit_entries WHERE reverses = ? ORDER BY number", entry),
  };
}

/** A pool, archived or not. */
export function readPool(sql: SqlStorage, number: number): Pool | undefined {
  return bodies<Pool>(sql, "SELECT body FROM credit_pools WHERE number = ?", number)[0];
}

/** All pools there ever were, oldest first. */
export function readPools(sql: SqlStorage): Pool[] {
  return bodies<Pool>(sql, "SELECT body FROM credit_pools ORDER BY number");
}

export function readGrant(sql: SqlStorage, number: number): Grant | undefined {
  return bodies<Grant>(sql, "SELECT body FROM credit_grants WHERE number = ?", number)[0];
}

export function readEntry(sql: SqlStorage, number: number): CreditEntry | undefined {
  return bodies<CreditEntry>(sql, "SELECT body FROM credit_entries WHERE number = ?", number)[0];
}

/** A page of a pool's grants, oldest first. */
export function readGrants(
  sql: SqlStorage,
  pool: number,
  page: { limit: number; offset: number },
): { items: Grant[]; total: number } {
  return {
    total: sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM credit_grants WHERE pool = ?", pool).one().n,
    items: bodies<Grant>(
      sql,
      "SELECT body FROM credit_grants WHERE pool = ? ORDER BY number LIMIT ? OFFSET ?",
      pool,
      page.limit,
      page.offset,
    ),
  };
}

/** A page of a pool's ledger, newest first. */
export function readEntries(
  sql: SqlStorage,
  pool: number,
  page: { limit: number; offset: number },
): { items: CreditEntry[]; total: number } {
  return {
    total: entryCountOf(sql, pool),
    items: bodies<CreditEntry>(
      sql,
      "SELECT body FROM credit_entries WHERE pool = ? ORDER BY at_ms DESC, number DESC LIMIT ? OFFSET ?",
      pool,
      page.limit,
      page.offset,
    ),
  };
}

/** A pool's ledger behind an entry, or from its newest one on, newest first. */
export function entriesBefore(
  sql: SqlStorage,
  pool: number,
  { before, limit }: { before: CreditEntry | undefined; limit: number },
): CreditEntry[] {
  return bodies<CreditEntry>(
    sql,
    "SELECT body FROM credit_entries WHERE pool = ? AND (at_ms, number) < (?, ?) ORDER BY at_ms DESC, number DESC LIMIT ?",
    pool,
    before?.atMs ?? Number.MAX_SAFE_INTEGER,
    before?.number ?? Number.MAX_SAFE_INTEGER,
    limit,
  );
}

/** What the ledgers of all pools say of an event or a correction, in order. */
export function entriesOfEvent(sql: SqlStorage, seq: number): CreditEntry[] {
  return bodies<CreditEntry>(sql, "SELECT body FROM credit_entries WHERE event_seq = ? ORDER BY number", seq);
}

/** The last entry of a pool's ledger that was written at or before an instant, as JSON text; undefined: it began later. */
export function entryTextAt(sql: SqlStorage, pool: number, atMs: number): string | undefined {
  const [found] = sql
    .exec<{ body: string }>(
      "SELECT body FROM credit_entries WHERE pool = ? AND at_ms <= ? ORDER BY at_ms DESC, number DESC LIMIT 1",
      pool,
      atMs,
    )
    .toArray();
  return found?.body;
}

/** A pool's ledger behind an entry, or from an instant on (`number` 0), oldest first; read as it is walked. */
export function* entriesBehind(
  sql: SqlStorage,
  pool: number,
  after: { atMs: number; number: number },
): Iterable<CreditEntry> {
  const rows = sql.exec<{ body: string }>(
    "SELECT body FROM credit_entries WHERE pool = ? AND (at_ms, number) > (?, ?) ORDER BY at_ms, number",
    pool,
    after.atMs,
    after.number,
  );
  for (const { body } of rows) yield fromJsonText<CreditEntry>(body);
}

/** How many entries were written to a pool's ledger; none where there is no such pool. */
export function entryCountOf(sql: SqlStorage, pool: number): number {
  const [counted] = sql.exec<{ n: number }>("SELECT entries AS n FROM credit_pools WHERE number = ?", pool).toArray();
  return counted?.n ?? 0;
}

/**
 * What was consumed of a pool after an instant: what it had then, and what came and went otherwise, less what it has. So the
 * deductions, which are most of a ledger, need not be read.
 */
export function consumedSince(sql: SqlStorage, { number, balanceE4 }: Pool, afterMs: number): E4 {
  const others = bodies<CreditEntry>(
    sql,
    "SELECT body FROM credit_entries WHERE pool = ? AND at_ms > ? AND type <> 'DEDUCTION'",
    number,
    afterMs,
  );
  const before = entryTextAt(sql, number, afterMs);
  const beforeE4 = before === undefined ? 0n : fromJsonText<CreditEntry>(before).balanceAfterE4;
  return others.reduce((sum, { amountE4 }) => sum + amountE4, beforeE4) - balanceE4;
}
