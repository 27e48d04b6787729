import { type Erased, erasedProfile, type Profile } from "../domain/customer.ts";
import { ERASE_ROWS_MAX } from "../domain/limits.ts";

/**
 * SQL that takes what is personal out of the customer's tables. Goes: who the customer is, in the profile and on invoices; whatever
 * callers wrote as they liked (meta, keys, descriptions, references, reasons). Stays, under the customer's id alone: when, what and how
 * much, which is what books and tax records are made of.
 */

/** Takes it from everything but the long tables, in the caller's transaction. Returns what is left of the profile. */
export function eraseRows(sql: SqlStorage, profile: Profile | undefined, atMs: number): Profile {
  // Short keys stand there as they were sent, and no event comes any more.
  sql.exec("DELETE FROM event_keys");
  sql.exec("DELETE FROM requests");
  // An empty buyer is a frozen one: a later change of the invoice writes nobody into it.
  sql.exec("UPDATE invoices SET body = json_set(body, '$.buyer', json('{}')) WHERE body ->> '$.buyer' IS NOT NULL");
  sql.exec("UPDATE reservations SET key = NULL WHERE key IS NOT NULL");
  sql.exec("UPDATE balance_entries SET reference = NULL, key = NULL WHERE reference IS NOT NULL OR key IS NOT NULL");
  sql.exec(
    "UPDATE credit_pools SET body = json_remove(json_set(body, '$.name', body ->> '$.denomination'), '$.metadata')",
  );
  // At the provider they are somebody, too; a refund needs the payment's id alone, and nothing else is asked there any more.
  sql.exec("UPDATE state SET payer = NULL WHERE id = 1");
  sql.exec(
    "UPDATE payments SET body = json_remove(body, '$.url', '$.successUrl', '$.cancelUrl', '$.methodId', '$.declineReason')",
  );
  // Whoever opens a page sees whose it is; money that comes by it all the same finds its attempt by the page's id.
  sql.exec("UPDATE invoices SET body = json_remove(body, '$.page') WHERE body ->> '$.page' IS NOT NULL");
  sql.exec("UPDATE provider_events SET fact = NULL, waits_for = NULL WHERE fact IS NOT NULL");
  sql.exec("DELETE FROM outbox WHERE lane = 'stripe' AND kind IN ('profile', 'charge', 'page')");
  sql.exec("UPDATE credit_grants SET key = NULL, body = json_remove(body, '$.description', '$.metadata', '$.key')");
  // The directory may know somebody of whom nothing came to the object.
  const known: Profile = profile ?? { source: "EVENT_AUTO_CREATED", createdAtMs: atMs, modifiedAtMs: atMs };
  return erasedProfile(known, { atMs, throughNumber: 0 });
}

/** Takes it from the next page of events and of the credit ledger. Returns how far that is. */
export function erasePage(sql: SqlStorage, { throughNumber }: Erased): number {
  const through = throughNumber + ERASE_ROWS_MAX;
  sql.exec(
    `UPDATE events SET meta = NULL, key = 'erased-' || seq,
       detail = json_remove(detail, '$.flowId', '$.subscriptionId', '$.invoiceId', '$.entitlementId', '$.correction.reason')
     WHERE seq > ? AND seq <= ?`,
    throughNumber,
    through,
  );
  sql.exec(
    `UPDATE credit_entries SET key = NULL, body = json_remove(body, '$.description', '$.metadata', '$.key')
     WHERE number > ? AND number <= ?`,
    throughNumber,
    through,
  );
  return through;
}
