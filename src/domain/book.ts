import type { E12 } from "./amount.ts";
import type { CreditEntry, Grant, Pool } from "./credit.ts";
import { type DrawOrder, type DrawOrders, orderedGrants } from "./draw-order.ts";
import type { Invoice } from "./invoice.ts";
import { type MrrSpan, withMrrSpans } from "./mrr.ts";
import type { Payer, Payment, ProviderCall } from "./payments.ts";
import { type PlanPin, type PlanRef, pinKey, type Subscription } from "./subscription.ts";
import { type Counter, counterKey, type Hold, type UsageSegment, unitsHeld } from "./usage.ts";

/**
 * What a customer has bought, used and owes, as commands decide on it: live subscriptions and whatever of theirs is open. Closed
 * things are in the object's tables alone. A decision is written into a draft over the book; the draft is committed as a whole or
 * dropped, so a refusal needs no undoing.
 */

/** Things of one kind by their key. */
export type Shelf<K, V> = { get: (key: K) => V | undefined; values: () => Iterable<V> };

export const BALANCE_ENTRY_KINDS = [
  "CREDIT_INVOICE",
  "REMAINDER",
  "VOIDED",
  "APPLIED",
  "CORRECTION",
  "PAYOUT",
  "CARRIED",
] as const;

/**
 * The customer's money balance changes by an append-only ledger; `amountMinor` is signed. Above 0 the customer is owed money, below 0
 * they owe what was too little to be collected.
 */
export type BalanceEntry = {
  number: number;
  currency: string;
  amountMinor: number;
  balanceMinor: number;
  kind: (typeof BALANCE_ENTRY_KINDS)[number];
  invoice?: number;
  /** What the operator says of a payout: a transfer's own reference. */
  reference?: string;
  /** The caller's own key, unique among the customer's entries. */
  key?: string;
  atMs: number;
};

/** The newest number of each kind: the next one is one more, and none is used twice. */
export type LastNumbers = {
  subscription: number;
  planChange: number;
  hold: number;
  segment: number;
  balanceEntry: number;
  pool: number;
  grant: number;
  creditEntry: number;
  payment: number;
  /** Of the invoices of purchases. */
  purchase: number;
  mrrSpan: number;
};

export type Book = {
  subscriptions: ReadonlyMap<number, Subscription>;
  invoices: ReadonlyMap<number, Invoice>;
  counters: ReadonlyMap<string, Counter>;
  segments: ReadonlyMap<number, UsageSegment>;
  holds: ReadonlyMap<number, Hold>;
  /** Units held by counter: the sum of its open reservations, so that a check adds nothing up. */
  held: ReadonlyMap<string, E12>;
  pins: ReadonlyMap<string, PlanPin>;
  balances: ReadonlyMap<string, number>;
  /** All that are not ARCHIVED. */
  pools: ReadonlyMap<number, Pool>;
  /** Those of these pools that hold anything. */
  grants: ReadonlyMap<number, Grant>;
  /** By pool, which of them give credits, and in which order. */
  drawOrders: ReadonlyMap<number, DrawOrder>;
  /** Those that money may still come of. */
  payments: ReadonlyMap<number, Payment>;
  payer: Payer;
  /** What live subscriptions bring a month: their open spans. */
  mrrSpans: ReadonlyMap<number, MrrSpan>;
  last: Readonly<LastNumbers>;
};

/** Units held by open reservations, by counter. */
export function heldUnits(holds: Iterable<Hold>): Map<string, E12> {
  const held = new Map<string, E12>();
  for (const hold of holds) {
    const key = counterKey(hold.subscription, hold.featureId);
    held.set(key, (held.get(key) ?? 0n) + unitsHeld(hold));
  }
  return held;
}

export type DraftShelf<K, V> = Shelf<K, V> & { put: (value: V) => V; written: ReadonlyMap<K, V> };

