import * as fc from "fast-check";
import { describe, test } from "vitest";
import { entitlementAt, entitlementText, toWireEntitlement } from "../../src/contract/entitlement.ts";
import { type E12, E12_ONE } from "../../src/domain/amount.ts";
import { type Book, heldUnits, openDraft } from "../../src/domain/book.ts";
import type { Pool } from "../../src/domain/credit.ts";
import { DENIALS, type Question, remainingUnits, type Verdict, verdictOf } from "../../src/domain/entitlement.ts";
import { customerId, tagFromBytes } from "../../src/domain/ids.ts";
import { fromJsonText, jsonText } from "../../src/domain/json-text.ts";
import type { VersionRule } from "../../src/domain/plan.ts";
import { decideRelease, decideReserve } from "../../src/domain/reservation.ts";
import { type PlanPin, pinKey, type Subscription, type SubscriptionStatus } from "../../src/domain/subscription.ts";
import { counterKey, HOLD_STATUSES, type Hold } from "../../src/domain/usage.ts";
import { emptyBook, plan } from "../support/book.ts";
import { credits } from "../support/credit-core.ts";

/** Access, decided on books that are made up: what no customer could come to, is answered too. */

const FEATURES = ["chat", "seats", "reports"] as const;

/** `credits`: a pool of the rule's own, from which a unit burns one. */
type RuleSpec = {
  isEnabled: boolean;
  maxUsage?: number;
  accumulates: boolean;
  before: number;
  used: number;
  credits?: { balance: number; held: number; isHard: boolean; isFrozen: boolean };
};
type Spec = {
  status: SubscriptionStatus;
  isOpen: boolean;
  rules: Partial<Record<(typeof FEATURES)[number], RuleSpec>>;
};
type HoldSpec = { subscription: number; feature: (typeof FEATURES)[number]; units: number; status: Hold["status"] };

const units = (whole: number): E12 => BigInt(whole) * E12_ONE;
const idOf = (feature: string): string => `f-${feature}`;

function pinFor(number: number, rules: Spec["rules"]): PlanPin {
  const made = Object.entries(rules).map(
    ([feature, { isEnabled, maxUsage, accumulates, credits }]): VersionRule => ({
      ...(credits === undefined ? {} : { denomination: `${number}/${feature}` }),
      featureId: idOf(feature),
      featureKey: feature,
      isEnabled,
      value: {
        pricing: {
          model: "included",
          resetMode: accumulates ? "accumulate" : "reset",
          ...(maxUsage === undefined ? {} : { maxUsage: units(maxUsage) }),
        },
      },
    }),
  );
  return { ...plan({ key: `k${number}` }), rules: made };
}

function poolFor(
  number: number,
  { denomination, balance, held, isHard, isFrozen }: NonNullable<RuleSpec["credits"]> & { denomination: string },
): Pool {
  const balanceE4 = credits(balance + held);
  return {
    number,
    name: denomination,
    denomination,
    hardLimit: isHard,
    status: isFrozen ? "FROZEN" : "ACTIVE",
    rolloverPolicy: "NONE",
    balanceE4,
    heldE4: credits(held),
    grantedE4: balanceE4,
    consumedE4: 0n,
    expiredE4: 0n,
    reversedE4: 0n,
    voidedE4: 0n,
    links: [],
    createdAtMs: 0,
    modifiedAtMs: 0,
  };
}

/** Subscriptions are numbered from 1 in the order of their creation. */
function bookOf(specs: readonly Spec[], holdSpecs: readonly HoldSpec[] = []): Book {
  const pins = specs.map(({ rules }, index) => pinFor(index + 1, rules));
  const subscriptions = specs.map(({ status, isOpen }, index): Subscription => {
    const { planId, version } = pins[index] as PlanPin;
    return {
      number: index + 1,
      planId,
      version,
      status,
      isOpen,
      createdAtMs: index,
      modifiedAtMs: index,
      activatedAtMs: index,
      gracePeriodDays: 3,
      anchorDay: 1,
      period: { startMs: 0, endMs: 1000 },
      inForce: [{ planId, version, startMs: 0 }],
      coverage: [],
      invoiceCount: 0,
      owed: [],
    };
  });
  const counters = specs.flatMap(({ rules }, index) =>
    Object.entries(rules).map(([feature, { before, used }]) => ({
      subscription: index + 1,
      featureId: idOf(feature),
      featureKey: feature,
      usedE12: units(before + used),
      billableE12: units(before + used),
      usedAtStartE12: units(before),
      billableAtStartE12: units(before),
      segment: { startMs: 0, billableFromE12: 0n, lateE12: 0n, events: 1 },
    })),
  );
  const holds = holdSpecs.map(
    ({ subscription, feature, units: held, status }, index): Hold => ({
      number: index + 1,
      subscription,
      featureId: idOf(feature),
      featureKey: feature,
      unitsE12: units(held),
      status,
      createdAtMs: 0,
      expiresAtMs: 100,
    }),
  );
  const pools = specs.flatMap(({ rules }, index) =>
    Object.entries(rules).flatMap(([feature, { credits }]) =>
      credits === undefined ? [] : [{ ...credits, denomination: `${index + 1}/${feature}` }],
    ),
  );
  const empty = emptyBook();
  return {
    ...empty,
    pools: new Map(pools.map((pool, index) => [index + 1, poolFor(index + 1, pool)])),
    subscriptions: new Map(subscriptions.map((one) => [one.number, one])),
    counters: new Map(counters.map((one) => [counterKey(one.subscription, one.featureId), one])),
    holds: new Map(holds.map((one) => [one.number, one])),
    held: heldUnits(holds),
    pins: new Map(pins.map((pin) => [pinKey(pin), pin])),
    last: { ...empty.last, subscription: specs.length, hold: holds.length },
  };
}

