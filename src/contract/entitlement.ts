import * as z from "zod";
import { divideRounded, E12_ONE, e12ToNumber, formatE12 } from "../domain/amount.ts";
import { type CreditPrice, WEIGHT_MATCHES } from "../domain/credit.ts";
import { e4ToNumber, formatE4 } from "../domain/credit-amount.ts";
import { priceInForce } from "../domain/credit-weight.ts";
import { type CreditFacts, DENIALS, type Denial, remainingUnits, type Verdict } from "../domain/entitlement.ts";
import { customerThingId, tagOfCustomer, type Uuid } from "../domain/ids.ts";
import { HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX, NAME_CHARS_MAX } from "../domain/limits.ts";
import { ReceiptWire } from "./event.ts";
import { decimal, decimalPositive, instantText, metadata, name, queryBoolean, text } from "./scalars.ts";

/** Access on the wire: what is asked, what is answered, and the words for each no. */

const tell = (description: string) => ({ description });

/** Whose access; a key pinned to a customer may leave it out. */
const customerReferenceId = name.optional().meta(tell("Needed, unless the key is pinned to a customer."));
const subscriptionId = text
  .max(NAME_CHARS_MAX)
  .optional()
  .meta(tell("A live subscription that shall decide, if it includes the feature; else it is ignored."));
const record = queryBoolean.optional().meta(tell("Count this check in the customer's log of checks. Default true."));

const fresh = queryBoolean
  .optional()
  .meta(
    tell(
      "True: the customer's object is asked, whatever the account's `entitlementStalenessMs`. So does `Cache-Control: no-cache`.",
    ),
  );

export const CheckQuery = z.object({ record, subscriptionId, fresh });

export const EvaluateQuery = z.object({ record });

const UsageBody = z
  .object({
    usageUnits: decimalPositive.optional().meta(tell("Default 1.")),
    eventName: name.optional(),
    model: text.max(NAME_CHARS_MAX).optional(),
    meta: metadata.optional(),
  })
  .meta({ id: "EvaluatedUsage" });

export const EvaluateBody = z
  .object({
    customerReferenceId,
    featureKey: name,
    subscriptionId,
    usage: UsageBody.optional().meta(tell("What would be used: asks whether it fits, and shows what would be left.")),
    track: UsageBody.optional().meta(tell("Another name of `usage`.")),
    context: z
      .object({
        idempotencyKey: text.max(NAME_CHARS_MAX).optional().meta(tell("Ignored: asking changes nothing.")),
        flowId: text.max(NAME_CHARS_MAX).optional().meta(tell("Comes back in the answer.")),
      })
      .optional(),
  })
  .meta({ id: "Evaluate" });

export const ReserveBody = z
  .object({
    customerReferenceId,
    featureKey: name,
    subscriptionId,
    usageUnits: decimalPositive,
    model: text.max(NAME_CHARS_MAX).optional(),
    ttlSeconds: z
      .int()
      .min(1)
      .max(HOLD_SECONDS_MAX)
      .optional()
      .meta(tell(`How long it holds; default ${HOLD_SECONDS_DEFAULT}.`)),
    idempotencyKey: name.optional().meta(tell("Your name for this reservation: a repeat answers the same one.")),
  })
  .meta({ id: "Reserve" });

export const CorrectBody = z
  .object({
    usageUnits: decimal.meta(tell("The right total: what the event should have said.")),
    reason: text.optional(),
    idempotencyKey: name.optional().meta(tell("Your name for this correction: a repeat answers the first receipt.")),
  })
  .meta({ id: "Correct" });

const EXAMPLE = {
  referenceCustomerId: "acme",
  featureKey: "ai.chat",
  allowed: true,
  isAllowed: true,
  asOf: "2027-01-20T09:30:00.000Z",
  source: "object" as const,
  subscriptionId: "0f9d1c4e-7a5b-8c3d-8300-000000000001",
  usage: { used: 40, limit: 100, remaining: 60 },
};

