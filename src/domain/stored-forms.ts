import type { BalanceEntry } from "./book.ts";
import type { CountedEvent } from "./books.ts";
import type {
  Ahead,
  Allocation,
  CreditCoverage,
  CreditEntry,
  Draw,
  Grant,
  HeldCredits,
  Pool,
  PoolLink,
} from "./credit.ts";
import type { Burnt, CorrectionOf, Counted, OtherMoney } from "./event.ts";
import type { Invoice, InvoiceLine, TaxLine } from "./invoice.ts";
import type { MrrSpan } from "./mrr.ts";
import type { Period } from "./period.ts";
import type { VersionRule } from "./plan.ts";
import type { Pricing, Tier } from "./pricing.ts";
import type { Rollup } from "./rollup.ts";
import type { SummedEvent } from "./rollup-books.ts";
import type { Coverage, PlanPin, PlanRef, Subscription } from "./subscription.ts";
import type { Counter, Hold, UsageSegment } from "./usage.ts";

/**
 * What a stored thing must look like for anybody to reckon with it. Types end at the disk: whoever edits a row can put text where a
 * number belongs. Owns which fields are numbers, amounts, instants and lists; leaves what they may come to, to the laws.
 */

/** What keeps a value from being of a form, said behind the name of its field: ` is no integer`. Undefined: nothing does. */
export type Form = (value: unknown) => string | undefined;

/** The furthest instant that has a date, in ms from 1970 both ways. */
const INSTANT_MS_MAX = 8.64e15;

const integer: Form = (value) => (Number.isSafeInteger(value) ? undefined : " is no integer");
const instant: Form = (value) =>
  Number.isSafeInteger(value) && Math.abs(value as number) <= INSTANT_MS_MAX ? undefined : " is no instant";
const amount: Form = (value) => (typeof value === "bigint" ? undefined : " is no amount");
const text: Form = (value) => (typeof value === "string" ? undefined : " is no text");
const flag: Form = (value) => (typeof value === "boolean" ? undefined : " is neither true nor false");
/** What is divided by. */
const months: Form = (value) => (Number.isSafeInteger(value) && (value as number) > 0 ? undefined : " is no length");

function optional(form: Form): Form {
  return (value) => (value === undefined ? undefined : form(value));
}

function list(form: Form): Form {
  return (value) => {
    if (!Array.isArray(value)) return " is no list";
    for (const [index, item] of value.entries()) {
      const fault = form(item);
      if (fault !== undefined) return `[${index}]${fault}`;
    }
    return undefined;
  };
}

/** A thing of these fields; others that it has are not looked at. */
function thing<T>(fields: { [F in keyof T]?: Form }): Form {
  const forms = Object.entries(fields) as [string, Form][];
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return " is no object";
    for (const [field, form] of forms) {
      const fault = form((value as Record<string, unknown>)[field]);
      if (fault !== undefined) return `.${field}${fault}`;
    }
    return undefined;
  };
}

const PERIOD = { startMs: instant, endMs: instant };
const PLAN_REF = { planId: text, version: integer };

const LINK = thing<PoolLink>({
  subscription: integer,
  drawPriority: integer,
  drawLimitE4: optional(amount),
  drawnE4: amount,
  drawnAfter: optional(integer),
  heldE4: amount,
  ended: optional(thing<NonNullable<PoolLink["ended"]>>({ entry: integer, roomE4: amount })),
});

const AHEAD = thing<Ahead>({ subscription: integer, grant: integer, entry: integer, dueE4: amount, heldE4: amount });

export const POOL = thing<Pool>({
  number: integer,
  name: text,
  status: text,
  hardLimit: flag,
  rolloverCapE4: optional(amount),
  balanceE4: amount,
  heldE4: amount,
  grantedE4: amount,
  consumedE4: amount,
  expiredE4: amount,
  reversedE4: amount,
  voidedE4: amount,
  ahead: optional(list(AHEAD)),
  links: list(LINK),
  unlinked: optional(list(LINK)),
  createdAtMs: instant,
  modifiedAtMs: instant,
});

