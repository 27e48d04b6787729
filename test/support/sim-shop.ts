import { featureIdOf, limited, offer, usage } from "./access.ts";
import { type Invoice, ok, type Page, type Subscription } from "./sale.ts";
import { must, PLANS } from "./sim-commands.ts";
import { heardOf, type Model, newModel, type Plan, planOf, type Version, versionOf } from "./subscription-model.ts";
import { access } from "./usage-model.ts";
import type { World } from "./world.ts";

/** A simulated account: its plans, its customers on a test clock, and how model and API are compared. */

const ADMIN = "/api/v1/monetization";

export type Customer = { id: string; reference: string; model: Model };
export type Shop = { world: World; clockId: string; plans: Record<string, Plan>; customers: Customer[]; nowMs: number };

const graduated = {
  pricing: {
    model: "graduated",
    tiers: [
      { up_to: 10, price_per_unit: 0.5 },
      { up_to: 50, price_per_unit: 0.25, flat_fee: 2 },
      { up_to: "inf", price_per_unit: 0.1 },
    ],
  },
};

/** What each plan is sold with; `limit` of chat and of others, as the rules say. */
const OFFERS = {
  free: { months: 1, price: 0, inArrears: false, rules: { chat: limited(20) } },
  pro: {
    months: 1,
    price: 20,
    inArrears: false,
    rules: { chat: limited(100), tokens: usage(0.25, { max_usage: 400 }), calls: graduated },
  },
  annual: { months: 12, price: 200, inArrears: false, rules: { chat: limited(500), tokens: usage(0.2) } },
  team: {
    months: 1,
    price: 7,
    inArrears: true,
    rules: { seats: usage(3, { max_usage: 30, reset_mode: "accumulate" }), tokens: usage(0.3, { max_usage: 60 }) },
  },
};

type Pricing = { pricing: { model: string; max_usage?: number; reset_mode?: string } };

function versionOne({ price, rules }: { price: number; rules: Record<string, unknown> }): Version {
  const told = Object.entries(rules).map(([feature, value]) => {
    const { model, max_usage: limit, reset_mode } = (value as Pricing).pricing;
    const rule = { priced: model !== "included", on: true, accumulates: reset_mode === "accumulate" };
    return [feature, { ...rule, ...(limit === undefined ? {} : { limit }) }] as const;
  });
  return { price, rules: Object.fromEntries(told) };
}

export async function openShop(world: World, nowMs: number): Promise<Shop> {
  const plans: Record<string, Plan> = {};
  for (const key of PLANS) {
    const { months, price, inArrears, rules } = OFFERS[key];
    const billingTiming = inArrears ? "IN_ARREARS" : "IN_ADVANCE";
    const id = await offer(world, key, rules, { priceAmount: price, intervalMonths: months, billingTiming });
    plans[key] = { id, key, months, inArrears, versions: [versionOne({ price, rules })] };
  }
  const frozenTime = new Date(nowMs).toISOString();
  const { id: clockId } = await ok(world.call<{ id: string }>("POST", "/api/v1/test-clocks", { frozenTime }));
  const customers: Customer[] = [];
  for (const reference of ["ada", "bob"]) {
    const body = { customerReferenceId: reference, email: `${reference}@mail.test`, testClockId: clockId };
    const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", body));
    customers.push({ id, reference, model: newModel(plans, nowMs) });
  }
  return { world, clockId, plans, customers, nowMs };
}

/** A new version of a plan: another price, another limit, a rule switched on or off. */
export async function publish({ world, plans }: Shop, a: number, b: number): Promise<void> {
  const key = PLANS[a % PLANS.length] ?? "pro";
  const plan = planOf({ plans } as Model, { plan: key });
  const last = versionOf({ plans } as Model, { plan: key, version: plan.versions.length });
  const next = structuredClone(last);
  const feature = key === "team" ? "tokens" : "chat";
  const rule = next.rules[feature];
  if (rule === undefined) throw new Error("the plan has the feature");
  const rules = `${ADMIN}/rules/plan-features`;
  const names = { planId: plan.id, featureId: await featureIdOf(world, feature) };
  if (b % 3 === 0) {
    next.price = last.price > 0 && b % 2 === 0 ? last.price - 1 : last.price + 3;
    await ok(world.call("PATCH", `${ADMIN}/plans/${plan.id}`, { priceAmount: next.price }));
  } else if (b % 3 === 1) {
    rule.limit = 5 + 3 * plan.versions.length + (b % 2);
    const value = rule.priced ? usage(0.3, { max_usage: rule.limit }) : limited(rule.limit);
    await ok(world.call("PATCH", rules, { ...names, value }));
  } else {
    rule.on = !rule.on;
    await ok(world.call("PATCH", rules, { ...names, isEnabled: rule.on }));
  }
  plan.versions.push(next);
}

/** Everything the API says of a customer's subscriptions and invoices. */
export async function listen({ world }: Shop, { id, reference }: Customer): Promise<Model["heard"]> {
  const [subscriptions, invoices] = await Promise.all([
    ok(world.call<Page<Subscription>>("GET", `${ADMIN}/subscriptions/customer/${id}?limit=200`)),
    ok(world.call<Page<Invoice>>("GET", `/api/v1/client/billing/invoices/${reference}?limit=200`)),
  ]);
  return { subscriptions: subscriptions.items, invoices: invoices.items };
}

