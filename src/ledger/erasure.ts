import type { ErasedName } from "../domain/customer.ts";
import { idRange } from "../domain/ids.ts";

/**
 * What D1 erases of a customer whose object has done so: the directory's names, of which digests stay, so that none is ever given to
 * another; keys, events in the feed, remembered answers, and what entries of the audit trail quote. Copies are written anew by the
 * object. All of it may run again.
 */
export function erasureStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  { names, atMs }: { names: readonly ErasedName[]; atMs: number },
): D1PreparedStatement[] {
  const { from, to } = idRange(customerId);
  return [
    database
      .prepare(
        `INSERT INTO erased_names (account_id, customer_id, digest) SELECT ?1, ?2, value ->> 1 FROM json_each(?3) WHERE true
         ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, customerId, JSON.stringify(names)),
    // What the provider told of them, with their name and address in it; that it was told stays. Before the directory loses the name that
    // they have there: by it those are found that were none of ours, as the export finds them (`TOLD_OF_CUSTOMER`).
    database
      .prepare(
        `UPDATE webhook_events SET body = '{}' WHERE account_id = ?1 AND (customer_id = ?2 OR customer_id IS NULL AND (
           INSTR(body, ?2) > 0 OR EXISTS (SELECT 1 FROM customer_identities s WHERE s.account_id = ?1 AND s.customer_id = ?2
             AND s.kind = 'stripe' AND INSTR(webhook_events.body, s.value) > 0)))`,
      )
      .bind(accountId, customerId),
    // A name of another kind that came meanwhile has no digest here: it would be free again. It goes when it is erased itself.
    database
      .prepare(
        `DELETE FROM customer_identities
         WHERE account_id = ?1 AND customer_id = ?2 AND kind IN (SELECT value ->> 0 FROM json_each(?3))`,
      )
      .bind(accountId, customerId, JSON.stringify(names)),
    // Before the keys lose their names: the trail finds them by their ids.
    database
      .prepare(
        `UPDATE audit_log SET before = json_remove(before, ${QUOTED}), after = json_remove(after, ${QUOTED})
         WHERE account_id = ?1 AND ((target >= ?2 AND target < ?3)
           OR target IN (SELECT key_id FROM api_keys WHERE account_id = ?1 AND customer_id = ?4))`,
      )
      .bind(accountId, from, to, customerId),
    database
      .prepare(
        `UPDATE api_keys SET name = NULL, revoked_at_ms = MIN(COALESCE(revoked_at_ms, CAST(?3 AS INTEGER)), CAST(?3 AS INTEGER))
         WHERE account_id = ?1 AND customer_id = ?2`,
      )
      .bind(accountId, customerId, atMs),
    database
      .prepare("DELETE FROM feed WHERE account_id = ?1 AND event_id >= ?2 AND event_id < ?3")
      .bind(accountId, from, to),
    // Answers of a day: those about this customer alone, and those in which an id of theirs stands.
    database
      .prepare("DELETE FROM requests WHERE account_id = ?1 AND (customer_id = ?2 OR INSTR(body, ?3) > 0)")
      .bind(accountId, customerId, from),
  ];
}

/** Fields of the trail's entries in which a name or a text of a caller may stand. */
const QUOTED = "'$.customerReferenceId', '$.name', '$.reference', '$.description'";
