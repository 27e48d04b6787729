import type { CustomerView } from "../domain/customer.ts";
import { fromJsonText } from "../domain/json-text.ts";
import type { SubscriptionStatus } from "../domain/subscription.ts";
import type { SubscriptionView } from "../domain/views.ts";
import { type CopyRow, countStatement, type Listing, pageStatement, rowTexts } from "./copies.ts";
import { customerFromRow } from "./customer-row.ts";

/**
 * Copies of subscriptions, which their customers' objects send: for lists, and for questions over all subscribers of a plan. What
 * one customer has, its object knows itself, and knows it first.
 */

/** The statements that write these subscriptions of one customer, each over a lower rev only. */
export function subscriptionStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  copies: readonly { view: SubscriptionView; rev: number }[],
): D1PreparedStatement[] {
  const rows = copies.map(({ view, rev }) => {
    const isLive = view.status !== "CANCELLED";
    const scheduled = isLive ? view.scheduled : undefined;
    const isEnding = isLive && view.cancel?.mode === "END_OF_PERIOD";
    return [
      view.subscriptionId,
      view.plan.planId,
      view.plan.version,
      view.status,
      view.createdAtMs,
      view.period.endMs,
      isEnding ? (view.cancel?.effectiveAtMs ?? null) : null,
      scheduled?.effectiveAtMs ?? null,
      scheduled?.toPlan.planId ?? null,
      scheduled?.toPlan.version ?? null,
      rev,
      view,
    ];
  });
  return rowTexts(rows).map((text) =>
    database
      .prepare(
        `INSERT INTO subscriptions (account_id, customer_id, subscription_id, plan_id, plan_version, status, created_at_ms,
           period_end_ms, cancel_effective_at_ms, scheduled_effective_at_ms, scheduled_plan_id, scheduled_version, rev, body)
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, value ->> 8, value ->> 9, value ->> 10, value -> 11
         FROM json_each(?3) WHERE true
         ON CONFLICT DO UPDATE SET plan_id = excluded.plan_id, plan_version = excluded.plan_version,
           status = excluded.status, created_at_ms = excluded.created_at_ms, period_end_ms = excluded.period_end_ms,
           cancel_effective_at_ms = excluded.cancel_effective_at_ms,
           scheduled_effective_at_ms = excluded.scheduled_effective_at_ms,
           scheduled_plan_id = excluded.scheduled_plan_id, scheduled_version = excluded.scheduled_version,
           rev = excluded.rev, body = excluded.body
         WHERE excluded.rev > rev`,
      )
      .bind(accountId, customerId, text),
  );
}

/** A subscription with its customer. */
export type ListedSubscription = { customer: CustomerView; subscription: SubscriptionView };

function listed(row: CopyRow): ListedSubscription {
  return { customer: customerFromRow(row), subscription: fromJsonText<SubscriptionView>(row.body) };
}

type Page = { limit: number; offset: number };

async function readPage(
  database: D1Database,
  accountId: string,
  which: Pick<Listing, "terms" | "bound" | "order">,
  page: Page,
): Promise<{ items: ListedSubscription[]; total: number }> {
  const listing: Listing = { table: "subscriptions", id: "subscription_id", ...which };
  const [counted, rows] = await database.batch<unknown>([
    countStatement(database, accountId, listing),
    pageStatement(database, accountId, listing, page),
  ]);
  return {
    items: ((rows?.results ?? []) as CopyRow[]).map(listed),
    total: ((counted?.results ?? []) as { n: number }[])[0]?.n ?? 0,
  };
}

/** Which subscriptions; all conditions must hold. */
export type SubscriptionFilter = { status?: SubscriptionStatus; planId?: string; customerId?: string };

/** A page of an account's subscriptions, ended ones too, newest first. */
export function subscriptionPage(
  database: D1Database,
  accountId: string,
  { status, planId, customerId }: SubscriptionFilter,
  page: Page,
): Promise<{ items: ListedSubscription[]; total: number }> {
  const asked = [
    ["status = ?", status],
    ["plan_id = ?", planId?.toLowerCase()],
    ["customer_id = ?", customerId?.toLowerCase()],
  ] as const;
  const given = asked.flatMap(([term, value]) => (value === undefined ? [] : [{ term, value }]));
  return readPage(
    database,
    accountId,
    {
      terms: given.map(({ term }) => term),
      bound: given.map(({ value }) => value),
      order: ["created_at_ms DESC", "subscription_id DESC"],
    },
    page,
  );
}

/** A page of the subscriptions for which another plan or version is scheduled, soonest first. */
export function scheduledChangePage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: ListedSubscription[]; total: number }> {
  const terms = ["scheduled_effective_at_ms IS NOT NULL"];
  return readPage(
    database,
    accountId,
    { terms, bound: [], order: ["scheduled_effective_at_ms", "subscription_id"] },
    page,
  );
}

/** A page of the subscriptions that will be cancelled when their period ends, soonest first. */
export function scheduledCancellationPage(
  database: D1Database,
  accountId: string,
  page: Page,
): Promise<{ items: ListedSubscription[]; total: number }> {
  const terms = ["cancel_effective_at_ms IS NOT NULL"];
  return readPage(
    database,
    accountId,
    { terms, bound: [], order: ["cancel_effective_at_ms", "subscription_id"] },
    page,
  );
}

/** Whom a migration goes through. `exceptVersion`: the one it leads to. `cursor`: `nextCursor` of the page before. */
export type SubscribersOfPlan = { fromVersion?: number; exceptVersion: number; cursor?: string; limit: number };

/**
 * A page of the live subscriptions that a plan has, by version and id. Versions only grow, so a subscription that moves meanwhile
 * is met again at most, never missed.
 */
