import { type E12, E12_ONE } from "./amount.ts";
import { pinOf, type Shelf } from "./book.ts";
import type { AppliedWeight, E4, Pool } from "./credit.ts";
import { creditsFor } from "./credit-ledger.ts";
import { type Weighing, weigh } from "./credit-weight.ts";
import { drawable, shortOf } from "./drawable.ts";
import { pricingOf, type VersionRule } from "./plan.ts";
import type { PlanPin, Subscription } from "./subscription.ts";
import { type Counter, counterKey, usedUnits } from "./usage.ts";

/**
 * “May this customer use this now?” Owns which subscription decides, and the order of reasons. Leaves counting to `metering.ts` and
 * words to the border.
 *
 * Laws: every question has one answer, the first reason that applies is told, and nothing but the book and the question decides it.
 * What it costs does not grow with what the customer used before.
 */

/** Why access is denied, in the order in which reasons are looked for: the first that applies is told. */
export const DENIALS = [
  "NO_SUBSCRIPTION",
  "SUBSCRIPTION_INACTIVE",
  "SUBSCRIPTION_SUSPENDED",
  "FEATURE_NOT_IN_PLAN",
  "FEATURE_DISABLED",
  "USAGE_LIMIT_EXCEEDED",
  "WOULD_EXCEED_LIMIT",
  "CREDIT_POOL_FROZEN",
  "CREDIT_LIMIT_REACHED",
] as const;
export type Denial = (typeof DENIALS)[number];

/** The answer to “may this customer use this now?”. Amounts are units. */
export type Verdict = {
  featureKey: string;
  allowed: boolean;
  denial?: Denial;
  /** Number of the subscription that decides; absent where none includes the feature. */
  subscription?: number;
  usedE12: E12;
  /** Absent without a limit. */
  limitE12?: E12;
  /** When used units count from 0 again; absent where they never do, or nothing is limited. */
  resetsAtMs?: number;
  heldE12: E12;
  requestedE12?: E12;
  /** Where the rule lets units burn credits. */
  credit?: CreditFacts;
};

/** The credits behind an answer: sums of the pools that the feature draws from, which may be none. */
export type CreditFacts = {
  featureId: string;
  denomination: string;
  /** What the credits are priced in: the pool's currency, else the plan's. */
  currency: string;
  /** The one that is drawn from first. */
  pool?: number;
  balanceE4: E4;
  grantedE4: E4;
  consumedE4: E4;
  hardLimit: boolean;
  /** What can be drawn now, and what the use would burn; without a requested number of units, one. */
  availableE4: E4;
  neededE4: E4;
  /** It would suffice if no pool were frozen. */
  frozen: boolean;
  weight: AppliedWeight;
};

/** A feature as questions (by key) and events (by id) name it. */
export type NamedFeature = { featureKey: string } | { featureId: string };

/** What an answer is read from: a book, or a draft over one. */
export type Readable = {
  subscriptions: Shelf<number, Subscription>;
  pins: Shelf<string, PlanPin>;
  counters: Shelf<string, Counter>;
  held: Shelf<string, E12>;
  pools: Pick<Shelf<number, Pool>, "values">;
};

/** The subscription that decides about a feature, and the rule by which. */
export type Serving = { subscription: Subscription; pin: PlanPin; rule: VersionRule };

type RuleIndex = { byKey: ReadonlyMap<string, VersionRule>; byId: ReadonlyMap<string, VersionRule> };

/** Rules of pinned versions by their features: a version never changes, so each is indexed once. */
const indexes = new WeakMap<readonly VersionRule[], RuleIndex>();

function indexOf({ rules }: PlanPin): RuleIndex {
  let index = indexes.get(rules);
  if (index === undefined) {
    index = {
      byKey: new Map(rules.map((rule) => [rule.featureKey, rule])),
      byId: new Map(rules.map((rule) => [rule.featureId, rule])),
    };
    indexes.set(rules, index);
  }
  return index;
}

/** The rule that a version has for a feature, if it includes it. */
export function ruleFor(pin: PlanPin, feature: NamedFeature): VersionRule | undefined {
  const index = indexOf(pin);
  return "featureKey" in feature ? index.byKey.get(feature.featureKey) : index.byId.get(feature.featureId);
}

/** Who comes first where several include the feature. A suspended one still counts usage while its period is open. */
function rankOf({ status, isOpen }: Subscription): number {
  if (status === "ACTIVE") return 3;
  if (status === "SUSPENDED") return isOpen ? 2 : 1;
  return 0;
}

/**
 * The subscription that decides about a feature: the newest ACTIVE one that includes it, else a SUSPENDED, else an INCOMPLETE one.
 * `wanted` is taken instead if it is live and includes the feature. None does: why not.
 */
export function servingSubscription(
  book: Pick<Readable, "subscriptions" | "pins">,
  feature: NamedFeature,
  wanted?: number,
): Serving | "NO_SUBSCRIPTION" | "FEATURE_NOT_IN_PLAN" {
  let best: Serving | undefined;
  let live = false;
  for (const subscription of book.subscriptions.values()) {
    if (subscription.status === "CANCELLED") continue;
    live = true;
    const pin = pinOf(book, subscription);
    const rule = ruleFor(pin, feature);
    if (rule === undefined) continue;
    const serving = { subscription, pin, rule };
    if (subscription.number === wanted) return serving;
    if (best === undefined || comesBefore(subscription, best.subscription)) best = serving;
  }
  return best ?? (live ? "FEATURE_NOT_IN_PLAN" : "NO_SUBSCRIPTION");
}

