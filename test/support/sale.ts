import type { Answer, World } from "./world.ts";

/** Plans to sell and customers to sell them to, over HTTP like everything else. */

type Body = Record<string, unknown>;

export type SubscribedPlan = { id: string; key: string; priceAmount: number; status?: string; version: number };

export type ScheduledChange = {
  id: string;
  type: string;
  subscriptionId: string;
  fromPlan: SubscribedPlan;
  toPlan: SubscribedPlan;
  status: string;
  effectiveAt: string;
};

export type Subscription = {
  id: string;
  isActive: boolean;
  status: string;
  intervalMonths: string;
  customer: { id: string; customerReferenceId?: string };
  plan: SubscribedPlan;
  gracePeriodDays: number;
  currentPeriodStart: string;
  currentPeriodEnd: string;
  cancelMode?: string;
  cancelEffectiveAt?: string;
  cancelledAt?: string;
  suspendedAt?: string;
  endedAt?: string;
  billingAnchorDay: number;
  createdAt: string;
  scheduledChange?: ScheduledChange;
};

export type InvoiceItem = {
  id: string;
  invoiceId: string;
  chargeAmount: number;
  description: string;
  kind: string;
  periodStart: string;
  periodEnd: string;
  planVersion?: number;
  featureKey?: string;
  quantity?: number;
};

export type Invoice = {
  id: string;
  number?: string;
  createdAt: string;
  amount: number;
  dueDate: string;
  currency: string;
  subscription: Subscription;
  status: string;
  type: string;
  periodStart: string;
  periodEnd: string;
  paidAt?: string;
  items: InvoiceItem[];
};

export type Subscribed = { subscription: Subscription; invoice: Invoice };

export type Page<T> = { items: T[]; pagination: { total: number; limit: number; offset: number; hasMore: boolean } };

const PLANS = "/api/v1/monetization/plans";
const RULES = "/api/v1/monetization/rules/plan-features";
const FEATURES = "/api/v1/monetization/features";

/** The answer's data, or a throw that says what was refused. */
export async function ok<T>(answered: Promise<Answer<T>>): Promise<T> {
  const { status, data, error } = await answered;
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(error)}`);
  return data;
}

/** An ACTIVE plan of this key with one feature of its own; `value` is that feature's rule. Returns its id. */
export async function sell(world: World, key: string, body: Body = {}, value: unknown = {}): Promise<string> {
  const plan = { key, name: key.toUpperCase(), description: `The plan ${key}.`, ...body };
  const { id: planId } = await ok(world.call<{ id: string }>("POST", PLANS, plan));
  const feature = await ok(world.call<{ id: string }>("POST", FEATURES, { key: `chat.${key}` }));
  await ok(world.call("POST", RULES, { planId, featureId: feature.id, value }));
  await ok(world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" }));
  return planId;
}

/** A registered customer; the reference is the key to it everywhere. Returns its id. */
export async function customer(world: World, reference = "ada"): Promise<string> {
  const body = { customerReferenceId: reference, email: `${reference}@mail.test`, firstName: reference };
  return (await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", body))).id;
}

export function subscribe(
  world: World,
  customerReferenceId: string,
  planId: string,
  headers: Record<string, string> = {},
): Promise<Answer<Subscribed>> {
  return world.call<Subscribed>("POST", "/api/v1/client/subscriptions", { customerReferenceId, planId }, headers);
}

export function pay(world: World, invoiceId: string): Promise<Answer<Invoice>> {
  return world.call<Invoice>("POST", `/api/v1/client/billing/invoices/${invoiceId}/mark-paid`);
}

/** An ACTIVE subscription: its first invoice, if it has one to pay, is paid. */
export async function active(world: World, reference: string, plan: string): Promise<Subscription> {
  const { subscription, invoice } = await ok(subscribe(world, reference, plan));
  if (subscription.isActive) return subscription;
  return (await ok(pay(world, invoice.id))).subscription;
}

/** The subscription as it is now. */
export function read(world: World, { id }: { id: string }): Promise<Subscription> {
  return ok(world.call<Subscription>("GET", `/api/v1/monetization/subscriptions/${id}`));
}

/** A customer's invoices as they are now, newest first. */
export async function invoicesOf(world: World, reference: string): Promise<Invoice[]> {
  return (await ok(world.call<Page<Invoice>>("GET", `/api/v1/client/billing/invoices/${reference}`))).items;
}