export const GRANT = thing<Grant>({
  number: integer,
  pool: integer,
  subscription: optional(integer),
  invoice: optional(integer),
  type: text,
  amountE4: amount,
  remainingE4: amount,
  heldE4: amount,
  unitPriceE12: optional(amount),
  expiresAtMs: optional(instant),
  voidedAtMs: optional(instant),
  carriesE4: optional(amount),
  owedE4: optional(amount),
  createdAtMs: instant,
});

export const CREDIT_ENTRY = thing<CreditEntry>({
  number: integer,
  pool: integer,
  type: text,
  amountE4: amount,
  balanceBeforeE4: amount,
  balanceAfterE4: amount,
  grant: optional(integer),
  draws: optional(list(thing<Draw>({ grant: integer, amountE4: amount }))),
  eventSeq: optional(integer),
  subscription: optional(integer),
  reverses: optional(integer),
  unitsE12: optional(amount),
  occurredAtMs: optional(instant),
  atMs: instant,
});

export const HOLD = thing<Pick<Hold, "number" | "subscription" | "unitsE12" | "credits" | "block">>({
  number: integer,
  subscription: integer,
  unitsE12: amount,
  credits: optional(list(thing<HeldCredits>({ pool: integer, grant: integer, amountE4: amount }))),
  block: optional(
    thing<NonNullable<Hold["block"]>>({
      secret: text,
      creditsPerUnitE12: optional(amount),
      isClosed: optional(flag),
    }),
  ),
});

const LINE = thing<InvoiceLine>({
  kind: text,
  amountMinor: integer,
  periodStartMs: instant,
  periodEndMs: instant,
  plan: optional(thing<PlanRef>(PLAN_REF)),
  usage: optional(thing<NonNullable<InvoiceLine["usage"]>>({ segment: integer, quantityE12: amount, lateE12: amount })),
});

export const INVOICE = thing<Invoice>({
  number: integer,
  subscription: integer,
  type: text,
  status: text,
  currency: text,
  lines: list(LINE),
  taxLines: optional(list(thing<TaxLine>({ amountMinor: integer }))),
  amountMinor: integer,
  periodStartMs: instant,
  periodEndMs: instant,
  createdAtMs: instant,
  modifiedAtMs: instant,
  dueAtMs: instant,
  graceEndsAtMs: optional(instant),
  paidAtMs: optional(instant),
  sequence: optional(integer),
  terms: optional(thing<NonNullable<Invoice["terms"]>>({ gracePeriodDays: integer })),
  refundedMinor: optional(integer),
});

export const SUBSCRIPTION = thing<Subscription>({
  ...PLAN_REF,
  number: integer,
  status: text,
  createdAtMs: instant,
  modifiedAtMs: instant,
  activatedAtMs: optional(instant),
  gracePeriodDays: integer,
  anchorDay: integer,
  period: thing<Period>(PERIOD),
  isOpen: flag,
  inForce: list(thing<PlanRef & { startMs: number }>({ ...PLAN_REF, startMs: instant })),
  coverage: list(thing<Coverage>({ ...PERIOD, amountMinor: integer })),
  creditsAfter: optional(integer),
  creditCoverage: optional(list(thing<CreditCoverage>({ ...PERIOD, amountE4: amount }))),
  invoiceCount: integer,
  openInvoice: optional(integer),
  cancel: optional(thing<NonNullable<Subscription["cancel"]>>({ askedAtMs: instant, effectiveAtMs: instant })),
  scheduled: optional(thing<NonNullable<Subscription["scheduled"]>>({ ...PLAN_REF, number: integer })),
  suspendedAtMs: optional(instant),
  endedAtMs: optional(instant),
  owed: list(LINE),
});

