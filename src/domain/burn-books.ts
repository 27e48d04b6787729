import { type Break, type LawVerdict, verdict } from "./books.ts";
import type { E4 } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";

/**
 * The law of what events burned: an event's receipt and the ledgers of all pools tell the same. An event took what its deductions took;
 * a correction took what it burned more, less what came back by its reversals. Deductions by hand, and their reversals, name no event.
 */

/** What an entry moved for an event or a correction: below 0 it was taken. */
export type EventEntry = { eventSeq: number; amountE4: E4 };

/** Told of events that burned credits, by their places, upwards. */
export type BurnAudit = { event: (seq: number, drawnE4: E4) => void; verdict: () => LawVerdict };

/** `entries` of all pools that name an event, by its place, upwards: they are walked beside the events, so none is remembered. */
export function auditBurns(entries: Iterable<EventEntry>): BurnAudit {
  const walk = entries[Symbol.iterator]();
  let next = walk.next();
  let [saidE4, tookE4] = [0n, 0n];
  let broken: Break | undefined;
  /** What the ledger took for the next event that it names, if that one's place is not after this one. */
  const taken = (throughSeq: number): { seq: number; amountE4: E4 } | undefined => {
    if (next.done || next.value.eventSeq > throughSeq) return undefined;
    const { eventSeq: seq } = next.value;
    let amountE4 = 0n;
    for (; !next.done && next.value.eventSeq === seq; next = walk.next()) amountE4 -= next.value.amountE4;
    tookE4 += amountE4;
    return { seq, amountE4 };
  };
  const differ = (number: number, said: string, isE4: E4): void => {
    broken ??= { kind: "event", number, why: `${said}, the ledger took ${formatE4(isE4)} for it` };
  };
  /** Entries of events that are not told of: they are gone, or say that they burned nothing. */
  const pass = (throughSeq: number): void => {
    for (let one = taken(throughSeq); one !== undefined; one = taken(throughSeq))
      differ(one.seq, "is not there, or says nothing of credits", one.amountE4);
  };
  return {
    event(seq, drawnE4) {
      pass(seq - 1);
      const isE4 = taken(seq)?.amountE4 ?? 0n;
      saidE4 += drawnE4;
      if (isE4 !== drawnE4) differ(seq, `says that it burned ${formatE4(drawnE4)}`, isE4);
    },
    verdict() {
      pass(Number.POSITIVE_INFINITY);
      const sides = { left: saidE4, right: tookE4, format: formatE4 };
      return verdict("events_burnt", { kind: "customer", number: 0 }, sides, broken);
    },
  };
}
