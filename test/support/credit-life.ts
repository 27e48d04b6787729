import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { type CreditEntry, GRANT_TYPES, type Grant, type Pool } from "../../src/domain/credit.ts";
import { customerThingId, type IdKind, tagOfCustomer, type Uuid } from "../../src/domain/ids.ts";
import { fromJsonText } from "../../src/domain/json-text.ts";
import { consume, type Reserved, reserve } from "./access.ts";
import { type Holding, total } from "./credit-model.ts";
import { charged, creditPaper, entryText, type Given, monthsOn, NEVER } from "./credit-paper.ts";
import { CREDITS, creditModel, feature, PLANS, RULES, weigh } from "./credits.ts";
import { customer, ok, subscribe } from "./sale.ts";
import { must } from "./sim-commands.ts";
import { sqlOf } from "./tables.ts";
import { type Answer, newWorld, type World } from "./world.ts";

/**
 * A customer who lives on credits, over HTTP, and beside it what it should have by paper. Steps are numbers; what they mean depends on
 * what is there. Plans cost nothing, so that credits come when they are due and nobody is suspended.
 */

export const STEPS = [
  "grant",
  "grant",
  "deduct",
  "use",
  "use",
  "use",
  "use",
  "again",
  "consume",
  "consume",
  "hold",
  "hold",
  "commit",
  "commit",
  "commit",
  "release",
  "freeze",
  "freeze",
  "archive",
  "reverse",
  "correct",
  "void",
  "change",
  "change",
  "cancel",
  "link",
  "unlink",
  "wait",
  "wait",
  "sleep",
  "straddle",
  "straddle",
  "evict",
  "evict",
  "abort",
] as const;
export type Step = { kind: (typeof STEPS)[number]; a: number; b: number; c: number };

const HOUR = 3_600_000;
const MODELS: Given[] = [
  { model: "capped", denomination: "AI", policy: "CAPPED", cap: 5_000_000, hard: true, months: 2 },
  { model: "none", denomination: "GPU", policy: "NONE", hard: false },
  { model: "full", denomination: "GPU", policy: "FULL", hard: true },
];
type Sold = { key: string; months: number; timing: string; gives: readonly number[] };
/** The second is the largest, the third gives other credits, the fourth those of a year; the last is in arrears. */
const SOLD: Sold[] = [
  { key: "small", months: 1, timing: "IN_ADVANCE", gives: [10_000_000, 1_000_000, 333_333] },
  { key: "large", months: 1, timing: "IN_ADVANCE", gives: [30_000_000, 2_000_000, 333_333] },
  { key: "other", months: 1, timing: "IN_ADVANCE", gives: [5_000_000, 0, 4_000_000] },
  { key: "year", months: 12, timing: "IN_ADVANCE", gives: [60_000_000, 12_345_679, 0] },
  { key: "late", months: 1, timing: "IN_ARREARS", gives: [8_000_000, 777_777, 1] },
];
const GIVES = SOLD.map(({ gives }) => gives);
/** An eighth of a unit at each of them is exact in binary, so that paper rounds what it should. */
const WEIGHTS = [1, 2.5, 0.3125, 10];
const FEATURES = { AI: "ai", GPU: "gpu" } as const;
type Denomination = keyof typeof FEATURES;

export type Shop = { world: World; plans: readonly string[] };

