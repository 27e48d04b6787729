import { and, asc, count, desc, eq, getTableColumns, inArray, isNotNull, lte, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Uuid } from "../domain/ids.ts";
import type { KeptWebhook, WebhookState } from "../domain/webhook.ts";
import { withoutNulls } from "../domain/without-nulls.ts";
import type { Page } from "./page.ts";
import { webhookEvents } from "./payment-tables.ts";

/**
 * Webhooks as they came, by the provider's own id: kept before they are handled, so that none is lost; once each, so that none is handled
 * twice. While one is being handled its next attempt lies ahead, and nobody else takes it up.
 */

export type KeptEvent = KeptWebhook & { accountId: string; body: string };

/** Of an event that is done with, where its customer was erased. */
const ERASED_BODY = "{}";

const { accountId, eventId, state, receivedAtMs, nextAttemptAtMs, attempts } = webhookEvents;

/**
 * SQL: is an event about customer `?2` of account `?1`? It was found to be, or it names them, by our id or by the provider's: those that were
 * ignored or failed belong to nobody.
 */
export const TOLD_OF_CUSTOMER = `(customer_id = ?2 OR (customer_id IS NULL AND (INSTR(body, ?2) > 0 OR EXISTS (
  SELECT 1 FROM customer_identities s WHERE s.account_id = ?1 AND s.customer_id = ?2 AND s.kind = 'stripe'
    AND INSTR(webhook_events.body, s.value) > 0))))`;

function ofEvent(event: Pick<KeptEvent, "accountId" | "eventId">) {
  return and(eq(accountId, event.accountId), eq(eventId, event.eventId));
}

/** Keeps an event, as being handled from now on. False: it was here before. */
export async function keepEvent(
  database: D1Database,
  event: Omit<KeptEvent, "state" | "attempts"> & { nextAttemptAtMs: number },
): Promise<boolean> {
  const db = drizzle(database);
  const [rows] = await db.batch([
    db
      .insert(webhookEvents)
      .values({ ...event, state: "RECEIVED", attempts: 1 })
      .onConflictDoNothing()
      .returning({ eventId }),
  ]);
  return rows.length === 1;
}

/** Takes up an event that waits for another attempt. False: somebody else did, or it is done with. */
export async function claimEvent(
  database: D1Database,
  event: Pick<KeptEvent, "accountId" | "eventId"> & { nextAttemptAtMs: number },
  laterAtMs: number,
): Promise<boolean> {
  const db = drizzle(database);
  const [rows] = await db.batch([
    db
      .update(webhookEvents)
      .set({ attempts: sql`${attempts} + 1`, nextAttemptAtMs: laterAtMs })
      .where(and(ofEvent(event), eq(nextAttemptAtMs, event.nextAttemptAtMs)))
      .returning({ eventId }),
  ]);
  return rows.length === 1;
}

/**
 * What became of an event. Absent `nextAttemptAtMs`: nothing more is tried. One that is done with stays so. `isErased`: of a customer who was
 * erased it is kept that it was told, and no more.
 */
export async function settleEvent(
  database: D1Database,
  event: Pick<KeptEvent, "accountId" | "eventId">,
  became: {
    state: Exclude<WebhookState, "RECEIVED">;
    customerId?: Uuid;
    failure?: string;
    nextAttemptAtMs?: number;
    isErased?: boolean;
  },
): Promise<void> {
  const db = drizzle(database);
  const { customerId = null, failure = null, nextAttemptAtMs: next = null, isErased = false } = became;
  await db.batch([
    db
      .update(webhookEvents)
      .set({
        state: became.state,
        customerId,
        failure,
        nextAttemptAtMs: next,
        ...(isErased ? { body: ERASED_BODY } : {}),
      })
      .where(and(ofEvent(event), inArray(state, ["RECEIVED", "FAILED"]))),
  ]);
}

/** One event; undefined when there is none of this id. */
export async function readKeptEvent(database: D1Database, account: string, id: string): Promise<KeptEvent | undefined> {
  const db = drizzle(database);
  const [[row]] = await db.batch([
    db
      .select()
      .from(webhookEvents)
      .where(ofEvent({ accountId: account, eventId: id })),
  ]);
  return row === undefined ? undefined : withoutNulls(row);
}

/** Events of all accounts whose next attempt is due, those that wait longest first. */
export async function waitingEvents(
  database: D1Database,
  atMs: number,
  limit: number,
): Promise<(KeptEvent & { nextAttemptAtMs: number })[]> {
  const db = drizzle(database);
  const [rows] = await db.batch([
    db
      .select({ ...getTableColumns(webhookEvents), nextAttemptAtMs: sql<number>`${nextAttemptAtMs}` })
      .from(webhookEvents)
      // As the partial index says it, or SQLite would not see that it fits.
      .where(and(isNotNull(nextAttemptAtMs), lte(nextAttemptAtMs, atMs)))
      .orderBy(asc(nextAttemptAtMs), accountId, eventId)
      .limit(limit),
  ]);
  return rows.map((row) => withoutNulls(row));
}

/** A page of an account's events without their bodies, newest first; those of one state, or all. */
export async function eventPage(
  database: D1Database,
  account: string,
  which: WebhookState | undefined,
  page: Page,
): Promise<{ items: KeptWebhook[]; total: number }> {
  const db = drizzle(database);
  const { accountId: _, body: __, ...columns } = getTableColumns(webhookEvents);
  // FAILED as the partial index says it, or SQLite would not see that it fits.
  const ofState = which === "FAILED" ? sql`${state} = 'FAILED'` : which === undefined ? undefined : eq(state, which);
  const mine = and(eq(accountId, account), ofState);
  const [[counted], rows] = await db.batch([
    db.select({ total: count() }).from(webhookEvents).where(mine),
    db
      .select(columns)
      .from(webhookEvents)
      .where(mine)
      .orderBy(desc(receivedAtMs), desc(eventId))
      .limit(page.limit)
      .offset(page.offset),
  ]);
  return { items: rows.map(withoutNulls), total: counted?.total ?? 0 };
}

/** How many of an account's events wait for another attempt, or had their last one. */
export async function failedEvents(database: D1Database, account: string): Promise<number> {
  const db = drizzle(database);
  // As the partial index says it, or SQLite would not see that it fits.
  const failed = and(eq(accountId, account), sql`${state} = 'FAILED'`);
  const [[counted]] = await db.batch([db.select({ n: count() }).from(webhookEvents).where(failed)]);
  return counted?.n ?? 0;
}

/** Forgets events that came before, oldest first, but for those that still wait. How many. */
export async function forgetEvents(database: D1Database, beforeMs: number, limit: number): Promise<number> {
  const { meta } = await database
    .prepare(
      `DELETE FROM webhook_events WHERE (account_id, event_id) IN (
         SELECT account_id, event_id FROM webhook_events
         WHERE received_at_ms < ? AND next_attempt_at_ms IS NULL ORDER BY received_at_ms LIMIT ?)`,
    )
    .bind(beforeMs, limit)
    .run();
  return meta.changes;
}