export async function subscriptionsOfPlan(
  database: D1Database,
  accountId: string,
  planId: string,
  { fromVersion, exceptVersion, cursor = "", limit }: SubscribersOfPlan,
): Promise<{ items: ListedSubscription[]; nextCursor?: string }> {
  const [version = "", afterId = ""] = cursor.split("/");
  const after =
    fromVersion === undefined
      ? { terms: ["(plan_version, subscription_id) > (?, ?)"], bound: [Number.parseInt(version, 10) || 0, afterId] }
      : { terms: ["plan_version = ?", "subscription_id > ?"], bound: [fromVersion, afterId] };
  const listing: Listing = {
    table: "subscriptions",
    id: "subscription_id",
    terms: ["plan_id = ?", "status <> 'CANCELLED'", "plan_version <> ?", ...after.terms],
    bound: [planId.toLowerCase(), exceptVersion, ...after.bound],
    order: ["plan_version", "subscription_id"],
  };
  const { results } = await pageStatement(database, accountId, listing, { limit, offset: 0 }).all<CopyRow>();
  const items = results.map(listed);
  const last = items.length === limit ? items.at(-1)?.subscription : undefined;
  return { items, ...(last === undefined ? {} : { nextCursor: `${last.plan.version}/${last.subscriptionId}` }) };
}

/**
 * Is version `v` one that a live subscription has, or that is scheduled for one? Asked of versions before what they hold: an index
 * answers it, while their rules have to be read.
 */
const IS_IN_HANDS = `(EXISTS (SELECT 1 FROM subscriptions s WHERE s.account_id = ?1 AND s.plan_id = v.plan_id
    AND s.plan_version = v.version AND s.status <> 'CANCELLED')
  OR (v.plan_id, v.version) IN (SELECT s.scheduled_plan_id, s.scheduled_version FROM subscriptions s
    WHERE s.account_id = ?1 AND s.scheduled_effective_at_ms IS NOT NULL))`;

/** A version in somebody's hands, by its plan's key. */
export type HeldVersion = { planKey: string; version: number };

/**
 * Which versions, of those that live subscriptions have or that are scheduled for them, hold which of these features: by the plan's
 * key and version.
 */
export async function versionsHolding(
  database: D1Database,
  accountId: string,
  featureIds: readonly string[],
): Promise<(HeldVersion & { featureId: string })[]> {
  const { results } = await database
    .prepare(
      `SELECT f.value AS featureId, v.key AS planKey, v.version FROM plan_versions v
       CROSS JOIN json_each(v.rules) r CROSS JOIN json_each(?2) f
       WHERE v.account_id = ?1 AND r.value ->> 'featureId' = f.value AND ${IS_IN_HANDS}
       ORDER BY v.key, v.version`,
    )
    .bind(accountId, JSON.stringify(featureIds))
    .all<HeldVersion & { featureId: string }>();
  return results;
}

/** What these features, or all, burn by the rules of versions in somebody's hands: by the plan's key and version. */
export async function denominationsHeld(
  database: D1Database,
  accountId: string,
  featureIds?: readonly string[],
): Promise<(HeldVersion & { featureId: string; denomination: string })[]> {
  const { results } = await database
    .prepare(
      `SELECT r.value ->> 'featureId' AS featureId, r.value ->> 'denomination' AS denomination, v.key AS planKey, v.version
       FROM plan_versions v CROSS JOIN json_each(v.rules) r
       WHERE v.account_id = ?1 AND ${IS_IN_HANDS} AND r.value ->> 'denomination' IS NOT NULL
         AND (?2 IS NULL OR r.value ->> 'featureId' IN (SELECT value FROM json_each(?2)))
       ORDER BY v.key, v.version`,
    )
    .bind(accountId, featureIds === undefined ? null : JSON.stringify(featureIds))
    .all<HeldVersion & { featureId: string; denomination: string }>();
  return results;
}

/** What versions in somebody's hands call the unit of these features: by the plan's key and version. */
export async function unitLabelsHeld(
  database: D1Database,
  accountId: string,
  featureIds: readonly string[],
): Promise<(HeldVersion & { featureId: string; unitLabel: string })[]> {
  const { results } = await database
    .prepare(
      `SELECT r.value ->> 'featureId' AS featureId, r.value ->> '$.value.pricing.unitLabel' AS unitLabel, v.key AS planKey, v.version
       FROM plan_versions v CROSS JOIN json_each(v.rules) r
       WHERE v.account_id = ?1 AND ${IS_IN_HANDS} AND r.value ->> '$.value.pricing.unitLabel' IS NOT NULL
         AND r.value ->> 'featureId' IN (SELECT value FROM json_each(?2))
       ORDER BY v.key, v.version`,
    )
    .bind(accountId, JSON.stringify(featureIds))
    .all<HeldVersion & { featureId: string; unitLabel: string }>();
  return results;
}

/** Which versions in somebody's hands name a credit model, by a rule or an allocation. */
export async function versionsNaming(
  database: D1Database,
  accountId: string,
  creditModelId: string,
): Promise<HeldVersion[]> {
  const { results } = await database
    .prepare(
      `SELECT v.key AS planKey, v.version FROM plan_versions v
       WHERE v.account_id = ?1 AND ${IS_IN_HANDS} AND (
         EXISTS (SELECT 1 FROM json_each(v.rules) r WHERE r.value ->> 'creditModelId' = ?2)
         OR EXISTS (SELECT 1 FROM json_each(v.allocations) a WHERE a.value ->> 'creditModelId' = ?2))
       ORDER BY v.key, v.version`,
    )
    .bind(accountId, creditModelId)
    .all<HeldVersion>();
  return results;
}
