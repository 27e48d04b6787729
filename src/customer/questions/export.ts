import { exportRecord } from "../../domain/export-record.ts";
import { EXPORT_CHARS_MAX, EXPORT_ROWS_MAX } from "../../domain/limits.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { ExportPage, ExportReply } from "../calls.ts";
import { EXPORTED_TABLES, type ExportedTable } from "../export-tables.ts";
import type { Customer } from "../image.ts";
import { unknownCustomer } from "./check.ts";

/**
 * A page of everything the object holds of its customer, as lines of JSON, table by table, each in the order of its key. What is
 * written between two pages is in a later one, or was in none yet: no row is told twice but one that changed its key, and none does.
 */
export function exportPage(customer: Customer, { table = 0, after = [] }: ExportPage): Reply<ExportReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const exported = EXPORTED_TABLES[table];
  if (exported === undefined) return { ok: true, value: { text: "", records: 0 } };
  const { tag } = customer.image.owner;
  let text = "";
  let records = 0;
  for (const row of rowsBehind(customer.sql, exported, after)) {
    const last = exported.key.map((column) => row[column] as string | number);
    const shown = Object.fromEntries(Object.entries(row).filter(([column]) => !exported.without?.includes(column)));
    text += `${JSON.stringify(exportRecord(tag, exported.record, shown, exported.kind))}\n`;
    records += 1;
    if (records === EXPORT_ROWS_MAX || text.length >= EXPORT_CHARS_MAX)
      return { ok: true, value: { text, records, next: { table, after: last } } };
  }
  const next = table + 1 < EXPORTED_TABLES.length ? { next: { table: table + 1 } } : {};
  return { ok: true, value: { text, records, ...next } };
}

/** Read as they are walked. */
function rowsBehind(
  sql: SqlStorage,
  { table, key }: ExportedTable,
  after: readonly (string | number)[],
): Iterable<Record<string, SqlStorageValue>> {
  const columns = key.join(", ");
  const behind = after.length === 0 ? "" : `WHERE (${columns}) > (${key.map(() => "?").join(", ")})`;
  return sql.exec(`SELECT * FROM ${table} ${behind} ORDER BY ${columns}`, ...after);
}