/** An answer as it looks when access is denied; stands in the document's errors too. */
export const DENIED_EXAMPLE = {
  ...EXAMPLE,
  allowed: false,
  isAllowed: false,
  meta: {
    reason: {
      code: "WOULD_EXCEED_LIMIT" as const,
      description:
        "5 more units of “ai.chat” would pass its limit of 100: 98 are used, 0 are held by open reservations, 2 are left until 2027-02-15T09:30:00.000Z.",
    },
  },
  usage: { used: 98, limit: 100, remaining: 2 },
};

/** Where an answer came from. `lease`: from what an isolate repeats. `block`: out of what was held for an isolate. */
export const SOURCES = ["object", "lease", "block"] as const;

export const EntitlementWire = z
  .object({
    referenceCustomerId: z.string(),
    featureKey: z.string(),
    allowed: z.boolean(),
    isAllowed: z.boolean().meta(tell("The same as `allowed`.")),
    flowId: z.string().optional(),
    asOf: z.iso.datetime().meta(tell("The customer's now, by which this is true.")),
    source: z
      .enum(SOURCES)
      .meta(tell("`lease`: repeated, at most `entitlementStalenessMs` after the object said it; `asOf` says when.")),
    subscriptionId: z.uuid().optional().meta(tell("The subscription that decided.")),
    meta: z
      .object({ reason: z.object({ code: z.enum(DENIALS), description: z.string() }) })
      .optional()
      .meta(tell("Why not; only when denied.")),
    usage: z.object({
      used: z.number().meta(tell("In the current period, or ever where units accumulate.")),
      limit: z.number().optional(),
      remaining: z.number().optional().meta(tell("Neither used nor held by reservations; never below 0.")),
    }),
    simulation: z
      .object({
        requestedUsage: z.number(),
        projectedUsage: z.number(),
        projectedRemaining: z.number(),
        wouldExceedLimit: z.boolean(),
      })
      .optional()
      .meta(tell("With `usage`, where there is a limit.")),
    credit: z
      .object({
        poolId: z.uuid().meta(tell("The pool that is drawn from first.")),
        denomination: z.string(),
        balance: z
          .number()
          .meta(tell("Held credits included; like the totals, of all pools that the feature draws from.")),
        totalGranted: z.number(),
        totalConsumed: z.number(),
        hardLimit: z.boolean().meta(tell("What the pools do not cover is refused, not billed.")),
      })
      .optional()
      .meta(tell("Where the feature burns credits, and there is a pool of them.")),
    creditQuote: z
      .object({
        weight: z.number().meta(tell("Credits that a unit burns.")),
        estimatedCredits: z.number(),
        weightId: z.string().nullable(),
        weightMatch: z.enum(WEIGHT_MATCHES),
        pricePerCredit: z.number().nullable(),
        currency: z.string().nullable(),
        estimatedCost: z.number().nullable(),
      })
      .optional()
      .meta(
        tell(
          "Of a simulation, where the feature burns credits: what the units would burn, by the weight and price in force.",
        ),
      ),
  })
  .meta({ id: "Entitlement", examples: [EXAMPLE] });

export const ConsumedWire = z
  .object({
    receipt: ReceiptWire.optional(),
    duplicate: z.boolean().optional(),
    entitlement: EntitlementWire,
  })
  .meta({ id: "Consumed" });

export const ReservedWire = z
  .object({
    reservationId: z.string().max(200),
    expiresAt: z.iso.datetime().meta(tell("First instant at which it holds nothing any more.")),
    entitlement: EntitlementWire,
  })
  .meta({ id: "Reserved" });

export const SubscriptionEntitlementsWire = z
  .object({
    subscriptionId: z.uuid(),
    entitlements: z.array(z.object({ featureKey: z.string(), allowed: z.boolean() })),
  })
  .meta({ id: "SubscriptionEntitlements" });

export const CheckDayWire = z
  .object({
    day: z.iso.date(),
    featureKey: z.string(),
    allowed: z.int(),
    denied: z.int(),
  })
  .meta({ id: "CheckDay" });

/** Whom an answer is about, and what of the question comes back in it. */
type About = {
  customerId: Uuid;
  reference: string;
  flowId?: string;
  /** What credits cost: asks for a quote. */
  prices?: readonly CreditPrice[];
};

