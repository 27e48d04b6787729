import { ask, idsByKey, instant, PLANS_PATH, RULES_PATH, SUBSCRIPTIONS_PATH } from "./calls.mjs";

/**
 * What the Demo account sells and to whom: four plans, subscriptions in every state, a customer near its limit. Through the public API,
 * and safe to repeat: what exists is found, what was done is not done again.
 */

const DAY_MS = 86_400_000;

const CALL = "call";
const CHAT_TIERS = [
  { up_to: 1000, price_per_unit: 0.02 },
  { up_to: 10_000, price_per_unit: 0.015, flat_fee: 5 },
  { up_to: "inf", price_per_unit: 0.01 },
];

/** Plans by key; rules by feature. US dollars. */
const PLANS = {
  free: {
    name: "Free",
    description: "A hundred chats a month to try it.",
    rules: { "ai.chat": { model: "included", max_usage: 100, usage_unit_type: CALL } },
  },
  "pro-monthly": {
    name: "Pro",
    description: "For teams, by the month.",
    priceAmount: 49,
    rules: {
      "ai.chat": { model: "graduated", tiers: CHAT_TIERS, usage_unit_type: CALL },
      "ai.search": { model: "included", max_usage: 50_000, usage_unit_type: CALL },
      "ai.summarize": { model: "usage", price_per_unit: 0.03, usage_unit_type: CALL },
    },
  },
  "pro-annual": {
    name: "Pro, annual",
    description: "For teams, two months for free.",
    priceAmount: 490,
    intervalMonths: 12,
    rules: {
      "ai.chat": { model: "graduated", tiers: CHAT_TIERS, usage_unit_type: CALL },
      "ai.search": { model: "included", usage_unit_type: CALL },
      "ai.summarize": { model: "usage", price_per_unit: 0.025, usage_unit_type: CALL },
    },
  },
  "usage-only": {
    name: "Pay as you go",
    description: "No base price: what was used is billed at the end of the month.",
    billingTiming: "IN_ARREARS",
    rules: {
      "ai.transcript": { model: "usage", price_per_unit: 0.09, usage_unit_type: CALL },
      "ai.summarize": { model: "usage", price_per_unit: 0.04, usage_unit_type: CALL },
    },
  },
};

/** Who is on what, and what then happens to it. Everybody else of the Demo account has no subscription. */
const SUBSCRIBERS = [
  { reference: "northwind", plan: "pro-monthly", used: { "ai.chat": 1240, "ai.search": 310 } },
  { reference: "bluefin", plan: "pro-annual", used: { "ai.search": 5200 } },
  { reference: "cedar-health", plan: "usage-only", used: { "ai.transcript": 85 } },
  { reference: "delta-legal", plan: "pro-monthly", next: "cancel-later" },
  { reference: "ember-games", plan: "free", used: { "ai.chat": 41 } },
  // Three more chats, and access ends until its next period.
  { reference: "foxglove", plan: "free", used: { "ai.chat": 97 } },
  { reference: "granite-bank", plan: "pro-monthly", next: "cancel-now" },
  { reference: "harbor-dev", plan: "pro-monthly", next: "downgrade" },
  { reference: "iris-media", plan: "pro-monthly", next: "leave-unpaid" },
];

/** Lives by a test clock: its second month was not paid, so it is suspended. It has no events. */
const SUSPENDED = {
  reference: "maple-travel",
  firstName: "Maple",
  lastName: "Travel",
  email: "billing@maple-travel.example",
};
const CLOCK = "Demo: a renewal that nobody paid";
/** A month, three days of grace, and some days more. */
const SUSPENDED_AFTER_MS = 45 * DAY_MS;

/**
 * Fills the platform half of the account; answers how many of what it has then. `day`: the UTC day that the seed stands on. Features
 * and customers are there.
 */
export async function seedPlatform(call, day) {
  const featureIds = await idsByKey(call, "/api/v1/monetization/features");
  for (const [key, plan] of Object.entries(PLANS)) await makePlan(call, key, plan, featureIds);
  for (const subscriber of SUBSCRIBERS) await makeSubscriber(call, subscriber);
  await makeSuspended(call, Date.parse(`${day}T09:00:00Z`) - SUSPENDED_AFTER_MS);
  return { plans: Object.keys(PLANS).length, subscriptions: SUBSCRIBERS.length + 1, customers: 1 };
}

