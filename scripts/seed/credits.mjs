import { ask, idsByKey, instant, PLANS_PATH, RULES_PATH, SUBSCRIPTIONS_PATH } from "./calls.mjs";

/**
 * Who buys credits in the Demo account: the customer of the public quickstart, and four whose pools are healthy, nearly dry, frozen,
 * and about to lose a promotion. Through the public API, and safe to repeat.
 */

const DAY_MS = 86_400_000;
const MODELS_PATH = "/api/v1/monetization/credits/models";
const DENOMINATION = "AI_CREDITS";
const PRICE_PER_CREDIT = 0.1;
/** Credits for one unit, by model; without one for every other model. */
const WEIGHTS = [{ creditsPerUnit: 1 }, { model: "gpt-4o", creditsPerUnit: 2.5 }];

/** Plans whose one feature burns credits, by key. */
const PLANS = {
  developer_demo: {
    name: "Developer demo",
    description: "Five calls to try it.",
    feature: "ai.chat",
    creditAmount: 5,
  },
  "credits-monthly": {
    name: "Credits",
    description: "A thousand credits a month; up to 500 are carried over.",
    priceAmount: 49,
    feature: "ai.translate",
    creditAmount: 1000,
  },
};

const CUSTOMERS = [
  { reference: "demo-user", firstName: "Demo", lastName: "User", plan: "developer_demo" },
  { reference: "quill-travel", firstName: "Quill", lastName: "Travel", plan: "credits-monthly", used: 120 },
  { reference: "nova-retail", firstName: "Nova", lastName: "Retail", plan: "credits-monthly", used: 988 },
  { reference: "onyx-press", firstName: "Onyx", lastName: "Press", plan: "credits-monthly", used: 40, isFrozen: true },
  {
    reference: "pico-health",
    firstName: "Pico",
    lastName: "Health",
    plan: "credits-monthly",
    used: 75,
    promotion: 200,
  },
];

/** Fills the credit half of the account; answers how many of what it has then. Features are there. */
export async function seedCredits(call) {
  const featureIds = await idsByKey(call, "/api/v1/monetization/features");
  const modelId = await makeModel(call);
  for (const [key, plan] of Object.entries(PLANS)) await makePlan(call, key, plan, featureIds, modelId);
  await publish(call, featureIds.get("ai.translate"));
  for (const customer of CUSTOMERS) await makeCustomer(call, customer);
  return { plans: Object.keys(PLANS).length, subscriptions: CUSTOMERS.length, customers: CUSTOMERS.length };
}

async function makeModel(call) {
  const { items } = await ask(call, "GET", `${MODELS_PATH}?limit=200`);
  const known = items.find(({ denomination }) => denomination === DENOMINATION);
  if (known !== undefined) return known.id;
  const model = { name: "AI credits", denomination: DENOMINATION, rolloverPolicy: "CAPPED", rolloverCap: 500 };
  return (await ask(call, "POST", MODELS_PATH, model, [201])).id;
}

async function makePlan(call, key, { feature, creditAmount, ...plan }, featureIds, modelId) {
  const made = await ask(call, "POST", PLANS_PATH, { key, ...plan }, [201, 409]);
  const id = made?.id ?? (await idsByKey(call, PLANS_PATH)).get(key);
  const { status } = await ask(call, "GET", `${PLANS_PATH}/${id}`);
  if (status !== "DRAFT") return;
  const rule = { planId: id, featureId: featureIds.get(feature), creditModelId: modelId };
  await ask(call, "POST", RULES_PATH, rule, [201, 409]);
  await ask(call, "POST", `${MODELS_PATH}/${modelId}/plans/${id}?creditAmount=${creditAmount}&hardLimit=true`);
  await ask(call, "PATCH", `${PLANS_PATH}/${id}`, { status: "ACTIVE" });
}

/** Weights and prices once: what is published is for ever. */
async function publish(call, featureId) {
  const effectiveFrom = instant(Date.now());
  const { items: weights } = await ask(call, "GET", "/api/v1/monetization/credits/weights?limit=1");
  if (weights.length === 0) {
    const entries = WEIGHTS.map((weight) => ({ featureId, ...weight }));
    await ask(call, "POST", "/api/v1/monetization/credits/weights/publish", { effectiveFrom, entries }, [201]);
  }
  const { items: prices } = await ask(call, "GET", "/api/v1/monetization/credits/prices?limit=1");
  if (prices.length === 0) {
    const entries = [{ denomination: DENOMINATION, currency: "USD", pricePerCredit: PRICE_PER_CREDIT }];
    await ask(call, "POST", "/api/v1/monetization/credits/prices/publish", { effectiveFrom, entries }, [201]);
  }
}

async function makeCustomer(call, { reference, firstName, lastName, plan, used, isFrozen, promotion }) {
  const person = { customerReferenceId: reference, firstName, lastName, email: `billing@${reference}.example` };
  await ask(call, "POST", "/api/v1/client/customers", person, [201, 409]);
  const { subscriptions } = await ask(call, "GET", `/api/v1/client/customers/${reference}`);
  const subscription =
    subscriptions[0] ??
    (await ask(call, "POST", SUBSCRIPTIONS_PATH, { customerReferenceId: reference, planId: plan }, [201])).subscription;
  if (subscription.status === "INCOMPLETE")
    await ask(call, "POST", `/api/v1/monetization/subscriptions/${subscription.id}/activate`);
  const { items } = await ask(call, "GET", `/api/v1/client/credits/${reference}/pools`);
  const [pool] = items;
  if (promotion !== undefined) await promote(call, pool.id, promotion);
  if (used !== undefined) await use(call, reference, used);
  if (isFrozen) await ask(call, "POST", `/api/v1/monetization/credits/pools/${pool.id}/freeze`);
}

/** Credits that are gone in three days, under a key: again, they are the same ones. */
function promote(call, creditPoolId, amount) {
  const grant = { creditPoolId, amount, grantType: "PROMOTIONAL", expiresAt: instant(Date.now() + 3 * DAY_MS) };
  return ask(
    call,
    "POST",
    "/api/v1/monetization/credits/grants",
    { ...grant, description: "Welcome", idempotencyKey: "seed:promotion" },
    [200, 201],
  );
}

function use(call, customerReferenceId, usageUnits) {
  const event = { eventName: "seed.usage", eventIdempotencyKey: "seed:credits", customerReferenceId };
  return ask(call, "POST", "/api/v1/client/events", { ...event, featureKey: "ai.translate", usageUnits }, [201, 409]);
}
