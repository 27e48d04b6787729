import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { E12 } from "../../src/domain/amount.ts";
import { nextDueAtMs } from "../../src/domain/due.ts";
import { type InvoiceStatus, sumOfLines } from "../../src/domain/invoice.ts";
import { jsonText } from "../../src/domain/json-text.ts";
import { DAY_MS, HOUR_MS } from "../../src/domain/limits.ts";
import { pricingOf } from "../../src/domain/plan.ts";
import { pinKey, type SubscriptionStatus } from "../../src/domain/subscription.ts";
import { openWorld, type Step, type World } from "../support/book.ts";
import {
  anyPlan,
  beginning,
  begun,
  commands,
  law,
  obey,
  type Run,
  SPECS,
  START_MS,
  versionOf,
} from "../support/histories.ts";

/** A model of every state and every command: whatever a customer and an operator do, and however time goes by, the laws hold. */

const NEXT_STATUS: Readonly<Record<SubscriptionStatus, readonly SubscriptionStatus[]>> = {
  INCOMPLETE: ["ACTIVE", "CANCELLED"],
  ACTIVE: ["SUSPENDED", "CANCELLED"],
  SUSPENDED: ["ACTIVE", "CANCELLED"],
  CANCELLED: [],
};

const NEXT_INVOICE_STATUS: Readonly<Record<InvoiceStatus, readonly InvoiceStatus[]>> = {
  PENDING: ["DUE", "PAID"],
  DUE: ["PAID", "PAST_DUE", "VOID", "CANCELLED"],
  PAST_DUE: ["PAID", "VOID"],
  PAID: [],
  VOID: [],
  CANCELLED: [],
};

/** Steps of a life, one by one. `pastDue`: invoices past due, by subscription, as the steps go by. */
function checkSteps(world: World, steps: readonly Step[]): void {
  for (const step of steps) {
    const { before, after } = step;
    if (before === undefined) continue;
    if (step.kind === "subscription") {
      const next = NEXT_STATUS[step.before?.status ?? step.after.status];
      law(
        before.status === after.status || next.includes(step.after.status),
        "no illegal step of a subscription",
        step,
      );
      law(before.number === after.number && step.after.createdAtMs === before.createdAtMs, "identity stays", step);
      law(step.after.modifiedAtMs <= step.nowMs, "nothing happens ahead of its time", step);
      if (before.status === "ACTIVE" && after.status === "SUSPENDED") {
        const unpaid = [...world.all.invoices.values()].some(
          ({ subscription, graceEndsAtMs, dueAtMs, modifiedAtMs }) =>
            subscription === after.number &&
            graceEndsAtMs === undefined &&
            dueAtMs <= step.after.modifiedAtMs &&
            modifiedAtMs >= step.after.modifiedAtMs,
        );
        law(unpaid, "nobody is suspended without an invoice past due", step);
      }
    } else {
      const next = NEXT_INVOICE_STATUS[step.before?.status ?? step.after.status];
      law(before.status === after.status || next.includes(step.after.status), "no illegal step of an invoice", step);
      if (before.status === "PAID") law(step.after.amountMinor === step.before?.amountMinor, "paid is paid", step);
    }
  }
}

function checkStates({ book }: World): void {
  const plans = new Set<string>();
  for (const { number, status, isOpen, planId, period, suspendedAtMs, openInvoice } of book.subscriptions.values()) {
    law(!plans.has(planId), "at most one live subscription for a plan", planId);
    plans.add(planId);
    law(status !== "ACTIVE" || isOpen, "ACTIVE has an open period", number);
    law(status !== "INCOMPLETE" || (!isOpen && openInvoice !== undefined), "INCOMPLETE waits for an invoice", number);
    law((status === "SUSPENDED") === (suspendedAtMs !== undefined), "SUSPENDED says since when", number);
    law(period.startMs < period.endMs, "a period has a length", period);
    const pastDue = [...book.invoices.values()].some((one) => one.subscription === number && one.status === "PAST_DUE");
    law((status === "SUSPENDED") === pastDue, "SUSPENDED is who has something past due", number);
    if (openInvoice !== undefined) {
      const waiting = status === "INCOMPLETE" ? "DUE" : "PENDING";
      law(book.invoices.get(openInvoice)?.status === waiting, "the open invoice waits", openInvoice);
    }
  }
}

