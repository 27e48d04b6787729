import type { GrantType, RolloverPolicy } from "../../src/domain/credit.ts";
import { creditModel, type Holding, type Link, type Lot, type Part, total } from "./credit-model.ts";

/**
 * What people do with credits, as one would write it down: who draws from which pool, what plans give and when, and what is refused.
 * Each action answers whether it is allowed, and then does it on the model. Knows nothing of our code.
 */

export const NEVER = Number.POSITIVE_INFINITY;

/** What a plan's credits of one kind come with. */
export type Given = {
  model: string;
  denomination: string;
  policy: RolloverPolicy;
  cap?: number;
  hard: boolean;
  months?: number;
};

export type PaperSub = {
  number: number;
  plan: number;
  startMs: number;
  endMs: number;
  anchorDay: number;
  /** The plans of this period, the present one last. */
  inForce: number[];
};

/** Credits of so many units, rounded half up. */
export const charged = (units: number, weight: number): number => Math.floor(units * weight * 10_000 + 0.5);

/** So many months on, at the same time of day: on the anchor day, or the month's last where it is shorter. */
export const monthsOn = (atMs: number, months: number, anchorDay: number): number => {
  const at = new Date(atMs);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth() + months];
  const day = Math.min(anchorDay, new Date(Date.UTC(year, month + 1, 0)).getUTCDate());
  return Date.UTC(year, month, day) + (atMs % 86_400_000);
};

