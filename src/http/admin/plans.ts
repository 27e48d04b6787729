import * as z from "zod";
import type { AuditAction } from "../../catalog/audit.ts";
import { featuresOf } from "../../catalog/feature-catalog.ts";
import { versionPage, versionsOf } from "../../catalog/plan-versions.ts";
import { archivePlan, deleteDraft, insertPlan, planOf, planPage, plansOf } from "../../catalog/plans.ts";
import { readAccount } from "../../catalog/snapshot.ts";
import {
  ChangePlan,
  CreatePlan,
  DeletePlans,
  PlanFeaturesWire,
  PlanWire,
  toWireDifference,
  toWirePlan,
  toWirePlanFeatures,
  toWireVersion,
  VersionsQuery,
  VersionsWire,
} from "../../contract/plan.ts";
import { idText, paged, pageOf, searchedPage } from "../../contract/scalars.ts";
import { mayBecome, type Plan, type PlanWithRules } from "../../domain/plan.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { decidePlanChange, noPlan } from "./plan-change.ts";

/** Plans, for the operator. Their rules are `plan-rules.ts`, what clients see of them is `client/plans.ts`. */

const PATH = "/api/v1/monetization/plans";
const Id = z.object({ id: idText });

function createPlan(call: Call<unknown, unknown, z.output<typeof CreatePlan>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const { key, name, description, priceAmount, currency, intervalMonths, billingTiming, metadata } = call.body;
  return commitAccount(call, async (nowMs) => {
    const owner = await readAccount(call.env.DB, accountId, nowMs);
    const plan: Plan = {
      planId: crypto.randomUUID(),
      key,
      name,
      ...(description === undefined || description === "" ? {} : { description }),
      price: priceAmount ?? 0n,
      currency: currency ?? owner?.account.currency ?? call.account.account.currency,
      intervalMonths: intervalMonths ?? 1,
      billingTiming: billingTiming ?? "IN_ADVANCE",
      status: "DRAFT",
      version: 0,
      ...(metadata === undefined ? {} : { metadata }),
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
    };
    const shown = toWirePlan(plan);
    return {
      ok: true,
      version: "guard",
      statements: [insertPlan(call.env.DB, accountId, plan)],
      audit: { action: "plan.created", target: plan.planId, after: shown },
      status: 201,
      data: shown,
      taken: { ok: false, code: "key_taken", what: "plan", value: key },
    };
  });
}

/** What of a plan is fixed once it was ACTIVE: subscriptions, invoices and requests rest on it. */
function fixedField(plan: Plan, body: z.output<typeof ChangePlan>): Refusal | undefined {
  if (plan.version === 0) return undefined;
  const path = (["key", "intervalMonths", "billingTiming", "currency"] as const).find(
    (field) => body[field] !== undefined && body[field] !== plan[field],
  );
  if (path === undefined) return undefined;
  return {
    ok: false,
    code: "fixed_while_in_use",
    path,
    why: `The ${path} of a plan is fixed once it was ACTIVE; make another plan and move subscribers to it.`,
  };
}

function changedPlan(plan: Plan, body: z.output<typeof ChangePlan>, nowMs: number): Plan {
  const metadata = body.metadata ?? plan.metadata;
  const changed: Plan = {
    ...plan,
    key: body.key ?? plan.key,
    name: body.name ?? plan.name,
    price: body.priceAmount ?? plan.price,
    currency: body.currency ?? plan.currency,
    intervalMonths: body.intervalMonths ?? plan.intervalMonths,
    billingTiming: body.billingTiming ?? plan.billingTiming,
    status: body.status ?? plan.status,
    ...(metadata === undefined ? {} : { metadata }),
    modifiedAtMs: nowMs,
  };
  if (body.description === "") delete changed.description;
  else if (body.description !== undefined) changed.description = body.description;
  return changed;
}

/** What the trail calls a change of a plan. */
function actionOf(before: Plan, after: Plan): AuditAction {
  if (before.status === after.status) return "plan.changed";
  return after.status === "ACTIVE" ? "plan.activated" : "plan.archived";
}

