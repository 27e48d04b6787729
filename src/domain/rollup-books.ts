import { type E12, formatE12 } from "./amount.ts";
import { type Break, count, type LawVerdict, verdict } from "./books.ts";
import type { OtherMoney } from "./event.ts";
import { DAY_MS } from "./limits.ts";
import { addSums, NO_SUMS, OTHER_PAIRS, pairText, type Rollup, type RollupSums } from "./rollup.ts";

/**
 * The law of rollups: of each UTC day, feature, provider, model and currency they are the sum of the events that occurred on it, late and
 * imported ones and corrections among them, and what events earned in another currency in that one. Hours become days, so a day is
 * compared and not the hour; and of the pairs of feature and model beyond a day's limit only the sum of all of them is kept.
 */

/** What rollups add up of an event. */
export type SummedEvent = Pick<Rollup, "featureId" | "provider" | "model" | "currency" | "usageE12"> & {
  occurredAtMs: number;
  costE12?: E12;
  revenueE12?: E12;
  inputTokens: number;
  outputTokens: number;
  otherRevenue?: OtherMoney;
};

/** Told of all events in the order in which they occurred. */
export type RollupAudit = { event: (event: SummedEvent) => void; verdict: () => LawVerdict };

/** Which sum of a day. */
type Key = Pick<Rollup, "featureId" | "provider" | "model" | "currency">;
type Sums = { key: Key; kept: RollupSums; summed: RollupSums };
type Day = { startMs: number; sums: Map<string, Sums>; pairs: Set<string> };

const FIGURES = {
  events: "events",
  costUnknownEvents: "events of unknown cost",
  inputTokens: "input tokens",
  outputTokens: "output tokens",
  usageE12: "units",
  costE12: "cost",
  revenueE12: "revenue",
} as const;
const FIGURE_KEYS = Object.keys(FIGURES) as (keyof RollupSums)[];

/** `rollups` in the order of their beginnings: they are walked beside the events, and one day of them is remembered. */
export function auditRollups(rollups: Iterable<Rollup>): RollupAudit {
  const walk = rollups[Symbol.iterator]();
  let next = walk.next();
  let day: Day | undefined;
  let [right, all] = [0n, 0n];
  let broken: Break | undefined;

  const close = (): void => {
    if (day === undefined) return;
    for (const { key, kept, summed } of day.sums.values()) {
      const figure = FIGURE_KEYS.find((one) => kept[one] !== summed[one]);
      all += 1n;
      if (figure === undefined) right += 1n;
      else
        broken ??= {
          kind: "usageDay",
          number: day.startMs,
          why: `its rollups of ${nameOf(key)} have ${textOf(kept[figure])} ${FIGURES[figure]}, its events ${textOf(summed[figure])}`,
        };
    }
    day = undefined;
  };
  const open = (startMs: number): Day => {
    const opened: Day = { startMs, sums: new Map(), pairs: new Set() };
    for (; !next.done && next.value.bucketStartMs < startMs + DAY_MS; next = walk.next()) {
      opened.pairs.add(pairText(next.value));
      addSums(sumsOf(opened, next.value).kept, next.value);
    }
    day = opened;
    return opened;
  };
  /** The day, once all days before it of which there are rollups are closed. */
  const dayAt = (startMs: number): Day => {
    if (day?.startMs === startMs) return day;
    close();
    while (!next.done && next.value.bucketStartMs < startMs) {
      open(dayOf(next.value.bucketStartMs));
      close();
    }
    return open(startMs);
  };
  return {
    event({ occurredAtMs, costE12, revenueE12 = 0n, otherRevenue, ...event }) {
      const on = dayAt(dayOf(occurredAtMs));
      const key = keyIn(on, event);
      const { usageE12, inputTokens, outputTokens } = event;
      const costUnknownEvents = costE12 === undefined ? 1 : 0;
      const sums = { usageE12, inputTokens, outputTokens, costUnknownEvents, costE12: costE12 ?? 0n, revenueE12 };
      addSums(sumsOf(on, key).summed, { events: 1, ...sums });
      if (otherRevenue === undefined || otherRevenue.amountE12 === 0n) return;
      const other = sumsOf(on, { ...key, currency: otherRevenue.currency });
      other.summed.revenueE12 += otherRevenue.amountE12;
    },
    verdict() {
      close();
      dayAt(Number.POSITIVE_INFINITY);
      close();
      return verdict(
        "rollup_events",
        { kind: "customer", number: 0 },
        { left: right, right: all, format: count },
        broken,
      );
    },
  };
}

function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS) * DAY_MS;
}

/** Where an event was summed on its day: under its own names, or with all those beyond the limit where it has none of its own. */
function keyIn({ pairs }: Day, { featureId, provider, model, currency }: Key): Key {
  const names = { featureId, provider, model };
  return !pairs.has(pairText(names)) && pairs.has(pairText(OTHER_PAIRS))
    ? { ...OTHER_PAIRS, currency }
    : { ...names, currency };
}

function sumsOf({ sums }: Day, { featureId, provider, model, currency }: Key): Sums {
  const key = { featureId, provider, model, currency };
  const text = `${pairText(key)}\n${currency}`;
  const found = sums.get(text) ?? { key, kept: { ...NO_SUMS }, summed: { ...NO_SUMS } };
  sums.set(text, found);
  return found;
}

/** `chat in USD`, with provider and model where there are any. */
function nameOf({ featureId, provider, model, currency }: Key): string {
  const names = [featureId, provider, model].filter((name) => name !== "");
  return `${names.length === 0 ? "no feature" : names.join(" ")} in ${currency}`;
}

function textOf(figure: number | bigint): string {
  return typeof figure === "bigint" ? formatE12(figure) : String(figure);
}