const small = fc.integer({ min: 0, max: 12 });
const rule = fc.record(
  {
    isEnabled: fc.boolean(),
    maxUsage: fc.integer({ min: 1, max: 12 }),
    accumulates: fc.boolean(),
    before: small,
    used: small,
    credits: fc.record({ balance: small, held: small, isHard: fc.boolean(), isFrozen: fc.boolean() }),
  },
  { requiredKeys: ["isEnabled", "accumulates", "before", "used"] },
) as fc.Arbitrary<RuleSpec>;
const spec: fc.Arbitrary<Spec> = fc.record({
  status: fc.constantFrom<SubscriptionStatus>("ACTIVE", "ACTIVE", "SUSPENDED", "INCOMPLETE", "CANCELLED"),
  isOpen: fc.boolean(),
  rules: fc.record({ chat: rule, seats: rule, reports: rule }, { requiredKeys: [] }) as fc.Arbitrary<Spec["rules"]>,
});
const holdSpec: fc.Arbitrary<HoldSpec> = fc.record({
  subscription: fc.integer({ min: 1, max: 4 }),
  feature: fc.constantFrom(...FEATURES),
  units: fc.integer({ min: 1, max: 6 }),
  status: fc.constantFrom(...HOLD_STATUSES),
});
const specs = fc.array(spec, { maxLength: 4 });
const holdSpecs = fc.array(holdSpec, { maxLength: 5 });
const question = fc
  .record(
    {
      featureKey: fc.constantFrom<string>(...FEATURES, "unknown"),
      isEnabled: fc.boolean(),
      wanted: fc.integer({ min: 1, max: 5 }),
      requested: fc.integer({ min: 1, max: 8 }),
    },
    { requiredKeys: ["featureKey", "isEnabled"] },
  )
  .map(
    ({ requested, ...rest }): Question =>
      ({ ...rest, ...(requested === undefined ? {} : { requestedE12: units(requested) }) }) as Question,
  );

/** Every reason by itself, as a sentence of the contract, on the specs and not on the book. */
function expected(all: readonly Spec[], held: readonly HoldSpec[], asked: Question): Verdict["denial"] {
  const featureKey = asked.featureKey as (typeof FEATURES)[number];
  const live = all.flatMap((one, index) => (one.status === "CANCELLED" ? [] : [{ ...one, number: index + 1 }]));
  const including = live.filter(({ rules }) => rules[featureKey] !== undefined).toReversed();
  const active = including.find(({ status }) => status === "ACTIVE");
  const suspended = including.filter(({ status }) => status === "SUSPENDED");
  const decides =
    including.find(({ number }) => number === asked.wanted) ??
    active ??
    suspended.find(({ isOpen }) => isOpen) ??
    suspended[0] ??
    including[0];
  const said = decides?.rules[featureKey];
  if (live.length === 0) return "NO_SUBSCRIPTION";
  if (decides?.status === "INCOMPLETE") return "SUBSCRIPTION_INACTIVE";
  if (decides?.status === "SUSPENDED") return "SUBSCRIPTION_SUSPENDED";
  if (decides === undefined || said === undefined) return "FEATURE_NOT_IN_PLAN";
  if (!said.isEnabled || !asked.isEnabled) return "FEATURE_DISABLED";
  return limitDenial(said, decides.number, held, asked) ?? creditDenial(said, asked);
}

const requestedBy = ({ requestedE12 }: Question): number | undefined =>
  requestedE12 === undefined ? undefined : Number(requestedE12 / E12_ONE);

