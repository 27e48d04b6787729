import type { E12 } from "../../domain/amount.ts";
import type { StoredEvent } from "../../domain/event.ts";
import type { EventFilter } from "../calls.ts";
import type { Customer } from "../image.ts";
import { EVENT_COLUMNS, readEvents } from "../store.ts";

/** The conditions of a filter as SQL over events, with their values. */
function where(filter: EventFilter): { clause: string; bound: (string | number)[] } {
  const terms: string[] = [];
  const bound: (string | number)[] = [];
  const also = (term: string, value: string | number | undefined) => {
    if (value === undefined) return;
    terms.push(term);
    bound.push(value);
  };
  also("occurred_at_ms >= ?", filter.startMs);
  also("occurred_at_ms < ?", filter.endMs);
  also("feature_id = ?", filter.featureId);
  also("model = ?", filter.model);
  also("provider = ?", filter.modelProvider);
  also("event_name = ?", filter.eventName);
  return { clause: terms.length === 0 ? "" : `WHERE ${terms.join(" AND ")}`, bound };
}

/** This customer's events, newest occurrence first: all of them are here, so pages and total are complete. */
export function events(
  customer: Customer,
  filter: EventFilter,
  page: { limit: number; offset: number },
): { items: StoredEvent[]; total: number } {
  const { clause, bound } = where(filter);
  // Events are numbered from 1 and never deleted: all of them need no counting.
  const total =
    clause === ""
      ? customer.image.lastSeq
      : customer.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM events ${clause}`, ...bound).one().n;
  const items = readEvents(
    customer.sql,
    customer.image.owner.tag,
    `SELECT ${EVENT_COLUMNS} FROM events ${clause} ORDER BY occurred_at_ms DESC, seq DESC LIMIT ? OFFSET ?`,
    ...bound,
    page.limit,
    page.offset,
  );
  return { items, total };
}

/** `currency`: undefined for the account's own. A group in another one holds what events of the first brought in it, and counts none. */
export type EventGroup = {
  key: string;
  currency?: string;
  events: number;
  costE12: E12;
  revenueE12: E12;
  usageE12: E12;
  costUnknownEvents: number;
  lastOccurredAtMs: number;
};

const GROUP_COLUMNS = {
  MODEL: "model",
  MODEL_PROVIDER: "provider",
  FEATURE: "feature_id",
  EVENT_NAME: "event_name",
} as const;
export type EventGrouping = keyof typeof GROUP_COLUMNS;

type GroupedRow = {
  key: string;
  usage: string;
  cost: string | null;
  revenue: string | null;
  at_ms: number;
  other: string | null;
};

/** This customer's events summed by one property, most events first. Exact: amounts are added as integers, row by row. */
export function groupedEvents(customer: Customer, filter: EventFilter, groupBy: EventGrouping): EventGroup[] {
  const { clause, bound } = where(filter);
  const groups = new Map<string, EventGroup>();
  // A cursor, not an array: a customer may have a million events, and only the groups are kept.
  const rows = customer.sql.exec<GroupedRow>(
    `SELECT ${GROUP_COLUMNS[groupBy]} AS key, usage_e12 AS usage, cost_e12 AS cost, revenue_e12 AS revenue,
       occurred_at_ms AS at_ms, ${OTHER_REVENUE} AS other FROM events ${clause}`,
    ...bound,
  );
  for (const { key, usage, cost, revenue, at_ms: atMs, other } of rows) {
    const group = groupOf(groups, key, atMs);
    group.events += 1;
    group.usageE12 += BigInt(usage);
    if (cost === null) group.costUnknownEvents += 1;
    else group.costE12 += BigInt(cost);
    if (revenue !== null) group.revenueE12 += BigInt(revenue);
    if (other === null) continue;
    const { amountE12, currency } = JSON.parse(other) as { amountE12: string; currency: string };
    if (amountE12 !== "0") groupOf(groups, key, atMs, currency).revenueE12 += BigInt(amountE12);
  }
  return [...groups.values()].sort((a, b) => b.events - a.events || (a.key < b.key ? -1 : 1));
}

/** Of an event that brought money of another currency, what it brought. To look for the word first costs less than to read all details. */
const OTHER_REVENUE = `CASE WHEN instr(detail, '"otherRevenue"') > 0 THEN detail -> '$.otherRevenue' END`;

function groupOf(groups: Map<string, EventGroup>, key: string, atMs: number, currency?: string): EventGroup {
  const name = currency === undefined ? key : `${currency}\n${key}`;
  let group = groups.get(name);
  if (group === undefined) {
    group = {
      key,
      ...(currency === undefined ? {} : { currency }),
      events: 0,
      costE12: 0n,
      revenueE12: 0n,
      usageE12: 0n,
      costUnknownEvents: 0,
      lastOccurredAtMs: atMs,
    };
    groups.set(name, group);
  }
  group.lastOccurredAtMs = Math.max(group.lastOccurredAtMs, atMs);
  return group;
}
