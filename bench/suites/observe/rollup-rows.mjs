import { askDatabase } from "../../harness/world.mjs";

/** Rows written straight into the engine's D1, where filling it through the API would take longer than what is measured. */

export const ROLLUP_COLUMNS = [
  "account_id, bucket_start_ms, span_ms, customer_id, feature_id, provider, model, currency, events, cost_unknown_events",
  "input_tokens, output_tokens, usage_hi, usage_mid, usage_lo, cost_hi, cost_mid, cost_lo, revenue_hi, revenue_mid",
  "revenue_lo, rev",
]
  .join(", ")
  .split(", ");

/** Each row an array of values in the order of `columns`. */
export async function insertRows(world, table, columns, rows) {
  const picked = columns.map((_, column) => `value ->> ${column}`).join(", ");
  const sql = `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${picked} FROM json_each(?)`;
  await askDatabase(world, [{ sql, values: [JSON.stringify(rows)] }]);
}
