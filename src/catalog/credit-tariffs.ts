import { decimalToE12, formatE12 } from "../domain/amount.ts";
import type { TariffRow } from "../domain/credit-tariff.ts";
import type { Page } from "./page.ts";

/**
 * Weights and prices as they were published. Both tables hold rows of one shape under names of their own. Rows are only added, and
 * deleted while they are scheduled.
 */

export type TariffBook = "weights" | "prices";

type Names = { table: string; id: string; subject: string; variant: string; value: string };

const NAMES: Record<TariffBook, Names> = {
  weights: {
    table: "credit_weights",
    id: "weight_id",
    subject: "feature_id",
    variant: "model",
    value: "credits_per_unit",
  },
  prices: {
    table: "credit_prices",
    id: "price_id",
    subject: "denomination",
    variant: "currency",
    value: "price_per_credit",
  },
};

/** As the index of open rows has it: a row that nothing replaces yet is replaced later than at any instant. */
const REPLACED_AT = "IFNULL(replaced_at_ms, 9007199254740991)";

type Row = Omit<TariffRow, "value" | "replacedAtMs"> & { value: string; replacedAtMs: number | null };

function columns({ id, subject, variant, value }: Names): string {
  return `${id} AS rowId, ${subject} AS subject, ${variant} AS variant, ${value} AS value, asked_from_ms AS askedFromMs,
    effective_from_ms AS effectiveFromMs, replaced_at_ms AS replacedAtMs, created_by AS createdBy,
    created_at_ms AS createdAtMs`;
}

function rowFrom({ value, replacedAtMs, ...row }: Row): TariffRow {
  return { ...row, value: decimalToE12(value), ...(replacedAtMs === null ? {} : { replacedAtMs }) };
}

async function rowsWhere(
  database: D1Database,
  book: TariffBook,
  where: string,
  bound: readonly (string | number)[],
): Promise<TariffRow[]> {
  const names = NAMES[book];
  const { results } = await database
    .prepare(`SELECT ${columns(names)} FROM ${names.table} WHERE account_id = ?1 AND ${where}`)
    .bind(...bound)
    .all<Row>();
  return results.map(rowFrom);
}

/** Which rows: of one subject, or of one variant of it. */
export type TariffFilter = { subject?: string; variant?: string };

/** A page of a book, those that take effect last first. */
export async function tariffPage(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  { subject, variant }: TariffFilter,
  page: Page,
): Promise<{ items: TariffRow[]; total: number }> {
  const names = NAMES[book];
  const given = [
    [names.subject, subject],
    [names.variant, variant],
  ].flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
  const where = given.map(({ column }) => ` AND ${column} = ?`).join("");
  const bound = [accountId, ...given.map(({ value }) => value)];
  const [counted, rows] = await database.batch<unknown>([
    database.prepare(`SELECT COUNT(*) AS n FROM ${names.table} WHERE account_id = ?${where}`).bind(...bound),
    database
      .prepare(
        `SELECT ${columns(names)} FROM ${names.table} WHERE account_id = ?${where}
         ORDER BY effective_from_ms DESC, ${names.subject}, ${names.variant} LIMIT ? OFFSET ?`,
      )
      .bind(...bound, page.limit, page.offset),
  ]);
  return {
    items: ((rows?.results ?? []) as Row[]).map(rowFrom),
    total: ((counted?.results ?? []) as { n: number }[])[0]?.n ?? 0,
  };
}

/** The rows that are in force at an instant or take effect later. */
export function openTariffs(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  atMs: number,
): Promise<TariffRow[]> {
  return rowsWhere(database, book, `${REPLACED_AT} > ?2`, [accountId, atMs]);
}

/** The rows that take effect from one instant to another, both included. */
export function tariffsBetween(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  { firstMs, lastMs }: { firstMs: number; lastMs: number },
): Promise<TariffRow[]> {
  return rowsWhere(database, book, "effective_from_ms BETWEEN ?2 AND ?3", [accountId, firstMs, lastMs]);
}

export async function tariffOf(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  rowId: string,
): Promise<TariffRow | undefined> {
  return (await rowsWhere(database, book, `${NAMES[book].id} = ?2`, [accountId, rowId.toLowerCase()]))[0];
}

/** Writes a batch. A row of the same subject, variant and instant breaks the key and so the batch: the caller has looked. */
export function publishTariffs(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  rows: readonly TariffRow[],
): D1PreparedStatement[] {
  const { table, id, subject, variant, value } = NAMES[book];
  const texts = rows.map((row) => [
    row.rowId,
    row.subject,
    row.variant,
    formatE12(row.value),
    row.askedFromMs,
    row.effectiveFromMs,
    row.createdBy,
    row.createdAtMs,
  ]);
  return [
    database
      .prepare(
        `INSERT INTO ${table} (account_id, ${id}, ${subject}, ${variant}, ${value}, asked_from_ms, effective_from_ms,
           created_by, created_at_ms)
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
         FROM json_each(?2)`,
      )
      .bind(accountId, JSON.stringify(texts)),
    relink(database, accountId, book, rows),
  ];
}

/** Deletes a row that is still scheduled; the one before it stays in force. */
export function deleteTariff(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  row: TariffRow,
): D1PreparedStatement[] {
  const { table, id } = NAMES[book];
  return [
    database.prepare(`DELETE FROM ${table} WHERE account_id = ? AND ${id} = ?`).bind(accountId, row.rowId),
    relink(database, accountId, book, [row]),
  ];
}

/** Says anew of the open rows of these subjects and variants when each is replaced. A second run changes nothing. */
function relink(
  database: D1Database,
  accountId: string,
  book: TariffBook,
  rows: readonly TariffRow[],
): D1PreparedStatement {
  const { table, subject, variant } = NAMES[book];
  const pairs = JSON.stringify(rows.map((row) => [row.subject, row.variant]));
  // Whatever came before the batch was made has been replaced for good.
  const madeAtMs = Math.min(...rows.map(({ createdAtMs }) => createdAtMs));
  return database
    .prepare(
      `UPDATE ${table} AS t SET replaced_at_ms = (SELECT MIN(n.effective_from_ms) FROM ${table} n
         WHERE n.account_id = t.account_id AND n.${subject} = t.${subject} AND n.${variant} = t.${variant}
           AND n.effective_from_ms > t.effective_from_ms)
       WHERE t.account_id = ?1 AND ${REPLACED_AT} > ?3
         AND (t.${subject}, t.${variant}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))`,
    )
    .bind(accountId, pairs, madeAtMs);
}

/** Has the account any price? Then its currency stays. */
export async function hasPrices(database: D1Database, accountId: string): Promise<boolean> {
  const row = await database
    .prepare("SELECT EXISTS (SELECT 1 FROM credit_prices WHERE account_id = ?) AS found")
    .bind(accountId)
    .first<{ found: number }>();
  return row?.found === 1;
}
