import * as z from "zod";
import { CheckDayWire } from "../../contract/entitlement.ts";
import { instantText, name, page, paged, pageOf } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import { customerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** How often access was asked for. */

async function checks(call: Call<{ id: string }, { limit: number; offset: number }>): Promise<Answer> {
  const owner = await customerOf(call, call.params.id);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  const { items, total } = await object.checkDays(call.query);
  const days = items.map(({ dayStartMs, ...rest }) => ({ day: instantText(dayStartMs).slice(0, 10), ...rest }));
  return answer(200, paged(days, total, call.query));
}

export const checkRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/monetization/customers/{id}/checks",
    scope: "admin",
    tag: "Customers",
    summary: "How often a customer's access was checked",
    description:
      "Per UTC day and feature, newest day first. Counted in memory and written within seconds, so a few may be missing after a crash; checks with `record=false` are not counted. Beyond 200 features a day: `(other)`.",
    params: z.object({ id: name }),
    query: z.object(page),
    answers: { 200: pageOf(CheckDayWire) },
    refuses: ["customer_not_found"],
    handle: checks,
  }),
];
