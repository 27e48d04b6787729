import type { E12 } from "../domain/amount.ts";
import type { StoredEvent } from "../domain/event.ts";
import { FEED_EVENTS_PER_ACCOUNT_MAX } from "../domain/limits.ts";

/** The feed: the newest events of an account, bounded, for the account-wide view. Never a source of sums. */

/** Fields of events, and of what is in them, that are amounts. */
const AMOUNTS = new Set([
  "usageE12",
  "costE12",
  "revenueE12",
  "costUnitsE12",
  "costPerUnitE12",
  "amountE12",
  "unitsE12",
  "usedE12",
  "limitE12",
  "countedE12",
]);

/**
 * A stored event as JSON text: amounts are decimal integers of 10⁻¹² as text. The caller's meta stays in the object: 50,000 events
 * with 64 KB each would be a third of a database.
 */
export function eventText(event: StoredEvent): string {
  const { meta: _, ...shown } = event;
  return JSON.stringify(shown, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
}

export function eventFromText(text: string): StoredEvent {
  return JSON.parse(text, (key, value) => (AMOUNTS.has(key) ? BigInt(value) : value)) as StoredEvent;
}

/** Which events of the feed; all conditions must hold. Times are `[startMs, endMs)` of occurrence. */
export type FeedFilter = {
  startMs?: number;
  endMs?: number;
  featureIds?: readonly string[];
  model?: string;
  modelProvider?: string;
  eventName?: string;
};

function where(accountId: string, filter: FeedFilter): { clause: string; bound: (string | number)[] } {
  const terms = ["account_id = ?"];
  const bound: (string | number)[] = [accountId];
  const also = (term: string, value: string | number | undefined) => {
    if (value === undefined) return;
    terms.push(term);
    bound.push(value);
  };
  also("occurred_at_ms >= ?", filter.startMs);
  also("occurred_at_ms < ?", filter.endMs);
  also(
    "feature_id IN (SELECT value FROM json_each(?))",
    filter.featureIds === undefined ? undefined : JSON.stringify(filter.featureIds),
  );
  also("model = ?", filter.model);
  also("provider = ?", filter.modelProvider);
  also("event_name = ?", filter.eventName);
  return { clause: terms.join(" AND "), bound };
}

export type FeedEvent = { customerId: string; event: StoredEvent };

/** The newest events that the feed still has, newest occurrence first, and how many it has in all. */
export async function feedEvents(
  database: D1Database,
  accountId: string,
  filter: FeedFilter,
  page: { limit: number; offset: number },
): Promise<{ items: FeedEvent[]; total: number }> {
  const { clause, bound } = where(accountId, filter);
  const [counted, rows] = await database.batch<unknown>([
    database.prepare(`SELECT COUNT(*) AS n FROM feed WHERE ${clause}`).bind(...bound),
    database
      .prepare(
        `SELECT customer_id, event FROM feed WHERE ${clause}
         ORDER BY occurred_at_ms DESC, event_id DESC LIMIT ? OFFSET ?`,
      )
      .bind(...bound, page.limit, page.offset),
  ]);
  return {
    items: ((rows?.results ?? []) as { customer_id: string; event: string }[]).map((row) => ({
      customerId: row.customer_id,
      event: eventFromText(row.event),
    })),
    total: ((counted?.results ?? []) as { n: number }[])[0]?.n ?? 0,
  };
}

export type FeedGroup = {
  key: string;
  currency: string;
  events: number;
  costUnknownEvents: number;
  usageE12: E12;
  costE12: E12;
  revenueE12: E12;
  lastOccurredAtMs: number;
};

const GROUP_COLUMNS = {
  CUSTOMER: "customer_id",
  FEATURE: "feature_id",
  MODEL: "model",
  MODEL_PROVIDER: "provider",
  EVENT_NAME: "event_name",
} as const;
export type FeedGrouping = keyof typeof GROUP_COLUMNS;

type GroupedRow = {
  key: string;
  at_ms: number;
  currency: string;
  usage: string;
  cost: string | null;
  revenue: string | null;
  other_revenue: string | null;
  other_currency: string | null;
};

/** What the feed still has, summed by one property: exact for these events, and no more than these. */
export async function groupedFeed(
  database: D1Database,
  accountId: string,
  filter: FeedFilter,
  groupBy: FeedGrouping,
): Promise<FeedGroup[]> {
  const { clause, bound } = where(accountId, filter);
  // Amounts are text in the event: added here, for SQL would add them as floating point. The feed is bounded, so is this.
  const { results } = await database
    .prepare(
      `SELECT ${GROUP_COLUMNS[groupBy]} AS key, occurred_at_ms AS at_ms, event ->> 'currency' AS currency,
         event ->> 'usageE12' AS usage, event ->> 'costE12' AS cost, event ->> 'revenueE12' AS revenue,
         event ->> '$.otherRevenue.amountE12' AS other_revenue, event ->> '$.otherRevenue.currency' AS other_currency
       FROM feed WHERE ${clause} ORDER BY occurred_at_ms DESC LIMIT ?`,
    )
    .bind(...bound, FEED_EVENTS_PER_ACCOUNT_MAX)
    .all<GroupedRow>();
  const groups = new Map<string, FeedGroup>();
  for (const row of results) {
    const group = groupOf(groups, row, row.currency);
    group.events += 1;
    group.usageE12 += BigInt(row.usage);
    if (row.cost === null) group.costUnknownEvents += 1;
    else group.costE12 += BigInt(row.cost);
    if (row.revenue !== null) group.revenueE12 += BigInt(row.revenue);
    if (row.other_revenue !== null && row.other_revenue !== "0" && row.other_currency !== null)
      groupOf(groups, row, row.other_currency).revenueE12 += BigInt(row.other_revenue);
  }
  return [...groups.values()];
}

/** Rows come newest first. */
function groupOf(groups: Map<string, FeedGroup>, { key, at_ms }: GroupedRow, currency: string): FeedGroup {
  const name = JSON.stringify([key, currency]);
  let group = groups.get(name);
  if (group === undefined) {
    group = {
      key,
      currency,
      events: 0,
      costUnknownEvents: 0,
      usageE12: 0n,
      costE12: 0n,
      revenueE12: 0n,
      lastOccurredAtMs: at_ms,
    };
    groups.set(name, group);
  }
  return group;
}
