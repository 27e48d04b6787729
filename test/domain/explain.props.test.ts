import * as fc from "fast-check";
import { describe, test } from "vitest";
import { E12_ONE } from "../../src/domain/amount.ts";
import { creditsMinor, takenBackMinor, usageLine } from "../../src/domain/billing.ts";
import { explainLine } from "../../src/domain/explain.ts";
import { type Invoice, type InvoiceLine, invoiceNumber } from "../../src/domain/invoice.ts";
import { DAY_MS } from "../../src/domain/limits.ts";
import { pricingOf } from "../../src/domain/plan.ts";
import type { InvoiceFacts } from "../../src/domain/replay.ts";
import type { UsageSegment } from "../../src/domain/usage.ts";
import { graduated, openWorld, perUnit, plan } from "../support/book.ts";
import { untrueFormula } from "../support/formula.ts";

/** Formulas that an invoice prints, reckoned again from their text: what a person with a calculator would find. */

const CURRENCIES = ["USD", "JPY", "KWD"] as const;
const pricing = fc.constantFrom(
  perUnit("0.005"),
  perUnit("0.000001"),
  perUnit("4", "accumulate"),
  perUnit("333.3333333"),
  graduated(["10", "0.10"], ["100", "0.05", "5.5"], ["inf", "0.02"]),
  graduated(["0.5", "3"], ["7", "0", "1.005"], ["inf", "0.333333333333"]),
);
const units = fc.bigInt({ min: 0n, max: 400n * E12_ONE });
const sorted = fc.tuple(units, units, units).map((three) => three.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));

function segmentOf([billableAtStartE12 = 0n, fromE12 = 0n, toE12 = 0n]: readonly bigint[]): UsageSegment {
  const times = { periodStartMs: 0, startMs: 0, endMs: DAY_MS };
  const counted = { lateE12: 0n, events: 1, takenBackE12: 0n };
  return {
    number: 1,
    subscription: 1,
    featureId: "f-api",
    featureKey: "api",
    planId: "p-some",
    version: 1,
    billableAtStartE12,
    fromE12,
    toE12,
    ...times,
    ...counted,
  };
}

function invoiceOf(line: InvoiceLine, currency: string): Invoice {
  const times = { periodStartMs: 0, periodEndMs: DAY_MS, createdAtMs: 0, modifiedAtMs: 0, dueAtMs: 0 };
  const { amountMinor } = line;
  return {
    number: invoiceNumber(1, 1),
    subscription: 1,
    type: "REGULAR",
    status: "DUE",
    currency,
    lines: [line],
    amountMinor,
    ...times,
  };
}

