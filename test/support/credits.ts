import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { commit } from "../../src/customer/commit.ts";
import { creditPast, readEntries, readPools } from "../../src/customer/credit-store.ts";
import { openCustomer, ownerOf } from "../../src/customer/image.ts";
import { type Draft, openDraft } from "../../src/domain/book.ts";
import type { CreditEntry, Pool } from "../../src/domain/credit.ts";
import type { CreditPast } from "../../src/domain/credit-ledger.ts";
import { customerId } from "../../src/domain/ids.ts";
import { projectionStatements } from "../../src/ledger/projections.ts";
import { sqlOf } from "./tables.ts";
import { newTag, planNamed, subscriptionOf } from "./views.ts";
import type { World } from "./world.ts";

/** What an account needs before its features burn credits. */

export const CREDITS = "/api/v1/monetization/credits";
export const PLANS = "/api/v1/monetization/plans";
export const RULES = "/api/v1/monetization/rules/plan-features";

type Body = Record<string, unknown>;

export async function feature(world: World, key: string): Promise<string> {
  return (await world.call<{ id: string }>("POST", "/api/v1/monetization/features", { key })).data.id;
}

export async function creditModel(world: World, denomination: string, body: Body = {}): Promise<string> {
  const model = { name: `${denomination} model`, denomination, ...body };
  const made = await world.call<{ id: string }>("POST", `${CREDITS}/models`, model);
  if (made.status !== 201) throw new Error(JSON.stringify(made.error));
  return made.data.id;
}

/** A plan with a rule for each feature, ACTIVE unless `status` says otherwise. */
export async function plan(
  world: World,
  key: string,
  rules: readonly (Body & { featureId: string })[],
  status = "ACTIVE",
): Promise<string> {
  const { data } = await world.call<{ id: string }>("POST", PLANS, { key, name: key, description: key });
  for (const rule of rules) {
    const made = await world.call("POST", RULES, { planId: data.id, ...rule });
    if (made.status !== 201) throw new Error(JSON.stringify(made.error));
  }
  if (status === "ACTIVE") await world.call("PATCH", `${PLANS}/${data.id}`, { status });
  return data.id;
}

/** Puts a subscription to a plan's version into D1, as its customer's object would send it; answers how to end it. */
export async function subscribed(world: World, planId: string, version: number): Promise<() => Promise<void>> {
  const tag = newTag();
  const send = async (status: "ACTIVE" | "CANCELLED", rev: number): Promise<void> => {
    const view = subscriptionOf(tag, 1, { plan: planNamed(planId, version), status });
    const statements = projectionStatements(env.DB, world.accountId, customerId(tag), [
      { kind: "subscription", view, rev },
    ]);
    await env.DB.batch(statements);
  };
  await send("ACTIVE", 1);
  return () => send("CANCELLED", 2);
}

export type Quote = {
  weight: number;
  estimatedCredits: number;
  weightId: string | null;
  weightMatch: string;
  pricePerCredit: number | null;
  currency: string | null;
  estimatedCost: number | null;
};

/** Weights of features by key, or `key:model`, in force 10 s from now. */
export function weigh(
  world: World,
  weights: Record<string, number>,
  featureIds: Record<string, string>,
): Promise<unknown> {
  const entries = Object.entries(weights).map(([named, creditsPerUnit]) => {
    const [key = "", model] = named.split(":");
    return { featureId: featureIds[key], creditsPerUnit, ...(model === undefined ? {} : { model }) };
  });
  return publish(world, "weights", entries);
}

/** A price per credit in US dollars, in force 10 s from now. */
export function price(world: World, denomination: string, pricePerCredit: number): Promise<unknown> {
  return publish(world, "prices", [{ denomination, pricePerCredit }]);
}

async function publish(world: World, tariff: string, entries: readonly Body[]): Promise<unknown> {
  const body = { effectiveFrom: new Date().toISOString(), entries };
  const { status, data, error } = await world.call("POST", `${CREDITS}/${tariff}/publish`, body);
  if (status !== 201) throw new Error(JSON.stringify(error));
  return data;
}

/** Lets the domain decide on the credits of a customer inside its object, which forgets what it knew. */
export async function decideCredits<T>(
  world: World,
  customerId: string,
  decide: (draft: Draft, past: CreditPast, nowMs: number) => T,
): Promise<T> {
  const stub = world.object(customerId);
  const decided = await runInDurableObject(stub, (_, { storage, id }) => {
    const customer = openCustomer(storage, ownerOf(id.name), () => Date.now());
    const draft = openDraft(customer.image.book);
    const nowMs = Date.now();
    const value = decide(draft, creditPast(customer.sql), nowMs);
    commit(customer, [{ kind: "draft", draft }], nowMs);
    return value;
  });
  await evictDurableObject(stub);
  return decided;
}

/** The pools of a customer as its object keeps them. */
export function poolsOf(world: World, customerId: string): Promise<Pool[]> {
  return runInDurableObject(world.object(customerId), (object) => readPools(sqlOf(object)));
}

/** A pool's ledger, oldest entry first. */
export function ledgerOf(world: World, customerId: string, pool = 1): Promise<CreditEntry[]> {
  return runInDurableObject(world.object(customerId), (object) =>
    readEntries(sqlOf(object), pool, { limit: 10_000, offset: 0 }).items.reverse(),
  );
}
