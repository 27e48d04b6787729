import * as z from "zod";
import {
  deleteFeatures,
  featurePage,
  featuresOf,
  insertFeature,
  updateFeature,
} from "../../catalog/feature-catalog.ts";
import { plansOf, plansUsing } from "../../catalog/plans.ts";
import { ChangeFeature, CreateFeature, DeleteFeatures, FeatureWire, toWireFeature } from "../../contract/feature.ts";
import { FeaturePlanWire, toWireFeaturePlan } from "../../contract/plan.ts";
import { idText, type Page, page, paged, pageOf, searchedPage } from "../../contract/scalars.ts";
import type { Feature } from "../../domain/account.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { versionsHolding } from "../../ledger/subscriptions.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** Features, for the operator. What clients see of them is `client/features.ts`. */

const PATH = "/api/v1/monetization/features";
const Id = z.object({ id: idText });

function createFeature(call: Call<unknown, unknown, z.output<typeof CreateFeature>>): Promise<Answer> {
  const { key, name, description, isEnabled, metadata } = call.body;
  return commitAccount(call, async (nowMs) => {
    const feature: Feature = {
      featureId: crypto.randomUUID(),
      key,
      name: name ?? key,
      ...(description === undefined || description === "" ? {} : { description }),
      isEnabled: isEnabled ?? true,
      ...(metadata === undefined ? {} : { metadata }),
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
    };
    const shown = toWireFeature(feature);
    return {
      ok: true,
      version: "bump",
      statements: [insertFeature(call.env.DB, call.account.account.accountId, feature)],
      audit: { action: "feature.created", target: feature.featureId, after: shown },
      status: 201,
      data: shown,
      taken: { ok: false, code: "key_taken", what: "feature", value: key },
    };
  });
}

async function readFeature(call: Call<{ id: string }>): Promise<Answer> {
  const { id } = call.params;
  const [feature] = await featuresOf(call.env.DB, call.account.account.accountId, [id.toLowerCase()]);
  return feature === undefined
    ? { ok: false, code: "feature_not_found", given: id }
    : answer(200, toWireFeature(feature));
}

/** Which plans have it, in whatever state, by their keys. */
async function readPlans(call: Call<{ id: string }, Page>): Promise<Answer> {
  const { accountId } = call.account.account;
  const featureId = call.params.id.toLowerCase();
  const { limit, offset } = call.query;
  const [known, uses] = await Promise.all([
    featuresOf(call.env.DB, accountId, [featureId]),
    plansUsing(call.env.DB, accountId, [featureId]),
  ]);
  if (known.length === 0) return { ok: false, code: "feature_not_found", given: call.params.id };
  const ids = uses.slice(offset, offset + limit).map(({ planId }) => planId);
  const plans = await plansOf(call.env.DB, accountId, ids);
  const items = ids.flatMap((id) =>
    plans.filter(({ plan }) => plan.planId === id).flatMap((plan) => toWireFeaturePlan(plan, featureId)),
  );
  return answer(200, paged(items, uses.length, call.query));
}

function changeFeature(call: Call<{ id: string }, unknown, z.output<typeof ChangeFeature>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const { id } = call.params;
  const { key, name, description, isEnabled, metadata } = call.body;
  return commitAccount(call, async (nowMs) => {
    const [found] = await featuresOf(call.env.DB, accountId, [id.toLowerCase()]);
    if (found === undefined) return { ok: false, code: "feature_not_found", given: id };
    if (key !== undefined && key !== found.key)
      return {
        ok: false,
        code: "fixed_while_in_use",
        path: "key",
        why: "A feature's key never changes, since events and checks name it; make a feature with the new key instead.",
      };
    const changed: Feature = {
      ...found,
      ...(name === undefined ? {} : { name }),
      ...(isEnabled === undefined ? {} : { isEnabled }),
      ...(metadata === undefined ? {} : { metadata }),
      modifiedAtMs: nowMs,
    };
    if (description === "") delete changed.description;
    else if (description !== undefined) changed.description = description;
    const shown = toWireFeature(changed);
    return {
      ok: true,
      version: "guard",
      statements: [updateFeature(call.env.DB, accountId, changed)],
      audit: { action: "feature.changed", target: found.featureId, before: toWireFeature(found), after: shown },
      status: 200,
      data: shown,
    };
  });
}