function limitDenial(
  said: RuleSpec,
  subscription: number,
  held: readonly HoldSpec[],
  asked: Question,
): Verdict["denial"] {
  if (said.maxUsage === undefined) return undefined;
  const used = said.accumulates ? said.before + said.used : said.used;
  const reserved = held
    .filter((one) => one.subscription === subscription && one.feature === asked.featureKey && one.status === "HELD")
    .reduce((sum, one) => sum + one.units, 0);
  if (used >= said.maxUsage) return "USAGE_LIMIT_EXCEEDED";
  const requested = requestedBy(asked);
  if (requested === undefined) return used + reserved >= said.maxUsage ? "WOULD_EXCEED_LIMIT" : undefined;
  return used + reserved + requested > said.maxUsage ? "WOULD_EXCEED_LIMIT" : undefined;
}

function creditDenial({ credits: pool }: RuleSpec, asked: Question): Verdict["denial"] {
  const needed = requestedBy(asked) ?? 1;
  if (pool === undefined || !pool.isHard || (!pool.isFrozen && needed <= pool.balance)) return undefined;
  return pool.isFrozen && needed <= pool.balance ? "CREDIT_POOL_FROZEN" : "CREDIT_LIMIT_REACHED";
}

const RULE: RuleSpec = { isEnabled: true, accumulates: false, before: 0, used: 0 };
const ACTIVE: Spec = { status: "ACTIVE", isOpen: true, rules: { chat: RULE } };
const ASKED: Question = { featureKey: "chat", isEnabled: true };
const limited = (used: number, more: Partial<RuleSpec> = {}): Spec => ({
  ...ACTIVE,
  rules: { chat: { ...RULE, maxUsage: 10, used, ...more } },
});

describe("does", () => {
  test.for<[Verdict["denial"] | "allowed", Spec[], HoldSpec[], Partial<Question>]>([
    ["NO_SUBSCRIPTION", [], [], {}],
    ["NO_SUBSCRIPTION", [{ ...ACTIVE, status: "CANCELLED", isOpen: false }], [], {}],
    ["SUBSCRIPTION_INACTIVE", [{ ...ACTIVE, status: "INCOMPLETE", isOpen: false }], [], {}],
    ["SUBSCRIPTION_SUSPENDED", [{ ...ACTIVE, status: "SUSPENDED" }], [], {}],
    ["FEATURE_NOT_IN_PLAN", [{ ...ACTIVE, rules: { seats: RULE } }], [], {}],
    ["FEATURE_NOT_IN_PLAN", [ACTIVE], [], { featureKey: "unknown" }],
    ["FEATURE_DISABLED", [{ ...ACTIVE, rules: { chat: { ...RULE, isEnabled: false } } }], [], {}],
    ["FEATURE_DISABLED", [ACTIVE], [], { isEnabled: false }],
    ["USAGE_LIMIT_EXCEEDED", [limited(10)], [], {}],
    ["USAGE_LIMIT_EXCEEDED", [limited(0, { before: 10, accumulates: true })], [], {}],
    ["WOULD_EXCEED_LIMIT", [limited(8)], [], { requestedE12: units(3) }],
    ["WOULD_EXCEED_LIMIT", [limited(8)], [{ subscription: 1, feature: "chat", units: 2, status: "HELD" }], {}],
    ["allowed", [limited(8)], [], { requestedE12: units(2) }],
    ["allowed", [limited(8)], [{ subscription: 1, feature: "chat", units: 2, status: "LAPSED" }], {}],
    ["allowed", [limited(8)], [{ subscription: 1, feature: "seats", units: 2, status: "HELD" }], {}],
    ["allowed", [limited(0, { before: 10 })], [], {}],
    ["allowed", [ACTIVE], [], { requestedE12: units(1_000_000) }],
  ])("%s is answered where it applies", ([answer, made, held, asked], { expect }) => {
    const verdict = verdictOf(bookOf(made, held), { ...ASKED, ...asked });
    expect(verdict.denial ?? "allowed").toBe(answer);
  });

  test("the newest ACTIVE subscription that includes the feature decides, wherever it stands", ({ expect }) => {
    const full = limited(10);
    const other: Spec = { ...ACTIVE, rules: { seats: RULE } };
    expect(verdictOf(bookOf([ACTIVE, full, other]), ASKED)).toMatchObject({
      subscription: 2,
      denial: "USAGE_LIMIT_EXCEEDED",
    });
    expect(verdictOf(bookOf([full, ACTIVE, other]), ASKED)).toMatchObject({ subscription: 2, allowed: true });
    expect(verdictOf(bookOf([ACTIVE, { ...full, status: "SUSPENDED" }]), ASKED)).toMatchObject({
      subscription: 1,
      allowed: true,
    });
  });

  test("another live subscription decides when it is wanted and includes the feature; else the wish is ignored", ({
    expect,
  }) => {
    const book = bookOf([limited(10), ACTIVE, { ...ACTIVE, rules: { seats: RULE } }]);
    expect(verdictOf(book, { ...ASKED, wanted: 1 }).denial).toBe("USAGE_LIMIT_EXCEEDED");
    for (const wanted of [2, 3, 4]) expect(verdictOf(book, { ...ASKED, wanted })).toMatchObject({ subscription: 2 });
  });

  test("a limit shows what is used, held and left, and when it counts anew", ({ expect }) => {
    const held: HoldSpec = { subscription: 1, feature: "chat", units: 3, status: "HELD" };
    const verdict = verdictOf(bookOf([limited(5)], [held]), ASKED);
    expect(verdict).toMatchObject({ usedE12: units(5), heldE12: units(3), limitE12: units(10), resetsAtMs: 1000 });
    expect(remainingUnits(verdict)).toBe(units(2));
    expect(verdictOf(bookOf([limited(5, { accumulates: true })]), ASKED)).not.toHaveProperty("resetsAtMs");
    expect(remainingUnits(verdictOf(bookOf([ACTIVE]), ASKED))).toBeUndefined();
  });
});