/** Each period begins where the one before closed, but for one that a suspension ended. */
function checkPeriods({ all }: World): void {
  const closedAt = new Map<number, { atMs: number; resumed: boolean }>();
  for (const step of all.steps) {
    if (step.kind !== "subscription") continue;
    const { before, after } = step;
    if (before?.isOpen && !after.isOpen) closedAt.set(after.number, { atMs: after.modifiedAtMs, resumed: false });
    const closed = closedAt.get(after.number);
    if (closed !== undefined && before?.status === "SUSPENDED" && after.status === "ACTIVE") closed.resumed = true;
    if (after.isOpen && !before?.isOpen && closed !== undefined) {
      const starts = after.period.startMs;
      law(closed.resumed ? starts >= closed.atMs : starts === closed.atMs, "periods are contiguous", step);
    }
    if (before?.isOpen && after.isOpen)
      law(before.period.startMs === after.period.startMs, "an open period stays where it is", step);
  }
}

/** Every counted unit is on a segment once, and every priced segment on a line once. */
function checkUsage({ all, book }: World): void {
  const standing = new Map<number, number>();
  const dropped = new Set<number>();
  for (const { status, lines } of all.invoices.values())
    for (const { usage } of lines) {
      if (usage === undefined) continue;
      if (status === "VOID" || status === "CANCELLED") dropped.add(usage.segment);
      else standing.set(usage.segment, (standing.get(usage.segment) ?? 0) + 1);
    }
  for (const { owed } of book.subscriptions.values())
    for (const { usage } of owed) if (usage) standing.set(usage.segment, (standing.get(usage.segment) ?? 0) + 1);
  const segmented = new Map<string, E12>();
  for (const segment of all.segments.values()) {
    const { number, subscription, featureId, fromE12, toE12, billedAtMs, planId, version, startMs, endMs } = segment;
    const key = `${subscription}/${featureId}`;
    law((segmented.get(key) ?? 0n) === fromE12, "segments follow each other", segment);
    segmented.set(key, toE12);
    law(startMs <= endMs && segment.periodStartMs <= startMs, "a segment lies in its period", segment);
    const pricing = pricingOf(book.pins.get(pinKey({ planId, version }))?.rules[0]?.value ?? {});
    const isPriced = pricing.model !== "included" && fromE12 !== toE12 && billedAtMs !== undefined;
    const lines = standing.get(number) ?? 0;
    law(isPriced ? lines === 1 || (lines === 0 && dropped.has(number)) : lines === 0, "usage is billed once", segment);
    const isLive = book.subscriptions.has(subscription);
    law(isLive || billedAtMs !== undefined, "what ended has billed all usage", segment);
  }
  for (const [key, { subscription, billableE12, segment }] of all.counters) {
    const open = billableE12 - segment.billableFromE12;
    law((segmented.get(key) ?? 0n) + open === billableE12, "a counter is its segments and what is open", key);
    law(book.subscriptions.has(subscription) || open === 0n, "what ended has nothing open", key);
  }
}

/** What was charged is paid, or is to be paid, or was taken from credit; and no credit comes from what was not paid. */
function checkMoney({ all, book }: World, givenMinor: number): void {
  let [charged, asked, paid, carried, waiting, returned, seatsBack] = [0, 0, 0, 0, 0, 0, 0];
  for (const invoice of all.invoices.values()) {
    const { type, status, amountMinor, lines, restingCredits = [] } = invoice;
    law(amountMinor === sumOfLines(lines), "an invoice is the sum of its lines", invoice);
    law(type === "CREDIT" ? amountMinor < 0 && status === "PAID" : amountMinor >= 0, "only credit is below 0", invoice);
    if (status !== "PAID") waiting += restingCredits.reduce((sum, credit) => sum + credit.amountMinor, 0);
    const own = lines.filter(({ kind, plan: from }) => kind !== "CREDIT" || from !== undefined);
    if (status === "VOID" || status === "CANCELLED") {
      returned += sumOfLines(own.filter(({ kind }) => kind === "CREDIT"));
      continue;
    }
    charged += sumOfLines(own);
    // Seats that are given back are money back, at the price of the rule in force.
    seatsBack -= sumOfLines(own.filter(({ kind, amountMinor: minor }) => kind === "USAGE" && minor < 0));
    if (type === "CREDIT") continue;
    // What was carried over is asked for by a later invoice, or still owed.
    if (invoice.paidBy === "CARRIED") carried += amountMinor;
    else asked += amountMinor;
    if (status === "PAID" && invoice.paidBy !== "CARRIED") paid += amountMinor;
  }
  const balance = book.balances.get("USD") ?? 0;
  law(
    balance === all.balanceEntries.reduce((sum, { amountMinor }) => sum + amountMinor, 0),
    "a balance is its entries",
  );
  law(balance >= -carried, "a balance is below 0 only by what was carried over", balance);
  law(charged + returned + balance + waiting === asked, "money is conserved", { charged, returned, balance, asked });
  // What was carried over counts as paid: an invoice asks for it.
  const had = paid + carried + givenMinor + seatsBack;
  law(balance <= had, "no credit for what was not paid", { balance, paid, carried, givenMinor });
}

