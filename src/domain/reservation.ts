import type { E12 } from "./amount.ts";
import type { Draft } from "./book.ts";
import type { HeldCredits } from "./credit.ts";
import { freeCredits, holdCredits } from "./credit-holds.ts";
import { type Question, type Serving, servingSubscription, type Verdict, verdictOf } from "./entitlement.ts";
import { HOLDS_OPEN_MAX } from "./limits.ts";
import type { Reply } from "./refusal.ts";
import type { Hold } from "./usage.ts";

/**
 * Units kept for one caller until they are used or given back, and the credits that they burn. Owns how a reservation begins and
 * ends by hand; leaves its lapse to `due.ts`, what its use costs to `metering.ts`, and which grants it holds of to `credit-holds.ts`.
 *
 * Laws: used and held units together pass no limit by a reservation; one that ended never holds again.
 */

export type Reserved = { verdict: Verdict; hold?: Hold };

/** Holds units and their credits if they may be used now: the whole verdict comes first. Refuses `state_conflict` when too many are open. */
export function decideReserve(
  draft: Draft,
  question: Question & { requestedE12: E12 },
  { ttlSeconds, key, openCount }: { ttlSeconds: number; key?: string; openCount: number },
  nowMs: number,
): Reply<Reserved> {
  const verdict = verdictOf(draft, question);
  const serving = servingSubscription(draft, question, question.wanted);
  if (!verdict.allowed || typeof serving === "string") return { ok: true, value: { verdict } };
  if (openCount >= HOLDS_OPEN_MAX)
    return {
      ok: false,
      code: "state_conflict",
      why: `The customer has ${HOLDS_OPEN_MAX} open reservations: commit or release some, or reserve for a shorter time.`,
    };
  const more = { expiresAtMs: nowMs + ttlSeconds * 1000, ...modelOf(question), ...(key === undefined ? {} : { key }) };
  const held = holdUnits(draft, { serving, verdict, unitsE12: question.requestedE12 }, more, nowMs);
  return held.ok ? { ok: true, value: { verdict, hold: held.value } } : held;
}

/** The model that a question is about, as a reservation keeps it. */
export function modelOf({ weighing }: Question): { model?: string } {
  return weighing?.model === undefined ? {} : { model: weighing.model };
}

/** Holds units, and the credits that they burn, of what a verdict that allows them found. */
export function holdUnits(
  draft: Draft,
  { serving, verdict, unitsE12 }: { serving: Serving; verdict: Verdict; unitsE12: E12 },
  more: Pick<Hold, "expiresAtMs" | "model" | "key" | "block">,
  nowMs: number,
): Reply<Hold> {
  const credits = creditsHeld(draft, serving, unitsE12, verdict);
  if (!credits.ok) return credits;
  draft.last.hold += 1;
  const hold = draft.holds.put({
    number: draft.last.hold,
    subscription: serving.subscription.number,
    featureId: serving.rule.featureId,
    featureKey: serving.rule.featureKey,
    unitsE12,
    ...(credits.value.length === 0 ? {} : { credits: credits.value }),
    status: "HELD",
    createdAtMs: nowMs,
    ...more,
  });
  return { ok: true, value: hold };
}

/** The verdict looked at the same credits, so they are there. */
function creditsHeld(
  draft: Draft,
  { subscription, rule: { denomination } }: Serving,
  unitsE12: E12,
  { credit }: Verdict,
): Reply<readonly HeldCredits[]> {
  if (denomination === undefined || credit === undefined) return { ok: true, value: [] };
  return holdCredits(draft, { denomination, subscription: subscription.number, unitsE12, weight: credit.weight });
}

/** Gives units and credits back. Done already: nothing changes. Refuses `reservation_ended` when it ended in another way. */
export function decideRelease(draft: Draft, hold: Hold, nowMs: number): Reply<undefined> {
  if (hold.status === "HELD") {
    draft.holds.put({ ...hold, status: "RELEASED" });
    freeCredits(draft, hold, nowMs);
  } else if (hold.status !== "RELEASED") return { ok: false, code: "reservation_ended", status: hold.status };
  return { ok: true, value: undefined };
}
