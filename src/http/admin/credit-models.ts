import * as z from "zod";
import {
  creditModelPage,
  creditModelsOf,
  deleteCreditModel,
  insertCreditModel,
  plansNaming,
} from "../../catalog/credit-models.ts";
import { planOf } from "../../catalog/plans.ts";
import {
  AllocationParams,
  AllocationQuery,
  AllocationWire,
  CreateCreditModel,
  CreditModelWire,
  toWireAllocation,
  toWireCreditModel,
} from "../../contract/credit-model.ts";
import { idText, page, paged, pageOf } from "../../contract/scalars.ts";
import type { Allocation } from "../../domain/credit.ts";
import { allocationOf, type CreditModel, sameAllocation } from "../../domain/credit-model.ts";
import type { PlanWithRules } from "../../domain/plan.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { type HeldVersion, versionsNaming } from "../../ledger/subscriptions.ts";
import { commitAccount, type Decided } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { decidePlanChange, noCreditModel, noPlan } from "./plan-change.ts";

/** Credit models, and how much of their credits each plan gives. */

const PATH = "/api/v1/monetization/credits";
const Id = z.object({ id: idText });

function createModel(call: Call<unknown, unknown, z.output<typeof CreateCreditModel>>): Promise<Answer> {
  const { name, denomination, description, hardLimit, rolloverPolicy, rolloverCap, metadata } = call.body;
  return commitAccount(call, async (nowMs) => {
    const model: CreditModel = {
      creditModelId: crypto.randomUUID(),
      name,
      denomination,
      ...(description === undefined || description === "" ? {} : { description }),
      hardLimit: hardLimit ?? true,
      rolloverPolicy: rolloverPolicy ?? "NONE",
      ...(rolloverCap === undefined || rolloverCap === 0n ? {} : { rolloverCapE4: rolloverCap }),
      ...(metadata === undefined ? {} : { metadata }),
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
    };
    const shown = toWireCreditModel(model);
    return {
      ok: true,
      // Nothing that isolates remember names it yet.
      version: "leave",
      statements: [insertCreditModel(call.env.DB, call.account.account.accountId, model)],
      audit: { action: "credit_model.created", target: model.creditModelId, after: shown },
      status: 201,
      data: shown,
    };
  });
}

async function modelOf(call: Call, id: string): Promise<CreditModel | undefined> {
  return (await creditModelsOf(call.env.DB, call.account.account.accountId, [id.toLowerCase()]))[0];
}

async function readModel(call: Call<{ id: string }>): Promise<Answer> {
  const model = await modelOf(call, call.params.id);
  return model === undefined ? noCreditModel(call.params.id) : answer(200, toWireCreditModel(model));
}

function deleteModel(call: Call<{ id: string }>): Promise<Answer> {
  const { accountId } = call.account.account;
  return commitAccount(call, async () => {
    const model = await modelOf(call, call.params.id);
    if (model === undefined) return noCreditModel(call.params.id);
    const { creditModelId } = model;
    const [plans, versions] = await Promise.all([
      plansNaming(call.env.DB, accountId, creditModelId),
      versionsNaming(call.env.DB, accountId, creditModelId),
    ]);
    if (plans.length + versions.length > 0) return inUse(model, plans, versions);
    return {
      ok: true,
      version: "guard",
      statements: [deleteCreditModel(call.env.DB, accountId, creditModelId)],
      audit: { action: "credit_model.deleted", target: creditModelId, before: toWireCreditModel(model) },
      status: 200,
    };
  });
}

/** An archived plan counts too: its subscribers stay, and it can be sold again. */
function inUse({ name }: CreditModel, plans: readonly string[], versions: readonly HeldVersion[]): Refusal {
  const named = [
    ...plans.map((planKey) => `the plan “${planKey}”`),
    ...versions.map(({ planKey, version }) => `version ${version} of “${planKey}”, which subscribers still have`),
  ];
  return { ok: false, code: "state_conflict", why: `The credit model “${name}” is used by ${named.join(", ")}.` };
}

type AllocationCall = Call<z.output<typeof AllocationParams>>;

/** Decides how much of a model's credits a plan gives: `allocation` undefined, none any more. */
async function decideAllocation(
  call: Call,
  nowMs: number,
  before: PlanWithRules,
  change: { was?: Allocation; allocation?: Allocation },
): Promise<Decided | Refusal> {
  const { was, allocation } = change;
  const allocations =
    was === undefined
      ? [...before.allocations, ...(allocation === undefined ? [] : [allocation])]
      : before.allocations.flatMap((one) => (one !== was ? [one] : allocation === undefined ? [] : [allocation]));
  const plan = { ...before.plan, modifiedAtMs: nowMs };
  const { accountId } = call.account.account;
  const decided = await decidePlanChange(call.env.DB, accountId, before, { ...before, plan, allocations }, () => "id");
  if (!decided.ok) return decided;
  const [old, shown] = [was, allocation].map((one) => (one === undefined ? undefined : toWireAllocation(one)));
  return {
    ok: true,
    version: "guard",
    statements: decided.value.statements,
    audit: {
      action:
        was === undefined
          ? "allocation.created"
          : allocation === undefined
            ? "allocation.deleted"
            : "allocation.changed",
      target: plan.planId,
      ...(old === undefined ? {} : { before: old }),
      ...(shown === undefined ? {} : { after: shown }),
    },
    status: 200,
    ...(shown === undefined ? {} : { data: shown }),
  };
}

