import { divideRounded, type E12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { DraftShelf, Shelf } from "./book.ts";
import { type PlanPin, type PlanRef, pinKey, type Subscription, type SubscriptionStatus } from "./subscription.ts";

/**
 * Monthly recurring revenue: what a subscription's plan costs a month, and from when until when. Owns the formula and the history
 * of it: one span for each version of a plan that a subscription was on, so that the MRR of any instant can be told later, which
 * the subscription itself forgets. Leaves sums over customers to `plan-figures.ts`.
 *
 * Laws: a subscription has at most one open span, and has it exactly while it pays (ACTIVE or SUSPENDED) for a plan with a price;
 * spans of one subscription do not overlap; a span's end is written once.
 */

/** `[startMs, endMs)`; without an end it goes on. */
export type MrrSpan = PlanRef & {
  /** 1, 2, 3 … within the customer. */
  number: number;
  subscription: number;
  currency: string;
  mrrE12: E12;
  startMs: number;
  endMs?: number;
};

/** Price ÷ months of the interval, to 12 decimals, half away from zero: rounded here once, sums of it are exact. */
export function monthlyE12({ price, intervalMonths }: Pick<PlanPin, "price" | "intervalMonths">): E12 {
  return divideRounded(price, BigInt(intervalMonths));
}

/** Who was not paid for long and may yet pay is still a subscriber: SUSPENDED counts until it ends. */
export function isPaying(status: SubscriptionStatus): boolean {
  return status === "ACTIVE" || status === "SUSPENDED";
}

type Noted = {
  spans: DraftShelf<number, MrrSpan>;
  pins: Shelf<string, PlanPin>;
  last: { mrrSpan: number };
};

/**
 * A draft's subscriptions: writing one ends its span and begins another when what it brings a month has changed. One that is older
 * than spans themselves gets its first from when it was activated, as far as is still known.
 */
export function withMrrSpans(shelf: DraftShelf<number, Subscription>, noted: Noted): DraftShelf<number, Subscription> {
  return {
    ...shelf,
    put(subscription) {
      const before = shelf.get(subscription.number);
      if (before !== undefined) note(noted, before, before.activatedAtMs ?? before.createdAtMs);
      note(noted, subscription, subscription.modifiedAtMs);
      return shelf.put(subscription);
    },
  };
}

function note({ spans, pins, last }: Noted, subscription: Subscription, atMs: number): void {
  const { number, planId, version, status } = subscription;
  const open = openSpan(spans, number);
  const pays = isPaying(status);
  if (pays && open?.planId === planId && open.version === version) return;
  if (open !== undefined) spans.put({ ...open, endMs: Math.max(open.startMs, atMs) });
  if (!pays) return;
  const pin = pins.get(pinKey(subscription));
  assert(pin !== undefined, "a version in use is pinned");
  if (pin.price === 0n) return;
  last.mrrSpan += 1;
  spans.put({
    number: last.mrrSpan,
    subscription: number,
    planId,
    version,
    currency: pin.currency,
    mrrE12: monthlyE12(pin),
    startMs: open === undefined ? atMs : Math.max(open.startMs, atMs),
  });
}

/** The law of spans, of one subscription as it is to be kept. */
export function assertMrrSpan(spans: Shelf<number, MrrSpan>, pins: Shelf<string, PlanPin>, kept: Subscription): void {
  const [open, ...more] = [...spans.values()].filter(
    ({ subscription, endMs }) => subscription === kept.number && endMs === undefined,
  );
  assert(more.length === 0, "a subscription has one open span at most");
  const pin = isPaying(kept.status) ? pins.get(pinKey(kept)) : undefined;
  const mrrE12 = pin === undefined || pin.price === 0n ? undefined : monthlyE12(pin);
  assert(
    open?.mrrE12 === mrrE12 && (open === undefined || pinKey(open) === pinKey(kept)),
    "who pays has a span for it",
  );
}

function openSpan(spans: Shelf<number, MrrSpan>, subscription: number): MrrSpan | undefined {
  for (const span of spans.values()) if (span.subscription === subscription && span.endMs === undefined) return span;
  return undefined;
}
