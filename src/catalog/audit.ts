import { count, desc, eq, getTableColumns } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { withoutNulls } from "../domain/without-nulls.ts";
import { prepared } from "./database.ts";
import type { Page } from "./page.ts";
import { auditLog } from "./tables.ts";

/**
 * The audit trail: who did what to an account's keys, settings and catalog. Rows are written in the batch of their effect and
 * never change. `before` and `after` hold what changed as the API shows it; never a secret.
 */

/** Every action of the trail; stable names, since operators filter by them. */
export type AuditAction =
  | "account.created"
  | "api_key.created"
  | "api_key.revoked"
  | "customer_key.created"
  | "customer_key.rotated"
  | "customer_key.revoked"
  | "settings.changed"
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
  | "events.imported"
  | "costs.recosted"
  | "copies.reprojected";

/** Who acts: a key of the account, or the root token (no `keyId`). `hint` is what may be shown of the secret. */
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

/** A page of an account's trail, newest first. */
export async function auditPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: AuditEntry[]; total: number }> {
  const db = drizzle(database);
  const { accountId: account, ...columns } = getTableColumns(auditLog);
  const mine = eq(account, accountId);
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
