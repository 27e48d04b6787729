import { active, customer, ok, type Subscription } from "./sale.ts";
import type { Answer, Receipt, World } from "./world.ts";

/** Plans with limits, and a customer who asks for access, over HTTP. */

type Body = Record<string, unknown>;

export type Entitlement = {
  referenceCustomerId: string;
  featureKey: string;
  allowed: boolean;
  isAllowed: boolean;
  flowId?: string;
  asOf: string;
  source: string;
  subscriptionId?: string;
  meta?: { reason: { code: string; description: string } };
  usage: { used: number; limit?: number; remaining?: number };
  credit?: { balance: number };
  simulation?: {
    requestedUsage: number;
    projectedUsage: number;
    projectedRemaining: number;
    wouldExceedLimit: boolean;
  };
};

export type Consumed = { receipt?: Receipt; duplicate?: boolean; entitlement: Entitlement };
export type Reserved = { reservationId: string; expiresAt: string; entitlement: Entitlement };

const MONETIZATION = "/api/v1/monetization";
const ENTITLEMENTS = "/api/v1/client/entitlements";
const RESERVATIONS = "/api/v1/client/reservations";

/** An ACTIVE plan of this key whose rules have these values, by feature key. Free and in arrears, unless `body` says otherwise. */
export async function offer(
  world: World,
  key: string,
  rules: Record<string, unknown>,
  body: Body = {},
): Promise<string> {
  const plan = { key, name: key.toUpperCase(), description: `The plan ${key}.`, billingTiming: "IN_ARREARS", ...body };
  const { id: planId } = await ok(world.call<{ id: string }>("POST", `${MONETIZATION}/plans`, plan));
  for (const [featureKey, value] of Object.entries(rules)) {
    const featureId = await featureIdOf(world, featureKey);
    await ok(world.call("POST", `${MONETIZATION}/rules/plan-features`, { planId, featureId, value }));
  }
  await ok(world.call("PATCH", `${MONETIZATION}/plans/${planId}`, { status: "ACTIVE" }));
  return planId;
}

/** The feature of a key, made where there is none. */
export async function featureIdOf(world: World, key: string): Promise<string> {
  const known = await world.call<{ id: string }>("GET", `/api/v1/client/features/${key}`);
  if (known.status === 200) return known.data.id;
  return (await ok(world.call<{ id: string }>("POST", `${MONETIZATION}/features`, { key }))).id;
}

export const usage = (price: number | string, more: Body = {}): Body => ({
  pricing: { model: "usage", price_per_unit: price, ...more },
});

export const limited = (max: number, more: Body = {}): Body => ({
  pricing: { model: "included", max_usage: max, ...more },
});

/** A registered customer `ada` on a plan with these rules. */
export async function ada(
  world: World,
  rules: Record<string, unknown>,
  body: Body = {},
): Promise<{ id: string; subscription: Subscription }> {
  const id = await customer(world);
  await offer(world, "pro", rules, body);
  return { id, subscription: await active(world, "ada", "pro") };
}

/** Not counted in the log, unless asked: what waits for its timer cannot be evicted. */
export function check(
  world: World,
  featureKey: string,
  query = "?record=false",
  reference = "ada",
): Promise<Answer<Entitlement>> {
  return world.call<Entitlement>("GET", `${ENTITLEMENTS}/${reference}/${featureKey}${query}`);
}

/**
 * One question, answered from what is remembered (twice, so that it surely is) and worked out anew: nothing is remembered where a
 * subscription is wanted, and the wish for one that is not there changes no answer.
 */
export async function checkBothWays(world: World, featureKey: string): Promise<Record<"remembered" | "anew", string>> {
  const text = async (query: string) => JSON.stringify(await ok(check(world, featureKey, query)));
  const first = await text("?record=false");
  const remembered = await text("?record=false");
  if (first !== remembered) throw new Error(`${first} became ${remembered}`);
  return { remembered, anew: await text("?record=false&subscriptionId=nobody-s") };
}

export function evaluate(world: World, body: Body): Promise<Answer<Entitlement>> {
  return world.call<Entitlement>("POST", ENTITLEMENTS, { customerReferenceId: "ada", ...body });
}

export function consume(
  world: World,
  body: Body = {},
  headers: Record<string, string> = {},
): Promise<Answer<Consumed>> {
  const event = { eventName: "call", customerReferenceId: "ada", featureKey: "chat", usageUnits: 1, ...body };
  return world.call<Consumed>("POST", `${ENTITLEMENTS}/consume`, event, headers);
}

export function reserve(
  world: World,
  body: Body = {},
  headers: Record<string, string> = {},
): Promise<Answer<Reserved>> {
  const asked = { customerReferenceId: "ada", featureKey: "chat", usageUnits: 1, ...body };
  return world.call<Reserved>("POST", `${ENTITLEMENTS}/reserve`, asked, headers);
}

export function commit(
  world: World,
  reservationId: string,
  body: Body = {},
  headers: Record<string, string> = {},
): Promise<Answer<Receipt>> {
  return world.call<Receipt>(
    "POST",
    `${RESERVATIONS}/${reservationId}/commit`,
    { eventName: "call", ...body },
    headers,
  );
}

export function release(world: World, reservationId: string): Promise<Answer<undefined>> {
  return world.call<undefined>("POST", `${RESERVATIONS}/${reservationId}/release`);
}

export function correct(world: World, eventId: string, body: Body): Promise<Answer<Receipt>> {
  return world.call<Receipt>("POST", `/api/v1/client/events/${eventId}/correct`, body);
}

/** What is used of a feature now. */
export async function used(world: World, featureKey = "chat"): Promise<number> {
  return (await ok(check(world, featureKey))).usage.used;
}
