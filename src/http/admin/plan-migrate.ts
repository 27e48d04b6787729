import * as z from "zod";
import { pinOfPlan } from "../../catalog/plan-pins.ts";
import { MigratePlan, MigrationWire, type SkipReason, toWireMoved } from "../../contract/migration.ts";
import { idText } from "../../contract/scalars.ts";
import type { MigrateResult } from "../../customer/calls.ts";
import { callEach } from "../../customer/object-of.ts";
import type { Refusal, Reply } from "../../domain/refusal.ts";
import type { PlanPin } from "../../domain/subscription.ts";
import { customerNames } from "../../ledger/names.ts";
import { subscriptionsOfPlan } from "../../ledger/subscriptions.ts";
import { commitAccount, type Decided } from "../remembered.ts";
import { type Call, defineRoute, type Route } from "../route.ts";
import { noPlan } from "./plan-change.ts";

/** Moves a plan's subscribers to its newest version, a page at a time. D1 says whom to ask, each customer's object what happens. */

const Id = z.object({ id: idText });
type MigrateRouteCall = Call<z.output<typeof Id>, unknown, z.output<typeof MigratePlan>>;

/** Why a subscription that D1 named was left alone. */
function skipReason({ before }: MigrateResult, to: PlanPin, fromVersion = before.plan.version): SkipReason {
  if (before.status === "CANCELLED") return "ENDED";
  const { planId, version } = before.plan;
  if (planId !== to.planId || version !== fromVersion || version === to.version) return "OTHER_VERSION";
  if (before.cancel !== undefined) return "ENDS";
  return before.scheduled?.type === "DOWNGRADE" ? "CHANGE_SCHEDULED" : "SCHEDULED_ALREADY";
}

/** One page. Its effect is in the objects, where it is harmless to repeat; D1 keeps who did it, and the answer. */
async function migratePage(call: MigrateRouteCall): Promise<Decided | Refusal> {
  const { accountId } = call.account.account;
  const { fromVersion, when, dryRun, cursor, limit } = call.body;
  const found = await pinOfPlan(call.env.DB, accountId, call.params.id);
  if (found === undefined) return noPlan(call.params.id);
  const { pin: to } = found;
  if (to === undefined)
    return { ok: false, code: "state_conflict", why: "The plan is a draft: it has no version, and no subscribers." };
  const version = fromVersion === undefined ? {} : { fromVersion };
  const page = await subscriptionsOfPlan(call.env.DB, accountId, to.planId, {
    exceptVersion: to.version,
    limit,
    ...version,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const asked = page.items.map(({ customer: { customerId }, subscription: { subscriptionId } }) => ({
    accountId,
    customerId,
    subscriptionId,
  }));
  // A failure is that customer's alone: the page goes on, and can be repeated.
  const replies = await callEach(
    call.env,
    asked,
    async (object, { subscriptionId }): Promise<Reply<MigrateResult>> =>
      object.migratePlan({ subscriptionId, to, when, dryRun, ...version }),
  );
  const ids = [...new Set(asked.map(({ customerId }) => customerId))];
  const names = await customerNames(call.env.DB, accountId, ids);
  const moved: z.input<typeof MigrationWire>["moved"] = [];
  const subscriptionsByVersion: Record<number, number> = {};
  const skipped: z.input<typeof MigrationWire>["skipped"] = [];
  for (const [index, { customerId, subscriptionId }] of asked.entries()) {
    const customerName = names.get(customerId)?.name ?? customerId;
    const told = replies[index];
    const value = told?.status === "fulfilled" && told.value.ok ? told.value.value : undefined;
    if (value === undefined) {
      const failure = told?.status === "rejected" ? String(told.reason) : "refused";
      console.error(JSON.stringify({ at: "migrate", requestId: call.requestId, customerId, subscriptionId, failure }));
      skipped.push({ subscriptionId, customerId, customerName, reason: "FAILED" });
    } else if (!value.moved || value.effectiveAtMs === undefined)
      skipped.push({ subscriptionId, customerId, customerName, reason: skipReason(value, to, fromVersion) });
    else {
      const { version: before } = value.before.plan;
      subscriptionsByVersion[before] = (subscriptionsByVersion[before] ?? 0) + 1;
      moved.push(toWireMoved({ customerId, customerName }, to, { ...value, effectiveAtMs: value.effectiveAtMs }));
    }
  }
  const counts = { moved: moved.length, skipped: skipped.length };
  Object.assign(call.log, counts);
  const { nextCursor } = page;
  const data = {
    planId: to.planId,
    toVersion: to.version,
    dryRun,
    counts,
    moved,
    skipped,
    ...(nextCursor === undefined ? {} : { nextCursor }),
  };
  const before = { subscriptionsByVersion };
  const after = { toVersion: to.version, when, ...version, counts };
  const audit =
    dryRun || moved.length === 0 ? [] : { action: "plan.migrated" as const, target: to.planId, before, after };
  return { ok: true, statements: [], audit, status: 200, data, version: "leave" };
}

export const migrateRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/monetization/plans/{id}/migrate",
    scope: "admin",
    tag: "Plans",
    summary: "Move a plan's subscribers to its newest version",
    description: [
      "Subscribers keep the version that they bought until they are moved. Says for each what it pays before and after; with `dryRun` nobody moves.",
      "",
      "A page at a time: repeat with `nextCursor` until there is none. Repeating a page moves nobody twice. One that is suspended moves when it begins its next period, one whose first invoice is unpaid gets another one.",
    ].join("\n"),
    params: Id,
    body: MigratePlan,
    examples: { body: { fromVersion: 1, when: "NEXT_PERIOD", dryRun: true } },
    answers: { 200: MigrationWire },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: (call) => commitAccount(call, () => migratePage(call)),
  }),
];
