import { ada, commit, consume, correct, featureIdOf, limited, reserve, usage } from "./access.ts";
import { CREDITS, creditModel, PLANS, RULES } from "./credits.ts";
import { active, customer, ok } from "./sale.ts";
import { clockAt, type World } from "./world.ts";

/** Customers of whom every table has rows: what the books are about. */

type Id = { id: string };

export type Busy = { id: string; pool: string; grant: string; entry: string };

/** On the 1st and 2nd of March 2027: a customer who bought, used, reserved and corrected, and whose pool saw every kind of entry. */
export async function busy(world: World): Promise<Busy> {
  const { id } = await ada(
    world,
    { chat: usage("0.5"), api: limited(10) },
    { priceAmount: 10, billingTiming: "IN_ADVANCE" },
  );
  await ok(consume(world, { usageUnits: 3 }));
  const held = await ok(reserve(world, { usageUnits: 2 }));
  await ok(commit(world, held.reservationId));
  await ok(reserve(world, { usageUnits: 1, ttlSeconds: 3600 }));
  const used = await ok(world.event({ customerReferenceId: "ada", featureKey: "api", usageUnits: 4 }));
  await ok(world.call("POST", `/api/v1/client/events/${used.eventId}/correct`, { usageUnits: 1 }));
  const spec = { name: "Credits", denomination: "AI_CREDITS", customerId: id };
  const { id: creditPoolId } = await ok(world.call<Id>("POST", `${CREDITS}/pools`, spec));
  const give = (body: object) =>
    ok(world.call<Id>("POST", `${CREDITS}/grants`, { creditPoolId, grantType: "MANUAL", ...body }));
  const { id: grant } = await give({ amount: 10 });
  await give({ amount: 4, expiresAt: "2027-03-01T12:00:00Z" });
  const gone = await give({ amount: 1 });
  const taken = await ok(world.call<Id>("POST", `${CREDITS}/deductions`, { creditPoolId, amount: 6.5 }));
  await ok(world.call("POST", `${CREDITS}/transactions/${taken.id}/reverse`));
  await ok(world.call("POST", `${CREDITS}/grants/${gone.id}/void`));
  await ok(world.call("POST", `${CREDITS}/pools/${creditPoolId}/freeze`));
  clockAt("2027-03-02T00:00:00Z");
  return { id, pool: creditPoolId, grant, entry: taken.id };
}

export type Burning = { id: string; subscription: string; pool: string; event: string };

/** In the second period of a plan with 100 credits: used and corrected in both, by credits and for money, with a reservation open. */
export async function burning(world: World): Promise<Burning> {
  const creditModelId = await creditModel(world, "AI", { hardLimit: false, rolloverPolicy: "FULL" });
  const body = { key: "pro", name: "PRO", description: "The plan pro.", billingTiming: "IN_ARREARS" };
  const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, body));
  const featureId = await featureIdOf(world, "chat");
  await ok(world.call("POST", RULES, { planId, featureId, creditModelId, value: usage(1) }));
  await ok(world.call("POST", RULES, { planId, featureId: await featureIdOf(world, "api"), value: usage(2) }));
  await ok(world.call("POST", `${CREDITS}/models/${creditModelId}/plans/${planId}?creditAmount=100`));
  await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
  const id = await customer(world);
  const { id: subscription } = await active(world, "ada", "pro");
  const use = (featureKey: string, usageUnits: number) =>
    ok(world.event({ customerReferenceId: "ada", featureKey, usageUnits }));
  for (const [at, units] of [
    ["2030-03-06T10:00:00Z", 5],
    ["2030-04-06T10:00:00Z", 8],
  ] as const) {
    clockAt(at);
    await use("api", units);
    const { eventId } = await use("chat", units);
    await use("chat", 2);
    await ok(correct(world, eventId, { usageUnits: 3 }));
  }
  await ok(reserve(world, { usageUnits: 4 }));
  await use("web", 1);
  const { items } = await ok(world.call<{ items: { id: string }[] }>("GET", "/api/v1/client/credits/ada/pools"));
  const { eventId: event } = await use("api", 1);
  return { id, subscription, pool: items[0]?.id ?? "", event };
}
