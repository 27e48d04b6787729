import type * as z from "zod";
import { LimitsQuery, LimitsWire, toWireLimits } from "../../contract/forecast.ts";
import { instantText } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { Uuid } from "../../domain/ids.ts";
import { STATUS_OBJECTS_MAX } from "../../domain/limits.ts";
import { customerNames } from "../../ledger/names.ts";
import { recentUsers } from "../../ledger/recent-users.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/**
 * Whose limits are nearly used up. Counters are the objects' alone, so the ones that are asked must be few: nobody nears a limit
 * without events, hence those with the newest.
 */
async function limitsNear(call: Call<unknown, z.output<typeof LimitsQuery>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const { customerIds: ids, isAll } = await recentUsers(call.env.DB, accountId, STATUS_OBJECTS_MAX);
  const names = await customerNames(call.env.DB, accountId, ids);
  // One that fails must not hide the others.
  const answers = await Promise.allSettled(ids.map(async (id) => objectOf(call.env, accountId, id as Uuid).forecast()));
  const items = answers.flatMap((each, at) => {
    const id = ids[at];
    // An object refuses where it knows no such customer or is quarantined: it has no limits to tell of.
    if (id === undefined || each.status === "rejected" || !each.value.ok) return [];
    const { referenceId, name = id } = names.get(id) ?? {};
    const customer = {
      customerId: id,
      ...(referenceId === undefined ? {} : { customerReferenceId: referenceId }),
      customerName: name,
    };
    return toWireLimits(each.value.value, customer, call.query.minPercent);
  });
  return answer(200, {
    asOf: instantText(Date.now()),
    customersAsked: ids.length,
    complete: isAll,
    silentCustomers: ids.filter((_, at) => answers[at]?.status === "rejected"),
    items: items.sort((a, b) => b.usedPercent - a.usedPercent),
  });
}

export const limitsNearRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/limits",
    scope: "admin",
    tag: "Analytics",
    summary: "Limits that are nearly used up",
    description: `Usage limits of open periods, most used first, as the customers' own counters say it now. Asked of the up to ${STATUS_OBJECTS_MAX} customers with the newest events, since nobody nears a limit without any; \`complete\` says whether that was all of them.`,
    query: LimitsQuery,
    answers: { 200: LimitsWire },
    handle: limitsNear,
  }),
];
