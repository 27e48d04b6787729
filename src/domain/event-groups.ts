import type { E12 } from "./amount.ts";

/** Events summed by one property, each currency apart; for lists that read the events themselves. */

/**
 * `currency`: undefined for the account's own. A group in another one than its events have holds what they brought in it, and counts
 * none.
 */
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

export type EventGroups = Map<string, EventGroup>;

/** An event as tables keep it: amounts are texts of 10⁻¹² units, null where there is none. */
export type GroupedEvent = {
  key: string;
  currency?: string;
  atMs: number;
  usage: string;
  cost: string | null;
  revenue: string | null;
};

/** Money of another currency that an event brought. */
export type OtherText = { amountE12: string; currency: string };

/** Adds an event. Exact: amounts are added as integers, one by one. */
export function addEvent(groups: EventGroups, event: GroupedEvent, other?: OtherText): void {
  const { key, currency, atMs, usage, cost, revenue } = event;
  const group = groupOf(groups, key, currency, atMs);
  group.events += 1;
  group.usageE12 += BigInt(usage);
  if (cost === null) group.costUnknownEvents += 1;
  else group.costE12 += BigInt(cost);
  if (revenue !== null) group.revenueE12 += BigInt(revenue);
  if (other !== undefined && other.amountE12 !== "0")
    groupOf(groups, key, other.currency, atMs).revenueE12 += BigInt(other.amountE12);
}

/** Adds a group that was summed elsewhere, under `key`. */
export function addGroup(groups: EventGroups, key: string, { currency, lastOccurredAtMs: atMs, ...more }: EventGroup) {
  const group = groupOf(groups, key, currency, atMs);
  group.events += more.events;
  group.costUnknownEvents += more.costUnknownEvents;
  group.usageE12 += more.usageE12;
  group.costE12 += more.costE12;
  group.revenueE12 += more.revenueE12;
}

function groupOf(groups: EventGroups, key: string, currency: string | undefined, atMs: number): EventGroup {
  const name = `${currency ?? ""}\n${key}`;
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
