import {
  addCounted,
  auditBalance,
  auditCounter,
  auditCounterStart,
  auditInvoices,
  auditUsage,
  type CountedUnits,
  type LawChecked,
  type LawVerdict,
  NOTHING_COUNTED,
} from "../../domain/books.ts";
import { auditBurns } from "../../domain/burn-books.ts";
import type { Counted } from "../../domain/event.ts";
import { customerThingId, type IdKind } from "../../domain/ids.ts";
import { auditPool, heldCredits } from "../../domain/pool-books.ts";
import type { Reply } from "../../domain/refusal.ts";
import { auditRollups } from "../../domain/rollup-books.ts";
import { auditRows } from "../../domain/row-books.ts";
import { type PlanPin, pinKey } from "../../domain/subscription.ts";
import { counterKey } from "../../domain/usage.ts";
import {
  allCounters,
  allInvoices,
  allSegments,
  countedEvents,
  eventEntries,
  newestBilled,
  summedEvents,
} from "../audit-rows.ts";
import { allBalanceEntries } from "../balance-store.ts";
import { findPin, readHolds, readSubscriptions } from "../book-store.ts";
import type { BooksReply } from "../calls.ts";
import { entriesBehind, entryCountOf, grantsOf, ledgerOf, readPools } from "../credit-store.ts";
import type { Customer } from "../image.ts";
import { rowCounts } from "../row-counts.ts";
import { rollupsByTime } from "../store.ts";
import { unknownCustomer } from "./check.ts";

/**
 * The books of the customer, checked now: all that was ever written, read from the tables and not from memory, so that a row which
 * anybody changed is found. Costs what the history is long.
 */
export function books(customer: Customer, nowMs: number): Reply<BooksReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const laws = [
    auditRows(rowCounts(customer.sql)),
    ...poolVerdicts(customer),
    ...usageVerdicts(customer),
    rollupVerdict(customer),
    ...moneyVerdicts(customer),
  ];
  return { ok: true, value: { asOfMs: nowMs, laws: laws.map((law) => checked(customer, law)) } };
}

function* poolVerdicts({ sql }: Customer): Iterable<LawVerdict> {
  const held = heldCredits(readHolds(sql, "WHERE status = 'HELD'"));
  for (const pool of readPools(sql)) {
    const { number } = pool;
    const ledger = () => entriesBehind(sql, number, { atMs: Number.MIN_SAFE_INTEGER, number: 0 });
    const facts = { heldE4: held.ofGrants, linksHeldE4: held.ofLinks(number), entryCount: entryCountOf(sql, number) };
    const audit = auditPool(pool, { ...facts, ledger });
    for (const { entry, ...beside } of ledgerOf(sql, number)) audit.entry(entry, beside);
    for (const grant of grantsOf(sql, number)) audit.grant(grant);
    yield* audit.verdicts();
  }
}

function* usageVerdicts({ sql }: Customer): Iterable<LawVerdict> {
  const billed = newestBilled(sql);
  const sums = new Map<string, CountedUnits>();
  const starts = new Map<string, CountedUnits>();
  const add = (to: Map<string, CountedUnits>, key: string, counted: Counted) =>
    to.set(key, addCounted(to.get(key) ?? NOTHING_COUNTED, counted));
  const burns = auditBurns(eventEntries(sql));
  for (const { seq, featureId, counted, burnt } of countedEvents(sql)) {
    if (burnt !== undefined) burns.event(seq, burnt.drawnE4);
    if (counted === undefined) continue;
    const key = counterKey(counted.subscription, featureId);
    add(sums, key, counted);
    if (counted.afterSegment < (billed.get(key) ?? 0)) add(starts, key, counted);
  }
  yield burns.verdict();
  for (const counter of allCounters(sql)) {
    const key = counterKey(counter.subscription, counter.featureId);
    yield auditCounter(counter, sums.get(key) ?? NOTHING_COUNTED);
    yield auditCounterStart(counter, starts.get(key) ?? NOTHING_COUNTED);
  }
}

function rollupVerdict({ sql }: Customer): LawVerdict {
  const audit = auditRollups(rollupsByTime(sql));
  for (const event of summedEvents(sql)) audit.event(event);
  return audit.verdict();
}

function* moneyVerdicts({ sql }: Customer): Iterable<LawVerdict> {
  yield auditInvoices(allInvoices(sql));
  yield usageVerdict(sql);
  for (const [currency, entries] of Map.groupBy(allBalanceEntries(sql), (entry) => entry.currency))
    yield auditBalance(currency, entries);
}

function usageVerdict(sql: SqlStorage): LawVerdict {
  const audit = auditUsage();
  for (const { lines, status } of allInvoices(sql)) audit.lines(lines, status);
  for (const { owed } of readSubscriptions(sql)) audit.lines(owed);
  const pins = new Map<string, PlanPin | undefined>();
  for (const segment of allSegments(sql)) {
    const key = pinKey(segment);
    if (!pins.has(key)) pins.set(key, findPin(sql, segment));
    audit.segment(segment, pins.get(key));
  }
  return audit.verdict();
}

/** Entries of the money balance and segments of usage are not seen outside: they have a number alone. A day of usage is its date. */
function checked({ image }: Customer, { subject, brokenBy, ...law }: LawVerdict): LawChecked {
  const idOf = (kind: IdKind | "usageDay" | "usageSegment", number: number): string => {
    if (kind === "usageDay") return new Date(number).toISOString().slice(0, 10);
    if (kind === "usageSegment" || kind === "balanceEntry") return String(number);
    return customerThingId(image.owner.tag, kind, number);
  };
  return {
    ...law,
    subject: {
      kind: subject.kind,
      id: idOf(subject.kind, subject.number),
      ...(subject.name === undefined ? {} : { name: subject.name }),
    },
    ...(brokenBy === undefined
      ? {}
      : { brokenBy: { kind: brokenBy.kind, id: idOf(brokenBy.kind, brokenBy.number), why: brokenBy.why } }),
  };
}
