/** Names for ids that sums stand under. Deleted features are among them: their sums are still told. */

export type FeatureName = { featureId: string; key: string; name: string; deleted: boolean };

/** All features that the account ever had, by id. */
export async function featureNames(database: D1Database, accountId: string): Promise<Map<string, FeatureName>> {
  const { results } = await database
    .prepare("SELECT feature_id, key, name, deleted_at_ms FROM features WHERE account_id = ?")
    .bind(accountId)
    .all<{ feature_id: string; key: string; name: string; deleted_at_ms: number | null }>();
  return new Map(
    results.map((row) => [
      row.feature_id,
      { featureId: row.feature_id, key: row.key, name: row.name, deleted: row.deleted_at_ms !== null },
    ]),
  );
}

/** The ids that a key has named, now or before it was deleted: what is filtered by a key means all of them. */
export async function featureIdsOfKey(database: D1Database, accountId: string, key: string): Promise<string[]> {
  const { results } = await database
    .prepare("SELECT feature_id FROM features WHERE account_id = ? AND key = ?")
    .bind(accountId, key)
    .all<{ feature_id: string }>();
  return results.map((row) => row.feature_id);
}

export type CustomerName = { customerId: string; referenceId?: string; email?: string; name: string };

type CustomerRow = {
  customer_id: string;
  reference_id: string | null;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
};

/** Customers by id. The name is first and last name, else the reference, else the id. */
export async function customerNames(
  database: D1Database,
  accountId: string,
  customerIds: readonly string[],
): Promise<Map<string, CustomerName>> {
  if (customerIds.length === 0) return new Map();
  const { results } = await database
    .prepare(
      `SELECT c.customer_id, c.reference_id, c.first_name, c.last_name, c.email
       FROM json_each(?2) asked CROSS JOIN customers c ON c.account_id = ?1 AND c.customer_id = asked.value`,
    )
    .bind(accountId, JSON.stringify(customerIds))
    .all<CustomerRow>();
  return new Map(results.map((row) => [row.customer_id, nameFromRow(row)]));
}

function nameFromRow(row: CustomerRow): CustomerName {
  const full = [row.first_name, row.last_name].filter((part) => part !== null && part !== "").join(" ");
  return {
    customerId: row.customer_id,
    name: full !== "" ? full : (row.reference_id ?? row.customer_id),
    ...(row.reference_id === null ? {} : { referenceId: row.reference_id }),
    ...(row.email === null ? {} : { email: row.email }),
  };
}

export type CustomerNameOrder = "customerName" | "customerReferenceId" | "email";

const NAME_ORDERS = {
  customerName: `CASE WHEN COALESCE(first_name, '') || COALESCE(last_name, '') <> ''
    THEN TRIM(COALESCE(first_name, '') || ' ' || COALESCE(last_name, '')) ELSE COALESCE(reference_id, customer_id) END`,
  customerReferenceId: "reference_id",
  email: "email",
} as const;

/**
 * The ids of customers whose reference, name or email contains `search` (any, when there is none), in the order of a name; those
 * without come last in either direction. Only ids, so that a hundred thousand customers fit.
 */
export async function findCustomerIds(
  database: D1Database,
  accountId: string,
  { search, order, descending }: { search?: string; order: CustomerNameOrder; descending: boolean },
): Promise<string[]> {
  const by = NAME_ORDERS[order];
  const { results } = await database
    .prepare(
      // INSTR and not LIKE: a caller's % and _ mean themselves, and D1 takes LIKE patterns of 50 bytes at most.
      `SELECT customer_id FROM customers WHERE account_id = ?1 AND (?2 = '' OR INSTR(LOWER(
           COALESCE(reference_id, '') || char(10) || COALESCE(first_name, '') || ' ' || COALESCE(last_name, '') || char(10)
           || COALESCE(email, '') || char(10) || COALESCE(stripe_customer_id, '') || char(10) || customer_id), LOWER(?2)) > 0)
       ORDER BY (${by}) IS NULL, ${by} COLLATE NOCASE ${descending ? "DESC" : "ASC"}, customer_id`,
    )
    .bind(accountId, search ?? "")
    .all<{ customer_id: string }>();
  return results.map((row) => row.customer_id);
}