function checkAll({ world, givenMinor }: Run): void {
  checkStates(world);
  checkUsage(world);
  checkMoney(world, givenMinor);
}

/** Everything that the customer has and had, as text. */
function textOf({ all }: World): string {
  const { steps: _, ...things } = all;
  return jsonText(Object.values(things).map((shelf) => [...shelf.values()]));
}

describe("holds", () => {
  test("whatever is done in whatever order, the laws of subscriptions, usage and money hold", {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(commands, (asked) => {
        const run: Run = { world: openWorld(START_MS), givenMinor: 0 };
        const { world } = run;
        let seen = 0;
        for (const one of asked) {
          world.at(world.now());
          obey(run, one);
          checkStates(world.at(world.now()));
          checkMoney(world, run.givenMinor);
          law(world.settle() === 0, "settling again at one instant changes nothing");
          checkSteps(world, world.all.steps.slice(seen));
          seen = world.all.steps.length;
        }
        checkAll(run);
        checkPeriods(world);
        law(world.replay() === undefined, "every invoice is what its facts say", world.replay());
        law(world.untrueFormula() === undefined, "every line comes to its formula", world.untrueFormula());
      }),
      { numRuns: 1000, seed: 4 },
    );
  });

  test("who asks in between does not matter: settled at each instant, or within the hour after it, all is the same", () => {
    fc.assert(
      fc.property(beginning, fc.array(fc.nat({ max: HOUR_MS }), { minLength: 1 }), (asked, delaysMs) => {
        const [prompt, lazy] = [begun(asked).world, begun(asked).world];
        const untilMs = prompt.now() + 400 * DAY_MS;
        for (let n = 0; ; n += 1) {
          const dueAtMs = nextDueAtMs(lazy.book);
          if (dueAtMs === undefined || dueAtMs > untilMs) break;
          lazy.wakeAt(Math.max(lazy.now(), dueAtMs + (delaysMs[n % delaysMs.length] ?? 0)));
        }
        // What was delayed beyond the end is done for the other one too.
        law(
          textOf(prompt.at(Math.max(untilMs, lazy.now()))) === textOf(lazy.at(prompt.now())),
          "an alarm does not matter",
        );
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  test("a silent customer is billed the same in one go as month by month, but for when it is asked to pay", () => {
    fc.assert(
      fc.property(anyPlan, fc.nat({ max: 300 }), fc.integer({ min: 31, max: 399 }), (index, units, days) => {
        const [spec] = SPECS.slice(index);
        if (spec === undefined) return;
        const billed = (go: (world: World) => unknown): string => {
          const world = openWorld(START_MS);
          world.subscribe(versionOf(spec, 1), 400);
          for (const { number, status } of world.all.invoices.values()) if (status === "DUE") world.pay(number);
          world.use(1, String(units));
          go(world);
          const invoices = [...world.all.invoices.values()].map(
            ({ status, number, lines, periodStartMs, periodEndMs }) => [
              number,
              status,
              periodStartMs,
              periodEndMs,
              lines,
            ],
          );
          return jsonText([invoices, world.live(1).period, world.live(1).inForce]);
        };
        const atMs = START_MS + days * DAY_MS;
        law(billed((world) => world.wakeAt(atMs)) === billed((world) => world.at(atMs)), "lateness changes no line");
      }),
      { numRuns: 200, seed: 6 },
    );
  });
});