const TIER = thing<Tier>({
  upTo: (value) => (value === "inf" ? undefined : amount(value)),
  pricePerUnit: amount,
  flatFee: amount,
});

const PRICES: { [M in Pricing["model"]]: Form } = {
  included: thing({}),
  usage: thing<Extract<Pricing, { model: "usage" }>>({ pricePerUnit: amount }),
  graduated: thing<Extract<Pricing, { model: "graduated" }>>({ tiers: list(TIER) }),
};

const PRICING: Form = (value) => {
  const model = (value as Pricing | null)?.model;
  if (model === undefined || !Object.hasOwn(PRICES, model)) return ".model is none";
  return PRICES[model](value);
};

export const PLAN_PIN = thing<PlanPin>({
  ...PLAN_REF,
  price: amount,
  currency: text,
  intervalMonths: months,
  rules: list(
    thing<VersionRule>({
      featureId: text,
      value: thing<VersionRule["value"]>({ pricing: optional(PRICING) }),
    }),
  ),
  // Versions that were pinned before plans gave credits say nothing of them.
  allocations: optional(
    list(
      thing<Allocation>({
        amountE4: amount,
        grantExpiresMonths: optional(months),
        rolloverCapE4: optional(amount),
        createdAtMs: instant,
      }),
    ),
  ),
  createdAtMs: instant,
  planCreatedAtMs: instant,
  planModifiedAtMs: instant,
});

export const MRR_SPAN = thing<MrrSpan>({
  ...PLAN_REF,
  number: integer,
  subscription: integer,
  currency: text,
  mrrE12: amount,
  startMs: instant,
  endMs: optional(instant),
});

export const SEGMENT = thing<UsageSegment>({
  ...PLAN_REF,
  number: integer,
  subscription: integer,
  featureId: text,
  featureKey: text,
  periodStartMs: instant,
  startMs: instant,
  endMs: instant,
  billableAtStartE12: amount,
  fromE12: amount,
  toE12: amount,
  lateE12: amount,
  events: integer,
  firstAtMs: optional(instant),
  lastAtMs: optional(instant),
  billedAtMs: optional(instant),
  takenBackE12: amount,
});

export const COUNTER = thing<Counter>({
  subscription: integer,
  usedE12: amount,
  billableE12: amount,
  usedAtStartE12: amount,
  billableAtStartE12: amount,
  segment: thing<Counter["segment"]>({
    startMs: instant,
    billableFromE12: amount,
    lateE12: amount,
    events: integer,
    firstAtMs: optional(instant),
    lastAtMs: optional(instant),
  }),
});

/** What events and rollups are summed by. */
const SUMMED = { usageE12: amount, inputTokens: integer, outputTokens: integer };

export const ROLLUP = thing<Rollup>({
  ...SUMMED,
  bucketStartMs: instant,
  spanMs: integer,
  events: integer,
  costUnknownEvents: integer,
  costE12: amount,
  revenueE12: amount,
});

export const SUMMED_EVENT = thing<SummedEvent>({
  ...SUMMED,
  occurredAtMs: instant,
  costE12: optional(amount),
  revenueE12: optional(amount),
  otherRevenue: optional(thing<OtherMoney>({ amountE12: amount, currency: text })),
});

/** What an event says of where it was counted, what it burned and what it corrects. */
export const COUNTED_EVENT = thing<CountedEvent>({
  seq: integer,
  counted: optional(
    thing<Counted>({
      subscription: integer,
      unitsE12: amount,
      coveredE12: optional(amount),
      periodStartMs: instant,
      afterSegment: integer,
    }),
  ),
  burnt: optional(thing<Burnt>({ drawnE4: amount, balanceE4: amount })),
  correction: optional(thing<CorrectionOf>({ corrects: integer, usageE12: amount, countedE12: amount })),
});

export const BALANCE_ENTRY = thing<BalanceEntry>({
  number: integer,
  amountMinor: integer,
  balanceMinor: integer,
  atMs: instant,
});