/** All of them or none: an unknown id refuses the whole call. */
function removeFeatures(call: Call, given: readonly string[]): Promise<Answer> {
  const { accountId } = call.account.account;
  const ids = [...new Set(given.map((id) => id.toLowerCase()))];
  return commitAccount(call, async (nowMs) => {
    const found = await featuresOf(call.env.DB, accountId, ids);
    const missing = ids.find((id) => !found.some((feature) => feature.featureId === id));
    if (missing !== undefined) return { ok: false, code: "feature_not_found", given: missing };
    const [uses, held] = await Promise.all([
      plansUsing(call.env.DB, accountId, ids),
      versionsHolding(call.env.DB, accountId, ids),
    ]);
    if (uses.length > 0) return inPlans(found, uses);
    if (held.length > 0) return inVersions(found, held);
    return {
      ok: true,
      version: "guard",
      statements: [deleteFeatures(call.env.DB, accountId, ids, nowMs)],
      audit: found.map((feature) => ({
        action: "feature.deleted" as const,
        target: feature.featureId,
        before: toWireFeature(feature),
      })),
      status: 200,
    };
  });
}

/** An archived plan counts too: its subscribers stay, and it can be sold again. */
function inPlans(features: readonly Feature[], uses: readonly { featureId: string; planKey: string }[]): Refusal {
  const said = features.flatMap(({ featureId, key }) => {
    const plans = uses.filter((use) => use.featureId === featureId).map(({ planKey }) => `“${planKey}”`);
    return plans.length === 0 ? [] : [`“${key}” is in the plan${plans.length === 1 ? "" : "s"} ${plans.join(", ")}`];
  });
  return { ok: false, code: "state_conflict", why: `${said.join("; ")}. Delete its rules there first.` };
}

/** Out of the plan's rules by now, but not out of the versions that subscribers have or are about to have. */
function inVersions(
  features: readonly Feature[],
  held: readonly { featureId: string; planKey: string; version: number }[],
): Refusal {
  const said = features.flatMap(({ featureId, key }) => {
    const versions = held
      .filter((one) => one.featureId === featureId)
      .map(({ planKey, version }) => `version ${version} of the plan “${planKey}”`);
    return versions.length === 0 ? [] : [`“${key}” is in ${versions.join(", ")}`];
  });
  return {
    ok: false,
    code: "state_conflict",
    why: `${said.join("; ")}, which subscribers still have. Move them to a version without it first.`,
  };
}

export const featureRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Features",
    summary: "List or search features, newest first",
    description: "`search` is looked for in key and name, letters A to Z in upper or lower case alike.",
    query: z.object(searchedPage),
    answers: { 200: pageOf(FeatureWire) },
    handle: async (call) => {
      const { accountId } = call.account.account;
      const { items, total } = await featurePage(call.env.DB, accountId, call.query.search, call.query);
      return answer(200, paged(items.map(toWireFeature), total, call.query));
    },
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Features",
    summary: "Make a feature",
    description: "Events make features too, by naming a key that nobody knows. The key is unique in the account.",
    body: CreateFeature,
    examples: { body: { key: "ai.chat", name: "Chat", description: "Answers questions." } },
    answers: { 201: FeatureWire },
    refuses: ["key_taken", "request_conflict"],
    handle: createFeature,
  }),
  defineRoute({
    method: "DELETE",
    path: PATH,
    scope: "admin",
    tag: "Features",
    summary: "Delete several features",
    description:
      "All or none: an unknown id is 404 and deletes nothing, and so does one that a plan or a subscriber's version uses (409).",
    body: DeleteFeatures,
    examples: { body: { ids: ["0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d"] } },
    answers: { 200: null },
    refuses: ["feature_not_found", "state_conflict", "request_conflict"],
    handle: (call) => removeFeatures(call, call.body.ids),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Features",
    summary: "Read a feature",
    params: Id,
    answers: { 200: FeatureWire },
    refuses: ["feature_not_found"],
    handle: readFeature,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}/plans`,
    scope: "admin",
    tag: "Features",
    summary: "List the plans that have a feature, with their rules for it",
    description:
      "Drafts and archived plans too, in the order of their keys. Versions that subscribers still have may say something else.",
    params: Id,
    query: z.object(page),
    answers: { 200: pageOf(FeaturePlanWire) },
    refuses: ["feature_not_found"],
    handle: readPlans,
  }),
  defineRoute({
    method: "PATCH",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Features",
    summary: "Change a feature",
    description: "Sets the fields it names. The key never changes.",
    params: Id,
    body: ChangeFeature,
    examples: { body: { name: "Chat, all models", isEnabled: true } },
    answers: { 200: FeatureWire },
    refuses: ["feature_not_found", "fixed_while_in_use", "request_conflict"],
    handle: changeFeature,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Features",
    summary: "Delete a feature",
    description:
      "Events that named it keep it; its key is free again, and an event that names the key makes a new one. While a plan uses it, archived or not, or a version that subscribers still have: 409, which names the plans.",
    params: Id,
    answers: { 200: null },
    refuses: ["feature_not_found", "state_conflict", "request_conflict"],
    handle: (call) => removeFeatures(call, [call.params.id]),
  }),
];