describe("holds", () => {
  test("every question has one answer: the first reason that applies, or none", ({ expect }) => {
    const told = new Set<string>();
    fc.assert(
      fc.property(specs, holdSpecs, question, (made, held, asked) => {
        const verdict = verdictOf(bookOf(made, held), asked);
        expect(verdict.denial).toBe(expected(made, held, asked));
        expect(verdict.allowed).toBe(verdict.denial === undefined);
        told.add(verdict.denial ?? "allowed");
      }),
      { numRuns: 3000 },
    );
    expect([...told].sort()).toEqual([...DENIALS, "allowed"].sort());
  });

  test("the text of an answer is made once and said of every instant; the verdict survives being text", ({
    expect,
  }) => {
    const tags = [1, 2].map((byte) => tagFromBytes(new Uint8Array(8).fill(byte)));
    const references = fc.oneof(fc.string(), fc.constantFrom('"asOf":"', '\\"asOf":"1970', "1970-01-01T00:00:00.000Z"));
    fc.assert(
      fc.property(
        specs,
        holdSpecs,
        question,
        references,
        fc.date({ noInvalidDate: true }),
        (made, held, asked, reference, at) => {
          const verdict = fromJsonText<Verdict>(jsonText(verdictOf(bookOf(made, held), asked)));
          expect(verdict).toEqual(verdictOf(bookOf(made, held), asked));
          for (const tag of tags) {
            const about = { customerId: customerId(tag), reference };
            const text = entitlementAt(entitlementText(verdict, about), at.getTime(), "object");
            expect(text).toBe(JSON.stringify(toWireEntitlement(verdict, at.getTime(), about)));
          }
        },
      ),
    );
  });

  test("what is allowed for more is allowed for less, and nothing left is never below nothing", ({ expect }) => {
    fc.assert(
      fc.property(specs, holdSpecs, question, fc.integer({ min: 1, max: 8 }), (made, held, asked, less) => {
        const book = bookOf(made, held);
        const more = { ...asked, requestedE12: units(less + 1) };
        if (verdictOf(book, more).allowed)
          expect(verdictOf(book, { ...asked, requestedE12: units(less) }).allowed).toBe(true);
        expect((remainingUnits(verdictOf(book, asked)) ?? 0n) >= 0n).toBe(true);
      }),
    );
  });

  test("reservations together with what is used never pass the limit, and their sum is kept right", ({ expect }) => {
    const step = fc.record({ units: fc.integer({ min: 1, max: 6 }), ends: fc.boolean(), which: fc.nat(9) });
    fc.assert(
      fc.property(small, fc.array(step, { maxLength: 30 }), (used, steps) => {
        const draft = openDraft(bookOf([limited(used)]));
        for (const { units: wanted, ends, which } of steps) {
          const open = [...draft.holds.values()].filter(({ status }) => status === "HELD");
          const ending = open[which % Math.max(1, open.length)];
          if (ends && ending !== undefined) decideRelease(draft, ending, 0);
          else {
            const asked = { ...ASKED, requestedE12: units(wanted) };
            decideReserve(draft, asked, { ttlSeconds: 60, openCount: open.length }, 0);
          }
          const sum = heldUnits(draft.holds.values());
          const held = sum.get(counterKey(1, idOf("chat"))) ?? 0n;
          expect(draft.held.get(counterKey(1, idOf("chat"))) ?? 0n).toBe(held);
          if (used < 10) expect(units(used) + held <= units(10)).toBe(true);
          else expect(held).toBe(0n);
        }
      }),
    );
  });
});
