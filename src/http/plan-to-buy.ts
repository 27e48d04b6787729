import { pinOfPlan } from "../catalog/plan-pins.ts";
import { invalid, type Refusal, type Reply } from "../domain/refusal.ts";
import type { PlanPin } from "../domain/subscription.ts";
import type { Call } from "./route.ts";

/** `unsold`: why nobody can buy it now; who did before is answered still. */
type Offered = { pin: PlanPin; unsold?: Refusal };

/**
 * What a subscriber of the plan with this id or key gets: its newest version, from D1, for a sale never rests on a cache. Refuses
 * `thing_not_found`, and a plan that was never ACTIVE with the name of the field.
 */
export async function planNamed(
  call: Call,
  named: string,
  field: "planId" | "changeToPlanId",
): Promise<Reply<Offered>> {
  const found = await pinOfPlan(call.env.DB, call.account.account.accountId, named);
  if (found === undefined) return { ok: false, code: "thing_not_found", what: "plan", given: named };
  const { plan, pin } = found;
  if (plan.status === "ACTIVE" && pin !== undefined) return { ok: true, value: { pin } };
  const unsold = invalid(field, `the plan “${plan.key}” is ${plan.status}, and only an ACTIVE plan can be bought`);
  return pin === undefined ? unsold : { ok: true, value: { pin, unsold } };
}

/** The version of a plan that can be bought now. */
export async function planToBuy(
  call: Call,
  named: string,
  field: "planId" | "changeToPlanId",
): Promise<Reply<PlanPin>> {
  const offered = await planNamed(call, named, field);
  return offered.ok ? (offered.value.unsold ?? { ok: true, value: offered.value.pin }) : offered;
}
