import { test } from "vitest";
import { isUnpaid } from "../../src/domain/invoice.ts";
import { formatMinor } from "../../src/domain/money.ts";
import type { ChangeType } from "../../src/domain/plan-change.ts";
import type { Reply } from "../../src/domain/refusal.ts";
import type { PlanPin } from "../../src/domain/subscription.ts";
import { dateText, graduated, invoiceText, openWorld, perUnit, plan } from "./book.ts";

/**
 * A customer in a story: commands on its newest subscription, each of which has to succeed, and the outcome as text, to the cent.
 * Times are as in `openWorld`; moving in time is a test clock's, so that nothing is late, but for `wakesAt`.
 */

export type Customer = ReturnType<typeof customer>;

function done(reply: Reply<unknown>): void {
  if (!reply.ok) throw new Error(`refused: ${JSON.stringify(reply)}`);
}

export function customer(start: string | number) {
  const world = openWorld(start);
  /** Every command settles first. */
  const number = (): number => {
    world.at(world.now());
    return world.book.last.subscription;
  };
  const unpaid = () => [...world.book.invoices.values()].filter(isUnpaid);
  const change = (type: ChangeType) => (to: PlanPin) => {
    done(world.change(number(), type, to));
    return she;
  };
  const she = {
    world,
    /** Subscribes, and pays what is asked for first, unless `isUnpaid`. */
    on(pin: PlanPin, { grace = 3, isUnpaid: waits = false }: { grace?: number; isUnpaid?: boolean } = {}) {
      number();
      const subscribed = world.subscribe(pin, grace);
      done(subscribed);
      const first = subscribed.ok ? world.book.invoices.get(subscribed.value.invoice ?? 0) : undefined;
      if (!waits && first?.status === "DUE") done(world.pay(first.number));
      return she;
    },
    at(instant: string | number) {
      world.at(instant);
      return she;
    },
    wakesAt(instant: string | number) {
      world.wakeAt(instant);
      return she;
    },
    /** Pays everything that is unpaid, or the n-th of it, from 0. */
    pays(nth?: number) {
      number();
      const invoices = nth === undefined ? unpaid() : unpaid().slice(nth, nth + 1);
      for (const invoice of invoices) done(world.pay(invoice.number));
      return she;
    },
    up: change("UPGRADE"),
    down: change("DOWNGRADE"),
    migrates(to: PlanPin, when: "NOW" | "NEXT_PERIOD") {
      done(world.migrate(number(), to, when));
      return she;
    },
    uses(units: string, { isLate = false } = {}) {
      done(world.use(number(), units, isLate));
      return she;
    },
    cancels(when: "now" | "at end") {
      done(world.cancel(number(), when === "now" ? "IMMEDIATE" : "END_OF_PERIOD"));
      return she;
    },
    reverts() {
      done(world.revert(number()));
      return she;
    },
    drops() {
      done(world.dropScheduled(number()));
      return she;
    },
    grace(days: number) {
      done(world.grace(number(), days));
      return she;
    },
    /** The operator makes the n-th unpaid invoice void. */
    voids(nth: number, { rebill = false } = {}) {
      number();
      const invoice = unpaid()[nth];
      if (invoice === undefined) throw new Error(`no unpaid invoice ${nth}`);
      done(world.void(invoice.number, rebill));
      return she;
    },
    /** The n-th unpaid invoice is too small to be collected. */
    carries(nth = 0) {
      number();
      const invoice = unpaid()[nth];
      if (invoice === undefined) throw new Error(`no unpaid invoice ${nth}`);
      done(world.carry(invoice.number));
      return she;
    },
    paidOut(amountMinor: number) {
      done(world.payOut(amountMinor));
      return she;
    },
    /** All invoices in the order of their making. */
    invoices: (): string[] => {
      number();
      return [...world.all.invoices.values()].map(invoiceText);
    },
    /** `ACTIVE pro 2027-01-15/2027-02-15`: the newest subscription, its plan, and its period, in brackets once it is closed. */
    state: (): string => {
      const one = world.all.subscriptions.get(number());
      if (one === undefined) return "none";
      const { status, period, isOpen, cancel, scheduled } = one;
      const span = `${dateText(period.startMs)}/${dateText(period.endMs)}`;
      const next = scheduled === undefined ? "" : ` then ${scheduled.planId.slice(2)}`;
      const ends = status === "CANCELLED" || cancel === undefined ? "" : ` until ${dateText(cancel.effectiveAtMs)}`;
      return `${status} ${world.planOf(one.number).key} ${isOpen ? span : `(${span})`}${next}${ends}`;
    },
    balance: (currency = "USD"): string => formatMinor(world.balance(currency), currency),
    /** When each invoice became due. */
    dueDates: (): string[] => [...world.all.invoices.values()].map(({ dueAtMs }) => dateText(dueAtMs)),
  };
  return she;
}

/** Plans of the stories. A period from the 15th of January has 31 days, so that half of it is over on the 30th at noon. */
export const FREE = plan({ key: "free", api: perUnit("0.01") });
export const PRO = plan({ key: "pro", price: "10", api: perUnit("0.10") });
export const TEAM = plan({ key: "team", price: "30", api: perUnit("0.05") });
export const MAX = plan({ key: "max", price: "100" });
export const QUARTER = plan({ key: "quarter", price: "27", months: 3 });
export const YEAR = plan({ key: "year", price: "100", months: 12, api: perUnit("0.10") });
export const LATER = plan({ key: "later", price: "31", timing: "IN_ARREARS", api: perUnit("0.10") });
export const LATER_BIG = plan({ key: "later-big", price: "62", timing: "IN_ARREARS" });
export const USED = plan({ key: "used", timing: "IN_ARREARS", api: perUnit("1") });
export const SEATS = plan({ key: "seats", api: perUnit("4", "accumulate") });
export const TIERS = graduated(["1000", "0.10"], ["10000", "0.05", "5"], ["inf", "0.02"]);

export const PRO_2 = plan({ key: "pro", version: 2, price: "4" });
export const PRO_3 = plan({ key: "pro", version: 3, price: "20" });
export const TIERED = plan({ key: "tiered", api: graduated(["10", "0.10"], ["inf", "0.05", "5"]) });
export const TIERED_2 = plan({ key: "tiered", version: 2, api: graduated(["10", "0.20"], ["inf", "0.10", "5"]) });

export const HALF = "2027-01-30T12:00";

/** The invoice of whoever subscribed to PRO and paid. */
export const FIRST = "IN_ADVANCE_INITIAL PAID 10.00 = base 10.00";

/** What is told of the end of a story; what is left out may be anything. */
export type Outcome = { invoices?: string[]; state?: string; balance?: string; due?: string[] };

export function story(name: string, tell: (ada: Customer) => Customer, outcome: Outcome, start = "2027-01-15"): void {
  test(name, ({ expect }) => {
    const ada = tell(customer(start));
    expect({
      ...(outcome.invoices === undefined ? {} : { invoices: ada.invoices() }),
      ...(outcome.state === undefined ? {} : { state: ada.state() }),
      ...(outcome.balance === undefined ? {} : { balance: ada.balance() }),
      ...(outcome.due === undefined ? {} : { due: ada.dueDates() }),
    }).toEqual(outcome);
    expect(ada.world.replay()).toBeUndefined();
    expect(ada.world.untrueFormula()).toBeUndefined();
  });
}