async function makePlan(call, key, { rules, ...plan }, featureIds) {
  const made = await ask(call, "POST", PLANS_PATH, { key, ...plan }, [201, 409]);
  const id = made?.id ?? (await idsByKey(call, PLANS_PATH)).get(key);
  const { status } = await ask(call, "GET", `${PLANS_PATH}/${id}`);
  if (status !== "DRAFT") return;
  for (const [feature, pricing] of Object.entries(rules))
    await ask(
      call,
      "POST",
      RULES_PATH,
      { planId: id, featureId: featureIds.get(feature), value: { pricing } },
      [201, 409],
    );
  await ask(call, "PATCH", `${PLANS_PATH}/${id}`, { status: "ACTIVE" });
}

async function makeSubscriber(call, { reference, plan, used = {}, next }) {
  const known = await ask(call, "GET", `/api/v1/client/customers/${reference}`);
  // Whoever had a subscription has been here before: a customer that left must not be put on the plan again.
  const before = known.subscriptions[0];
  const subscription =
    before ??
    (await ask(call, "POST", SUBSCRIPTIONS_PATH, { customerReferenceId: reference, planId: plan }, [201])).subscription;
  if (next === "leave-unpaid") return;
  if (subscription.status === "INCOMPLETE")
    await ask(call, "POST", `/api/v1/monetization/subscriptions/${subscription.id}/activate`);
  for (const [featureKey, usageUnits] of Object.entries(used)) await use(call, reference, featureKey, usageUnits);
  await follow(call, subscription, plan, next);
}

/** What then happens to a subscription, unless it has happened: a repeat would ask for it at another instant. */
async function follow(call, { id, status, plan, cancelMode, scheduledChange }, boughtKey, next) {
  if (status === "CANCELLED" || next === undefined) return;
  const cancellation = `${SUBSCRIPTIONS_PATH}/cancellation/${id}`;
  if (next === "cancel-later" && cancelMode === undefined) await ask(call, "POST", cancellation);
  if (next === "cancel-now") await ask(call, "POST", `${cancellation}?cancelMode=IMMEDIATE`);
  if (next === "downgrade" && plan.key === boughtKey && scheduledChange === undefined)
    await ask(call, "POST", `${SUBSCRIPTIONS_PATH}/${id}/plan-change`, {
      changeToPlanId: "free",
      changeType: "DOWNGRADE",
    });
}

/** Units as one event, under a key of its own: again, it is a duplicate. */
function use(call, customerReferenceId, featureKey, usageUnits) {
  const event = {
    eventName: "seed.usage",
    eventIdempotencyKey: `seed:used:${featureKey}`,
    customerReferenceId,
    featureKey,
  };
  return ask(call, "POST", "/api/v1/client/events", { ...event, usageUnits }, [201, 409]);
}

async function makeSuspended(call, startMs) {
  const { reference, ...person } = SUSPENDED;
  const clocks = await ask(call, "GET", "/api/v1/test-clocks?limit=200");
  const clock =
    clocks.items.find(({ name }) => name === CLOCK) ??
    (await ask(call, "POST", "/api/v1/test-clocks", { name: CLOCK, frozenTime: instant(startMs) }, [201]));
  const body = { ...person, customerReferenceId: reference, testClockId: clock.id };
  await ask(call, "POST", "/api/v1/client/customers", body, [201, 409]);
  const { subscriptions } = await ask(call, "GET", `/api/v1/client/customers/${reference}`);
  const there = subscriptions[0];
  const subscription =
    there ??
    (await ask(call, "POST", SUBSCRIPTIONS_PATH, { customerReferenceId: reference, planId: "pro-monthly" }, [201]))
      .subscription;
  if (subscription.status === "INCOMPLETE")
    await ask(call, "POST", `/api/v1/monetization/subscriptions/${subscription.id}/activate`);
  // Counted from the instant it subscribed at, so that a seed on a later day moves nothing.
  const endMs = Date.parse(subscription.createdAt) + SUSPENDED_AFTER_MS;
  if (Date.parse(clock.frozenTime) < endMs)
    await ask(call, "POST", `/api/v1/test-clocks/${clock.id}/advance`, { frozenTime: instant(endMs) });
}
