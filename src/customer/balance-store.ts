import type { BalanceEntry } from "../domain/book.ts";
import { failedPayoutReference } from "../domain/given-back.ts";

/** SQL of the customer's money balance: an append-only ledger, whose newest entry of a currency has its balance. */

type Row = {
  number: number;
  currency: string;
  amount_minor: number;
  balance_minor: number;
  kind: string;
  invoice: number | null;
  reference: string | null;
  key: string | null;
  at_ms: number;
};

const COLUMNS = "number, currency, amount_minor, balance_minor, kind, invoice, reference, key, at_ms";

/** Runs a query over the entries with the given tail. */
function readEntries(sql: SqlStorage, tail: string, ...bound: (string | number)[]): BalanceEntry[] {
  return sql
    .exec<Row>(`SELECT ${COLUMNS} FROM balance_entries ${tail}`, ...bound)
    .toArray()
    .map((row) => ({
      number: row.number,
      currency: row.currency,
      amountMinor: row.amount_minor,
      balanceMinor: row.balance_minor,
      // Only its own writer writes this column.
      kind: row.kind as BalanceEntry["kind"],
      ...(row.invoice === null ? {} : { invoice: row.invoice }),
      ...(row.reference === null ? {} : { reference: row.reference }),
      ...(row.key === null ? {} : { key: row.key }),
      atMs: row.at_ms,
    }));
}

/** The whole ledger, currency by currency, in order. */
export function allBalanceEntries(sql: SqlStorage): BalanceEntry[] {
  return readEntries(sql, "ORDER BY currency, number");
}

/** A page of the ledger, newest first. */
export function balanceEntryPage(
  sql: SqlStorage,
  page: { limit: number; offset: number },
): { items: BalanceEntry[]; total: number } {
  return {
    total: sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM balance_entries").one().n,
    items: readEntries(sql, "ORDER BY number DESC LIMIT ? OFFSET ?", page.limit, page.offset),
  };
}

/** The ledger behind an entry, or from the newest one on, newest first. */
export function balanceEntriesBefore(sql: SqlStorage, before: number | undefined, limit: number): BalanceEntry[] {
  return readEntries(sql, "WHERE number < ? ORDER BY number DESC LIMIT ?", before ?? Number.MAX_SAFE_INTEGER, limit);
}

/** The entry that was made under the caller's own key. */
export function balanceEntryByKey(sql: SqlStorage, key: string): BalanceEntry | undefined {
  return readEntries(sql, "WHERE key = ?", key)[0];
}

/** The entry by which the balance has again what a payout, by a refund that failed, did not give. */
export function payoutReturnedBy(sql: SqlStorage, refundId: string): BalanceEntry | undefined {
  return readEntries(sql, "WHERE kind = 'PAYOUT' AND reference = ?", failedPayoutReference(refundId))[0];
}

/** What an invoice took from the balance, and brought into it, in order. */
export function balanceEntriesOf(sql: SqlStorage, invoice: number): BalanceEntry[] {
  return readEntries(sql, "WHERE invoice = ? ORDER BY number", invoice);
}

/** The balance of each currency there ever was one of: minor units. */
export function readBalances(sql: SqlStorage): Map<string, number> {
  const rows = sql
    .exec<{ currency: string; balance_minor: number }>(
      `SELECT currency, balance_minor FROM balance_entries
       WHERE number IN (SELECT MAX(number) FROM balance_entries GROUP BY currency)`,
    )
    .toArray();
  return new Map(rows.map((row) => [row.currency, row.balance_minor]));
}

export function insertBalanceEntry(sql: SqlStorage, entry: BalanceEntry): void {
  sql.exec(
    `INSERT INTO balance_entries (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    entry.number,
    entry.currency,
    entry.amountMinor,
    entry.balanceMinor,
    entry.kind,
    entry.invoice ?? null,
    entry.reference ?? null,
    entry.key ?? null,
    entry.atMs,
  );
}