function changePlan(call: Call<{ id: string }, unknown, z.output<typeof ChangePlan>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const { id } = call.params;
  return commitAccount(call, async (nowMs) => {
    const before = await planOf(call.env.DB, accountId, id);
    if (before === undefined) return noPlan(id);
    const refused = fixedField(before.plan, call.body);
    if (refused !== undefined) return refused;
    const plan = changedPlan(before.plan, call.body, nowMs);
    if (!mayBecome(before.plan.status, plan.status))
      return {
        ok: false,
        code: "state_conflict",
        why:
          plan.status === "DRAFT"
            ? "A plan that was ACTIVE does not become a draft again; archive it."
            : "A draft is not archived: activate it, or delete it.",
      };
    const shownBefore = toWirePlan(before.plan);
    const looksSame = { ...toWirePlan(plan), modifiedAt: shownBefore.modifiedAt };
    // Two prices may look the same as numbers of the wire.
    if (plan.price === before.plan.price && JSON.stringify(shownBefore) === JSON.stringify(looksSame))
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: shownBefore };
    const decided = await decidePlanChange(call.env.DB, accountId, before, { ...before, plan }, () => "status");
    if (!decided.ok) return decided;
    const { saved, statements } = decided.value;
    const shown = toWirePlan(saved.plan);
    return {
      ok: true,
      version: "guard",
      statements,
      audit: { action: actionOf(before.plan, plan), target: plan.planId, before: shownBefore, after: shown },
      status: 200,
      data: shown,
      taken: { ok: false, code: "key_taken", what: "plan", value: plan.key },
    };
  });
}

/** All of them or none: an unknown id refuses the whole call. */
function removePlans(call: Call, given: readonly string[]): Promise<Answer> {
  const { accountId } = call.account.account;
  const ids = [...new Set(given.map((id) => id.toLowerCase()))];
  return commitAccount(call, async (nowMs) => {
    const found = await plansOf(call.env.DB, accountId, ids);
    const missing = ids.find((id) => !found.some(({ plan }) => plan.planId === id));
    if (missing !== undefined) return noPlan(missing);
    const ends = found.filter(({ plan }) => plan.status !== "ARCHIVED").map((one) => endOf(call, one, nowMs));
    return {
      ok: true,
      version: ends.length === 0 ? "leave" : "guard",
      statements: ends.flatMap(({ statements }) => statements),
      audit: ends.map(({ audit }) => audit),
      status: 200,
    };
  });
}

/** A draft is gone, an ACTIVE plan archived: its subscribers stay. */
function endOf(call: Call, before: PlanWithRules, nowMs: number) {
  const { accountId } = call.account.account;
  const { plan } = before;
  const shown = toWirePlan(plan);
  if (plan.status === "DRAFT")
    return {
      statements: deleteDraft(call.env.DB, accountId, plan.planId),
      audit: { action: "plan.deleted" as const, target: plan.planId, before: shown },
    };
  return {
    statements: [archivePlan(call.env.DB, accountId, plan.planId, nowMs)],
    audit: {
      action: "plan.archived" as const,
      target: plan.planId,
      before: shown,
      after: toWirePlan({ ...plan, status: "ARCHIVED", modifiedAtMs: nowMs }),
    },
  };
}

async function readPlan(call: Call<{ id: string }>): Promise<Answer> {
  const found = await planOf(call.env.DB, call.account.account.accountId, call.params.id);
  return found === undefined ? noPlan(call.params.id) : answer(200, toWirePlan(found.plan));
}

async function readFeatures(call: Call<{ id: string }>): Promise<Answer> {
  const { accountId } = call.account.account;
  const found = await planOf(call.env.DB, accountId, call.params.id);
  if (found === undefined) return noPlan(call.params.id);
  const ids = found.rules.map(({ featureId }) => featureId);
  const features = await featuresOf(call.env.DB, accountId, ids);
  return answer(200, toWirePlanFeatures(found, new Map(features.map((feature) => [feature.featureId, feature]))));
}