export function toWireEntitlement(
  verdict: Verdict,
  asOfMs: number,
  { customerId, reference, flowId, prices }: About,
): z.input<typeof EntitlementWire> {
  const { featureKey, allowed, denial, subscription, usedE12, limitE12 } = verdict;
  const remaining = remainingUnits(verdict);
  return {
    referenceCustomerId: reference,
    featureKey,
    allowed,
    isAllowed: allowed,
    ...(flowId === undefined ? {} : { flowId }),
    asOf: instantText(asOfMs),
    source: "object",
    ...(subscription === undefined
      ? {}
      : { subscriptionId: customerThingId(tagOfCustomer(customerId), "subscription", subscription) }),
    ...(denial === undefined ? {} : { meta: { reason: { code: denial, description: describe(denial, verdict) } } }),
    usage: {
      used: e12ToNumber(usedE12),
      ...(limitE12 === undefined ? {} : { limit: e12ToNumber(limitE12) }),
      ...(remaining === undefined ? {} : { remaining: e12ToNumber(remaining) }),
    },
    ...toWireSimulation(verdict),
    ...(verdict.credit === undefined ? {} : toWireCredit(verdict.credit, customerId)),
    ...(verdict.credit === undefined || prices === undefined
      ? {}
      : { creditQuote: toWireQuote(verdict.credit, prices, asOfMs) }),
  };
}

/** JSON text of an answer up to the value of `asOf`, and behind that of `source`, which follows it. */
export type EntitlementText = { before: string; behind: string };

/** An answer as text around its instant: what is known for one instant can be said of another without making it again. */
export function entitlementText(verdict: Verdict, about: Omit<About, "prices">): EntitlementText {
  const text = JSON.stringify(toWireEntitlement(verdict, 0, about));
  // Inside a value quotes are escaped, so this is the field and nothing that looks like it.
  const field = '"asOf":"';
  const at = text.indexOf(field) + field.length;
  const source = '","source":"object"';
  return { before: text.slice(0, at), behind: text.slice(at + instantText(0).length + source.length) };
}

/** The whole answer: JSON text of an Entitlement. */
export function entitlementAt(
  { before, behind }: EntitlementText,
  asOfMs: number,
  source: (typeof SOURCES)[number],
): string {
  return `${before}${instantText(asOfMs)}","source":"${source}"${behind}`;
}

function toWireSimulation({
  usedE12,
  heldE12,
  limitE12,
  requestedE12,
}: Verdict): Pick<z.input<typeof EntitlementWire>, "simulation"> {
  if (limitE12 === undefined || requestedE12 === undefined) return {};
  const left = limitE12 - usedE12 - heldE12 - requestedE12;
  return {
    simulation: {
      requestedUsage: e12ToNumber(requestedE12),
      projectedUsage: e12ToNumber(usedE12 + requestedE12),
      projectedRemaining: left > 0n ? e12ToNumber(left) : 0,
      wouldExceedLimit: left < 0n,
    },
  };
}

type Wire = z.input<typeof EntitlementWire>;

function toWireCredit(credit: CreditFacts, customerId: Uuid): Pick<Wire, "credit"> {
  const { pool, denomination, balanceE4, grantedE4, consumedE4, hardLimit } = credit;
  if (pool === undefined) return {};
  return {
    credit: {
      poolId: customerThingId(tagOfCustomer(customerId), "creditPool", pool),
      denomination,
      balance: e4ToNumber(balanceE4),
      totalGranted: e4ToNumber(grantedE4),
      totalConsumed: e4ToNumber(consumedE4),
      hardLimit,
    },
  };
}

