import * as fc from "fast-check";
import { describe, test } from "vitest";
import { openDraft } from "../../src/domain/book.ts";
import { decideUpcoming } from "../../src/domain/due.ts";
import { type Invoice, isUnpaid } from "../../src/domain/invoice.ts";
import { jsonText } from "../../src/domain/json-text.ts";
import { FIRST_PAYMENT_MS_MAX, SUSPENDED_MS_MAX } from "../../src/domain/limits.ts";
import type { Subscription } from "../../src/domain/subscription.ts";
import { perUnit, plan, type World } from "../support/book.ts";
import { anyPlan, beginning, begun, law } from "../support/histories.ts";
import { customer, story } from "../support/story.ts";

/** The upcoming invoice is the real one, made earlier: whatever a customer has been through, it tells to the line what comes. */

/** What both have to agree on: all but what only time brings, such as having fallen past due. */
function substance({
  number,
  type,
  currency,
  lines,
  amountMinor,
  periodStartMs,
  periodEndMs,
  dueAtMs,
  terms,
}: Invoice): string {
  return jsonText({ number, type, currency, lines, amountMinor, periodStartMs, periodEndMs, dueAtMs, terms });
}

/** Who does not pay in time gets another invoice: then something else falls due in the instant of the period's end. */
function runsOut({ book }: World, atMs: number): boolean {
  return (
    [...book.invoices.values()].some(({ graceEndsAtMs }) => graceEndsAtMs === atMs) ||
    [...book.subscriptions.values()].some(
      ({ status, createdAtMs, suspendedAtMs = Number.NaN }) =>
        suspendedAtMs + SUSPENDED_MS_MAX === atMs ||
        (status === "INCOMPLETE" && createdAtMs + FIRST_PAYMENT_MS_MAX === atMs),
    )
  );
}

/** Somebody who has bought two plans, at one instant, and paid; then anything may happen. */
const lively = fc.tuple(anyPlan, anyPlan, beginning).map(([one, other, asked]) => [
  ...[one, other].flatMap((bought) => [
    { do: "subscribe" as const, plan: bought, days: 3 as const },
    { do: "pay" as const, which: 0 },
  ]),
  ...asked,
]);

const openOnes = ({ book }: World): Subscription[] =>
  [...book.subscriptions.values()].filter(({ isOpen }) => isOpen).toSorted((a, b) => a.period.endMs - b.period.endMs);

describe("does", () => {
  story(
    "two subscriptions share a balance: each upcoming invoice knows what the other one takes before",
    (ada) => {
      ada.on(plan({ key: "first", price: "10" })).on(plan({ key: "second", price: "8" }));
      ada.at("2027-01-30T12:00").migrates(plan({ key: "second", version: 2, price: "2" }), "NOW");
      if (ada.balance() !== "3.00") throw new Error(ada.balance());
      const upcoming = (number: number) =>
        decideUpcoming(openDraft(ada.world.book), ada.world.live(number))?.amountMinor;
      const told = [upcoming(1), upcoming(2)];
      ada.at("2027-02-15");
      const came = [...ada.world.all.invoices.values()].filter(({ type }) => type === "REGULAR");
      if (jsonText(told) !== jsonText(came.map(({ amountMinor }) => amountMinor)))
        throw new Error(jsonText({ told, came }));
      return ada;
    },
    { balance: "0.00" },
  );

  test("a period that ends without an invoice has none upcoming", ({ expect }) => {
    const { world } = customer("2027-01-15").on(plan({ key: "free", api: perUnit("1") }));
    expect(decideUpcoming(openDraft(world.book), world.live(1))).toBeUndefined();
  });
});

describe("holds", () => {
  test("what is upcoming an instant before a period ends is what comes, line by line", { timeout: 60_000 }, ({
    expect,
  }) => {
    let [compared, empty, shared] = [0, 0, 0];
    fc.assert(
      fc.property(lively, fc.array(fc.nat({ max: 40 }), { minLength: 6, maxLength: 12 }), (asked, units) => {
        const { world } = begun(asked);
        for (const used of units) {
          const [next] = openOnes(world);
          if (next === undefined) return;
          const { endMs } = next.period;
          if (endMs - 1 > world.now()) world.at(endMs - 1);
          const ending = openOnes(world).filter(({ period }) => period.endMs === endMs);
          for (const { number } of ending) world.use(number, String(used));
          const isCut = runsOut(world, endMs);
          const told = ending.map(({ number }) => decideUpcoming(openDraft(world.book), world.live(number)));
          const before = new Set(
            [...world.all.invoices.values()].filter(({ status }) => status !== "PENDING").map(({ number }) => number),
          );
          world.at(endMs);
          shared += ending.length > 1 && world.all.balanceEntries.length > 0 && !isCut ? 1 : 0;
          for (const [index, { number }] of isCut ? [] : ending.entries()) {
            const came = [...world.all.invoices.values()].find(
              (one) => one.subscription === number && one.status !== "PENDING" && !before.has(one.number),
            );
            const upcoming = told[index];
            compared += upcoming === undefined ? 0 : 1;
            empty += upcoming === undefined ? 1 : 0;
            law((upcoming && substance(upcoming)) === (came && substance(came)), "upcoming is what comes", {
              upcoming,
              came,
            });
          }
          // Some of it is paid, so that some go on and some are suspended.
          if (used % 3 > 0)
            for (const { number } of [...world.book.invoices.values()].filter(isUnpaid)) world.pay(number);
        }
      }),
      { numRuns: 400, seed: 11 },
    );
    // Nothing is proven by histories in which no period ends.
    expect([compared > 1000, empty > 50, shared > 100]).toEqual([true, true, true]);
  });
});