const text = (atMs: number | undefined) => (atMs === undefined ? undefined : new Date(atMs).toISOString());

/** Throws at the first thing that the API says otherwise than the model. */
export function compare(model: Model): void {
  const { subscriptions, invoices } = model.heard;
  must(subscriptions.length === model.subs.length, "subscriptions", subscriptions.length, model.subs.length);
  for (const sub of model.subs) {
    const seen = subscriptions.find(({ id }) => id === sub.id);
    const told = seen && {
      status: seen.status,
      plan: `${seen.plan.key}/${seen.plan.version}`,
      price: seen.plan.priceAmount,
      period: [seen.currentPeriodStart, seen.currentPeriodEnd],
      anchor: seen.billingAnchorDay,
      grace: seen.gracePeriodDays,
      cancel: [seen.cancelMode, seen.cancelEffectiveAt],
      scheduled:
        seen.scheduledChange &&
        `${seen.scheduledChange.type} ${seen.scheduledChange.toPlan.key}/${seen.scheduledChange.toPlan.version}`,
      suspended: seen.suspendedAt,
      ended: seen.endedAt,
    };
    const { scheduled } = sub;
    const right = {
      status: sub.status,
      plan: `${sub.plan}/${sub.version}`,
      price: versionOf(model, sub).price,
      period: [text(sub.startMs), text(sub.endMs)],
      anchor: sub.anchor,
      grace: sub.graceDays,
      cancel: [sub.cancel?.mode, text(sub.cancel?.atMs)],
      scheduled: scheduled && `${scheduled.type} ${scheduled.plan}/${scheduled.version}`,
      suspended: text(sub.suspendedMs),
      ended: text(sub.endedMs),
    };
    must(JSON.stringify(told) === JSON.stringify(right), `subscription ${sub.id}`, told, right);
  }
  must(invoices.length === model.bills.length, "invoices", invoices.length, model.bills.length);
  for (const bill of model.bills) {
    const seen = heardOf(model, bill.id);
    const told = [seen?.type, seen?.status];
    must(told.join() === [bill.type, bill.status].join(), `invoice ${bill.id}`, told, bill);
    const cents = (amount: number) => Math.round(amount * 100);
    const sum = (seen?.items ?? []).reduce((all, { chargeAmount }) => all + cents(chargeAmount), 0);
    must(seen !== undefined && sum === cents(seen.amount), `items of ${bill.id}`, seen?.amount, sum);
  }
}

type Access = {
  featureKey: string;
  allowed: boolean;
  subscriptionId?: string;
  meta?: { reason: { code: string } };
  usage: { used: number; limit?: number; remaining?: number };
};

/** What the API says of a customer's access to a feature. */
export function listenAccess({ world }: Shop, { reference }: Customer, feature: string): Promise<Access> {
  return ok(world.call<Access>("GET", `/api/v1/client/entitlements/${reference}/${feature}?record=false`));
}

/** Throws where access is not as the model says. */
export function compareAccess(
  model: Model,
  { featureKey, allowed, subscriptionId: sub, meta, usage: shown }: Access,
): void {
  const { used, limit, remaining } = shown;
  const seen = { denial: meta?.reason.code, sub, used, limit, remaining };
  const right: Partial<typeof seen> = access(model, featureKey);
  for (const name of ["denial", "sub", "used", "limit", "remaining"] as const)
    must(seen[name] === right[name], `access to ${featureKey}`, seen, right);
  must(allowed === (seen.denial === undefined), `${featureKey} is allowed`, seen);
}

type Line = Invoice["items"][number];

/** Each unit is billed once: on an invoice that stands, on the next one, or never, for a voided one's was forgiven. */
export async function compareUnits({ world }: Shop, { reference, model }: Customer): Promise<void> {
  for (const sub of model.subs) {
    const real = model.heard.invoices.filter(
      ({ subscription, status }) => subscription.id === sub.id && !["VOID", "CANCELLED"].includes(status),
    );
    const items: Line[] = real.flatMap((one) => one.items);
    if (sub.isOpen) {
      const path = `/api/v1/client/billing/invoices/${reference}/upcoming?subscriptionId=${sub.id}`;
      items.push(...(await ok(world.call<Invoice>("GET", path))).items);
    }
    for (const [feature, { total }] of Object.entries(sub.counters)) {
      if (feature === "chat") continue;
      const billed = items
        .filter(({ kind, featureKey }) => kind === "USAGE" && featureKey === feature)
        .reduce((sum, { quantity = 0 }) => sum + quantity, 0);
      const later = sub.isOpen || sub.status === "CANCELLED" ? 0 : (sub.waiting[feature] ?? 0);
      const all = billed + later + (sub.forgiven[feature] ?? 0);
      must(all === total, `units of ${feature} of ${sub.id}`, { billed, later, ...sub.forgiven }, total);
    }
  }
}
