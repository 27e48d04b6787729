import type { Account, AccountMode } from "../domain/account.ts";

/** The statement that makes an account. Its first key and its audit entry go into the same batch. */
export function accountStatement(
  database: D1Database,
  account: { accountId: string; name: string; mode: AccountMode; currency: string },
  nowMs: number,
): D1PreparedStatement {
  return database
    .prepare(
      "INSERT INTO accounts (account_id, name, mode, currency, created_at_ms, modified_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(account.accountId, account.name, account.mode, account.currency, nowMs, nowMs);
}

/** Replaces an account's settings. The caller read them in the same decision (`version: "guard"`), so nothing is lost. */
export function settingsStatement(
  database: D1Database,
  accountId: string,
  { currency, settings }: Pick<Account, "currency" | "settings">,
  nowMs: number,
): D1PreparedStatement {
  return database
    .prepare("UPDATE accounts SET currency = ?, settings = ?, modified_at_ms = ? WHERE account_id = ?")
    .bind(currency, JSON.stringify(settings), nowMs, accountId);
}

/**
 * Has any event reached the account? Then its currency stays: amounts were recorded in it. A customer made by an event is in the
 * directory before the event is stored; those registered by hand are seen once their object has sent its copies, within seconds.
 */
export async function hasEvents(database: D1Database, accountId: string): Promise<boolean> {
  const row = await database
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM rollups WHERE account_id = ?1)
         OR EXISTS (SELECT 1 FROM customers WHERE account_id = ?1
           AND (source = 'EVENT_AUTO_CREATED' OR last_event_at_ms IS NOT NULL)) AS found`,
    )
    .bind(accountId)
    .first<{ found: number }>();
  return row?.found === 1;
}
