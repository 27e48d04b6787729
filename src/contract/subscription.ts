import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { CUSTOMER_SOURCES, type CustomerView } from "../domain/customer.ts";
import { GRACE_DAYS_DEFAULT, GRACE_DAYS_MAX } from "../domain/limits.ts";
import type { PlanStatus } from "../domain/plan.ts";
import { CHANGE_TYPES } from "../domain/plan-change.ts";
import { CANCEL_MODES, SUBSCRIPTION_STATUSES } from "../domain/subscription.ts";
import type { PlanSummary, SubscriptionView } from "../domain/views.ts";
import { PLAN_EXAMPLE, PlanWire } from "./plan.ts";
import { idText, instantText, name, page, readMetadata } from "./scalars.ts";

/** Subscriptions on the wire, and what may be asked of them. */

const gracePeriod = z
  .int()
  .min(0)
  .max(GRACE_DAYS_MAX)
  .meta({ description: `Days from an invoice's due date until access ends, 0…${GRACE_DAYS_MAX}.` });

const startingGrace = gracePeriod.optional().transform((days) => days ?? GRACE_DAYS_DEFAULT);

const planId = name.meta({ description: "The plan's id or its key." });

export const Subscribe = z
  .object({
    customerReferenceId: name
      .optional()
      .meta({ description: "Needed, unless the key is a customer's own: then it is that customer." }),
    planId,
    gracePeriod: startingGrace,
    paymentMethodId: name
      .optional()
      .meta({ description: "A saved method: it is charged for the first invoice, and for the next ones." }),
  })
  .meta({ id: "Subscribe" });

export const OperatorSubscribe = z
  .object({ customerId: name, planId, gracePeriod: startingGrace })
  .meta({ id: "OperatorSubscribe" });

export const ChangeSubscription = z.object({ gracePeriod: gracePeriod.optional() }).meta({ id: "ChangeSubscription" });

export const ChangeSubscriptionPlan = z
  .object({
    changeToPlanId: name.meta({ description: "The id or the key of the plan to change to." }),
    changeType: z.enum(CHANGE_TYPES),
  })
  .meta({ id: "ChangeSubscriptionPlan" });

export const CancelQuery = z.object({
  cancelMode: z
    .enum(CANCEL_MODES)
    .optional()
    .transform((mode) => mode ?? "END_OF_PERIOD")
    .meta({ description: "Default END_OF_PERIOD." }),
});

export const SubscriptionsQuery = z.object({
  status: z.enum(SUBSCRIPTION_STATUSES).optional(),
  planId: idText.optional(),
  customerId: idText.optional(),
  ...page,
});

const EXAMPLE = {
  id: "6c1f0e9a-7d42-8b34-8300-000000000001",
  isActive: true,
  status: "ACTIVE" as const,
  intervalMonths: "1",
  customer: {
    id: "6c1f0e9a-7d42-8b34-8000-000000000000",
    customerReferenceId: "acme",
    firstName: "Ada",
    lastName: "Lovelace",
    email: "ada@acme.test",
    source: "MANUAL" as const,
    createdAt: "2027-01-04T09:31:00.000Z",
    modifiedAt: "2027-01-04T09:31:00.000Z",
  },
  plan: PLAN_EXAMPLE,
  gracePeriodDays: 3,
  currentPeriodStart: "2027-01-15T10:00:00.000Z",
  currentPeriodEnd: "2027-02-15T10:00:00.000Z",
  billingAnchorDay: 15,
  metadata: {},
  createdAt: "2027-01-15T10:00:00.000Z",
};

/** A plan as its subscriber has it: price and rules of the version it bought. */
const SubscribedPlanWire = PlanWire.extend({
  version: z.int().meta({ description: "The version that was bought; newer ones of the plan do not change it." }),
  status: PlanWire.shape.status
    .optional()
    .meta({ description: "Whether the plan is sold now, at most 5 seconds old; absent when that is not known." }),
}).meta({ id: "SubscribedPlan", examples: [PLAN_EXAMPLE] });

const SubscriberWire = z
  .object({
    id: z.uuid(),
    customerReferenceId: z.string().optional(),
    firstName: z.string().optional(),
    lastName: z.string().optional(),
    email: z.string().optional(),
    phoneNumber: z.string().optional(),
    source: z.enum(CUSTOMER_SOURCES),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "Subscriber" });