/** Numbers rise with the instant of creation, so the higher one is the newer one. */
function comesBefore(a: Subscription, b: Subscription): boolean {
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  return rankA === rankB ? a.number > b.number : rankA > rankB;
}

/**
 * `requestedE12`: units that would be used; without it the question is whether any may. `isEnabled`: the feature's own switch.
 * `weighing`: what they burn; without it a unit burns one credit.
 */
export type Question = {
  featureKey: string;
  isEnabled: boolean;
  wanted?: number;
  requestedE12?: E12;
  weighing?: Weighing;
};

/** May it be used? Units taken back (`requestedE12` below 0) are bound by no limit. */
export function verdictOf(book: Readable, question: Question): Verdict {
  const serving = servingSubscription(book, question, question.wanted);
  if (typeof serving === "string") return { ...unserved(question), denial: serving };
  return verdictUnder(book, serving, question);
}

function unserved({ featureKey, requestedE12 }: Question): Verdict {
  const requested = requestedE12 === undefined ? {} : { requestedE12 };
  return { featureKey, allowed: false, usedE12: 0n, heldE12: 0n, ...requested };
}

/** The answer of one subscription that includes the feature. */
export function verdictUnder(
  book: Readable,
  serving: Serving,
  { isEnabled, requestedE12, weighing }: Omit<Question, "featureKey">,
): Verdict {
  const { subscription, rule } = serving;
  const pricing = pricingOf(rule.value);
  const key = counterKey(subscription.number, rule.featureId);
  const facts = {
    usedE12: usedUnits(book.counters.get(key), pricing),
    heldE12: book.held.get(key) ?? 0n,
    ...(pricing.maxUsage === undefined ? {} : { limitE12: pricing.maxUsage }),
    ...(pricing.maxUsage === undefined || pricing.resetMode === "accumulate" || !subscription.isOpen
      ? {}
      : { resetsAtMs: subscription.period.endMs }),
    ...(requestedE12 === undefined ? {} : { requestedE12 }),
  };
  const credit = creditFacts(book, serving, { requestedE12, weighing });
  const denial =
    statusDenial(subscription) ??
    (rule.isEnabled && isEnabled ? (limitDenial(facts) ?? creditDenial(credit)) : ("FEATURE_DISABLED" as const));
  return {
    featureKey: rule.featureKey,
    allowed: denial === undefined,
    ...(denial === undefined ? {} : { denial }),
    subscription: subscription.number,
    ...facts,
    ...(credit === undefined ? {} : { credit }),
  };
}

/** The credits that a use would burn, and those that are there; undefined where it burns none. Units taken back burn none. */
function creditFacts(
  book: Pick<Readable, "pools">,
  { subscription, pin, rule: { featureId, denomination } }: Serving,
  { requestedE12 = E12_ONE, weighing = { atMs: 0 } }: { requestedE12: E12 | undefined; weighing: Weighing | undefined },
): CreditFacts | undefined {
  if (denomination === undefined) return undefined;
  const weight = weigh(weighing, featureId);
  const neededE4 = requestedE12 <= 0n ? 0n : creditsFor(requestedE12, weight.creditsPerUnitE12);
  const found = drawable(book, { denomination, subscription: subscription.number });
  const pools = found.sources.map(({ pool }) => pool);
  const first = found.sources.find(({ availableE4 }) => availableE4 > 0n)?.pool ?? pools[0];
  const sumOf = (total: "grantedE4" | "consumedE4"): E4 => pools.reduce((sum, pool) => sum + pool[total], 0n);
  return {
    featureId,
    denomination,
    currency: first?.currency ?? pin.currency,
    ...(first === undefined ? {} : { pool: first.number }),
    balanceE4: found.balanceE4,
    grantedE4: sumOf("grantedE4"),
    consumedE4: sumOf("consumedE4"),
    hardLimit: found.isHard,
    availableE4: found.sumE4,
    neededE4,
    frozen: shortOf(found, neededE4)?.frozen ?? false,
    weight,
  };
}

function creditDenial(credit: CreditFacts | undefined): Denial | undefined {
  if (credit === undefined || !credit.hardLimit || credit.neededE4 <= credit.availableE4) return undefined;
  return credit.frozen ? "CREDIT_POOL_FROZEN" : "CREDIT_LIMIT_REACHED";
}

function statusDenial({ status }: Subscription): Denial | undefined {
  switch (status) {
    case "ACTIVE":
      return undefined;
    case "INCOMPLETE":
      return "SUBSCRIPTION_INACTIVE";
    case "SUSPENDED":
      return "SUBSCRIPTION_SUSPENDED";
    case "CANCELLED":
      return "NO_SUBSCRIPTION";
    default:
      return status satisfies never;
  }
}

function limitDenial({
  usedE12,
  heldE12,
  limitE12,
  requestedE12,
}: Pick<Verdict, "usedE12" | "heldE12" | "limitE12" | "requestedE12">): Denial | undefined {
  if (limitE12 === undefined || (requestedE12 !== undefined && requestedE12 < 0n)) return undefined;
  if (usedE12 >= limitE12) return "USAGE_LIMIT_EXCEEDED";
  const isTooMuch =
    requestedE12 === undefined ? usedE12 + heldE12 >= limitE12 : usedE12 + heldE12 + requestedE12 > limitE12;
  return isTooMuch ? "WOULD_EXCEED_LIMIT" : undefined;
}

/** What is left for others: used and held units are gone. Undefined without a limit; never below 0. */
export function remainingUnits({ limitE12, usedE12, heldE12 }: Verdict): E12 | undefined {
  if (limitE12 === undefined) return undefined;
  const left = limitE12 - usedE12 - heldE12;
  return left > 0n ? left : 0n;
}