function allocate(call: Call<z.output<typeof AllocationParams>, z.output<typeof AllocationQuery>>): Promise<Answer> {
  const { id, planId } = call.params;
  const { creditAmount, grantExpiresMonths, hardLimit } = call.query;
  return commitAccount(call, async (nowMs) => {
    const model = await modelOf(call, id);
    if (model === undefined) return noCreditModel(id);
    const before = await planOf(call.env.DB, call.account.account.accountId, planId);
    if (before === undefined) return noPlan(planId);
    const was = before.allocations.find(({ creditModelId }) => creditModelId === model.creditModelId);
    const terms = {
      allocationId: was?.allocationId ?? crypto.randomUUID(),
      creditModelId: model.creditModelId,
      amountE4: creditAmount,
      ...(grantExpiresMonths === undefined ? {} : { grantExpiresMonths }),
      hardLimit: hardLimit ?? model.hardLimit,
      createdAtMs: was?.createdAtMs ?? nowMs,
    };
    const allocation = allocationOf(terms, model);
    if (was !== undefined && sameAllocation(was, allocation))
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: toWireAllocation(was) };
    return decideAllocation(call, nowMs, before, { ...(was === undefined ? {} : { was }), allocation });
  });
}

function deallocate(call: AllocationCall): Promise<Answer> {
  const { id, planId } = call.params;
  return commitAccount(call, async (nowMs) => {
    const before = await planOf(call.env.DB, call.account.account.accountId, planId);
    if (before === undefined) return noPlan(planId);
    const was = before.allocations.find(({ creditModelId }) => creditModelId === id.toLowerCase());
    if (was === undefined)
      return { ok: false, code: "thing_not_found", what: "allocation of this plan from the credit model", given: id };
    return decideAllocation(call, nowMs, before, { was });
  });
}

async function readAllocations(call: Call<{ planId: string }, { limit: number; offset: number }>): Promise<Answer> {
  const { planId } = call.params;
  const found = await planOf(call.env.DB, call.account.account.accountId, planId);
  if (found === undefined) return noPlan(planId);
  const { limit, offset } = call.query;
  const items = found.allocations.slice(offset, offset + limit).map(toWireAllocation);
  return answer(200, paged(items, found.allocations.length, call.query));
}

const VERSIONS =
  "On a plan that was ever ACTIVE this makes a version at once: subscribers keep the allocations that they bought. What changes nothing makes none.";

export const creditModelRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${PATH}/models`,
    scope: "admin",
    tag: "Credits",
    summary: "List credit models, newest first",
    query: z.object(page),
    answers: { 200: pageOf(CreditModelWire) },
    handle: async (call) => {
      const { items, total } = await creditModelPage(call.env.DB, call.account.account.accountId, call.query);
      return answer(200, paged(items.map(toWireCreditModel), total, call.query));
    },
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/models`,
    scope: "admin",
    tag: "Credits",
    summary: "Make a credit model",
    description: [
      "A kind of credits: what they are counted in, whether usage beyond them is refused, and what becomes of a plan's credits when its period ends. Rules name it to let units burn its credits, allocations to let a plan give some with each period. A model never changes; make another instead.",
      "",
      "- `rolloverPolicy` NONE: a plan's credits are gone at the end of its period. FULL: they go on. CAPPED: at most `rolloverCap` of them go on. Bought, promotional and manual credits are never touched by it.",
    ].join("\n"),
    body: CreateCreditModel,
    examples: {
      body: { name: "AI credits", denomination: "AI_CREDITS", rolloverPolicy: "CAPPED", rolloverCap: 500 },
    },
    answers: { 201: CreditModelWire },
    refuses: ["state_conflict", "request_conflict"],
    handle: createModel,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/models/{id}`,
    scope: "admin",
    tag: "Credits",
    summary: "Read a credit model",
    params: Id,
    answers: { 200: CreditModelWire },
    refuses: ["thing_not_found"],
    handle: readModel,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/models/{id}`,
    scope: "admin",
    tag: "Credits",
    summary: "Delete a credit model",
    description:
      "While a rule or an allocation of a plan names it, archived or not, or a version that subscribers still have: 409, which names them. Credits that were given stay.",
    params: Id,
    answers: { 200: null },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: deleteModel,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/models/{id}/plans/{planId}`,
    scope: "admin",
    tag: "Credits",
    summary: "Let a plan give credits with each period",
    description: `A subscriber gets \`creditAmount\` when its first invoice is paid, and again with each period. Sent again, it replaces what the plan gives of this model. ${VERSIONS}`,
    params: AllocationParams,
    query: AllocationQuery,
    answers: { 200: AllocationWire },
    refuses: ["thing_not_found", "feature_not_found", "state_conflict", "request_conflict"],
    handle: allocate,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/models/{id}/plans/{planId}`,
    scope: "admin",
    tag: "Credits",
    summary: "Let a plan give no more credits of a model",
    description: VERSIONS,
    params: AllocationParams,
    answers: { 200: null },
    refuses: ["thing_not_found", "feature_not_found", "state_conflict", "request_conflict"],
    handle: deallocate,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/plans/{planId}/allocations`,
    scope: "admin",
    tag: "Credits",
    summary: "List the credits that a plan gives, oldest allocation first",
    params: z.object({ planId: idText }),
    query: z.object(page),
    answers: { 200: pageOf(AllocationWire) },
    refuses: ["thing_not_found"],
    handle: readAllocations,
  }),
];
