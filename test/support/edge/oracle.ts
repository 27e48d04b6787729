import { creditsFor } from "../../../src/domain/credit-ledger.ts";
import { nextBillingAtMs } from "../../../src/domain/due.ts";
import type { Ended, ObjectModel } from "./object.ts";
import type { Weights } from "./weights.ts";

/**
 * What must be true whatever happens. It sees everything at once, in true time, as nobody in the model can, and adds up by itself what
 * was promised and used: it looks at no block and at no lease.
 */

/** `creditsE4`: what its units burned when it was promised, which is held for it. */
export type Promised = { id: string; unitsE12: bigint; creditsE4: bigint; expiresAtMs: number };

/** Of an answer or a block: when it was asked for and true, after how many commits, and until when nothing that was known would change it. */
export type Basis = { askedAtMs: number; trueAtMs: number; rev: number; untilMs: number };

function must(holds: boolean, law: string): void {
  if (!holds) throw new Error(`broken: ${law}`);
}

export function openOracle(object: ObjectModel, weights: Weights, state: { limitE12?: bigint; creditsE4: bigint }) {
  const promised = new Map<string, Promised>();
  const ends = new Map<string, { seq?: number; isReleased?: true }>();
  const seqs = new Set<number>();
  const told = {
    leased: 0,
    tended: 0,
    brought: 0,
    asked: 0,
    denied: 0,
    handed: 0,
    reserved: 0,
    refused: 0,
    committed: 0,
    lapsed: 0,
    suspended: 0,
    short: 0,
    weighed: 0,
    setBack: 0,
  };
  let usedE12 = 0n;
  let spentE4 = 0n;
  let cancelled = false;
  let periodEndMs: number | undefined;

  const isBurning = weights.all.length > 0;
  const creditsOf = (unitsE12: bigint): bigint => {
    const weightE12 = weights.at(object.now());
    return weightE12 === undefined ? 0n : creditsFor(unitsE12, weightE12);
  };

  /** Used units count from 0 again with each period; held ones go on holding. */
  function turnPeriod(): void {
    const [subscription] = object.book.subscriptions.values();
    const endMs = subscription?.period.endMs;
    if (periodEndMs !== undefined && endMs !== undefined && endMs > periodEndMs) usedE12 = 0n;
    periodEndMs = endMs ?? periodEndMs;
  }

  function sums(): void {
    const nowMs = object.now();
    turnPeriod();
    let [heldE12, heldE4] = [0n, 0n];
    for (const { unitsE12, creditsE4, expiresAtMs } of promised.values()) {
      if (expiresAtMs <= nowMs) continue;
      heldE12 += unitsE12;
      heldE4 += creditsE4;
    }
    must(state.limitE12 === undefined || usedE12 + heldE12 <= state.limitE12, "used + promised ≤ limit");
    must(!isBurning || spentE4 + heldE4 <= state.creditsE4, "burned + promised ≤ credits");
  }

  return {
    told,
    sums,
    creditsOf,
    /** What an answer of this instant rests on. */
    basisOf: (nowMs: number, askedAtMs: number): Basis => ({
      askedAtMs,
      trueAtMs: nowMs,
      rev: object.rev(),
      untilMs: Math.min(nextBillingAtMs(object.book) ?? Number.POSITIVE_INFINITY, weights.nextAtMs(object.now())),
    }),
    /** A caller was, or may have been, told that these units are theirs. */
    promise(one: Promised): void {
      must(!promised.has(one.id) && !ends.has(one.id), "no reservation is made twice");
      promised.set(one.id, one);
      sums();
    },
    /** The object has answered an end; `wantedE12`: what was used, no more than was reserved. */
    ended(id: string, wantedE12: bigint, end: Ended): void {
      const open = promised.get(id);
      const isInTime = open !== undefined && open.expiresAtMs > object.now();
      turnPeriod();
      const neededE4 = creditsOf(wantedE12);
      const keptE4 = open?.creditsE4 ?? 0n;
      if (isInTime && end.outcome === "refused" && end.why === "credits_short" && neededE4 > keptE4) {
        // A unit burns more than when it was promised, and there is no more: what is held stays so.
        told.short += 1;
        return;
      }
      if (end.outcome === "refused") {
        must(!isInTime, `a promise is kept in time, and was refused: ${end.why}`);
        if (open !== undefined) told.lapsed += 1;
      } else if (end.outcome === "released") {
        must(isInTime || ends.get(id)?.isReleased === true, "only what holds is released");
        ends.set(id, { isReleased: true });
      } else if (end.outcome === "repeated") must(ends.get(id)?.seq === end.seq, "a repeat answers the first receipt");
      else {
        must(isInTime && !ends.has(id), "only what holds is committed, and once");
        must(!seqs.has(end.seq), "each commit is an event of its own");
        must(cancelled || end.countedE12 === wantedE12, "what was promised is counted in full");
        seqs.add(end.seq);
        ends.set(id, { seq: end.seq });
        usedE12 += end.countedE12;
        // Who has no access burns nothing but what was held before.
        if (!cancelled) spentE4 += object.isSuspended() && neededE4 > keptE4 ? keptE4 : neededE4;
        told.committed += 1;
      }
      promised.delete(id);
      sums();
    },
    consumed(unitsE12: bigint): void {
      turnPeriod();
      usedE12 += unitsE12;
      spentE4 += creditsOf(unitsE12);
      sums();
    },
    cancelled(): void {
      cancelled = true;
    },
    /** `at.backMs`: by how much the clock was set back that says how long it may be repeated. */
    leased(
      answer: { allowed: boolean; basis: Basis },
      at: { nowMs: number; boundMs: number; ownRev: number; backMs: number },
    ) {
      const { trueAtMs, rev, untilMs } = answer.basis;
      told.leased += 1;
      must(answer.allowed, "a no never comes from a lease");
      must(at.nowMs - trueAtMs <= at.boundMs + at.backMs, "no answer is older than the bound");
      must(object.now() < untilMs + at.backMs, "nothing is repeated past what falls due, nor past another weight");
      must(rev >= at.ownRev, "who changed something sees it in the next answer");
    },
    handedOut(
      { trueAtMs, rev, untilMs }: Basis,
      at: { nowMs: number; useMsMax: number; ownRev: number; backMs: number },
    ): void {
      told.handed += 1;
      must(at.nowMs - trueAtMs < at.useMsMax + at.backMs, "nothing is handed out once a block's time is over");
      must(object.now() < untilMs + at.backMs, "nothing is handed out past what falls due, nor past another weight");
      must(rev >= at.ownRev, "who changed something reserves by it");
    },
    /** When everybody is gone and everything has lapsed: nothing is held, and all that is left can be used. */
    rest(): void {
      object.pay();
      object.check(0);
      const { holds, held, pools } = object.book;
      must(holds.size === 0 && held.size === 0, "every block and every reservation ends");
      for (const { heldE4 } of pools.values()) must(heldE4 === 0n, "no credit stays held");
      for (const { heldE4 } of object.grants.values()) must(heldE4 === 0n, "no grant stays held");
      turnPeriod();
      sums();
      if (cancelled || state.limitE12 === undefined || isBurning) return;
      const leftE12 = state.limitE12 - usedE12;
      must(leftE12 === 0n || object.consume(leftE12) === leftE12, "the limit can be met exactly");
      must(object.consume(1n) === 0n, "and not passed");
    },
  };
}

export type Oracle = ReturnType<typeof openOracle>;