/** Plans, credit models and weights, for any number of lives. */
export async function openShop(): Promise<Shop> {
  const world = await newWorld();
  // Allocations of one instant would stand in no order.
  const tick = () => vi.setSystemTime(Date.now() + 1000);
  const ids: Record<string, string> = { ai: await feature(world, "ai"), gpu: await feature(world, "gpu") };
  const models = new Map<string, string>();
  for (const { model, denomination, policy, cap, hard } of MODELS) {
    const rolloverCap = cap === undefined ? {} : { rolloverCap: cap / 10_000 };
    const body = { name: model, hardLimit: hard, rolloverPolicy: policy, ...rolloverCap };
    models.set(model, await creditModel(world, denomination, body));
  }
  const plans: string[] = [];
  for (const { key, months, timing, gives } of SOLD) {
    const body = { key, name: key, description: key, intervalMonths: months, billingTiming: timing };
    const { id } = await ok(world.call<{ id: string }>("POST", PLANS, body));
    for (const [name, model] of Object.entries({ ai: "capped", gpu: "none" }))
      await ok(world.call("POST", RULES, { planId: id, featureId: ids[name], creditModelId: models.get(model) }));
    for (const [index, amount] of gives.entries()) {
      const { model = "", months: ends } = MODELS[index] ?? {};
      const query = `creditAmount=${amount / 10_000}${ends === undefined ? "" : `&grantExpiresMonths=${ends}`}`;
      tick();
      if (amount > 0) await ok(world.call("POST", `${CREDITS}/models/${models.get(model)}/plans/${id}?${query}`));
    }
    await ok(world.call("PATCH", `${PLANS}/${id}`, { status: "ACTIVE" }));
    plans.push(id);
  }
  const weights = Object.keys(ids).flatMap((name) => WEIGHTS.map((weight, at) => [`${name}:m${at}`, weight] as const));
  await weigh(world, Object.fromEntries(weights), ids);
  vi.setSystemTime(Date.now() + 20_000);
  return { world, plans };
}

type Hold = { id: string; on: Holding; untilMs: number; denomination: Denomination };
/** An event that burned: the entries it wrote, by their places in the ledger. */
type Burn = { eventId: string; units: number; weight: number; covered: number; entries: number[]; body: Body };
type Body = Record<string, unknown>;
type Kept = { pools: Pool[]; grants: Grant[]; entries: CreditEntry[] };