function toWireQuote(
  credit: CreditFacts,
  prices: readonly CreditPrice[],
  asOfMs: number,
): NonNullable<Wire["creditQuote"]> {
  const { weight, neededE4 } = credit;
  const price = priceInForce(prices, credit, asOfMs);
  return {
    weight: e12ToNumber(weight.creditsPerUnitE12),
    estimatedCredits: e4ToNumber(neededE4),
    weightId: weight.weightId ?? null,
    weightMatch: weight.match,
    pricePerCredit: price === undefined ? null : e12ToNumber(price.pricePerCreditE12),
    currency: price?.currency ?? null,
    estimatedCost:
      price === undefined ? null : e12ToNumber(divideRounded(neededE4 * price.pricePerCreditE12, 10n ** 4n)),
  };
}

/** What is wrong and what to do about it, with the figures of the case. */
function describe(denial: Denial, verdict: Verdict): string {
  const feature = `“${verdict.featureKey}”`;
  switch (denial) {
    case "NO_SUBSCRIPTION":
      return `The customer has no subscription: subscribe it to a plan that includes ${feature}.`;
    case "SUBSCRIPTION_INACTIVE":
      return `The subscription that includes ${feature} waits for its first payment: access begins when its first invoice is paid.`;
    case "SUBSCRIPTION_SUSPENDED":
      return `The subscription that includes ${feature} is suspended because an invoice was not paid in time: access comes back when all that is past due is paid.`;
    case "FEATURE_NOT_IN_PLAN":
      return `No plan of the customer's subscriptions includes ${feature}: change to one that does, or add the feature to the plan and migrate its subscribers.`;
    case "FEATURE_DISABLED":
      return `${feature} is switched off, by the feature's own switch or by the rule of the customer's plan: enable it there.`;
    case "USAGE_LIMIT_EXCEEDED":
      return `The limit of ${feature} is reached: ${figuresOf(verdict)}. ${remedyOf(verdict)}`;
    case "WOULD_EXCEED_LIMIT":
      return wouldExceed(feature, verdict);
    case "CREDIT_POOL_FROZEN":
      return `${creditsShort(feature, verdict)} A pool of them is frozen: unfreeze it, and they suffice.`;
    case "CREDIT_LIMIT_REACHED":
      return `${creditsShort(feature, verdict)} ${moreCredits(verdict)}`;
    default:
      return denial satisfies never;
  }
}

function figuresOf({ usedE12, limitE12 = 0n }: Verdict): string {
  return `${formatE12(usedE12)} of ${formatE12(limitE12)} are used`;
}

function remedyOf({ resetsAtMs }: Verdict): string {
  return resetsAtMs === undefined
    ? "Give units back, or change to a plan with a higher limit."
    : `It counts from 0 again at ${instantText(resetsAtMs)}; a plan with a higher limit opens it at once.`;
}

function creditsShort(feature: string, { requestedE12 = E12_ONE, credit }: Verdict): string {
  const { neededE4 = 0n, availableE4 = 0n, denomination = "" } = credit ?? {};
  const units = `${formatE12(requestedE12)} ${requestedE12 === E12_ONE ? "unit" : "units"}`;
  return `${units} of ${feature} would burn ${formatE4(neededE4)} ${denomination}, and ${formatE4(availableE4)} can be drawn.`;
}

/** More credits are of no use where there are enough that cannot be drawn. */
function moreCredits({ credit }: Verdict): string {
  return credit === undefined || credit.balanceE4 < credit.neededE4
    ? "Buy or grant more, or change to a plan that gives more."
    : "Others are held by open reservations, or beyond a draw limit: release them, raise the limit, or wait for the next period.";
}

function wouldExceed(feature: string, verdict: Verdict): string {
  const { requestedE12, heldE12, limitE12 = 0n, resetsAtMs } = verdict;
  const left = formatE12(remainingUnits(verdict) ?? 0n);
  const until = resetsAtMs === undefined ? "" : ` until ${instantText(resetsAtMs)}`;
  const held = `${formatE12(heldE12)} are held by open reservations`;
  return requestedE12 === undefined
    ? `All that is left of ${feature} is reserved: ${figuresOf(verdict)}, ${held}. Wait until they are released or lapse.`
    : `${formatE12(requestedE12)} more units of ${feature} would pass its limit of ${formatE12(limitE12)}: ${formatE12(verdict.usedE12)} are used, ${held}, ${left} are left${until}.`;
}
