import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, type Problem, withQuery } from "../../api.ts";
import type { Page, StoredEvent } from "../../wire.ts";

/**
 * The newest events that fit some conditions, newest first: older ones as they are scrolled to, new ones as they come in. Bounded: a
 * view that is left open for a week keeps no more than what somebody may look through.
 */

export const EVENTS_PATH = "/api/v1/analytics/events";

/** Rows that are kept: beyond them somebody narrows the conditions rather than scroll. */
export const KEPT_MAX = 10_000;
const PAGE_ROWS = 200;
const EVERY_MS = 3_000;
/** New events are looked for from this long before the newest one: events arrive some seconds late, and not in order. */
const OVERLAP_MS = 5 * 60_000;

export type EventsQuery = Record<string, string | undefined>;
type EventsPage = Page<StoredEvent> & { complete: boolean };

export type Stream = {
  events: readonly StoredEvent[];
  /** How many there are in all, as of the newest page. */
  total: number;
  /** Undefined until the first page came. */
  complete: boolean | undefined;
  problem: Problem | undefined;
  /** Asks for older ones, unless they are all there or on their way. */
  more: () => void;
  again: () => void;
};

function isBefore(a: StoredEvent, b: StoredEvent): boolean {
  return a.occurredAt === b.occurredAt ? a.id > b.id : a.occurredAt > b.occurredAt;
}

/** Both lists as one, newest first, each event once. Both are in order already. */
export function merged(known: readonly StoredEvent[], found: readonly StoredEvent[]): readonly StoredEvent[] {
  const ids = new Set(known.map(({ id }) => id));
  const fresh = found.filter(({ id }) => !ids.has(id));
  if (fresh.length === 0) return known;
  const all: StoredEvent[] = [];
  let at = 0;
  for (const event of known) {
    for (let next = fresh[at]; next !== undefined && isBefore(next, event); next = fresh[at]) {
      all.push(next);
      at += 1;
    }
    all.push(event);
  }
  return [...all, ...fresh.slice(at)].slice(0, KEPT_MAX);
}

type State = { events: readonly StoredEvent[]; total: number; complete?: boolean; problem?: Problem };

const EMPTY: State = { events: [], total: 0 };

/** `isLive`: new events are looked for every three seconds, while the page is in sight. */
export function useStream(query: EventsQuery, isLive: boolean): Stream {
  const asked = withQuery(EVENTS_PATH, { ...query, limit: PAGE_ROWS });
  const [state, setState] = useState(EMPTY);
  const [turn, setTurn] = useState(0);
  const now = useRef({ state: EMPTY, asked, isBusy: false });
  const show = (next: State) => {
    now.current.state = next;
    setState(next);
  };

  /** A page, unless other conditions hold by the time it comes. */
  const page = async (more: Record<string, string | number | undefined>): Promise<EventsPage | undefined> => {
    const answered = await ask<EventsPage>("GET", withQuery(EVENTS_PATH, { ...query, limit: PAGE_ROWS, ...more }));
    if (now.current.asked !== asked) return undefined;
    if (answered.ok) return answered.data;
    show({ ...now.current.state, problem: answered.problem });
    return undefined;
  };

  // Other conditions begin anew, and so does `again`.
  useEffect(() => {
    now.current = { state: EMPTY, asked, isBusy: true };
    setState(EMPTY);
    page({ offset: 0 }).then((first) => {
      if (now.current.asked !== asked) return;
      now.current.isBusy = false;
      if (first !== undefined) show({ events: first.items, total: first.pagination.total, complete: first.complete });
    });
  }, [asked, turn]);

  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(async () => {
      const { events } = now.current.state;
      const newest = events[0];
      if (document.hidden || now.current.isBusy || now.current.state.complete === undefined) return;
      // Customers of a test clock that stands ahead have events that are newer than now.
      const newestMs = newest === undefined ? undefined : Math.min(Date.parse(newest.occurredAt), Date.now());
      const since = newestMs === undefined ? undefined : newestMs - OVERLAP_MS;
      const start = since === undefined ? query.start : laterOf(query.start, new Date(since).toISOString());
      const found = await page({ start });
      if (found === undefined) return;
      const { state: known } = now.current;
      const next = merged(known.events, found.items);
      // A whole page of strangers: between them and what is known others may be missing.
      const isApart = found.items.length === PAGE_ROWS && next.length === known.events.length + PAGE_ROWS;
      const { problem: _, ...rest } = known;
      if (isApart && known.events.length > 0) setTurn((one) => one + 1);
      else if (next !== known.events || known.problem !== undefined)
        show({ ...rest, events: next, total: known.total + next.length - known.events.length });
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [asked, isLive]);

  const more = useCallback(async () => {
    const { events, total, complete } = now.current.state;
    const isAll = events.length >= Math.min(total, KEPT_MAX);
    if (now.current.isBusy || complete === undefined || isAll) return;
    now.current.isBusy = true;
    const found = await page({ offset: events.length });
    if (now.current.asked !== asked) return;
    now.current.isBusy = false;
    if (found === undefined) return;
    const { state: known } = now.current;
    const next = merged(known.events, found.items);
    // Nothing new behind them: what there is has been shown.
    show({ ...known, events: next, total: next === known.events ? next.length : found.pagination.total });
  }, [asked]);

  const { events, total, complete, problem } = state;
  return { events, total, complete, problem, more, again: () => setTurn((one) => one + 1) };
}

function laterOf(a: string | undefined, b: string): string {
  return a !== undefined && a > b ? a : b;
}
