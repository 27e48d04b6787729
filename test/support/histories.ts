import * as fc from "fast-check";
import { isUnpaid, sumOfLines } from "../../src/domain/invoice.ts";
import { jsonText } from "../../src/domain/json-text.ts";
import { DAY_MS } from "../../src/domain/limits.ts";
import { pricingOf } from "../../src/domain/plan.ts";
import type { PlanPin, Subscription } from "../../src/domain/subscription.ts";
import { graduated, openWorld, type PlanSpec, perUnit, plan, type World } from "./book.ts";

/**
 * Random histories of one customer: whatever she and an operator do, and however time goes by. What is asked for where it makes no
 * sense is left out, as the object would refuse it.
 */

export const SPECS: readonly PlanSpec[] = [
  { key: "free", api: perUnit("0.01") },
  { key: "pro", price: "10", api: perUnit("0.005") },
  { key: "team", price: "30.015", api: graduated(["10", "0.10"], ["100", "0.05", "5"], ["inf", "0.02"]) },
  { key: "seats", price: "12", api: perUnit("4", "accumulate") },
  { key: "year", price: "99.99", months: 12, api: perUnit("0.001") },
  { key: "quarter", price: "60", months: 3 },
  { key: "later", price: "20", timing: "IN_ARREARS", api: perUnit("0.015") },
  { key: "used", price: "0", timing: "IN_ARREARS", api: graduated(["5", "0"], ["inf", "1"]) },
];

/** Another version has another price, and another rule every second time. */
export function versionOf(spec: PlanSpec, version: number): PlanPin {
  const price = version === 1 ? spec.price : version === 2 ? "7.77" : "45";
  return plan({ ...spec, version, price: price ?? "0", api: version === 2 ? perUnit("0.02") : spec.api });
}

export const anyPlan = fc.nat({ max: SPECS.length - 1 });
const which = fc.nat({ max: 5 });
const aboutDays = (max: number) =>
  fc.oneof(
    fc.integer({ min: 0, max: max * DAY_MS }),
    fc.integer({ min: 0, max }).map((days) => days * DAY_MS),
  );

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("move" as const), byMs: aboutDays(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("move" as const), byMs: aboutDays(110) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sleep" as const), byMs: aboutDays(70) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("subscribe" as const),
      plan: anyPlan,
      days: fc.constantFrom(0, 1, 3, 3, 45, 400),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("pay" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("void" as const), which, rebill: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("carry" as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("cancel" as const),
      which,
      mode: fc.constantFrom("IMMEDIATE" as const, "END_OF_PERIOD" as const, "END_OF_PERIOD" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revert" as const), which }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      which,
      plan: anyPlan,
      version: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("migrate" as const),
      which,
      version: fc.integer({ min: 1, max: 3 }),
      when: fc.constantFrom("NOW" as const, "NEXT_PERIOD" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("grace" as const), which, days: fc.nat({ max: 400 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("use" as const), which, units: fc.nat({ max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), which, units: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("correct" as const), which, minor: fc.nat({ max: 2000 }) }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

export const START_MS = Date.parse("2027-10-31T09:30:00.123Z");

/** What was given away: amounts that an operator made void, and credit for corrections. */
export type Run = { world: World; givenMinor: number };

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from[index % Math.max(1, from.length)];
}

function specOf({ planId }: { planId: string }): PlanSpec {
  const spec = SPECS.find(({ key }) => `p-${key}` === planId);
  if (spec === undefined) throw new Error(`no plan ${planId}`);
  return spec;
}

export function obey(run: Run, asked: Command): void {
  const { world } = run;
  if (asked.do === "move") return void world.at(world.now() + asked.byMs);
  if (asked.do === "sleep") return void world.wakeAt(world.now() + asked.byMs);
  if (asked.do === "subscribe") {
    const spec = SPECS[asked.plan];
    if (spec !== undefined) world.subscribe(versionOf(spec, 1), asked.days);
    return;
  }
  if (asked.do === "pay" || asked.do === "void" || asked.do === "carry") {
    const invoice = pick([...world.book.invoices.values()].filter(isUnpaid), asked.which);
    if (invoice === undefined) return;
    if (asked.do === "pay") return void world.pay(invoice.number);
    if (asked.do === "carry") return void world.carry(invoice.number);
    const isVoid = world.void(invoice.number, asked.rebill).ok;
    if (isVoid) run.givenMinor += sumOfLines(invoice.lines.filter(({ amountMinor }) => amountMinor > 0));
    return;
  }
  const subscription = pick([...world.book.subscriptions.values()], asked.which);
  if (subscription !== undefined) obeyOn(run, subscription, asked);
}

type OnSubscription = Exclude<Command, { do: "move" | "sleep" | "subscribe" | "pay" | "void" | "carry" }>;

function obeyOn(run: Run, subscription: Subscription, asked: OnSubscription): void {
  const { world } = run;
  const { number } = subscription;
  switch (asked.do) {
    case "cancel":
      return void world.cancel(number, asked.mode);
    case "revert":
      return void world.revert(number);
    case "change": {
      const spec = SPECS[asked.plan];
      if (spec === undefined) return;
      const to = versionOf(spec, asked.version);
      const preview = world.preview(number, "UPGRADE", to);
      const changed = world.change(number, "UPGRADE", to);
      if (!changed.ok) return void world.change(number, "DOWNGRADE", to);
      const made = changed.value.invoice === undefined ? undefined : world.invoice(changed.value.invoice);
      law(jsonText(preview) === jsonText(made), "a preview is what the change does", { preview, made });
      return;
    }
    case "drop":
      return void world.dropScheduled(number);
    case "migrate":
      return void world.migrate(number, versionOf(specOf(subscription), asked.version), asked.when);
    case "grace":
      return void world.grace(number, asked.days);
    case "use":
      if (subscription.isOpen) world.use(number, String(asked.units));
      return;
    case "leave": {
      // Seats are given back, where there are so many.
      const rule = pricingOf(world.planOf(number).rules[0]?.value ?? {});
      const used = world.book.counters.get(`${number}/f-api`)?.usedE12 ?? 0n;
      const units = used / 10n ** 12n < BigInt(asked.units) ? 0 : asked.units;
      if (subscription.isOpen && rule.resetMode === "accumulate") world.use(number, String(-units));
      return;
    }
    case "correct":
      if (!subscription.isOpen || asked.minor === 0) return;
      world.correct(number, asked.minor);
      run.givenMinor += asked.minor;
      return;
    default:
      asked satisfies never;
  }
}

/** Throws with what it is about, so that a history that breaks a law shows where. */
export function law(holds: boolean, text: string, about?: unknown): void {
  if (!holds) throw new Error(`${text}: ${about === undefined ? "" : jsonText(about)}`);
}

export const commands = fc.array(command, { minLength: 20, maxLength: 60, size: "max" });
/** A short one: what happens before something is looked at. */
export const beginning = fc.array(command, { minLength: 1, maxLength: 15, size: "max" });

export function begun(asked: readonly Command[]): Run {
  const run: Run = { world: openWorld(START_MS), givenMinor: 0 };
  for (const one of asked) {
    run.world.at(run.world.now());
    obey(run, one);
  }
  run.world.at(run.world.now());
  return run;
}
