import { and, asc, eq, getTableColumns, isNotNull, lte, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { type AccountMode, paymentTermsOf, type StripeConnection, type WebhookSecret } from "../domain/account.ts";
import type { PaymentTerms } from "../domain/payments.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import { prepared } from "./database.ts";
import { stripeConnections } from "./payment-tables.ts";
import { accounts } from "./tables.ts";

/** Accounts' connections to Stripe, secrets sealed. An account that was connected once has its row for ever. */

const { reconcileAtMs, ...CONNECTION } = getTableColumns(stripeConnections);
const { accountId, sealedKey, webhookSecrets } = stripeConnections;

/** An account's connection with the account's mode; undefined where it never was connected. */
export async function readConnection(
  database: D1Database,
  id: string,
): Promise<{ connection: StripeConnection; mode: AccountMode } | undefined> {
  const db = drizzle(database);
  const [[row], [account]] = await db.batch([
    db.select(CONNECTION).from(stripeConnections).where(eq(accountId, id)),
    db.select({ mode: accounts.mode }).from(accounts).where(eq(accounts.accountId, id)),
  ]);
  return row === undefined || account === undefined ? undefined : { connection: withoutNulls(row), mode: account.mode };
}

/** Whether an account stored a key, for a query of accounts; names as SQL has them, since drizzle writes such a query without tables. */
export const HAS_PROVIDER_KEY = sql`EXISTS (SELECT 1 FROM stripe_connections c WHERE c.account_id = accounts.account_id
  AND c.sealed_key IS NOT NULL)`.mapWith(Boolean);

/** What an account's settings say of payments now; undefined where there is no such account. */
export async function readPaymentTerms(database: D1Database, id: string): Promise<PaymentTerms | undefined> {
  const db = drizzle(database);
  const [[account]] = await db.batch([
    db
      .select({ settings: accounts.settings, hasProviderKey: HAS_PROVIDER_KEY })
      .from(accounts)
      .where(eq(accounts.accountId, id)),
  ]);
  return account === undefined ? undefined : paymentTermsOf(account);
}

/** Writes a connection as it is to be from now on. */
export function connectionStatement(
  database: D1Database,
  connection: StripeConnection,
  nextReconcileAtMs: number | null,
): D1PreparedStatement {
  const db = drizzle(database);
  const { sealedKey = null, keyHint = null, createdAtMs: _, ...rest } = connection;
  const changed = { ...rest, sealedKey, keyHint, reconcileAtMs: nextReconcileAtMs };
  return prepared(
    database,
    db
      .insert(stripeConnections)
      .values({ ...changed, createdAtMs: connection.createdAtMs })
      .onConflictDoUpdate({ target: accountId, set: changed }),
  );
}

/** Changes the secrets alone: the rest may be changed by a request at the same time. */
export function secretsStatement(
  database: D1Database,
  id: string,
  changed: { webhookSecrets: readonly WebhookSecret[]; endpointsMade: number; origin: string; modifiedAtMs: number },
): D1PreparedStatement {
  const db = drizzle(database);
  return prepared(database, db.update(stripeConnections).set(changed).where(eq(accountId, id)));
}

/** Puts texts that were sealed anew in place of those that were read; one that changed meanwhile stays. */
export function resealedStatement(
  database: D1Database,
  read: StripeConnection,
  anew: Pick<StripeConnection, "sealedKey" | "webhookSecrets">,
): D1PreparedStatement {
  const db = drizzle(database);
  const same = and(
    eq(accountId, read.accountId),
    sql`${sealedKey} IS ${read.sealedKey ?? null}`,
    eq(webhookSecrets, read.webhookSecrets),
  );
  return prepared(
    database,
    db
      .update(stripeConnections)
      .set({ sealedKey: anew.sealedKey ?? null, webhookSecrets: anew.webhookSecrets })
      .where(same),
  );
}

/** Connections with a secret that another key than this one sealed, behind an account, in the order of accounts. */
export async function outdatedConnections(
  database: D1Database,
  keyId: string,
  after: string,
  limit: number,
): Promise<StripeConnection[]> {
  const db = drizzle(database);
  const outdated = or(
    sql`INSTR(${sealedKey}, ${`${keyId}:`}) <> 1`,
    sql`EXISTS (SELECT 1 FROM json_each(${webhookSecrets}) WHERE INSTR(value ->> 'sealed', ${`${keyId}:`}) <> 1)`,
  );
  const [rows] = await db.batch([
    db
      .select(CONNECTION)
      .from(stripeConnections)
      .where(and(sql`${accountId} > ${after}`, outdated))
      .orderBy(accountId)
      .limit(limit),
  ]);
  return rows.map(withoutNulls);
}

/** Accounts whose books are to be compared with Stripe's, those that wait longest first. */
export async function accountsToReconcile(database: D1Database, atMs: number, limit: number): Promise<string[]> {
  const db = drizzle(database);
  const [rows] = await db.batch([
    db
      .select({ accountId })
      .from(stripeConnections)
      .where(and(isNotNull(reconcileAtMs), lte(reconcileAtMs, atMs)))
      .orderBy(asc(reconcileAtMs), accountId)
      .limit(limit),
  ]);
  return rows.map((row) => row.accountId);
}

/** When an account's books are compared next. */
export function nextReconcileStatement(database: D1Database, id: string, atMs: number): D1PreparedStatement {
  const db = drizzle(database);
  const connected = and(eq(accountId, id), isNotNull(reconcileAtMs));
  return prepared(database, db.update(stripeConnections).set({ reconcileAtMs: atMs }).where(connected));
}

/** Does any customer of the account hold an id of Stripe's? Then another Stripe account would not know them. */
export async function hasStripeCustomers(database: D1Database, id: string): Promise<boolean> {
  const row = await database
    .prepare("SELECT EXISTS (SELECT 1 FROM customer_identities WHERE account_id = ? AND kind = 'stripe') AS found")
    .bind(id)
    .first<{ found: number }>();
  return row?.found === 1;
}
