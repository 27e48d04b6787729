import fc from "fast-check";
import { describe, test } from "vitest";
import { openPaymentsFor, subjectOf } from "../../src/domain/payments.ts";
import { plan } from "../support/book.ts";
import { type Collecting, openCollecting } from "../support/collecting.ts";

/** Whatever customer, operator, provider and network do in whatever order, each cent that came is accounted for, once. */

type Step =
  | { do: "ask" | "send" | "hear" | "mark" | "void" | "upgrade" | "cancel" }
  | { do: "buy"; credits: number }
  | { do: "days"; days: number }
  | { do: "card"; kind: "good" | "bad" | "slow" | undefined }
  | { do: "complete"; which: number; status: "succeeded" | "processing" }
  | { do: "arrive"; which: number; comes: boolean }
  | { do: "refund"; which: number; minor: number }
  | { do: "expire"; which: number }
  | { do: "tell"; which: number };

const which = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ do: "ask" }) },
  { weight: 6, arbitrary: fc.constant<Step>({ do: "send" }) },
  { weight: 6, arbitrary: fc.constant<Step>({ do: "hear" }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "mark" }, { do: "void" }, { do: "upgrade" }, { do: "cancel" }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("days" as const), days: fc.constantFrom(0.5, 1, 3, 14, 31) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("buy" as const), credits: fc.integer({ min: 5, max: 500 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("card" as const),
      kind: fc.constantFrom("good" as const, "bad" as const, "slow" as const, undefined),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("complete" as const),
      which,
      status: fc.constantFrom("succeeded" as const, "processing" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("arrive" as const), which, comes: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("refund" as const), which, minor: fc.integer({ min: 1, max: 5000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const), which }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("tell" as const), which }) },
);

function at<T>(things: Iterable<T>, index: number): T | undefined {
  const all = [...things];
  return all[index % Math.max(1, all.length)];
}

const SMALL = plan({ key: "s", price: "20" });
const LARGE = plan({ key: "l", price: "50" });

function take(run: Collecting, step: Step): void {
  const { world } = run;
  const live = [...world.book.subscriptions.values()][0];
  const [unpaid] = run.unpaid();
  switch (step.do) {
    case "ask":
      if (unpaid !== undefined) run.ask(unpaid);
      return;
    case "send":
      run.send();
      return;
    case "hear":
      run.hear();
      return;
    case "mark":
      if (unpaid !== undefined) world.pay(unpaid.number);
      return;
    case "void":
      if (unpaid !== undefined) world.void(unpaid.number);
      return;
    case "upgrade":
      if (live?.planId === SMALL.planId) world.change(live.number, "UPGRADE", LARGE);
      return;
    case "cancel":
      if (live !== undefined) world.cancel(live.number, "IMMEDIATE");
      world.subscribe(SMALL);
      return;
    case "buy":
      run.buy(step.credits);
      return;
    case "days":
      world.at(world.now() + step.days * 86_400_000);
      return;
    case "card":
      run.card(step.kind);
      return;
    case "complete": {
      const page = at(run.openPages(), step.which);
      if (page !== undefined) run.completePage(page, step.status);
      return;
    }
    case "arrive": {
      const intent = at(run.intents.values(), step.which);
      if (intent !== undefined) run.arrive(intent, step.comes);
      return;
    }
    case "refund": {
      const intent = at(run.intents.values(), step.which);
      if (intent !== undefined) run.giveBack(intent, step.minor);
      return;
    }
    case "expire": {
      const page = at(run.openPages(), step.which);
      if (page !== undefined) run.expirePage(page);
      return;
    }
    case "tell": {
      const fact = at(run.facts, step.which);
      if (fact !== undefined) run.tell(fact);
      return;
    }
    default:
      step satisfies never;
  }
}

/** Everything that is under way comes to its end, and every event is told, the last ones first. */
function finish(run: Collecting): void {
  for (let round = 0; round < 20; round += 1) {
    run.flush();
    const told = run.facts.length;
    for (const fact of run.facts.toReversed()) run.tell(fact);
    run.flush();
    if (run.facts.length === told) return;
  }
  throw new Error("events come to no end");
}

describe("holds", () => {
  test.for([false, true])(
    "money at the provider is money called paid, or overpaid (given back by itself: %s)",
    { timeout: 60_000 },
    (refunds, { expect }) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 10, maxLength: 120, size: "max" }), (steps) => {
          const run = openCollecting("2027-01-15", { refunds });
          run.world.subscribe(SMALL);
          for (const one of steps) {
            take(run, one);
            for (const { number } of run.unpaid()) {
              const open = openPaymentsFor(run.world.book, subjectOf({ invoice: number }));
              expect(open.filter(({ isClosing }) => isClosing === undefined).length).toBeLessThanOrEqual(1);
            }
            // What the customer sees: never two pages for one invoice, and none for what need not be paid once calls are made.
            const subjects = run.openPages().map(({ payment }) => subjectOf(run.payment(payment)));
            expect(new Set(subjects).size).toBe(subjects.length);
          }
          finish(run);
          expect(run.calledPaidMinor()).toBe(run.moneyMinor());
          for (const { payment } of run.openPages()) {
            const { purchase, invoice } = run.payment(payment);
            if (purchase === undefined) expect(run.unpaid().map(({ number }) => number)).toContain(invoice);
          }
          // Credits came with the money and went with it, to a rounding for each time that some was given back.
          const kept = [...run.world.all.grants.values()].reduce((sum, { remainingE4 }) => sum + remainingE4, 0n);
          const roundings = run.facts.filter(({ kind }) => kind === "refunded").length;
          expect(Math.abs(Number(kept) - run.boughtMinor() * 1000)).toBeLessThanOrEqual(roundings);
          if (refunds)
            for (const { overpaid } of run.world.all.invoices.values()) expect(overpaid?.state).not.toBe("OPEN");
        }),
        { numRuns: 500 },
      );
    },
  );
});
