import { clockOf, joinClock, leaveClock } from "../catalog/test-clocks.ts";
import type { RegisterCall } from "../customer/calls.ts";
import { objectOf } from "../customer/object-of.ts";
import type { Uuid } from "../domain/ids.ts";
import { CLOCK_CUSTOMERS_MAX } from "../domain/limits.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import { farthestOf } from "../domain/test-clock.ts";
import type { Call } from "./route.ts";

/**
 * How a customer comes to live by a test clock: it is put among the clock's customers, then its object is registered at the clock's
 * instant, then it is seen whether the clock moved on meanwhile. An advance at any moment between finds the customer, or is found.
 */

/** Test clocks are for test accounts. */
export function liveAccount(call: Call): Refusal | undefined {
  return call.account.account.mode === "live"
    ? { ok: false, code: "not_allowed", why: "Test clocks are for test accounts; in a live account time is real." }
    : undefined;
}

export function noClock(given: string): Refusal {
  return { ok: false, code: "thing_not_found", what: "test clock", given };
}

const FULL: Refusal = {
  ok: false,
  code: "state_conflict",
  why: `The test clock has ${CLOCK_CUSTOMERS_MAX} customers, which is all it can have; make another clock.`,
};

/** Why nobody can join this clock; undefined: somebody can. Asked before a customer is made for it. */
export async function clockRefusal(call: Call, testClockId: string): Promise<Refusal | undefined> {
  const live = liveAccount(call);
  if (live !== undefined) return live;
  const found = await clockOf(call.env.DB, call.account.account.accountId, testClockId.toLowerCase());
  if (found === undefined) return noClock(testClockId);
  return found.customers >= CLOCK_CUSTOMERS_MAX ? FULL : undefined;
}

/** Puts a customer into a clock. Returns what its object has to know of it. */
export async function enterClock(
  call: Call,
  testClockId: string,
  customerId: Uuid,
): Promise<Reply<NonNullable<RegisterCall["testClock"]>>> {
  const clockId = testClockId.toLowerCase();
  const joined = await joinClock(call.env.DB, call.account.account.accountId, clockId, customerId);
  if (joined === "no clock") return noClock(testClockId);
  if (joined === "full") return FULL;
  if (joined === "in another")
    return {
      ok: false,
      code: "state_conflict",
      why: "The customer was asked for with another test clock before, and never changes its clock.",
    };
  return { ok: true, value: { clockId, nowMs: farthestOf(joined) } };
}

/** After the customer was registered at `atMs`: brings it to where the clock is by now, or into real time if the clock has ended. */
export async function catchUp(call: Call, testClockId: string, customerId: Uuid, atMs: number): Promise<void> {
  const { accountId } = call.account.account;
  const object = objectOf(call.env, accountId, customerId);
  const now = await clockOf(call.env.DB, accountId, testClockId.toLowerCase());
  if (now === undefined) await object.releaseClock();
  else if (farthestOf(now.clock) > atMs) await object.advanceClock(farthestOf(now.clock));
}

/** After a customer was refused: takes it out again, unless another request registered it in this very clock. */
export async function leaveAgain(call: Call, testClockId: string, customerId: Uuid): Promise<void> {
  const { accountId } = call.account.account;
  const clockId = testClockId.toLowerCase();
  const shown = await objectOf(call.env, accountId, customerId).view();
  if (shown !== undefined && shown.testClockId !== clockId)
    await leaveClock(call.env.DB, accountId, clockId, customerId);
}
