import type { AccountScope, CustomerScope } from "../domain/account.ts";
import type { StoredKey } from "../domain/api-key.ts";
import { type Page, pageOfRows } from "./page.ts";

/**
 * Keys in D1: an account's own, and those pinned to a customer. Rows are never deleted, so the trail of who could once call stays
 * readable. The cache in front of `authenticate` is `snapshot.ts`.
 */

type KeyRow = {
  key_id: string;
  digest: string;
  name: string | null;
  scopes: string;
  hint: string;
  created_at_ms: number;
  expires_at_ms: number | null;
  revoked_at_ms: number | null;
};

const COLUMNS = "key_id, digest, name, scopes, hint, created_at_ms, expires_at_ms, revoked_at_ms";

function fromRow<S extends AccountScope | CustomerScope>(row: KeyRow): StoredKey<S> {
  return {
    keyId: row.key_id,
    digest: row.digest,
    ...(row.name === null ? {} : { name: row.name }),
    // Written by keyStatement from a list of the same kind.
    scopes: JSON.parse(row.scopes) as S[],
    hint: row.hint,
    createdAtMs: row.created_at_ms,
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
    ...(row.revoked_at_ms === null ? {} : { revokedAtMs: row.revoked_at_ms }),
  };
}

/** Stores a new key: of the account, or with `customerId` pinned to that customer. */
export function keyStatement(
  database: D1Database,
  accountId: string,
  key: StoredKey,
  customerId?: string,
): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO api_keys (digest, account_id, key_id, name, kind, scopes, customer_id, hint, created_at_ms, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .bind(
      key.digest,
      accountId,
      key.keyId,
      key.name ?? null,
      customerId === undefined ? "account" : "customer",
      JSON.stringify(key.scopes),
      customerId ?? null,
      key.hint,
      key.createdAtMs,
      key.expiresAtMs ?? null,
    );
}

/** Ends a key at an instant, now or later. One that ends sooner keeps its end: an end never moves away. */
export function revokeStatement(
  database: D1Database,
  accountId: string,
  keyId: string,
  atMs: number,
): D1PreparedStatement {
  return database
    .prepare(
      `UPDATE api_keys SET revoked_at_ms = ?1
       WHERE account_id = ?2 AND key_id = ?3 AND (revoked_at_ms IS NULL OR revoked_at_ms > ?1)`,
    )
    .bind(atMs, accountId, keyId);
}

/** A page of the account's own keys, revoked ones too, newest first. */
export async function accountKeyPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: StoredKey<AccountScope>[]; total: number }> {
  const { rows, total } = await pageOfRows<KeyRow>(
    database,
    database
      .prepare("SELECT COUNT(*) AS total FROM api_keys WHERE account_id = ? AND kind = 'account'")
      .bind(accountId),
    database
      .prepare(
        `SELECT ${COLUMNS} FROM api_keys WHERE account_id = ? AND kind = 'account'
         ORDER BY created_at_ms DESC, key_id LIMIT ? OFFSET ?`,
      )
      .bind(accountId, page.limit, page.offset),
  );
  return { items: rows.map((row) => fromRow<AccountScope>(row)), total };
}

/** The account's own key of this id, and how many other admin keys are active. Undefined when there is no such key. */
export async function accountKey(
  database: D1Database,
  accountId: string,
  keyId: string,
  nowMs: number,
): Promise<{ key: StoredKey<AccountScope>; otherAdmins: number } | undefined> {
  const row = await database
    .prepare(
      `SELECT ${COLUMNS}, (SELECT COUNT(*) FROM api_keys o
         WHERE o.account_id = ?1 AND o.kind = 'account' AND o.key_id <> ?2
           AND EXISTS (SELECT 1 FROM json_each(o.scopes) WHERE value = 'admin')
           AND (o.revoked_at_ms IS NULL OR o.revoked_at_ms > ?3)
           AND (o.expires_at_ms IS NULL OR o.expires_at_ms > ?3)) AS other_admins
       FROM api_keys WHERE account_id = ?1 AND key_id = ?2 AND kind = 'account'`,
    )
    .bind(accountId, keyId, nowMs)
    .first<KeyRow & { other_admins: number }>();
  return row === null ? undefined : { key: fromRow<AccountScope>(row), otherAdmins: row.other_admins };
}

/** All keys of a customer, revoked ones too, newest first. */
export async function customerKeys(
  database: D1Database,
  accountId: string,
  customerId: string,
): Promise<StoredKey<CustomerScope>[]> {
  const { results } = await database
    .prepare(
      `SELECT ${COLUMNS} FROM api_keys WHERE account_id = ? AND customer_id = ? ORDER BY created_at_ms DESC, key_id`,
    )
    .bind(accountId, customerId)
    .all<KeyRow>();
  return results.map((row) => fromRow<CustomerScope>(row));
}