/** A book with decisions on top. `written` of each shelf is what is new. */
export type Draft = {
  subscriptions: DraftShelf<number, Subscription>;
  invoices: DraftShelf<number, Invoice>;
  counters: DraftShelf<string, Counter>;
  segments: DraftShelf<number, UsageSegment>;
  holds: DraftShelf<number, Hold>;
  /** Follows `holds`; `written` are whole sums. */
  held: Shelf<string, E12> & { written: ReadonlyMap<string, E12> };
  pins: DraftShelf<string, PlanPin>;
  balances: Shelf<string, number>;
  balanceEntries: BalanceEntry[];
  pools: DraftShelf<number, Pool>;
  grants: DraftShelf<number, Grant>;
  /** Follows `grants`; `written` are whole orders. */
  drawOrders: DrawOrders;
  /** Follows `subscriptions`. */
  mrrSpans: DraftShelf<number, MrrSpan>;
  /** The ledgers of all pools, appended to. */
  creditEntries: CreditEntry[];
  payments: DraftShelf<number, Payment>;
  payer: { get: () => Payer; put: (payer: Payer) => void; written: () => Payer | undefined };
  /** What is to be asked of the payment provider once this is committed. */
  calls: ProviderCall[];
  /** Invoices as the book has them, and those that payment was asked for in this draft: see `followInvoices`. */
  invoicesBefore: ReadonlyMap<number, Invoice>;
  asked: Set<number>;
  last: LastNumbers;
  /** Was any change scheduled, whatever became of it? */
  scheduledChanges: () => boolean;
};

export function openDraft(book: Book): Draft {
  const balanceEntries: BalanceEntry[] = [];
  const last = { ...book.last };
  const heldWritten = new Map<string, E12>();
  let payer: Payer | undefined;
  const held = (key: string): E12 | undefined => heldWritten.get(key) ?? book.held.get(key);
  const holds = shelfOver(book.holds, ({ number }) => number);
  const pins = shelfOver(book.pins, pinKey);
  const mrrSpans = shelfOver(book.mrrSpans, ({ number }) => number);
  return {
    subscriptions: withMrrSpans(
      shelfOver(book.subscriptions, ({ number }) => number),
      { spans: mrrSpans, pins, last },
    ),
    invoices: shelfOver(book.invoices, ({ number }) => number),
    counters: shelfOver(book.counters, ({ subscription, featureId }) => counterKey(subscription, featureId)),
    segments: shelfOver(book.segments, ({ number }) => number),
    holds: {
      ...holds,
      put: (hold) => {
        const before = holds.get(hold.number);
        const key = counterKey(hold.subscription, hold.featureId);
        const change = unitsHeld(hold) - (before === undefined ? 0n : unitsHeld(before));
        if (change !== 0n) heldWritten.set(key, (held(key) ?? 0n) + change);
        return holds.put(hold);
      },
    },
    held: { get: held, values: () => book.held.values(), written: heldWritten },
    pins,
    mrrSpans,
    balances: {
      get: (currency) =>
        balanceEntries.findLast((entry) => entry.currency === currency)?.balanceMinor ?? book.balances.get(currency),
      values: () => book.balances.values(),
    },
    balanceEntries,
    pools: shelfOver(book.pools, ({ number }) => number),
    ...orderedGrants(
      book.drawOrders,
      shelfOver(book.grants, ({ number }) => number),
    ),
    creditEntries: [],
    payments: shelfOver(book.payments, ({ number }) => number),
    payer: {
      get: () => payer ?? book.payer,
      put: (changed) => {
        payer = changed;
      },
      written: () => payer,
    },
    calls: [],
    invoicesBefore: book.invoices,
    asked: new Set(),
    last,
    scheduledChanges: () => last.planChange !== book.last.planChange,
  };
}

function shelfOver<K, V>(base: ReadonlyMap<K, V>, keyOf: (value: V) => K): DraftShelf<K, V> {
  const written = new Map<K, V>();
  return {
    written,
    get: (key) => written.get(key) ?? base.get(key),
    *values() {
      for (const [key, value] of base) yield written.get(key) ?? value;
      for (const [key, value] of written) if (!base.has(key)) yield value;
    },
    put(value) {
      written.set(keyOf(value), value);
      return value;
    },
  };
}

/** The version that a subscription, change or line names. It is pinned: a throw is a bug. */
export function pinOf(book: { pins: Shelf<string, PlanPin> }, ref: PlanRef): PlanPin {
  const pin = book.pins.get(pinKey(ref));
  if (pin === undefined) throw new Error("invariant broken: a version in use is pinned");
  return pin;
}

/** The invoices of a subscription that are in the book, oldest first: those that are open, and those of this draft. */
export function invoicesOf({ invoices }: Draft, { number }: { number: number }): Invoice[] {
  return [...invoices.values()].filter(({ subscription }) => subscription === number);
}
