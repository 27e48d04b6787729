import { and, count, desc, eq, getTableColumns, gte, lt, type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withoutNulls } from "../domain/without-nulls.ts";
import { prepared } from "./database.ts";
import type { Page } from "./page.ts";
import { auditLog } from "./tables.ts";

/**
 * The audit trail: who did what to an account's keys, settings and catalog, and what its operators did to subscriptions,
 * invoices and credits. Rows are written in the batch of their effect, or right after an effect in a customer's object, and never change, but for names in them of customers who are erased. `before` and `after` hold what changed as the API shows it; never a secret.
 */

/** Every action of the trail; stable names, since operators filter by them. */
export type AuditAction =
  | "account.created"
  | "account.renamed"
  | "api_key.created"
  | "api_key.rotated"
  | "api_key.revoked"
  | "customer_key.created"
  | "customer_key.rotated"
  | "customer_key.revoked"
  | "console.signed_in"
  | "console.signed_out"
  | "console.session_revoked"
  | "settings.changed"
  | "stripe.connected"
  | "stripe.disconnected"
  | "stripe.webhook_registered"
  | "stripe.reconciled"
  | "feature.created"
  | "feature.changed"
  | "feature.deleted"
  | "plan.created"
  | "plan.changed"
  | "plan.activated"
  | "plan.archived"
  | "plan.deleted"
  | "rule.created"
  | "rule.changed"
  | "rule.deleted"
  | "rules.replaced"
  | "plan.migrated"
  | "subscription.created"
  | "subscription.activated"
  | "subscription.cancelled"
  | "subscription.cancellation_reverted"
  | "subscription.change_dropped"
  | "subscription.grace_changed"
  | "invoice.paid"
  | "invoice.voided"
  | "balance.paid_out"
  | "balance.payout_returned"
  | "customer.erased"
  | "credit_model.created"
  | "credit_model.deleted"
  | "credit_pool.created"
  | "credit_pool.linked"
  | "credit_pool.unlinked"
  | "credit_pool.frozen"
  | "credit_pool.unfrozen"
  | "credit_pool.archived"
  | "credit_grant.created"
  | "credit_grant.voided"
  | "credits.deducted"
  | "credits.reversed"
  | "allocation.created"
  | "allocation.changed"
  | "allocation.deleted"
  | "credit_weights.published"
  | "credit_weight.deleted"
  | "credit_prices.published"
  | "credit_price.deleted"
  | "clock.created"
  | "clock.advanced"
  | "clock.deleted"
  | "events.imported"
  | "costs.recosted"
  | "copies.reprojected";

/**
 * Who acts: a key of the account, or the root token (no `keyId`). `hint` is what may be shown of the secret. Of what the payment provider
 * told, it is the provider's name, and `requestId` the id of its event.
 */
export type Actor = { keyId?: string; hint: string; ip: string; requestId: string };

/** What was done. `target` is the id of the thing. */
export type Audit = { action: AuditAction; target: string; before?: unknown; after?: unknown };

export type AuditEntry = Audit & Actor & { entryId: string; atMs: number };

export function auditStatement(
  database: D1Database,
  accountId: string,
  audit: Audit,
  actor: Actor,
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const entry = { accountId, entryId: crypto.randomUUID(), atMs: nowMs, ...audit, ...actor };
  return prepared(database, db.insert(auditLog).values(entry));
}

/** The same of what may be told more than once: it stands there once, under the id of what came of it. */
export function auditOnceStatement(
  database: D1Database,
  accountId: string,
  { entryId, ...audit }: Audit & { entryId: string },
  actor: Actor,
  nowMs: number,
): D1PreparedStatement {
  const db = drizzle(database);
  const entry = { accountId, entryId, atMs: nowMs, ...audit, ...actor };
  return prepared(database, db.insert(auditLog).values(entry).onConflictDoNothing());
}

/** Does the trail tell of this action on this thing, with this outcome if one is given? */
export async function hasEntry(
  database: D1Database,
  accountId: string,
  { action, target, after }: Pick<Audit, "action" | "target" | "after">,
): Promise<boolean> {
  const found = await database
    .prepare(
      "SELECT 1 FROM audit_log WHERE account_id = ?1 AND target = ?2 AND action = ?3 AND (?4 IS NULL OR after = ?4) LIMIT 1",
    )
    .bind(accountId, target, action, after === undefined ? null : JSON.stringify(after))
    .first();
  return found !== null;
}

/**
 * Which entries; all conditions must hold. `action`: one, or a family of them (`plan` is every `plan.…`). `startMs` ≤ time < `endMs`.
 */
export type AuditFilter = { action?: string; target?: string; keyId?: string; startMs?: number; endMs?: number };

function ofFilter({ action, target, keyId, startMs, endMs }: AuditFilter): SQL | undefined {
  return and(
    action === undefined
      ? undefined
      : action.includes(".")
        ? sql`${auditLog.action} = ${action}`
        : sql`substr(${auditLog.action}, 1, ${action.length + 1}) = ${`${action}.`}`,
    target === undefined ? undefined : eq(auditLog.target, target),
    keyId === undefined ? undefined : eq(auditLog.keyId, keyId),
    startMs === undefined ? undefined : gte(auditLog.atMs, startMs),
    endMs === undefined ? undefined : lt(auditLog.atMs, endMs),
  );
}

/** A page of an account's trail, newest first. */
export async function auditPage(
  database: D1Database,
  accountId: string,
  filter: AuditFilter,
  page: Page,
): Promise<{ items: AuditEntry[]; total: number }> {
  const db = drizzle(database);
  const { accountId: account, ...columns } = getTableColumns(auditLog);
  const mine = and(eq(account, accountId), ofFilter(filter));
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(auditLog).where(mine),
    db
      .select(columns)
      .from(auditLog)
      .where(mine)
      .orderBy(desc(auditLog.atMs), auditLog.entryId)
      .limit(page.limit)
      .offset(page.offset),
  ]);
  const items = rows.map((row) => ({ ...withoutNulls(row), hint: row.hint ?? "", ip: row.ip ?? "" }));
  return { items, total: counted?.total ?? 0 };
}
