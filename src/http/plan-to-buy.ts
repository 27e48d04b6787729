import { pinOfPlan } from "../catalog/plan-pins.ts";
import { invalid, type Reply } from "../domain/refusal.ts";
import type { PlanPin } from "../domain/subscription.ts";
import type { Call } from "./route.ts";

/**
 * What a subscriber of the plan with this id or key gets: its newest version, from D1, for a sale never rests on a cache. Refuses
 * `thing_not_found`, and a plan that is not ACTIVE with the name of the field.
 */
export async function planToBuy(
  call: Call,
  named: string,
  field: "planId" | "changeToPlanId",
): Promise<Reply<PlanPin>> {
  const found = await pinOfPlan(call.env.DB, call.account.account.accountId, named);
  if (found === undefined) return { ok: false, code: "thing_not_found", what: "plan", given: named };
  const { plan, pin } = found;
  if (plan.status === "ACTIVE" && pin !== undefined) return { ok: true, value: pin };
  return invalid(field, `the plan “${plan.key}” is ${plan.status}, and only an ACTIVE plan can be bought`);
}
