import { describe, test } from "vitest";
import { charge } from "../../src/domain/charge.ts";
import type { Allocation } from "../../src/domain/credit.ts";
import { holdCredits } from "../../src/domain/credit-holds.ts";
import { settleDues } from "../../src/domain/due.ts";
import { decideSubscribe } from "../../src/domain/subscribe.ts";
import { plan } from "../support/book.ts";
import { creditBook, credits, granted, ONE_EACH, units } from "../support/credit-core.ts";

const at = (instant: string): number => Date.parse(`${instant}Z`);
const USE = { denomination: "AI", subscription: 1, unitsE12: units(60), weight: ONE_EACH };

const HUNDRED: Allocation = {
  allocationId: "a",
  creditModelId: "m",
  creditModelName: "Model",
  denomination: "AI",
  amountE4: credits(100),
  hardLimit: true,
  rolloverPolicy: "NONE",
  createdAtMs: 0,
};

/** In arrears, without access for the second half of February; 60 of 100 credits are held beyond its end. */
function suspendedWithHold() {
  const core = creditBook();
  const pin = plan({ key: "pro", timing: "IN_ARREARS", gives: [HUNDRED] });
  granted(decideSubscribe(core.draft(), { pin, gracePeriodDays: 3 }, at("2027-02-01")));
  core.reserve({ subscription: 1, credits: granted(holdCredits(core.draft(), USE)) }, at("2027-03-01T01:00"));
  const live = core.draft().subscriptions.get(1);
  if (live === undefined) throw new Error("it is there");
  core.draft().subscriptions.put({ ...live, status: "SUSPENDED", suspendedAtMs: at("2027-02-15") });
  core.commit();
  return core;
}

const aheadOf = (core: ReturnType<typeof creditBook>) =>
  core.pool(1).ahead?.map(({ dueE4, heldE4 }) => [dueE4, heldE4]);

describe("holds", () => {
  test("what is held when a suspended period ends, and comes back when its credits are over, was given to nobody", ({
    expect,
  }) => {
    const core = suspendedWithHold();
    settleDues(core.draft(), at("2027-03-01"));
    // 50 of 100 were for time that nobody pays, 40 expired; 60 are held, of which 50 may be used before any is ahead.
    expect(aheadOf(core)).toEqual([[credits(-50), credits(60)]]);
    settleDues(core.draft(), at("2027-03-01T01:00"));
    core.commit();
    expect([core.pool(1).balanceE4, aheadOf(core)]).toEqual([0n, undefined]);
  });

  test("it counts as given ahead when it is used after all", ({ expect }) => {
    const core = suspendedWithHold();
    settleDues(core.draft(), at("2027-03-01"));
    const hold = core.end(1, "COMMITTED");
    granted(charge(core.draft(), { ...USE, hold, isHeldOnly: true }, at("2027-03-01T00:30")));
    core.commit();
    expect(aheadOf(core)).toEqual([[credits(10), 0n]]);
  });
});
