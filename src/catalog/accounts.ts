import type { AccountMode } from "../domain/account.ts";

/** Statements that make an account with its first admin key, as one batch. */
export function accountStatements(
  database: D1Database,
  account: { accountId: string; name: string; mode: AccountMode; currency: string },
  key: { keyId: string; digest: string; hint: string },
  nowMs: number,
  requestId: string,
  ip: string,
): D1PreparedStatement[] {
  return [
    database
      .prepare(
        "INSERT INTO accounts (account_id, name, mode, currency, created_at_ms, modified_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .bind(account.accountId, account.name, account.mode, account.currency, nowMs, nowMs),
    database
      .prepare(
        `INSERT INTO api_keys (digest, account_id, key_id, name, kind, scopes, hint, created_at_ms)
         VALUES (?, ?, ?, 'First admin key', 'account', '["admin"]', ?, ?)`,
      )
      .bind(key.digest, account.accountId, key.keyId, key.hint, nowMs),
    database
      .prepare(
        `INSERT INTO audit_log (account_id, entry_id, at_ms, action, target, actor_hint, ip, request_id)
         VALUES (?, ?, ?, 'account.created', ?, 'root token', ?, ?)`,
      )
      .bind(account.accountId, crypto.randomUUID(), nowMs, account.accountId, ip, requestId),
  ];
}
