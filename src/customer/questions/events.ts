import type { StoredEvent } from "../../domain/event.ts";
import {
  addEvent,
  type EventGroup,
  type EventGroups,
  type GroupedEvent,
  type OtherText,
} from "../../domain/event-groups.ts";
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

const GROUP_COLUMNS = {
  MODEL: "model",
  MODEL_PROVIDER: "provider",
  FEATURE: "feature_id",
  EVENT_NAME: "event_name",
} as const;
export type EventGrouping = keyof typeof GROUP_COLUMNS;

type GroupedRow = Omit<GroupedEvent, "currency"> & { other: string | null };

/** This customer's events summed by one property, most events first. */
export function groupedEvents(customer: Customer, filter: EventFilter, groupBy: EventGrouping): EventGroup[] {
  const { clause, bound } = where(filter);
  const groups: EventGroups = new Map();
  // A cursor, not an array: a customer may have a million events, and only the groups are kept.
  const rows = customer.sql.exec<GroupedRow>(
    `SELECT ${GROUP_COLUMNS[groupBy]} AS key, usage_e12 AS usage, cost_e12 AS cost, revenue_e12 AS revenue,
       occurred_at_ms AS atMs, ${OTHER_REVENUE} AS other FROM events ${clause}`,
    ...bound,
  );
  for (const row of rows) addEvent(groups, row, row.other === null ? undefined : (JSON.parse(row.other) as OtherText));
  return [...groups.values()].sort((a, b) => b.events - a.events || (a.key < b.key ? -1 : 1));
}

/** Of an event that brought money of another currency, what it brought. To look for the word first costs less than to read all details. */
const OTHER_REVENUE = `CASE WHEN instr(detail, '"otherRevenue"') > 0 THEN detail -> '$.otherRevenue' END`;
