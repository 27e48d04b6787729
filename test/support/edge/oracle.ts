import { creditsFor } from "../../../src/domain/credit-ledger.ts";
import type { Ended, ObjectModel, Offer } from "./object.ts";

/**
 * What must be true whatever happens. It sees everything at once, in true time, as nobody in the model can, and adds up by itself what
 * was promised and used: it looks at no block and at no lease.
 */

export type Promised = { id: string; unitsE12: bigint; expiresAtMs: number };

function must(holds: boolean, law: string): void {
  if (!holds) throw new Error(`broken: ${law}`);
}

export function openOracle(
  object: ObjectModel,
  { creditsPerUnitE12 }: Offer,
  state: { limitE12?: bigint; creditsE4: bigint },
) {
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
  };
  let usedE12 = 0n;
  let spentE4 = 0n;
  let cancelled = false;
  let periodEndMs: number | undefined;

  const creditsOf = (unitsE12: bigint): bigint =>
    creditsPerUnitE12 === undefined ? 0n : creditsFor(unitsE12, creditsPerUnitE12);

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
    for (const { unitsE12, expiresAtMs } of promised.values()) {
      if (expiresAtMs <= nowMs) continue;
      heldE12 += unitsE12;
      heldE4 += creditsOf(unitsE12);
    }
    must(state.limitE12 === undefined || usedE12 + heldE12 <= state.limitE12, "used + promised ≤ limit");
    must(creditsPerUnitE12 === undefined || spentE4 + heldE4 <= state.creditsE4, "burned + promised ≤ credits");
  }

  return {
    told,
    sums,
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
        if (!cancelled) spentE4 += creditsOf(end.countedE12);
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
    /** An answer from a lease, that was true at `trueAtMs` and after `rev` commits. */
    leased(
      answer: { allowed: boolean; rev: number; trueAtMs: number },
      at: { nowMs: number; boundMs: number; ownRev: number },
    ) {
      told.leased += 1;
      must(answer.allowed, "a no never comes from a lease");
      must(at.nowMs - answer.trueAtMs <= at.boundMs, "no answer is older than the bound");
      must(answer.rev >= at.ownRev, "who changed something sees it in the next answer");
    },
    /** A reservation from a block that was lent at `lentAtMs`, after `rev` commits, when nothing was to fall due before `dueAtMs`. */
    handedOut(
      lent: { rev: number; lentAtMs: number; dueAtMs: number },
      at: { nowMs: number; useMsMax: number; ownRev: number },
    ): void {
      told.handed += 1;
      must(at.nowMs - lent.lentAtMs < at.useMsMax, "nothing is handed out once a block's time is over");
      must(object.now() < lent.dueAtMs, "nothing is handed out past what falls due");
      must(lent.rev >= at.ownRev, "who changed something reserves by it");
    },
    /** When everybody is gone and everything has lapsed: nothing is held, and all that is left can be used. */
    rest(): void {
      object.check(0);
      const { holds, held, pools } = object.book;
      must(holds.size === 0 && held.size === 0, "every block and every reservation ends");
      for (const { heldE4 } of pools.values()) must(heldE4 === 0n, "no credit stays held");
      for (const { heldE4 } of object.grants.values()) must(heldE4 === 0n, "no grant stays held");
      turnPeriod();
      sums();
      if (cancelled || state.limitE12 === undefined || creditsPerUnitE12 !== undefined) return;
      const leftE12 = state.limitE12 - usedE12;
      must(leftE12 === 0n || object.consume(leftE12) === leftE12, "the limit can be met exactly");
      must(object.consume(1n) === 0n, "and not passed");
    },
  };
}

export type Oracle = ReturnType<typeof openOracle>;
