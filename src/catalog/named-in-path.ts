import { sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Uuid } from "../domain/ids.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { type Known, pathNames, remember } from "./directory.ts";
import { namesOf } from "./erased-names.ts";

/** The customer that a path names, asked for in one round trip with the key that came with it: what a cold check waits for. */

/**
 * Whom `ref` of a path names in the account of the key with this digest: for one batch with the key, where neither is
 * known. Joined as in the directory's own look-up, for the same reason. An erased customer is not found.
 */
export function namedQuery(db: DrizzleD1Database, digest: string, ref: string) {
  const named = JSON.stringify(namesOf(pathNames(ref)));
  const account = sql`(SELECT k.account_id FROM api_keys k WHERE k.digest = ${digest})`;
  const ids = sql`(SELECT i.customer_id FROM json_each(${named}) a CROSS JOIN customer_identities i
      ON i.account_id = ${account} AND i.kind = a.value ->> 0 AND i.value = a.value ->> 1
    UNION SELECT a.value ->> 1 FROM json_each(${named}) a WHERE a.value ->> 0 = 'id')`;
  // With names of their own: of two columns of one name a batch answers one.
  const nameOf = (kind: "reference" | "stripe") =>
    sql<string | null>`(SELECT n.value FROM customer_identities n WHERE n.account_id = c.account_id
      AND n.customer_id = c.customer_id AND n.kind = ${kind})`.as(kind);
  return db
    .select({
      customerId: sql<Uuid>`c.customer_id`,
      referenceId: nameOf("reference"),
      stripeCustomerId: nameOf("stripe"),
    })
    .from(sql`${ids} ids CROSS JOIN customers c ON c.account_id = ${account} AND c.customer_id = ids.customer_id`)
    .where(sql`c.erased_at_ms IS NULL`);
}

type NamedRow = { customerId: Uuid; referenceId: string | null; stripeCustomerId: string | null };

/** The customer among those that `namedQuery` found, remembered; undefined: `ref` names nobody. */
export function rememberNamed(accountId: string, ref: string, rows: readonly NamedRow[]): Known | undefined {
  const known = rows.map((row) => remember(accountId, withoutNulls(row)));
  return (
    known.find(({ referenceId }) => referenceId === ref) ??
    known.find(({ customerId }) => customerId === ref.toLowerCase()) ??
    known.find(({ stripeCustomerId }) => stripeCustomerId === ref)
  );
}
