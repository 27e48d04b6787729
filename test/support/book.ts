import { applyDraft, type MutableBook } from "../../src/customer/book-store.ts";
import { decimalToE12, formatE12 } from "../../src/domain/amount.ts";
import type { ClosedSegment } from "../../src/domain/billed-units.ts";
import { type BalanceEntry, type Draft, openDraft, pinOf } from "../../src/domain/book.ts";
import { followInvoices } from "../../src/domain/collect.ts";
import type { Allocation, CreditEntry, Grant } from "../../src/domain/credit.ts";
import { nextDueAtMs, settleDues } from "../../src/domain/due.ts";
import type { Invoice, InvoiceLine } from "../../src/domain/invoice.ts";
import { assertDraft } from "../../src/domain/laws.ts";
import { count } from "../../src/domain/metering.ts";
import { formatMinor } from "../../src/domain/money.ts";
import type { MrrSpan } from "../../src/domain/mrr.ts";
import { decideCarry, decidePay, decidePayout, decideVoid } from "../../src/domain/payment.ts";
import type { Payment, ProviderCall } from "../../src/domain/payments.ts";
import type { BillingTiming, VersionRule } from "../../src/domain/plan.ts";
import {
  type ChangeType,
  decideDropScheduled,
  decideMigrate,
  decidePlanChange,
  type PlanChanged,
} from "../../src/domain/plan-change.ts";
import type { Pricing } from "../../src/domain/pricing.ts";
import type { Refusal, Reply } from "../../src/domain/refusal.ts";
import { type InvoiceFacts, replayInvoice } from "../../src/domain/replay.ts";
import { decideCancel, decideGrace, decideRevertCancel, decideSubscribe } from "../../src/domain/subscribe.ts";
import { type CancelMode, type PlanPin, pinKey, type Subscription } from "../../src/domain/subscription.ts";
import type { Counter, UsageSegment } from "../../src/domain/usage.ts";
import { untrueFormula } from "./formula.ts";

/**
 * One customer without an object: the rules decide on a book in memory, as the object would have it, and everything that was ever
 * written stays to be looked at. Instants are texts such as `2027-01-15` or `2027-01-15T12:00`, UTC, or milliseconds.
 */

type Instant = string | number;

export function ms(at: Instant): number {
  return typeof at === "number" ? at : Date.parse(at.includes("T") ? `${at}Z` : at);
}

export type PlanSpec = {
  key: string;
  price?: string;
  months?: number;
  timing?: BillingTiming;
  currency?: string;
  version?: number;
  /** The price of the feature `api`, if the plan has it. */
  api?: Pricing | undefined;
  /** Credits with each period. */
  gives?: readonly Allocation[];
};

export function plan({
  key,
  price = "0",
  months = 1,
  timing = "IN_ADVANCE",
  currency = "USD",
  version = 1,
  api,
  gives = [],
}: PlanSpec): PlanPin {
  const rule: VersionRule = { featureId: "f-api", featureKey: "api", isEnabled: true, value: {} };
  return {
    planId: `p-${key}`,
    version,
    key,
    name: key.toUpperCase(),
    price: decimalToE12(price),
    currency,
    intervalMonths: months,
    billingTiming: timing,
    rules: [api === undefined ? rule : { ...rule, value: { pricing: api } }],
    allocations: gives,
    createdAtMs: 0,
    planCreatedAtMs: 0,
    planModifiedAtMs: 0,
  };
}

export const perUnit = (price: string, resetMode: Pricing["resetMode"] = "reset"): Pricing => ({
  model: "usage",
  pricePerUnit: decimalToE12(price),
  resetMode,
});

/** `[up to, price per unit, flat fee]`. */
export const graduated = (...tiers: readonly [upTo: string, price: string, flatFee?: string][]): Pricing => ({
  model: "graduated",
  resetMode: "reset",
  tiers: tiers.map(([upTo, price, flatFee = "0"]) => ({
    upTo: upTo === "inf" ? upTo : decimalToE12(upTo),
    pricePerUnit: decimalToE12(price),
    flatFee: decimalToE12(flatFee),
  })),
});

/** A step of a subscription's or an invoice's life, in the order of writing; drafts that were dropped leave none. */
export type Step = { nowMs: number } & (
  | { kind: "subscription"; before: Subscription | undefined; after: Subscription }
  | { kind: "invoice"; before: Invoice | undefined; after: Invoice }
);

export type World = ReturnType<typeof openWorld>;

/** Nothing bought, used or owed, and no credits. */
export function emptyBook(): MutableBook {
  return {
    subscriptions: new Map(),
    invoices: new Map(),
    counters: new Map(),
    segments: new Map(),
    holds: new Map(),
    held: new Map(),
    pins: new Map(),
    balances: new Map(),
    pools: new Map(),
    grants: new Map(),
    drawOrders: new Map(),
    payments: new Map(),
    payer: {},
    mrrSpans: new Map(),
    last: {
      subscription: 0,
      planChange: 0,
      hold: 0,
      segment: 0,
      balanceEntry: 0,
      pool: 0,
      grant: 0,
      creditEntry: 0,
      payment: 0,
      purchase: 0,
      mrrSpan: 0,
    },
  };
}