describe("holds", () => {
  test("units come to their price, whether they came or went, in whatever tiers they lie", ({ expect }) => {
    fc.assert(
      fc.property(
        pricing,
        sorted,
        fc.boolean(),
        fc.constantFrom(...CURRENCIES),
        units,
        (api, totals, isLess, currency, b) => {
          const pin = plan({ key: "some", api, currency });
          const [least = 0n, from = 0n, to = 0n] = totals;
          // Units that accumulated may have been taken back to below where the period began, and the rule then changed to one that resets.
          const start = isLess && api.resetMode === "reset" ? b : least;
          const segment = segmentOf(isLess && api.resetMode === "accumulate" ? [start, to, from] : [start, from, to]);
          const line = usageLine(pin, segment);
          fc.pre(line !== undefined);
          const facts = factsOf(pin, segment);
          expect(untrueFormula(invoiceOf(line, currency), facts)).toBeUndefined();
        },
      ),
      { seed: 11 },
    );
  });

  test("units that a correction takes back come to what the last of them cost", ({ expect }) => {
    fc.assert(
      fc.property(pricing, sorted, fc.constantFrom(...CURRENCIES), units, units, (api, totals, currency, a, b) => {
        const pin = plan({ key: "some", api, currency });
        const segment = segmentOf(totals);
        const room = segment.toE12 - segment.fromE12;
        fc.pre(room > 1n);
        const beforeE12 = a % room;
        const takenE12 = (b % (room - beforeE12)) + 1n;
        const rule = pricingOf(pin.rules[0]?.value ?? {});
        const amountMinor = -takenBackMinor(segment, rule, currency, { beforeE12, takenE12 });
        const usage = { segment: 1, featureId: "f-api", featureKey: "api", quantityE12: -takenE12, lateE12: 0n };
        const line: InvoiceLine = {
          kind: "CREDIT",
          description: "Corrected",
          amountMinor,
          periodStartMs: 0,
          periodEndMs: DAY_MS,
          plan: pin,
          usage: { ...usage, ...(beforeE12 === 0n ? {} : { takenBeforeE12: beforeE12 }) },
        };
        expect(untrueFormula(invoiceOf(line, currency), factsOf(pin, segment))).toBeUndefined();
      }),
      { seed: 12 },
    );
  });

  test("credits that were bought come to their price", ({ expect }) => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.bigInt({ min: 1n, max: 10n ** 13n }),
        fc.constantFrom(...CURRENCIES),
        (creditsE4, unitPriceE12, currency) => {
          const credits = { creditsE4, unitPriceE12 };
          const amountMinor = creditsMinor(credits, currency);
          const times = { periodStartMs: 0, periodEndMs: DAY_MS };
          const line = { kind: "BASE" as const, description: "Credits", amountMinor, credits, ...times };
          const pin = plan({ key: "some" });
          expect(untrueFormula(invoiceOf(line, currency), factsOf(pin, segmentOf([])))).toBeUndefined();
        },
      ),
      { seed: 13 },
    );
  });

  test("shares of a price that has more digits than its currency come to what is charged and given back", ({
    expect,
  }) => {
    const at = fc.integer({ min: 0, max: 28 * DAY_MS - 1 });
    const price = fc.bigInt({ min: 1n, max: 10n ** 8n }).map((over) => `${over / 10n ** 4n}.${over % 10n ** 4n}`);
    fc.assert(
      fc.property(price, price, fc.constantFrom(...CURRENCIES), at, at, (from, to, currency, first, second) => {
        const world = openWorld("2027-02-01");
        const startMs = world.now();
        world.subscribe(plan({ key: "from", price: from, currency }));
        for (const { number, status } of world.book.invoices.values()) if (status === "DUE") world.pay(number);
        world.at(startMs + Math.min(first, second));
        world.change(1, "UPGRADE", plan({ key: "to", price: to, currency }));
        for (const { number, status } of world.book.invoices.values()) if (status === "DUE") world.pay(number);
        world.at(startMs + Math.max(first, second)).cancel(1, "IMMEDIATE");
        expect(world.replay()).toBeUndefined();
        expect(world.untrueFormula()).toBeUndefined();
      }),
      { seed: 14 },
    );
  });

  test("a formula shows what was rounded, and never a rounded price", ({ expect }) => {
    const world = openWorld("2027-01-15");
    world.subscribe(plan({ key: "yen", price: "100.5", currency: "JPY" }));
    for (const { number } of world.book.invoices.values()) world.pay(number);
    world.at("2027-01-30T12:00").cancel(1, "IMMEDIATE");
    const texts = [...world.all.invoices.values()].flatMap((invoice) =>
      invoice.lines.map((line) => explainLine(invoice, line, world.facts(invoice.number)).formula),
    );
    expect(texts).toEqual([
      "100.5 for the whole period, rounded to 101",
      "101 × 1,339,200,000 ms ÷ 2,678,400,000 ms, rounded to 51 given back",
    ]);
  });
});

function factsOf(pin: ReturnType<typeof plan>, segment: UsageSegment): InvoiceFacts {
  return { pinOf: () => pin, segmentOf: () => segment, eventsOf: () => undefined, balanceEntries: [] };
}
