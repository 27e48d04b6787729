import { type Page, pageOfRows } from "./page.ts";

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
  return database
    .prepare(
      `INSERT INTO audit_log (account_id, entry_id, at_ms, action, target, actor_key_id, actor_hint, ip, request_id, before, after)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .bind(
      accountId,
      crypto.randomUUID(),
      nowMs,
      audit.action,
      audit.target,
      actor.keyId ?? null,
      actor.hint,
      actor.ip,
      actor.requestId,
      audit.before === undefined ? null : JSON.stringify(audit.before),
      audit.after === undefined ? null : JSON.stringify(audit.after),
    );
}

type AuditRow = {
  entry_id: string;
  at_ms: number;
  action: AuditAction;
  target: string;
  actor_key_id: string | null;
  actor_hint: string | null;
  ip: string | null;
  request_id: string;
  before: string | null;
  after: string | null;
};

/** A page of an account's trail, newest first. */
export async function auditPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: AuditEntry[]; total: number }> {
  const { rows, total } = await pageOfRows<AuditRow>(
    database,
    database.prepare("SELECT COUNT(*) AS total FROM audit_log WHERE account_id = ?").bind(accountId),
    database
      .prepare(
        `SELECT entry_id, at_ms, action, target, actor_key_id, actor_hint, ip, request_id, before, after FROM audit_log
         WHERE account_id = ? ORDER BY at_ms DESC, entry_id LIMIT ? OFFSET ?`,
      )
      .bind(accountId, page.limit, page.offset),
  );
  return { items: rows.map(fromRow), total };
}

function fromRow(row: AuditRow): AuditEntry {
  return {
    entryId: row.entry_id,
    atMs: row.at_ms,
    action: row.action,
    target: row.target,
    ...(row.actor_key_id === null ? {} : { keyId: row.actor_key_id }),
    hint: row.actor_hint ?? "",
    ip: row.ip ?? "",
    requestId: row.request_id,
    ...(row.before === null ? {} : { before: JSON.parse(row.before) as unknown }),
    ...(row.after === null ? {} : { after: JSON.parse(row.after) as unknown }),
  };
}