export function creditPaper(models: readonly Given[], sub: PaperSub) {
  const model = creditModel();
  const { pools, lots, ledger, holds } = model;
  const paper = { nowMs: sub.startMs, sub };
  const keys = new Map<string, Lot>();
  /** Of the open period: what plans gave for which time. */
  let covered: { denomination: string; amount: number; startMs: number; endMs: number }[] = [];
  /** Given for time that was given back: what is due for it, and what was held then and may be used yet. */
  const cuts: { pool: number; sub: number; lot: number; from: number; due: number; held: number }[] = [];
  /** Where the ledger stood when the period began. */
  let since = 0;
  const cutsOf = ({ sub: number, n, pool }: Lot) =>
    cuts.filter(
      (cut) =>
        cut.sub === number && n <= cut.lot && pools[cut.pool - 1]?.denomination === pools[pool - 1]?.denomination,
    );

  const statusOf = (n: number): string | undefined => pools[n - 1]?.status;
  const isClosed = (n: number): boolean => statusOf(n) === "ARCHIVED";
  const linkOf = (n: number, number = paper.sub.number): Link | undefined =>
    pools[n - 1]?.links.find((link) => link.sub === number);

  /** What a link counts, also one that was taken away in this period. */
  const countOf = (n: number): Link | undefined =>
    linkOf(n) ?? pools[n - 1]?.unlinked.find((link) => link.sub === paper.sub.number);
  /** What of a lot is held, and leaves when it comes back. */
  const leavingOf = (lot: Lot): number => {
    if (lot.isVoid) return model.held(lot);
    return lot.carries === undefined ? 0 : Math.max(0, model.held(lot) - lot.carries);
  };

  /** What is drawn for a use; undefined: it is refused. */
  const drawn = (denomination: string, need: number): Part[] | undefined => {
    const ours = pools.filter((pool) => pool.denomination === denomination && pool.status !== "ARCHIVED");
    const sources = ours.filter(({ n, links }) => links.length === 0 || linkOf(n));
    const first = ({ n }: { n: number }): number => linkOf(n)?.priority ?? 1e9;
    const parts: Part[] = [];
    for (const { n, status } of sources.sort((a, b) => first(a) - first(b) || a.n - b.n)) {
      const { limit, from } = linkOf(n) ?? { limit: NEVER, from: 0 };
      const counted = [...ledger.entries()].filter(([at, { reverses = at }]) => reverses >= from);
      const taken = counted.map(([, one]) => one).filter((one) => one.pool === n && one.sub === paper.sub.number);
      const kept = holds.filter((hold) => hold.sub === paper.sub.number).flatMap((hold) => hold.parts);
      const left = limit + total(taken) - total(kept.filter(({ lot }) => lot.pool === n));
      if (status !== "FROZEN") parts.push(...model.from(n, Math.max(0, Math.min(left, need - total(parts)))));
    }
    return total(parts) < need && sources.some(({ hard }) => hard) ? undefined : parts;
  };

  const link = (n: number, priority: number, limit: number): boolean => {
    const pool = pools[n - 1];
    if (pool === undefined || pool.status === "ARCHIVED") return false;
    const before = countOf(n) ?? { from: ledger.length };
    const others = pool.links.filter((one) => one.sub !== paper.sub.number);
    pool.links = [...others, { ...before, sub: paper.sub.number, priority, limit }];
    pool.unlinked = pool.unlinked.filter((one) => one !== before);
    return true;
  };

  /** Of so many new credits, those that are still to be given. */
  const lessAhead = (denomination: string, amount: number): number => {
    let rest = amount;
    for (const { n, status, denomination: own } of pools) {
      if (own !== denomination || status === "ARCHIVED") continue;
      for (const cut of cuts.filter(({ pool }) => pool === n)) {
        const setOff = Math.min(rest, Math.max(0, cut.due));
        cut.due -= setOff;
        rest -= setOff;
      }
    }
    return rest;
  };
  /** Months count from the period's start; where they are over, from now. */
  const monthsEnd = (months: number): number => {
    const end = monthsOn(paper.sub.startMs, months, paper.sub.anchorDay);
    return end > paper.nowMs ? end : monthsOn(paper.nowMs, months, new Date(paper.nowMs).getUTCDate());
  };
  /** A plan gives so much of each kind, for the time from `fromMs` to the end of the period. */
  const given = (amounts: readonly number[], fromMs = paper.sub.startMs): void => {
    models.forEach(({ model: name, denomination, policy, cap = 0, hard, months }, index) => {
      const amount = amounts[index] ?? 0;
      if (amount === 0) return;
      const ofModel = pools.filter((pool) => pool.model === name && pool.status !== "ARCHIVED");
      let pool = ofModel.find(({ n }) => linkOf(n)) ?? ofModel.find(({ links }) => links.length === 0);
      if (pool === undefined) {
        pool = {
          n: pools.length + 1,
          denomination,
          hard,
          policy,
          cap,
          model: name,
          status: "ACTIVE",
          links: [],
          unlinked: [],
        };
        pools.push(pool);
      }
      const { number, endMs } = paper.sub;
      if (!linkOf(pool.n)) link(pool.n, 0, NEVER);
      covered.push({ denomination, amount, startMs: fromMs, endMs });
      const more = lessAhead(denomination, amount);
      const until = Math.min(policy === "NONE" ? endMs : NEVER, months ? monthsEnd(months) : NEVER);
      if (more === 0) model.write(pool.n, "ADJUSTMENT", [], 0);
      else model.add({ pool: pool.n, type: "PLAN_INCLUDED", amount: more, until, sub: number });
    });
  };
  const planLots = (): Lot[] =>
    pools
      .filter(({ status }) => status !== "ARCHIVED")
      .flatMap(({ n }) => model.inPool(n))
      .filter((lot) => lot.sub === paper.sub.number && (lot.type === "PLAN_INCLUDED" || lot.type === "ROLLOVER"))
      .filter((lot) => !lot.isVoid && lot.until > paper.nowMs && lot.left > 0);

  const rollOver = (): void => {
    const [at, rooms] = [ledger.length, new Map<number, number>()];
    for (const [n, ours] of Map.groupBy(planLots(), ({ pool }) => pool)) {
      const { policy, cap } = pools[n - 1] ?? { policy: "FULL", cap: 0 };
      if (policy === "FULL") continue;
      let room = policy === "CAPPED" ? cap : 0;
      for (const lot of ours.reverse()) {
        const kept = Math.min(model.free(lot), room);
        room -= kept;
        model.out(lot, "EXPIRATION", model.free(lot) - kept);
        model.carry(lot, kept);
      }
      for (const lot of ours.filter((one) => model.held(one) > 0)) {
        lot.carries = Math.min(model.held(lot), room, lot.carries ?? NEVER);
        room -= lot.carries;
      }
      rooms.set(n, room);
    }
    for (const { n, policy, cap, status } of pools) {
      const link = countOf(n);
      if (status === "ARCHIVED" || policy === "FULL" || link === undefined) continue;
      link.ended = { at, room: rooms.get(n) ?? (policy === "CAPPED" ? cap : 0) };
    }
  };
  /** What of a plan's credits that came back from a use does not stay: how much that was. */
  const backFrom = ({ lot, amount }: Part, at: number): number => {
    if (lot.isVoid || lot.until <= paper.nowMs) {
      model.back({ lot, amount }, paper.nowMs);
      return amount;
    }
    if (lot.sub === undefined || (lot.type !== "PLAN_INCLUDED" && lot.type !== "ROLLOVER")) return 0;
    if (lot.sub !== paper.sub.number) {
      model.out(lot, "VOID", amount);
      return amount;
    }
    const { ended } = countOf(lot.pool) ?? {};
    if (ended === undefined || at >= ended.at) return 0;
    const kept = Math.min(amount, ended.room);
    ended.room -= kept;
    model.out(lot, "EXPIRATION", amount - kept);
    model.carry(lot, kept);
    return amount - kept;
  };
  const startPeriod = (next: Omit<PaperSub, "inForce">, amounts: readonly number[]): void => {
    paper.sub = { ...next, inForce: [next.plan] };
    covered = [];
    since = ledger.length;
    for (const pool of pools) pool.unlinked = pool.unlinked.filter((link) => link.sub !== next.number);
    for (const { links } of pools) for (const link of links) if (link.sub === next.number) link.from = ledger.length;
    given(amounts);
  };
  const voidPlan = (): void => {
    for (const lot of planLots()) {
      lot.isVoid = true;
      model.out(lot, "VOID");
    }
  };
  const endSub = (): void => {
    voidPlan();
    for (const pool of pools)
      if (pool.status !== "ARCHIVED") {
        pool.links = pool.links.filter((link) => link.sub !== paper.sub.number);
        pool.unlinked = pool.unlinked.filter((link) => link.sub !== paper.sub.number);
      }
  };
  /** The time that is left is given back: what of its credits `take` leaves was given ahead. */
  const cutShort = (take: () => void): void => {
    const [first, lot] = [ledger.length, lots.length];
    take();
    // What is over by now is carried nowhere when it comes back.
    for (const one of lots) {
      const isPlans = one.sub === paper.sub.number && (one.type === "PLAN_INCLUDED" || one.type === "ROLLOVER");
      if (isPlans && !one.isVoid && one.until <= paper.nowMs && model.held(one) > 0) one.carries = 0;
    }
    for (const [denomination, parts] of Map.groupBy(covered, (one) => one.denomination)) {
      const ours = pools.filter((pool) => pool.denomination === denomination && pool.status !== "ARCHIVED");
      const pool = ours.find(({ n }) => linkOf(n)) ?? ours[0];
      if (pool === undefined) continue;
      const unused = parts.reduce((sum, { amount, startMs, endMs }) => {
        const exact = BigInt(amount) * BigInt(Math.max(0, endMs - Math.max(paper.nowMs, startMs)));
        const whole = BigInt(endMs - startMs);
        return sum + Number((exact + whole - 1n) / whole);
      }, 0);
      const gone = total(ledger.slice(first).filter((entry) => ours.some(({ n }) => n === entry.pool)));
      if (unused + gone <= 0) continue;
      const leaving = lots
        .filter((one) => one.sub === paper.sub.number && one.n <= lot && ours.some(({ n }) => n === one.pool))
        .reduce((sum, one) => sum + leavingOf(one), 0);
      const { number } = paper.sub;
      cuts.push({ pool: pool.n, sub: number, lot, from: since, due: unused + gone - leaving, held: leaving });
    }
    covered = [];
  };
  const finish = (on: Holding): void => {
    // What leaves of what a cut found held was used by nobody.
    for (const part of model.release(on, paper.nowMs)) {
      let gone = part.amount;
      for (const cut of cutsOf(part.lot)) {
        const back = Math.min(gone, cut.held);
        cut.held -= back;
        gone -= back;
      }
    }
    holds.splice(holds.indexOf(on), 1);
  };
  return {
    ...model,
    paper,
    /** What the next credits of plans are fewer by, as it stands on a pool. */
    aheadOf: (n: number): number =>
      cuts.filter(({ pool }) => pool === n).reduce((sum, { due }) => sum + Math.max(0, due), 0),
    linkOf,
    drawn,
    given,
    rollOver,
    startPeriod,
    voidPlan,
    endSub,
    cutShort,
    finish,
    /** Free credits that are over now leave. */
    expire(): void {
      for (const { n } of pools.filter(({ status }) => status !== "ARCHIVED"))
        for (const lot of model.inPool(n)) if (lot.until <= paper.nowMs) model.out(lot, "EXPIRATION");
    },
    nextExpiryMs(): number {
      const due = lots.filter((lot) => !isClosed(lot.pool) && model.free(lot) > 0).map(({ until }) => until);
      return Math.min(NEVER, ...due);
    },
    /** Answers the grant that a key made before, if it did; otherwise whether credits may come. */
    grant(
      pool: number,
      { key, ...terms }: { type: GrantType; amount: number; until: number; key?: string | undefined },
    ) {
      const first = key === undefined ? undefined : keys.get(`${pool}/${key}`);
      if (first !== undefined) return { ok: true, first };
      if (statusOf(pool) !== "ACTIVE") return { ok: false };
      model.add({ pool, ...terms });
      const lot = lots.at(-1);
      if (key !== undefined && lot !== undefined) keys.set(`${pool}/${key}`, lot);
      return { ok: true };
    },
    deduct(pool: number, amount: number): boolean {
      const parts = statusOf(pool) === "ACTIVE" ? model.from(pool, amount) : [];
      if (total(parts) < amount) return false;
      model.take(parts);
      return true;
    },
    use(denomination: string, need: number): boolean {
      const parts = drawn(denomination, need);
      model.take(parts ?? [], { sub: paper.sub.number });
      return parts !== undefined;
    },
    hold(denomination: string, need: number): Holding | undefined {
      const parts = drawn(denomination, need);
      if (parts === undefined) return undefined;
      const on = { sub: paper.sub.number, parts };
      holds.push(on);
      return on;
    },
    /** What is held comes first, then what can be drawn; what is left of it goes back. */
    commit(on: Holding, denomination: string, need: number): boolean {
      let rest = need;
      const taken = on.parts.map(({ lot, amount: there }) => {
        const amount = Math.min(rest, there);
        rest -= amount;
        return { lot, amount };
      });
      const more = drawn(denomination, rest);
      if (more === undefined) return false;
      for (const { lot, amount } of taken) {
        let used = Math.min(amount, leavingOf(lot));
        for (const cut of cutsOf(lot)) {
          const some = Math.min(used, cut.held);
          Object.assign(cut, { due: cut.due + some, held: cut.held - some });
          used -= some;
        }
      }
      on.parts = on.parts
        .map(({ lot, amount }, index) => ({ lot, amount: amount - (taken[index]?.amount ?? 0) }))
        .filter(({ amount }) => amount > 0);
      model.take(
        [...taken, ...more].filter(({ amount }) => amount > 0),
        { sub: paper.sub.number },
      );
      finish(on);
      return true;
    },
    /** Freezes or thaws. */
    turn(n: number): boolean {
      const pool = pools[n - 1];
      if (pool === undefined || pool.status === "ARCHIVED") return false;
      const isFrozen = pool.status === "FROZEN";
      pool.status = isFrozen ? "ACTIVE" : "FROZEN";
      model.write(n, isFrozen ? "UNFREEZE" : "FREEZE", [], 0);
      return true;
    },
    archive(n: number): boolean {
      const pool = pools[n - 1];
      if (pool === undefined || model.inPool(n).some((lot) => model.held(lot) > 0)) return false;
      pool.status = "ARCHIVED";
      return true;
    },
    /** Gives the deduction at a place of the ledger back, or so much of it. */
    reverse(at: number, amount?: number): boolean {
      const entry = ledger[at];
      if (entry === undefined) return false;
      const returned = ledger.filter(({ reverses }) => reverses === at).flatMap(({ draws }) => draws);
      const left = entry.draws.map((draw) => ({
        ...draw,
        amount: draw.amount - total(returned.filter(({ lot }) => lot === draw.lot)),
      }));
      let rest = amount ?? total(left);
      if (isClosed(entry.pool) || total(left) === 0 || rest > total(left)) return false;
      const back = left.reverse().map(({ lot, amount: there }) => {
        const some = Math.min(rest, there);
        rest -= some;
        return { lot, amount: some };
      });
      const draws = back.reverse().filter((one) => one.amount > 0);
      for (const { lot, amount: some } of draws) lot.left += some;
      model.write(entry.pool, "REVERSAL", draws, total(draws), { reverses: at, sub: entry.sub });
      for (const one of draws) {
        const gone = backFrom(one, at);
        // Whoever used it in a period that was cut short has not, so less was given ahead.
        for (const cut of cutsOf(one.lot))
          if (at >= cut.from) cut.due -= cut.held > 0 ? gone : Math.min(gone, Math.max(0, cut.due));
      }
      return true;
    },
    /** So many quarters of a purchase are given back: what is held of them leaves when it comes back. Answers what that takes at once. */
    refund(lot: Lot, quarters: number): number {
      const { refunded = 0 } = lot;
      const isAll = refunded + quarters === 4;
      if (isClosed(lot.pool)) return 0;
      lot.refunded = refunded + quarters;
      if (isAll && lot.isVoid) return 0;
      const upTo = (sum: number): number => Math.floor((lot.amount * sum) / 4 + 0.5);
      const share = isAll ? NEVER : upTo(refunded + quarters) - upTo(refunded);
      const amount = Math.min(model.free(lot), share);
      if (isAll) lot.isVoid = true;
      else lot.owed = Math.min(model.held(lot), (lot.owed ?? 0) + share - amount);
      model.out(lot, "VOID", amount);
      return amount;
    },
    void(lot: Lot): boolean {
      if (isClosed(lot.pool) || (statusOf(lot.pool) === "FROZEN" && !lot.isVoid)) return false;
      if (lot.isVoid) return true;
      lot.isVoid = true;
      model.out(lot, "VOID");
      return true;
    },
    /** What another plan gives more in this period, for the time that is left. */
    upgrade(to: number, plans: readonly (readonly number[])[]): void {
      const { startMs, endMs, inForce } = paper.sub;
      const sumOf = (plan: number, denomination: string): number =>
        models.reduce(
          (sum, one, index) => sum + (one.denomination === denomination ? (plans[plan]?.[index] ?? 0) : 0),
          0,
        );
      const told = new Set<string>();
      const more = models.map(({ denomination }, index) => {
        if ((plans[to]?.[index] ?? 0) === 0 || told.has(denomination)) return 0;
        told.add(denomination);
        const largest = Math.max(...inForce.map((plan) => sumOf(plan, denomination)));
        const exact = BigInt(sumOf(to, denomination) - largest) * BigInt(endMs - paper.nowMs);
        return Math.max(0, Number(exact / BigInt(endMs - startMs)));
      });
      paper.sub = { ...paper.sub, plan: to, inForce: [...inForce, to] };
      given(more, paper.nowMs);
    },
    link,
    unlink(n: number): boolean {
      const pool = pools[n - 1];
      if (pool === undefined || pool.status === "ARCHIVED") return false;
      pool.unlinked.push(...pool.links.filter((link) => link.sub === paper.sub.number));
      pool.links = pool.links.filter((link) => link.sub !== paper.sub.number);
      return true;
    },
  };
}

/** An entry of the ledger as both sides tell it. */
export function entryText({
  type,
  pool,
  amount,
  before,
  after,
  reverses,
  draws,
}: ReturnType<typeof creditModel>["ledger"][number]): string {
  return [type, pool, amount, before, after, reverses ?? -1]
    .concat(draws.flatMap(({ lot, amount: drawn }) => [lot.n, drawn]))
    .join(" ");
}
