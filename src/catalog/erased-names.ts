import { type Named, type NameKind, nameDigest } from "../domain/customer.ts";

/**
 * Names of customers who were erased, as digests: what keeps a name from being given to another. The rows are written by what the
 * customer's object sends, in the batch that takes the name out of the directory.
 */

/** The names by which something calls a customer, by kind. */
export function namesOf({ referenceId, stripeCustomerId, customerId }: Named): (readonly [NameKind, string])[] {
  return [
    ...(referenceId === undefined ? [] : [["reference", referenceId] as const]),
    ...(stripeCustomerId === undefined ? [] : [["stripe", stripeCustomerId] as const]),
    ...(customerId === undefined ? [] : [["id", customerId.toLowerCase()] as const]),
  ];
}

/** Digests, as a JSON text of `[kind, value, digest]`, of names that are looked for: which of them were erased is SQL's to say. */
export function withDigests(accountId: string, names: Iterable<readonly [NameKind, string]>): string {
  return JSON.stringify([...names].map(([kind, value]) => [kind, value, nameDigest(accountId, kind, value)]));
}

/** The names that the directory has of a customer now, whatever an isolate remembers. */
export async function directoryNames(
  database: D1Database,
  accountId: string,
  customerId: string,
): Promise<(readonly [NameKind, string])[]> {
  const { results } = await database
    .prepare("SELECT kind, value FROM customer_identities WHERE account_id = ? AND customer_id = ?")
    .bind(accountId, customerId)
    .all<{ kind: "reference" | "stripe"; value: string }>();
  return results.map(({ kind, value }) => [kind, value] as const);
}

/** The customer, erased by now, who had this name; of any kind. */
export async function erasedCustomer(
  database: D1Database,
  accountId: string,
  name: string,
): Promise<string | undefined> {
  const digests = (["reference", "stripe"] as const).map((kind) => nameDigest(accountId, kind, name));
  digests.push(nameDigest(accountId, "id", name.toLowerCase()));
  const row = await database
    .prepare(
      "SELECT customer_id FROM erased_names WHERE account_id = ?1 AND digest IN (SELECT value FROM json_each(?2)) LIMIT 1",
    )
    .bind(accountId, JSON.stringify(digests))
    .first<{ customer_id: string }>();
  return row?.customer_id;
}