export async function openLife({ world, plans }: Shop, reference: string) {
  const id = await customer(world, reference);
  const tag = tagOfCustomer(id as Uuid);
  const idOf = (kind: IdKind, number: number): string => customerThingId(tag, kind, number);
  const periodOf = (plan: number, startMs: number, anchorDay: number) => {
    const months = SOLD[plan]?.months ?? 1;
    return { plan, startMs, endMs: monthsOn(startMs, months, anchorDay), anchorDay };
  };
  const nowMs = Date.now();
  const first = { number: 0, ...periodOf(0, nowMs, new Date(nowMs).getUTCDate()), inForce: [] };
  const model = creditPaper(MODELS, first);
  const { paper } = model;
  let subscriptionId: string | undefined;
  let scheduled: number | undefined;
  let isEnding = false;
  let sent = 0;
  const held: Hold[] = [];
  const burns: Burn[] = [];

  const pick = <T>(all: readonly T[], at: number): T | undefined =>
    all.length === 0 ? undefined : all[at % all.length];
  const said = ({ status, error, data }: Answer<unknown>, right: number, what: string): void =>
    must(status === right, `${what}: ${status} instead of ${right}`, error ?? data);
  const post = (path: string, body: Body = {}): Promise<Answer<Body>> => world.call("POST", path, body);

  const begin = async (plan: number): Promise<void> => {
    const { number } = paper.sub;
    const anchorDay = new Date(paper.nowMs).getUTCDate();
    const { subscription } = await ok(subscribe(world, reference, plans[plan] ?? ""));
    must(subscription.isActive, "a plan that costs nothing is ACTIVE at once", subscription);
    subscriptionId = subscription.id;
    [scheduled, isEnding] = [undefined, false];
    model.startPeriod({ number: number + 1, ...periodOf(plan, paper.nowMs, anchorDay) }, GIVES[plan] ?? []);
  };
  const endPeriod = (): void => {
    model.rollOver();
    if (isEnding) {
      // Nothing is left of the period to be given back; what is over by now is carried nowhere all the same.
      model.cutShort(model.voidPlan);
      model.endSub();
      subscriptionId = undefined;
      return;
    }
    const { number, plan, endMs, anchorDay } = paper.sub;
    const next = scheduled ?? plan;
    scheduled = undefined;
    model.startPeriod({ number, ...periodOf(next, endMs, anchorDay) }, GIVES[next] ?? []);
  };
  /** Lets time pass on paper, up to the clock's instant: whatever falls due happens at its own. */
  const pass = (): void => {
    const untilMs = Date.now();
    for (;;) {
      const lapseMs = Math.min(NEVER, ...held.map((one) => one.untilMs));
      const expiryMs = model.nextExpiryMs();
      const endMs = subscriptionId === undefined ? NEVER : paper.sub.endMs;
      const nextMs = Math.min(lapseMs, expiryMs, endMs);
      if (nextMs > untilMs) break;
      paper.nowMs = nextMs;
      if (lapseMs === nextMs) {
        const [one] = held.splice(
          held.findIndex(({ untilMs: at }) => at === nextMs),
          1,
        );
        if (one !== undefined) model.finish(one.on);
      } else if (expiryMs === nextMs) model.expire();
      else endPeriod();
    }
    paper.nowMs = untilMs;
  };
  const passTo = (untilMs: number): void => {
    vi.setSystemTime(Math.max(Date.now(), Math.floor(untilMs)));
    pass();
  };

  /** An event's body; units of an eighth, weighed by the model that it names. */
  const eventOf = (a: number, b: number, c: number) => {
    sent += 1;
    const denomination: Denomination = a % 2 === 0 ? "AI" : "GPU";
    const [units, weight] = [(1 + c) / 8, WEIGHTS[b % WEIGHTS.length] ?? 1];
    const body: Body = {
      eventName: "call",
      customerReferenceId: reference,
      featureKey: FEATURES[denomination],
      usageUnits: units,
      costInput: { model: `m${b % WEIGHTS.length}` },
      eventIdempotencyKey: `e${sent}`,
    };
    return { denomination, units, weight, body };
  };
  const noteBurn = (from: number, eventId: unknown, { units, weight, body }: ReturnType<typeof eventOf>): void => {
    const entries = [...model.ledger.keys()].filter((at) => at >= from && model.ledger[at]?.type === "DEDUCTION");
    const drawn = -total(entries.flatMap((at) => model.ledger[at] ?? []));
    const covered = drawn === charged(units, weight) ? units : Math.floor((drawn * 100) / weight) / 1e6;
    if (drawn > 0) burns.push({ eventId: String(eventId), units, weight, covered, entries, body });
  };
  const evict = async (): Promise<void> => {
    await world.object(id).view();
    await evictDurableObject(world.object(id));
  };

  const steps: Record<Step["kind"], (a: number, b: number, c: number) => Promise<void>> = {
    async grant(a, b, c) {
      const pool = pick(model.pools, a);
      if (pool === undefined) return;
      const [type, amount] = [pick(GRANT_TYPES, b) ?? "MANUAL", 1 + c * 12_345];
      const until = a % 3 === 0 ? NEVER : paper.nowMs + (1 + (c % 50)) * 12 * HOUR;
      const key = b % 5 === 0 ? `k${c % 3}` : undefined;
      const answer = await post(`${CREDITS}/grants`, {
        creditPoolId: idOf("creditPool", pool.n),
        amount: amount / 10_000,
        grantType: type,
        ...(until === NEVER ? {} : { expiresAt: new Date(until).toISOString() }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      });
      const { ok: isGranted, first: before } = model.grant(pool.n, { type, amount, until, key });
      said(answer, before !== undefined ? 200 : isGranted ? 201 : 409, "grant");
      if (before !== undefined) must(answer.data.id === idOf("creditGrant", before.n), "the first grant again", answer);
    },
    async deduct(a, _, c) {
      const pool = pick(model.pools, a);
      if (pool === undefined) return;
      const amount = 1 + c * 5_000;
      const body = { creditPoolId: idOf("creditPool", pool.n), amount: amount / 10_000 };
      said(await post(`${CREDITS}/deductions`, body), model.deduct(pool.n, amount) ? 201 : 409, "deduct");
    },
    async use(a, b, c) {
      const event = eventOf(a, b, c);
      const from = model.ledger.length;
      const answer = await world.event(event.body);
      const isUsed = model.use(event.denomination, charged(event.units, event.weight));
      said(answer, isUsed ? 201 : 409, "event");
      if (isUsed) noteBurn(from, answer.data.eventId, event);
    },
    async again(a) {
      const before = pick(burns, a);
      if (before === undefined) return;
      const answer = await world.event(before.body);
      said(answer, 409, "the same event again");
      must(answer.data.eventId === before.eventId, "the first receipt again", answer);
    },
    async consume(a, b, c) {
      const event = eventOf(a, b, c);
      const from = model.ledger.length;
      const answer = await consume(world, event.body);
      const isUsed = model.use(event.denomination, charged(event.units, event.weight));
      said(answer, isUsed ? 201 : 200, "consume");
      if (isUsed) noteBurn(from, answer.data.receipt?.eventId, event);
    },
    async hold(a, b, c) {
      const { denomination, units, weight, body } = eventOf(a, b, c);
      const ttlSeconds = 60 * (1 + (c % 60));
      const { featureKey } = body;
      const asked = { customerReferenceId: reference, featureKey, usageUnits: units, model: `m${b % WEIGHTS.length}` };
      const answer: Answer<Reserved> = await reserve(world, { ...asked, ttlSeconds });
      const on = model.hold(denomination, charged(units, weight));
      said(answer, on === undefined ? 409 : 201, "reserve");
      if (on === undefined) return;
      const untilMs = paper.nowMs + ttlSeconds * 1000;
      held.push({ id: answer.data.reservationId, on, untilMs, denomination });
    },
    async commit(a, b, c) {
      const at = held.length === 0 ? -1 : a % held.length;
      const one = held[at];
      if (one === undefined) return;
      const event = eventOf(0, b, c);
      const { customerReferenceId: _, featureKey: __, ...body } = event.body;
      const from = model.ledger.length;
      const answer = await post(`/api/v1/client/reservations/${one.id}/commit`, body);
      const need = charged(event.units, event.weight);
      // The reservation of a subscription that is over: an event like any other, and what was held goes back.
      const isOwn = one.on.sub === paper.sub.number;
      const isDone = isOwn ? model.commit(one.on, one.denomination, need) : model.use(one.denomination, need);
      said(answer, isDone ? 201 : 409, "commit");
      if (!isDone) return;
      noteBurn(from, answer.data.eventId, event);
      if (!isOwn) model.finish(one.on);
      held.splice(at, 1);
    },
    async release(a) {
      const [one] = held.length === 0 ? [] : held.splice(a % held.length, 1);
      if (one === undefined) return;
      said(await post(`/api/v1/client/reservations/${one.id}/release`), 200, "release");
      model.finish(one.on);
    },
    async freeze(a, b) {
      const pool = pick(model.pools, a);
      const isFrozen = pool?.status === "FROZEN";
      if (pool === undefined || (!isFrozen && b % 3 > 0)) return;
      const path = `${CREDITS}/pools/${idOf("creditPool", pool.n)}/${isFrozen ? "unfreeze" : "freeze"}`;
      said(await post(path), model.turn(pool.n) ? 200 : 409, path);
    },
    async archive(a, b) {
      const pool = pick(model.pools, a);
      if (pool === undefined || b % 20 > 0) return;
      const answer = await post(`${CREDITS}/pools/${idOf("creditPool", pool.n)}/archive`);
      said(answer, model.archive(pool.n) ? 200 : 409, "archive");
    },
    async reverse(a) {
      const deductions = [...model.ledger.keys()].filter((index) => model.ledger[index]?.type === "DEDUCTION");
      const at = pick(deductions, a);
      if (at === undefined) return;
      const answer = await post(`${CREDITS}/transactions/${idOf("creditEntry", at + 1)}/reverse`);
      said(answer, model.reverse(at) ? 200 : 409, "reverse");
    },
    async correct(a, b) {
      const one = burns.splice(a % Math.max(1, burns.length), 1)[0];
      if (one === undefined) return;
      const right = Math.floor((one.units * 8 * (b % 4)) / 4) / 8;
      const path = `/api/v1/client/events/${one.eventId}/correct`;
      said(await post(path, { usageUnits: right }), 201, "correct");
      const leftOf = (at: number): number => {
        const returned = model.ledger.filter(({ reverses }) => reverses === at);
        return -total([model.ledger[at] ?? { amount: 0 }]) - total(returned);
      };
      let back =
        total(one.entries.map((at) => ({ amount: leftOf(at) }))) - charged(Math.min(one.covered, right), one.weight);
      if (right === one.units) return;
      for (const at of one.entries.toReversed()) {
        const amount = Math.min(back, leftOf(at));
        if (amount > 0) model.reverse(at, amount);
        back -= Math.max(0, amount);
      }
    },
    async void(a, b) {
      const lot = pick(model.lots, a);
      if (lot === undefined || b % 3 > 0) return;
      const answer = await post(`${CREDITS}/grants/${idOf("creditGrant", lot.n)}/void`);
      said(answer, model.void(lot) ? 200 : 409, "void");
    },
    async change(a, b) {
      const [to, changeType] = [a % SOLD.length, b % 3 === 0 ? "DOWNGRADE" : "UPGRADE"];
      const body = { changeToPlanId: plans[to], changeType };
      const answer = await post(`/api/v1/client/subscriptions/${subscriptionId}/plan-change`, body);
      const { plan, number } = paper.sub;
      const isRefused = to === plan ? 400 : changeType === "DOWNGRADE" && isEnding ? 409 : undefined;
      said(answer, isRefused ?? 200, changeType);
      if (isRefused !== undefined) return;
      scheduled = changeType === "DOWNGRADE" ? to : undefined;
      if (changeType === "DOWNGRADE") return;
      const [old, next] = [SOLD[plan], SOLD[to]];
      if (old?.months === next?.months && old?.timing === next?.timing) {
        model.upgrade(to, GIVES);
        return;
      }
      model.cutShort(model.rollOver);
      const anchorDay = new Date(paper.nowMs).getUTCDate();
      model.startPeriod({ number, ...periodOf(to, paper.nowMs, anchorDay) }, GIVES[to] ?? []);
    },
    async cancel(_, b) {
      if (b % 3 > 0) return;
      const isNow = b % 2 === 0;
      const mode = isNow ? "IMMEDIATE" : "END_OF_PERIOD";
      said(await post(`/api/v1/client/subscriptions/cancellation/${subscriptionId}?cancelMode=${mode}`), 200, mode);
      if (!isNow) {
        isEnding = true;
        return;
      }
      model.cutShort(model.voidPlan);
      model.endSub();
      subscriptionId = undefined;
    },
    async link(a, b, c) {
      const pool = pick(model.pools, a);
      if (pool === undefined) return;
      const limit = c % 2 === 0 ? NEVER : c * 10_000;
      const query = `drawPriority=${b % 3}${limit === NEVER ? "" : `&drawLimit=${limit / 10_000}`}`;
      const path = `${CREDITS}/pools/${idOf("creditPool", pool.n)}/subscriptions/${subscriptionId}?${query}`;
      said(await post(path), model.link(pool.n, b % 3, limit) ? 200 : 409, "link");
    },
    async unlink(a, b) {
      const pool = pick(model.pools, a);
      if (pool === undefined || b % 3 > 0) return;
      const path = `${CREDITS}/pools/${idOf("creditPool", pool.n)}/subscriptions/${subscriptionId}`;
      said(await world.call("DELETE", path), model.unlink(pool.n) ? 200 : 409, "unlink");
    },
    wait: async (a) => passTo(paper.nowMs + (a % 40) * 60_000),
    // Often to shortly before something falls due, so that it finds credits held.
    async sleep(a) {
      const expiryMs = model.nextExpiryMs();
      const dueMs = a % 2 === 0 || expiryMs === NEVER ? paper.sub.endMs : expiryMs;
      passTo(a % 4 === 0 ? paper.nowMs + a * HOUR : dueMs - 10 * 60_000);
    },
    async straddle(a, b, c) {
      await steps.sleep(a % 2 === 0 ? 2 : 1, b, c);
      if (subscriptionId !== undefined) await steps.hold(a, b, 8 * (15 + (c % 45)));
      passTo(paper.nowMs + 15 * 60_000);
    },
    evict,
    abort: () => abortAllDurableObjects(),
  };

  /** Pools and grants as they are stored, and what the ledger has beyond what was read before. */
  const kept = (): Promise<Kept> =>
    runInDurableObject(world.object(id), (object) => {
      const read = <T>(query: string, ...values: number[]): T[] =>
        sqlOf(object)
          .exec<{ body: string }>(query, ...values)
          .toArray()
          .map(({ body }) => fromJsonText<T>(body));
      return {
        pools: read("SELECT body FROM credit_pools ORDER BY number"),
        grants: read("SELECT body FROM credit_grants ORDER BY number"),
        entries: read("SELECT body FROM credit_entries WHERE number > ? ORDER BY number", seen),
      };
    });
  let seen = 0;
  const agree = (what: string, ours: unknown, theirs: unknown): void =>
    must(ours === theirs, `${what}: the object says ${String(ours)}, paper ${String(theirs)}`);
  /** The laws hold, and both say the same of every pool, grant and entry. */
  const compare = async (): Promise<void> => {
    const told = await world.object(id).books();
    must(told.ok && told.value.laws.every(({ holds }) => holds), "the laws of the books", told);
    const { pools, grants, entries } = await kept();
    agree("entries", seen + entries.length, model.ledger.length);
    for (const entry of entries) {
      const theirs = model.ledger[seen];
      seen += 1;
      const draws =
        entry.draws ?? (entry.grant === undefined ? [] : [{ grant: entry.grant, amountE4: entry.amountE4 }]);
      const ours = [entry.type, entry.pool, entry.amountE4, entry.balanceBeforeE4, entry.balanceAfterE4]
        .concat((entry.reverses ?? 0) - 1)
        .concat(draws.flatMap(({ grant, amountE4 }) => [grant, amountE4 < 0n ? -amountE4 : amountE4]))
        .join(" ");
      agree(`entry ${entry.number}`, ours, theirs === undefined ? undefined : entryText(theirs));
    }
    agree("grants", grants.length, model.lots.length);
    for (const { number, remainingE4, heldE4, carriesE4, voidedAtMs, expiresAtMs } of grants) {
      const lot = model.lots[number - 1];
      const right = lot && [lot.left, model.held(lot), lot.carries ?? "", lot.isVoid === true, lot.until].join(" ");
      const ours = [remainingE4, heldE4, carriesE4 ?? "", voidedAtMs !== undefined, expiresAtMs ?? NEVER].join(" ");
      agree(`grant ${number}`, ours, right);
    }
    agree("pools", pools.length, model.pools.length);
    for (const { number, status, links, ahead = [] } of pools) {
      const right = model.pools[number - 1];
      const dueE4 = ahead.reduce((sum, cut) => (cut.dueE4 > 0n ? sum + cut.dueE4 : sum), 0n);
      const ours = [status, dueE4, ...links.map((link) => link.subscription)].join(" ");
      agree(
        `pool ${number}`,
        ours,
        [right?.status, model.aheadOf(number), ...(right?.links ?? []).map(({ sub }) => sub)].join(" "),
      );
    }
  };
  for (const [denomination, hardLimit] of [
    ["AI", false],
    ["GPU", true],
    ["AI", true],
  ] as const) {
    const body = { name: `Own ${denomination}`, denomination, hardLimit, customerId: id };
    said(await post(`${CREDITS}/pools`, body), 201, "pool");
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
  const shown = () => world.call(`GET`, `/api/v1/client/credits/${reference}/pools?limit=200`);
  return {
    async step({ kind, a, b, c }: Step): Promise<void> {
      if (subscriptionId === undefined) await begin(a % SOLD.length);
      await steps[kind](a, b, c);
      // What fell due is carried out when somebody asks.
      await world.object(id).overview();
      await compare();
    },
    /** In the end an object that is read anew tells the same. */
    async end(): Promise<void> {
      const before = await shown();
      await evict();
      agree("after an eviction", JSON.stringify((await shown()).data), JSON.stringify(before.data));
    },
  };
}
