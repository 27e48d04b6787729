import fc from "fast-check";
import { describe, test } from "vitest";
import { charge } from "../../src/domain/charge.ts";
import type { RolloverPolicy } from "../../src/domain/credit.ts";
import { drawable } from "../../src/domain/drawable.ts";
import { isUnpaid } from "../../src/domain/invoice.ts";
import { DAY_MS } from "../../src/domain/limits.ts";
import type { ChangeType } from "../../src/domain/plan-change.ts";
import type { CancelMode } from "../../src/domain/subscription.ts";
import { openWorld, plan } from "../support/book.ts";
import { credits, granted, ONE_EACH } from "../support/credit-core.ts";

/** Plans that all sell ten credits for 1.00: however a customer moves between them, that is what credits cost. */
const CREDITS_PER_UNIT = 10;

const PLANS = [
  { key: "small", price: 10, months: 1 },
  { key: "large", price: 30, months: 1 },
  { key: "quarter", price: 60, months: 3 },
  { key: "year", price: 120, months: 12 },
] as const;

function sold({ key, price, months }: (typeof PLANS)[number], rolloverPolicy: RolloverPolicy) {
  return plan({
    key,
    price: String(price),
    months,
    gives: [
      {
        allocationId: key,
        creditModelId: "m",
        creditModelName: "Model",
        denomination: "AI",
        amountE4: credits(price * CREDITS_PER_UNIT),
        hardLimit: true,
        rolloverPolicy,
        ...(rolloverPolicy === "CAPPED" ? { rolloverCapE4: credits(50) } : {}),
        createdAtMs: 0,
      },
    ],
  });
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pay" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("spend" as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      type: fc.constantFrom<ChangeType>("UPGRADE", "UPGRADE", "DOWNGRADE"),
      to: fc.constantFrom(...PLANS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("cancel" as const),
      mode: fc.constantFrom<CancelMode>("IMMEDIATE", "END_OF_PERIOD"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("subscribe" as const), to: fc.constantFrom(...PLANS) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 3_600_000, DAY_MS, 9 * DAY_MS, 40 * DAY_MS),
    }),
  },
);

describe("holds", () => {
  test("no sequence of changes, spending, ends and beginnings gives more plan credits than were paid for", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<RolloverPolicy>("FULL", "FULL", "CAPPED", "NONE"),
        fc.array(step, { minLength: 10, maxLength: 60 }),
        (policy, steps) => {
          const world = openWorld("2027-01-15");
          const { book, all } = world;
          const live = () => [...book.subscriptions.values()].at(-1);
          const paidMinor = () =>
            [...all.invoices.values()].reduce(
              (sum, { status, amountMinor }) => (status === "PAID" && amountMinor > 0 ? sum + amountMinor : sum),
              0,
            );
          for (const one of steps) {
            world.at(world.now());
            const there = live();
            switch (one.do) {
              case "pay":
                for (const { number } of [...book.invoices.values()].filter(isUnpaid)) granted(world.pay(number));
                break;
              case "spend": {
                const use = { denomination: "AI", subscription: there?.number ?? 0, weight: ONE_EACH };
                const { sumE4 } = drawable(book, use);
                granted(world.run((draft) => charge(draft, { ...use, unitsE12: sumE4 * 10n ** 8n }, world.now())));
                break;
              }
              case "change":
                // What is refused changes nothing.
                if (there !== undefined) world.change(there.number, one.type, sold(one.to, policy));
                break;
              case "cancel":
                if (there !== undefined) world.cancel(there.number, one.mode);
                break;
              case "subscribe":
                if (there === undefined) world.subscribe(sold(one.to, policy));
                break;
              case "wait":
                world.at(world.now() + one.ms);
                break;
              default:
                one satisfies never;
            }
            // What was lost to rollover, expiry or an end can be given again: it was used by nobody.
            const had = all.creditEntries.filter(
              ({ type }) => type === "GRANT" || type === "EXPIRATION" || type === "VOID",
            );
            const givenE4 = had.reduce((sum, { amountE4 }) => sum + amountE4, 0n);
            const lines = [...all.invoices.values()].reduce((sum, invoice) => sum + invoice.lines.length, 0);
            // Each line of an invoice may be rounded by half a cent.
            const coveredE4 = credits(((paidMinor() + lines / 2) / 100) * CREDITS_PER_UNIT);
            if (givenE4 > coveredE4) throw new Error(`${one.do}: ${givenE4} given, ${coveredE4} paid for`);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
