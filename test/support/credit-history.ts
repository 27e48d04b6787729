import { charge } from "../../src/domain/charge.ts";
import type { Allocation, GrantType } from "../../src/domain/credit.ts";
import { freeCredits, holdCredits } from "../../src/domain/credit-holds.ts";
import { decideDeduct, decideReverse } from "../../src/domain/deductions.ts";
import { decideGrant, decideVoidGrant, expireGrants, nextExpiryAtMs, refundPurchase } from "../../src/domain/grants.ts";
import {
  endPlanCredits,
  grantPlanCredits,
  periodCredits,
  startDrawPeriod,
  upgradeCredits,
} from "../../src/domain/plan-credits.ts";
import { decideArchive, decideFreeze, decideLink, decideUnfreeze, decideUnlink } from "../../src/domain/pools.ts";
import { rollOver } from "../../src/domain/rollover.ts";
import { pinKey, type Subscription } from "../../src/domain/subscription.ts";
import { plan as pinned } from "./book.ts";
import { creditBook, units, weighing } from "./credit-core.ts";
import type { Holding } from "./credit-model.ts";
import { charged, creditPaper, entryText, type Given, NEVER } from "./credit-paper.ts";

/**
 * Histories of credits: each step is done by the rules and, in its own words, on the model. Steps are numbers, so that a failing
 * history can be made smaller; what they mean depends on what is there.
 */

export const STEPS = [
  "grant",
  "deduct",
  "use",
  "use",
  "hold",
  "hold",
  "commit",
  "commit",
  "release",
  "freeze",
  "archive",
  "reverse",
  "reverse",
  "refund",
  "void",
  "change",
  "end",
  "link",
  "unlink",
  "wait",
  "wait",
  "sleep",
  "straddle",
  "straddle",
  "keep",
] as const;
export type Step = { kind: (typeof STEPS)[number]; a: number; b: number; c: number };

const HOUR = 3_600_000;
const START = Date.UTC(2027, 0, 1);

const MODELS: Given[] = [
  { model: "capped", denomination: "AI", policy: "CAPPED", cap: 5_000_000, hard: true, months: 2 },
  { model: "none", denomination: "GPU", policy: "NONE", hard: false },
  { model: "full", denomination: "GPU", policy: "FULL", hard: true },
];
/** Credits of each model that each plan gives: the second is the largest, the third gives other ones. */
const PLANS = [
  [10_000_000, 1_000_000, 333_333],
  [30_000_000, 2_000_000, 333_333],
  [5_000_000, 0, 4_000_000],
];
/** An eighth of a unit at each of them is exact in binary, so the model rounds what it should. */
const WEIGHTS = [1, 2.5, 0.3125, 10];

function allocations(plan: number): Allocation[] {
  const all = MODELS.map(({ model, denomination, policy, cap, hard, months }, index) => ({
    allocationId: model,
    creditModelId: model,
    creditModelName: model,
    denomination,
    amountE4: BigInt(PLANS[plan]?.[index] ?? 0),
    hardLimit: hard,
    rolloverPolicy: policy,
    ...(cap === undefined ? {} : { rolloverCapE4: BigInt(cap) }),
    ...(months === undefined ? {} : { grantExpiresMonths: months }),
    createdAtMs: 0,
  }));
  return all.filter(({ amountE4 }) => amountE4 > 0n);
}

const nextMonth = (atMs: number): number => Date.UTC(new Date(atMs).getUTCFullYear(), new Date(atMs).getUTCMonth() + 1);
const PIN = pinned({ key: "pro" });