export const ScheduledChangeWire = z
  .object({
    id: z.uuid(),
    type: z.enum(["DOWNGRADE", "MIGRATION"]),
    subscriptionId: z.uuid(),
    fromPlan: SubscribedPlanWire,
    toPlan: SubscribedPlanWire,
    status: z
      .enum(["PENDING"])
      .meta({ description: "What is shown is still to come: it is gone once done or dropped." }),
    effectiveAt: z.iso.datetime(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "ScheduledChange" });

export const SubscriptionWire = z
  .object({
    id: z.uuid(),
    isActive: z.boolean().meta({ description: "True only while the status is ACTIVE." }),
    status: z.enum(SUBSCRIPTION_STATUSES).meta({
      description:
        "INCOMPLETE: its first invoice is unpaid, there is no access. SUSPENDED: an invoice was not paid in time. CANCELLED: it has ended.",
    }),
    intervalMonths: z.string(),
    customer: SubscriberWire,
    plan: SubscribedPlanWire,
    gracePeriodDays: z.int(),
    currentPeriodStart: z.iso.datetime(),
    currentPeriodEnd: z.iso.datetime().meta({
      description: "The first instant that is no longer in the period. While INCOMPLETE: if it were paid at once.",
    }),
    cancelMode: z.enum(CANCEL_MODES).optional(),
    cancelEffectiveAt: z.iso.datetime().optional(),
    cancelledAt: z.iso
      .datetime()
      .optional()
      .meta({ description: "When the cancellation was asked for; gone once it is taken back." }),
    suspendedAt: z.iso.datetime().optional(),
    endedAt: z.iso.datetime().optional(),
    billingAnchorDay: z
      .int()
      .meta({ description: "Day of the month, UTC, on which periods begin; clamped in short months." }),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    scheduledChange: ScheduledChangeWire.optional(),
  })
  .meta({ id: "Subscription", examples: [EXAMPLE] });

/** What the account knows of a plan's status now; undefined where it does not know the plan. */
export type PlanStatusOf = (planId: string) => PlanStatus | undefined;

function toWireSubscribedPlan(
  plan: PlanSummary,
  planStatus: PlanStatusOf | undefined,
): z.input<typeof SubscribedPlanWire> {
  return {
    id: plan.planId,
    key: plan.key,
    name: plan.name,
    description: plan.description,
    priceAmount: e12ToNumber(plan.price),
    currency: plan.currency,
    intervalMonths: String(plan.intervalMonths),
    billingTiming: plan.billingTiming,
    status: planStatus?.(plan.planId),
    version: plan.version,
    metadata: readMetadata(plan.metadata),
    createdAt: instantText(plan.planCreatedAtMs),
    modifiedAt: instantText(plan.planModifiedAtMs),
  };
}

function toWireSubscriber(customer: CustomerView): z.input<typeof SubscriberWire> {
  return {
    id: customer.customerId,
    customerReferenceId: customer.referenceId,
    firstName: customer.firstName,
    lastName: customer.lastName,
    email: customer.email,
    phoneNumber: customer.phoneNumber,
    source: customer.source,
    createdAt: instantText(customer.createdAtMs),
    modifiedAt: instantText(customer.modifiedAtMs),
  };
}

/** The change that waits for the end of the period; undefined where none does. */
export function toWireScheduledChange(
  { subscriptionId, plan, scheduled }: SubscriptionView,
  planStatus?: PlanStatusOf,
): z.input<typeof ScheduledChangeWire> | undefined {
  if (scheduled === undefined) return undefined;
  return {
    id: scheduled.changeId,
    type: scheduled.type,
    subscriptionId,
    fromPlan: toWireSubscribedPlan(plan, planStatus),
    toPlan: toWireSubscribedPlan(scheduled.toPlan, planStatus),
    status: "PENDING",
    effectiveAt: instantText(scheduled.effectiveAtMs),
    createdAt: instantText(scheduled.createdAtMs),
  };
}

/** The same in a list of all customers': whose it is stands beside. */
export const ListedChangeWire = ScheduledChangeWire.extend({ customer: SubscriberWire }).meta({
  id: "ListedScheduledChange",
});

export function toWireListedChange(
  view: SubscriptionView,
  customer: CustomerView,
  planStatus?: PlanStatusOf,
): z.input<typeof ListedChangeWire> | undefined {
  const change = toWireScheduledChange(view, planStatus);
  return change === undefined ? undefined : { ...change, customer: toWireSubscriber(customer) };
}

function toWire(
  view: SubscriptionView,
  customer: z.input<typeof SubscriberWire>,
  planStatus: PlanStatusOf | undefined,
): z.input<typeof SubscriptionWire> {
  const { cancel, suspendedAtMs, endedAtMs } = view;
  return {
    id: view.subscriptionId,
    isActive: view.status === "ACTIVE",
    status: view.status,
    intervalMonths: String(view.plan.intervalMonths),
    customer,
    plan: toWireSubscribedPlan(view.plan, planStatus),
    gracePeriodDays: view.gracePeriodDays,
    currentPeriodStart: instantText(view.period.startMs),
    currentPeriodEnd: instantText(view.period.endMs),
    cancelMode: cancel?.mode,
    cancelEffectiveAt: cancel === undefined ? undefined : instantText(cancel.effectiveAtMs),
    cancelledAt: cancel === undefined ? undefined : instantText(cancel.askedAtMs),
    suspendedAt: suspendedAtMs === undefined ? undefined : instantText(suspendedAtMs),
    endedAt: endedAtMs === undefined ? undefined : instantText(endedAtMs),
    billingAnchorDay: view.anchorDay,
    metadata: {},
    createdAt: instantText(view.createdAtMs),
    scheduledChange: toWireScheduledChange(view, planStatus),
  };
}

/** Fields that are undefined are left out where the answer is written as JSON. */
export function toWireSubscription(
  view: SubscriptionView,
  customer: CustomerView,
  planStatus?: PlanStatusOf,
): z.input<typeof SubscriptionWire> {
  return toWire(view, toWireSubscriber(customer), planStatus);
}

/** Subscriptions of one customer, in their order. */
export function toWireSubscriptions(
  views: readonly SubscriptionView[],
  customer: CustomerView,
  planStatus?: PlanStatusOf,
): z.input<typeof SubscriptionWire>[] {
  if (views.length === 0) return [];
  const subscriber = toWireSubscriber(customer);
  return views.map((view) => toWire(view, subscriber, planStatus));
}