export function openWorld(start: Instant) {
  const book = emptyBook();
  const all = {
    subscriptions: new Map<number, Subscription>(),
    invoices: new Map<number, Invoice>(),
    counters: new Map<string, Counter>(),
    segments: new Map<number, UsageSegment>(),
    balanceEntries: [] as BalanceEntry[],
    creditEntries: [] as CreditEntry[],
    grants: new Map<number, Grant>(),
    payments: new Map<number, Payment>(),
    calls: [] as ProviderCall[],
    mrrSpans: new Map<number, MrrSpan>(),
    steps: [] as Step[],
  };
  let nowMs = ms(start);

  /** A draft that notes every step, those too that a later one of the same draft overwrites. */
  function noting(): { draft: Draft; steps: Step[] } {
    const draft = openDraft(book);
    const steps: Step[] = [];
    const { subscriptions, invoices } = draft;
    const putSubscription = subscriptions.put;
    const putInvoice = invoices.put;
    subscriptions.put = (after) => {
      steps.push({ nowMs, kind: "subscription", before: subscriptions.get(after.number), after });
      return putSubscription(after);
    };
    invoices.put = (after) => {
      steps.push({ nowMs, kind: "invoice", before: invoices.get(after.number), after });
      return putInvoice(after);
    };
    return { draft, steps };
  }

  function apply(draft: Draft, steps: readonly Step[]): void {
    assertDraft(book, draft);
    applyDraft(book, draft);
    for (const [key, value] of draft.subscriptions.written) all.subscriptions.set(key, value);
    for (const [key, value] of draft.invoices.written) all.invoices.set(key, value);
    for (const [key, value] of draft.counters.written) all.counters.set(key, value);
    for (const [key, value] of draft.segments.written) all.segments.set(key, value);
    all.balanceEntries.push(...draft.balanceEntries);
    all.creditEntries.push(...draft.creditEntries);
    for (const [key, value] of draft.grants.written) all.grants.set(key, value);
    for (const [key, value] of draft.payments.written) all.payments.set(key, value);
    all.calls.push(...draft.calls);
    for (const [key, value] of draft.mrrSpans.written) all.mrrSpans.set(key, value);
    all.steps.push(...steps);
  }

  /** Decides on a draft; a refusal drops it. */
  function run<T>(decide: (draft: Draft) => Reply<T>): Reply<T> {
    const { draft, steps } = noting();
    const reply = decide(draft);
    if (reply.ok) {
      followInvoices(draft, nowMs);
      apply(draft, steps);
    }
    return reply;
  }

  function settle(): number {
    const { draft, steps } = noting();
    const done = settleDues(draft, nowMs);
    apply(draft, steps);
    return done;
  }

  const world = {
    book,
    all,
    now: () => nowMs,
    run,
    settle,
    /** Goes to an instant as a test clock does: from one due instant to the next, so that nothing is late. */
    at(instant: Instant) {
      for (let dueAtMs = nextDueAtMs(book); dueAtMs !== undefined && dueAtMs <= ms(instant); ) {
        nowMs = Math.max(nowMs, dueAtMs);
        settle();
        dueAtMs = nextDueAtMs(book);
      }
      nowMs = Math.max(nowMs, ms(instant));
      return world;
    },
    /** Goes there as a silent customer does whose alarms were all lost: everything is settled at the end, in one go. */
    wakeAt(instant: Instant) {
      nowMs = ms(instant);
      settle();
      return world;
    },
    subscribe(pin: PlanPin, gracePeriodDays = 3) {
      return run((draft) => decideSubscribe(draft, { pin, gracePeriodDays }, nowMs));
    },
    live(number: number): Subscription {
      const one = book.subscriptions.get(number);
      if (one === undefined) throw new Error(`no live subscription ${number}`);
      return one;
    },
    change(number: number, type: ChangeType, to: PlanPin) {
      return run((draft) => decidePlanChange(draft, world.live(number), { to, type }, nowMs));
    },
    /** What a change would do, on a draft that is dropped. */
    preview(number: number, type: ChangeType, to: PlanPin): Invoice | undefined {
      const { draft } = noting();
      const reply = decidePlanChange(draft, world.live(number), { to, type }, nowMs);
      return reply.ok && reply.value.invoice !== undefined ? draft.invoices.get(reply.value.invoice) : undefined;
    },
    migrate(number: number, to: PlanPin, when: "NOW" | "NEXT_PERIOD") {
      return run<PlanChanged | undefined>((draft) => ({
        ok: true,
        value: decideMigrate(draft, world.live(number), { to, when }, nowMs),
      }));
    },
    cancel(number: number, mode: CancelMode) {
      return run((draft) => ({ ok: true, value: decideCancel(draft, world.live(number), mode, nowMs) }));
    },
    revert(number: number) {
      return run((draft) => ({ ok: true, value: decideRevertCancel(draft, world.live(number), nowMs) }));
    },
    dropScheduled(number: number) {
      return run((draft) => decideDropScheduled(draft, world.live(number), { byCustomer: false }, nowMs));
    },
    grace(number: number, days: number) {
      return run((draft) => ({ ok: true, value: decideGrace(draft, world.live(number), days, nowMs) }));
    },
    pay(number: number) {
      return run((draft) => decidePay(draft, world.invoice(number), nowMs));
    },
    /** Too little to be collected: it is owed with the next invoice. */
    carry(number: number) {
      return run((draft) => decideCarry(draft, world.invoice(number), nowMs));
    },
    payOut(amountMinor: number, currency = "USD") {
      return run((draft) => decidePayout(draft, { currency, amountMinor }, nowMs));
    },
    void(number: number, rebill = false) {
      const closedOf = (place: number): ClosedSegment => {
        const segment = all.segments.get(place);
        const pin = segment && book.pins.get(pinKey(segment));
        if (segment === undefined || pin === undefined) throw new Error(`no segment ${place}`);
        return { segment, pin };
      };
      return run((draft) => decideVoid(draft, world.invoice(number), { rebill, closedOf }, nowMs));
    },
    invoice(number: number): Invoice {
      const one = all.invoices.get(number);
      if (one === undefined) throw new Error(`no invoice ${number}`);
      return one;
    },
    /** Counts units of `api` while a period is open; `isLate`: they occurred in a closed one. Returns the price of each event. */
    use(number: number, units: string, isLate = false) {
      return run((draft) => {
        const subscription = world.live(number);
        if (!subscription.isOpen) throw new Error("nothing is counted while no period is open");
        const pin = pinOf(draft, subscription);
        const [rule] = pin.rules;
        if (rule === undefined) throw new Error("the plan has no feature");
        const occurredAtMs = isLate ? subscription.period.startMs - 1 : nowMs;
        const { priceE12 } = count(draft, { subscription, pin, rule }, decimalToE12(units), { occurredAtMs, isLate });
        return { ok: true, value: priceE12 };
      });
    },
    /** Credit for usage that was billed too much: a line that waits for the next invoice. */
    correct(number: number, amountMinor: number) {
      return run((draft) => {
        const subscription = world.live(number);
        const { planId, version, period, owed } = subscription;
        const line: InvoiceLine = {
          kind: "CREDIT",
          description: "Corrected usage",
          amountMinor: -amountMinor,
          periodStartMs: period.startMs,
          periodEndMs: period.endMs,
          plan: { planId, version },
          coverage: [{ ...period, amountMinor }],
        };
        draft.subscriptions.put({ ...subscription, owed: [...owed, line] });
        return { ok: true, value: undefined };
      });
    },
    facts(invoice: number): InvoiceFacts {
      return {
        pinOf: ({ planId, version }) => book.pins.get(pinKey({ planId, version })),
        segmentOf: (number) => all.segments.get(number),
        // There are no events here, only what was counted.
        eventsOf: () => undefined,
        balanceEntries: all.balanceEntries.filter((entry) => entry.invoice === invoice),
      };
    },
    /** The first invoice that is not what its facts say, and how it differs. */
    replay() {
      for (const invoice of all.invoices.values()) {
        const difference = replayInvoice(invoice, world.facts(invoice.number));
        if (difference !== undefined) return { invoice, difference };
      }
      return undefined;
    },
    /** The first formula that is not true as it is printed. */
    untrueFormula(): string | undefined {
      for (const invoice of all.invoices.values()) {
        const untrue = untrueFormula(invoice, world.facts(invoice.number));
        if (untrue !== undefined) return untrue;
      }
      return undefined;
    },
    balance: (currency = "USD") => book.balances.get(currency) ?? 0,
    planOf: (number: number) => pinOf({ pins: book.pins }, all.subscriptions.get(number) ?? world.live(number)),
  };
  return world;
}

/** `2027-01-15`, with the time of day only where it is not midnight. */
export function dateText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/T00:00:00\.000Z$|(?::00)?\.000Z$|Z$/, "");
}

function lineText({ kind, amountMinor, usage }: InvoiceLine, currency: string): string {
  const units = usage === undefined ? "" : `${formatE12(usage.quantityE12)} units `;
  return `${kind.toLowerCase()} ${units}${formatMinor(amountMinor, currency)}`;
}

/** `REGULAR DUE 12.50 = base 10.00, usage 25 units 2.50`: amounts to the minor unit. */
export function invoiceText({ type, status, amountMinor, currency, lines }: Invoice): string {
  const head = `${type} ${status} ${formatMinor(amountMinor, currency)}`;
  return lines.length === 0 ? head : `${head} = ${lines.map((line) => lineText(line, currency)).join(", ")}`;
}

export function refusalOf(reply: Reply<unknown>): Refusal["code"] | undefined {
  return reply.ok ? undefined : reply.code;
}