export function history() {
  const core = creditBook();
  core.book.pins.set(pinKey(PIN), PIN);
  const first = { number: 1, plan: 0, startMs: START, endMs: nextMonth(START), anchorDay: 1, inForce: [0] };
  const model = creditPaper(MODELS, first);
  const { paper } = model;
  const held: { number: number; on: Holding; untilMs: number; denomination: string }[] = [];

  const subscription = (): Subscription => ({
    number: paper.sub.number,
    planId: PIN.planId,
    version: PIN.version,
    status: "ACTIVE",
    createdAtMs: 0,
    modifiedAtMs: 0,
    activatedAtMs: 0,
    gracePeriodDays: 3,
    anchorDay: 1,
    period: { startMs: paper.sub.startMs, endMs: paper.sub.endMs },
    isOpen: true,
    inForce: [],
    coverage: [],
    invoiceCount: 0,
    owed: [],
  });
  const agree = (what: string, ours: unknown, theirs: unknown): void => {
    if (ours !== theirs) throw new Error(`${what}: the rules say ${String(ours)}, the model ${String(theirs)}`);
  };
  const pick = <T>(all: readonly T[], at: number): T | undefined =>
    all.length === 0 ? undefined : all[at % all.length];

  const startPeriod = (next: Parameters<typeof model.startPeriod>[0]): void => {
    startDrawPeriod(core.draft(), next.number);
    model.startPeriod(next, PLANS[next.plan] ?? []);
    // Whose credits these are.
    core.book.subscriptions.set(next.number, subscription());
    grantPlanCredits(core.draft(), subscription(), { credits: periodCredits(allocations(next.plan)) }, paper.nowMs);
  };
  const endPeriod = (): void => {
    const { sub } = paper;
    rollOver(core.draft(), sub.number, paper.nowMs);
    model.rollOver();
    startPeriod({ ...sub, startMs: sub.endMs, endMs: nextMonth(sub.endMs) });
  };
  const finish = (at: number, status: "RELEASED" | "LAPSED"): void => {
    const [one] = held.splice(at, 1);
    if (one === undefined) return;
    freeCredits(core.draft(), core.end(one.number, status), paper.nowMs);
    model.finish(one.on);
  };
  /** Lets time pass: whatever falls due happens at its instant. */
  const passTo = (untilMs: number): void => {
    for (;;) {
      const expiryMs = model.nextExpiryMs();
      agree("next expiry", nextExpiryAtMs(core.draft()) ?? NEVER, expiryMs);
      const lapseMs = Math.min(NEVER, ...held.map((one) => one.untilMs));
      const nextMs = Math.min(lapseMs, expiryMs, paper.sub.endMs);
      if (nextMs > untilMs) break;
      paper.nowMs = nextMs;
      if (lapseMs === nextMs)
        finish(
          held.findIndex((one) => one.untilMs === nextMs),
          "LAPSED",
        );
      else if (expiryMs === nextMs) {
        expireGrants(core.draft(), nextMs);
        model.expire();
      } else endPeriod();
    }
    paper.nowMs = untilMs;
  };
  /** What is used or held, as the rules and as the model say it. */
  const useOf = (a: number, b: number, c: number) => {
    const [denomination, weight] = [a % 2 === 0 ? "AI" : "GPU", pick(WEIGHTS, b) ?? 1];
    const { number } = paper.sub;
    const use = { denomination, subscription: number, unitsE12: units(c / 8), weight: weighing(weight) };
    return { denomination, use, need: charged(c / 8, weight) };
  };

  const GRANTS: GrantType[] = ["PURCHASED", "PROMOTIONAL", "MANUAL", "PURCHASED"];
  const steps: Record<Step["kind"], (a: number, b: number, c: number) => void> = {
    grant(a, b, c) {
      const pool = pick(model.pools, a);
      if (pool === undefined) return;
      const key = b % 5 === 0 ? `k${c % 3}` : undefined;
      const [type, amount] = [pick(GRANTS, b) ?? "MANUAL", 1 + c * 12_345];
      const until = b % 3 === 0 ? NEVER : paper.nowMs + (1 + (c % 50)) * 12 * HOUR;
      const spec = { type, amountE4: BigInt(amount), ...(until === NEVER ? {} : { expiresAtMs: until }) };
      const reply = decideGrant(
        core.draft(),
        { pool: core.pool(pool.n), spec: { ...spec, ...(key === undefined ? {} : { key }) }, past: core.past },
        paper.nowMs,
      );
      const { ok, first } = model.grant(pool.n, { type, amount, until, key });
      agree("granted", reply.ok, ok);
      if (reply.ok) agree("repeated", reply.value.isRepeat ? reply.value.grant.number : undefined, first?.n);
    },
    deduct(a, _, c) {
      const pool = pick(model.pools, a);
      if (pool === undefined) return;
      const amount = 1 + c * 5_000;
      const spec = { pool: core.pool(pool.n), amountE4: BigInt(amount), past: core.past };
      agree("deducted", decideDeduct(core.draft(), spec, paper.nowMs).ok, model.deduct(pool.n, amount));
    },
    use(a, b, c) {
      const { denomination, use, need } = useOf(a, b, c);
      agree("used", charge(core.draft(), use, paper.nowMs).ok, model.use(denomination, need));
    },
    hold(a, b, c) {
      const { denomination, use, need } = useOf(a, b, c);
      const reply = holdCredits(core.draft(), use);
      const on = model.hold(denomination, need);
      agree("held", reply.ok, on !== undefined);
      if (!reply.ok || on === undefined) return;
      const untilMs = paper.nowMs + (1 + (c % 60)) * 60_000;
      const number = core.reserve({ subscription: use.subscription, credits: reply.value }, untilMs);
      held.push({ number, on, untilMs, denomination });
    },
    commit(a, b, c) {
      const at = held.length === 0 ? -1 : a % held.length;
      const one = held[at];
      if (one === undefined || one.on.sub !== paper.sub.number) return;
      const { number, denomination, on } = one;
      const { use, need } = useOf(0, b, c);
      const reply = charge(core.draft(), { ...use, denomination, hold: core.hold(number) }, paper.nowMs);
      const isCommitted = model.commit(on, denomination, need);
      agree("committed", reply.ok, isCommitted);
      if (!isCommitted) return;
      core.end(number, "COMMITTED");
      held.splice(at, 1);
    },
    release(a) {
      if (held.length > 0) finish(a % held.length, "RELEASED");
    },
    freeze(a, b) {
      const pool = pick(model.pools, a);
      const isFrozen = pool?.status === "FROZEN";
      if (pool === undefined || (!isFrozen && b % 3 > 0)) return;
      const reply = (isFrozen ? decideUnfreeze : decideFreeze)(core.draft(), core.pool(pool.n), paper.nowMs);
      agree("turned", reply.ok, model.turn(pool.n));
    },
    archive(a, b) {
      const pool = pick(model.pools, a);
      if (pool === undefined || b % 20 > 0) return;
      agree("archived", decideArchive(core.draft(), core.pool(pool.n), paper.nowMs).ok, model.archive(pool.n));
    },
    reverse(a, b) {
      const at = pick(
        [...model.ledger.keys()].filter((index) => model.ledger[index]?.type === "DEDUCTION"),
        a,
      );
      const entry = core.entries()[at ?? -1];
      if (entry === undefined || at === undefined) return;
      const amount = b % 2 === 0 ? undefined : 1 + b * 3_000;
      const part = amount === undefined ? {} : { amountE4: BigInt(amount) };
      const spec = { pool: core.pool(entry.pool), entry, past: core.past, ...part };
      agree("reversed", decideReverse(core.draft(), spec, paper.nowMs).ok, model.reverse(at, amount));
    },
    refund(a, b) {
      const lot = pick(
        model.lots.filter(({ type }) => type === "PURCHASED"),
        a,
      );
      if (lot === undefined) return;
      const before = lot.refunded ?? 0;
      const part = Math.min(1 + (b % 4), 4 - before);
      if (part === 0) return;
      const share = { before: BigInt(before), part: BigInt(part), whole: 4n };
      const spec = { pool: core.pool(lot.pool), grant: core.grant(lot.n), share };
      agree("refunded", Number(refundPurchase(core.draft(), spec, paper.nowMs)), model.refund(lot, part));
    },
    void(a, b) {
      const lot = pick(model.lots, a);
      if (lot === undefined || b % 3 > 0) return;
      const spec = { pool: core.pool(lot.pool), grant: core.grant(lot.n) };
      agree("voided", decideVoidGrant(core.draft(), spec, paper.nowMs).ok, model.void(lot));
    },
    change(a) {
      const to = a % PLANS.length;
      const { startMs, endMs, inForce } = paper.sub;
      const left = { startMs: paper.nowMs, endMs };
      const before = inForce.map(allocations);
      const upgrade = upgradeCredits({ before, after: allocations(to), left, whole: { startMs, endMs } });
      grantPlanCredits(core.draft(), subscription(), { credits: upgrade }, paper.nowMs);
      model.upgrade(to, PLANS);
    },
    end(_, b) {
      if (b % 6 > 0) return;
      const { nowMs, sub } = paper;
      endPlanCredits(core.draft(), sub.number, nowMs);
      core.draft().subscriptions.put({ ...subscription(), status: "CANCELLED", isOpen: false, endedAtMs: nowMs });
      model.endSub();
      startPeriod({ ...sub, number: sub.number + 1, plan: b % PLANS.length, startMs: nowMs, endMs: nextMonth(nowMs) });
    },
    link(a, b, c) {
      const pool = pick(model.pools, a);
      if (pool === undefined) return;
      const limit = c % 2 === 0 ? NEVER : c * 10_000;
      const drawLimit = limit === NEVER ? {} : { drawLimitE4: BigInt(limit) };
      const terms = { subscription: paper.sub.number, drawPriority: b % 3, ...drawLimit };
      const reply = decideLink(core.draft(), core.pool(pool.n), terms, paper.nowMs);
      agree("linked", reply.ok, model.link(pool.n, b % 3, limit));
    },
    unlink(a, b) {
      const pool = pick(model.pools, a);
      if (pool === undefined || b % 3 > 0) return;
      const reply = decideUnlink(core.draft(), core.pool(pool.n), paper.sub.number, paper.nowMs);
      agree("unlinked", reply.ok, model.unlink(pool.n));
    },
    wait: (a) => passTo(paper.nowMs + (a % 40) * 60_000),
    // Often to shortly before something falls due, so that it finds credits held.
    sleep(a) {
      const dueMs = a % 2 === 0 ? paper.sub.endMs : (nextExpiryAtMs(core.draft()) ?? paper.sub.endMs);
      passTo(a % 4 === 0 ? paper.nowMs + a * HOUR : Math.max(paper.nowMs, dueMs - 10 * 60_000));
    },
    straddle(a, b, c) {
      steps.sleep(a % 2 === 0 ? 2 : 1, b, c);
      steps.hold(a, b, 8 * (15 + (c % 45)));
      passTo(paper.nowMs + 15 * 60_000);
    },
    keep: () => core.commit(),
  };

  let seen = 0;
  const totals = new Map<string, number>();
  /** Both say the same of every pool, grant and entry. */
  const compare = (): void => {
    const entries = core.entries();
    agree("entries", entries.length, model.ledger.length);
    for (; seen < entries.length; seen += 1) {
      const [ours, theirs] = [entries[seen], model.ledger[seen]];
      if (ours === undefined || theirs === undefined) continue;
      const draws = ours.draws ?? (ours.grant === undefined ? [] : [{ grant: ours.grant, amountE4: ours.amountE4 }]);
      agree(
        `entry ${seen + 1}`,
        [ours.type, ours.pool, ours.amountE4, ours.balanceBeforeE4, ours.balanceAfterE4, (ours.reverses ?? 0) - 1]
          .concat(draws.flatMap(({ grant, amountE4 }) => [grant, amountE4 < 0n ? -amountE4 : amountE4]))
          .join(" "),
        entryText(theirs),
      );
      const key = `${theirs.pool}/${theirs.type}`;
      totals.set(key, (totals.get(key) ?? 0) + theirs.amount);
    }
    for (const lot of model.lots) {
      const { remainingE4, heldE4, carriesE4, voidedAtMs, expiresAtMs } = core.grant(lot.n);
      agree(
        `grant ${lot.n}`,
        [remainingE4, heldE4, carriesE4 ?? "", voidedAtMs !== undefined, expiresAtMs ?? NEVER].join(" "),
        [lot.left, model.held(lot), lot.carries ?? "", lot.isVoid === true, lot.until].join(" "),
      );
    }
    for (const { n, status } of model.pools) {
      const pool = core.pool(n);
      const sums = (["GRANT", "DEDUCTION", "EXPIRATION", "REVERSAL", "VOID"] as const).map((type) =>
        Math.abs(totals.get(`${n}/${type}`) ?? 0),
      );
      agree(
        `pool ${n}`,
        [pool.status, pool.grantedE4, pool.consumedE4, pool.expiredE4, pool.reversedE4, pool.voidedE4].join(" "),
        [status, ...sums].join(" "),
      );
      agree(
        `balance of pool ${n}`,
        Number(pool.balanceE4),
        model.inPool(n).reduce((sum, { left }) => sum + left, 0),
      );
    }
  };

  for (const [denomination, hardLimit] of [
    ["AI", false],
    ["GPU", true],
    ["AI", true],
  ] as const) {
    core.makePool({ denomination, hardLimit });
    const rules = {
      denomination,
      hard: hardLimit,
      policy: "NONE" as const,
      cap: 0,
      status: "ACTIVE",
      links: [],
      unlinked: [],
    };
    model.pools.push({ ...rules, n: model.pools.length + 1 });
  }
  startPeriod(paper.sub);
  return {
    core,
    step({ kind, a, b, c }: Step): void {
      steps[kind](a, b, c);
      core.check();
      compare();
    },
  };
}
