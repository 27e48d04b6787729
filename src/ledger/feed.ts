import type { StoredEvent } from "../domain/event.ts";
import { addEvent, type EventGroup, type EventGroups, type GroupedEvent } from "../domain/event-groups.ts";
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

const GROUP_COLUMNS = {
  CUSTOMER: "customer_id",
  FEATURE: "feature_id",
  MODEL: "model",
  MODEL_PROVIDER: "provider",
  EVENT_NAME: "event_name",
} as const;
export type FeedGrouping = keyof typeof GROUP_COLUMNS;

type GroupedRow = GroupedEvent & { amountE12: string | null; otherCurrency: string | null };

/** What the feed still has, summed by one property: exact for these events, and no more than these. */
export async function groupedFeed(
  database: D1Database,
  accountId: string,
  filter: FeedFilter,
  groupBy: FeedGrouping,
): Promise<EventGroup[]> {
  const { clause, bound } = where(accountId, filter);
  // Amounts are text in the event: added here, for SQL would add them as floating point. The feed is bounded, so is this.
  const { results } = await database
    .prepare(
      `SELECT ${GROUP_COLUMNS[groupBy]} AS key, occurred_at_ms AS atMs, event ->> 'currency' AS currency,
         event ->> 'usageE12' AS usage, event ->> 'costE12' AS cost, event ->> 'revenueE12' AS revenue,
         event ->> '$.otherRevenue.amountE12' AS amountE12, event ->> '$.otherRevenue.currency' AS otherCurrency
       FROM feed WHERE ${clause} ORDER BY occurred_at_ms DESC LIMIT ?`,
    )
    .bind(...bound, FEED_EVENTS_PER_ACCOUNT_MAX)
    .all<GroupedRow>();
  const groups: EventGroups = new Map();
  for (const row of results) {
    const { amountE12, otherCurrency: currency } = row;
    addEvent(groups, row, amountE12 === null || currency === null ? undefined : { amountE12, currency });
  }
  return [...groups.values()];
}