async function readVersions(call: Call<{ id: string }, z.output<typeof VersionsQuery>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const { from, to } = call.query;
  const found = await planOf(call.env.DB, accountId, call.params.id);
  if (found === undefined) return noPlan(call.params.id);
  const { planId } = found.plan;
  const { items, total } = await versionPage(call.env.DB, accountId, planId, call.query);
  const list = paged(items.map(toWireVersion), total, call.query);
  if (from === undefined || to === undefined) return answer(200, list);
  const versions = await versionsOf(call.env.DB, accountId, planId, [from, to]);
  const [old, fresh] = [from, to].map((number) => versions.find(({ version }) => version === number));
  if (old === undefined || fresh === undefined)
    return { ok: false, code: "thing_not_found", what: "version", given: String(old === undefined ? from : to) };
  return answer(200, { ...list, difference: toWireDifference(old, fresh) });
}

export const planRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Plans",
    summary: "List or search plans in all states, newest first",
    description: "`search` is looked for in key and name, letters A to Z in upper or lower case alike.",
    query: z.object(searchedPage),
    answers: { 200: pageOf(PlanWire) },
    handle: async (call) => {
      const { accountId } = call.account.account;
      const { items, total } = await planPage(call.env.DB, accountId, call.query.search, call.query);
      return answer(200, paged(items.map(toWirePlan), total, call.query));
    },
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Plans",
    summary: "Make a plan",
    description:
      'A new plan is a DRAFT, whatever `status` says. Give it features by rules, then activate it by PATCH `{"status": "ACTIVE"}`. The account\'s currency is fixed from its first plan on.',
    body: CreatePlan,
    examples: { body: { key: "pro", name: "Pro", description: "For teams.", priceAmount: 49, intervalMonths: 1 } },
    answers: { 201: PlanWire },
    refuses: ["key_taken", "state_conflict", "request_conflict"],
    handle: createPlan,
  }),
  defineRoute({
    method: "DELETE",
    path: PATH,
    scope: "admin",
    tag: "Plans",
    summary: "Delete or archive several plans",
    description: "Drafts are deleted, ACTIVE plans archived. All or none: an unknown id is 404 and changes nothing.",
    body: DeletePlans,
    examples: { body: { ids: ["a3c9e5d7-1b2f-4a6c-8d0e-9f7b5c3a1e2d"] } },
    answers: { 200: null },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: (call) => removePlans(call, call.body.ids),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Plans",
    summary: "Read a plan",
    params: Id,
    answers: { 200: PlanWire },
    refuses: ["thing_not_found"],
    handle: readPlan,
  }),
  defineRoute({
    method: "PATCH",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Plans",
    summary: "Change, activate or archive a plan",
    description: [
      "Sets the fields it names.",
      "",
      "- `status`: DRAFT → ACTIVE ↔ ARCHIVED. An ACTIVE plan needs a description and a feature. An ARCHIVED plan cannot be bought; its subscribers stay.",
      "- Once a plan was ACTIVE, its key, currency, interval and timing are fixed (400), and a change of its price makes a version: subscribers keep the version that they bought.",
    ].join("\n"),
    params: Id,
    body: ChangePlan,
    examples: { body: { description: "For teams.", priceAmount: 59 } },
    answers: { 200: PlanWire },
    refuses: ["thing_not_found", "fixed_while_in_use", "key_taken", "state_conflict", "request_conflict"],
    handle: changePlan,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Plans",
    summary: "Delete a draft, archive an ACTIVE plan",
    description: "An ARCHIVED plan stays as it is.",
    params: Id,
    answers: { 200: null },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: (call) => removePlans(call, [call.params.id]),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}/features`,
    scope: "admin",
    tag: "Plans",
    summary: "Read a plan with its features and their rules",
    params: Id,
    answers: { 200: PlanFeaturesWire },
    refuses: ["thing_not_found"],
    handle: readFeatures,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}/versions`,
    scope: "admin",
    tag: "Plans",
    summary: "List a plan's versions, newest first",
    description:
      "A version is what a subscriber bought: price and rules. With `from` and `to`, the answer also says what differs between these two.",
    params: Id,
    query: VersionsQuery,
    answers: { 200: VersionsWire },
    refuses: ["thing_not_found"],
    handle: readVersions,
  }),
];
