import {
  addCounted,
  auditBalance,
  auditCounter,
  auditCounterStart,
  auditInvoices,
  auditUsage,
  type Break,
  type CountedUnits,
  type LawChecked,
  type LawVerdict,
  NOTHING_COUNTED,
} from "../../domain/books.ts";
import { auditBurns } from "../../domain/burn-books.ts";
import type { CreditEntry } from "../../domain/credit.ts";
import type { Counted } from "../../domain/event.ts";
import { customerThingId } from "../../domain/ids.ts";
import type { InvoiceLine } from "../../domain/invoice.ts";
import { auditSpans } from "../../domain/mrr-books.ts";
import { auditPool, heldCredits } from "../../domain/pool-books.ts";
import { startReading } from "../../domain/reading-books.ts";
import type { Reply } from "../../domain/refusal.ts";
import { auditRollups } from "../../domain/rollup-books.ts";
import { auditRows } from "../../domain/row-books.ts";
import { pinKey } from "../../domain/subscription.ts";
import { counterKey } from "../../domain/usage.ts";
import type { BooksReply } from "../calls.ts";
import { entryCountOf } from "../credit-store.ts";
import type { Customer } from "../image.ts";
import * as rows from "../readable-rows.ts";
import { rowCounts } from "../row-counts.ts";
import { unknownCustomer } from "./check.ts";

/**
 * The books of the customer, checked now: all that was ever written, read from the tables and not from memory, so that a row which
 * anybody changed is found. Costs what the history is long.
 */
export function books(customer: Customer, nowMs: number): Reply<BooksReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const tables = { sql: customer.sql, reading: startReading() };
  rows.noteBehind(tables);
  const laws = [
    rowVerdict(tables),
    ...poolVerdicts(tables),
    ...usageVerdicts(tables),
    rollupVerdict(tables),
    ...moneyVerdicts(tables),
    spanVerdict(tables),
  ];
  // Last, since all others read for it; first, since what cannot be read breaks others.
  const all = [tables.reading.verdict(rows.rowsRead(tables)), ...laws];
  return { ok: true, value: { asOfMs: nowMs, laws: all.map((law) => checked(customer, law)) } };
}

function rowVerdict(tables: rows.Books): LawVerdict {
  const invoicesMade = new Map<number, number>();
  let segment = 0;
  const note = (lines: readonly InvoiceLine[]): void => {
    for (const { usage } of lines) segment = Math.max(segment, usage?.segment ?? 0);
  };
  for (const { number, invoiceCount, owed } of rows.allSubscriptions(tables)) {
    invoicesMade.set(number, invoiceCount);
    note(owed);
  }
  for (const { lines } of rows.allInvoices(tables)) note(lines);
  return auditRows(rowCounts(tables.sql, { invoicesMade, segment }));
}

function* poolVerdicts(tables: rows.Books): Iterable<LawVerdict> {
  const held = heldCredits(rows.allHolds(tables));
  const ends = new Map<number, number | undefined>();
  for (const { number, endedAtMs } of rows.allSubscriptions(tables)) ends.set(number, endedAtMs);
  for (const { number, pool } of rows.allPools(tables)) {
    const facts = {
      heldE4: held.ofGrants,
      linksHeldE4: held.ofLinks(number),
      ends,
      entryCount: entryCountOf(tables.sql, number),
      ledger: () => ledgerOf(tables, number),
    };
    // Of a pool that cannot be read there is no law, yet its rows may be unreadable, too.
    const audit = pool === undefined ? undefined : auditPool(pool, facts);
    for (const { entry, ...beside } of rows.allEntries(tables, number)) audit?.entry(entry, beside);
    for (const grant of rows.allGrants(tables, number)) audit?.grant(grant);
    yield* audit?.verdicts() ?? [];
  }
}

function* ledgerOf(tables: rows.Books, pool: number): Iterable<CreditEntry> {
  for (const { entry } of rows.allEntries(tables, pool)) yield entry;
}

function* usageVerdicts(tables: rows.Books): Iterable<LawVerdict> {
  const billed = rows.newestBilled(tables);
  const sums = new Map<string, CountedUnits>();
  const starts = new Map<string, CountedUnits>();
  const add = (to: Map<string, CountedUnits>, key: string, counted: Counted) =>
    to.set(key, addCounted(to.get(key) ?? NOTHING_COUNTED, counted));
  const burns = auditBurns(rows.eventEntries(tables));
  for (const { seq, featureId, counted, burnt } of rows.countedEvents(tables)) {
    if (burnt !== undefined) burns.event(seq, burnt.drawnE4);
    if (counted === undefined) continue;
    const key = counterKey(counted.subscription, featureId);
    add(sums, key, counted);
    if (counted.afterSegment < (billed.get(key) ?? 0)) add(starts, key, counted);
  }
  yield burns.verdict();
  for (const counter of rows.allCounters(tables)) {
    const key = counterKey(counter.subscription, counter.featureId);
    yield auditCounter(counter, sums.get(key) ?? NOTHING_COUNTED);
    yield auditCounterStart(counter, starts.get(key) ?? NOTHING_COUNTED);
  }
}

function rollupVerdict(tables: rows.Books): LawVerdict {
  const audit = auditRollups(rows.allRollups(tables));
  for (const event of rows.summedEvents(tables)) audit.event(event);
  return audit.verdict();
}

function* moneyVerdicts(tables: rows.Books): Iterable<LawVerdict> {
  yield auditInvoices(rows.allInvoices(tables));
  yield usageVerdict(tables);
  for (const [currency, entries] of Map.groupBy(rows.balanceEntries(tables), (entry) => entry.currency))
    yield auditBalance(currency, entries);
}

function usageVerdict(tables: rows.Books): LawVerdict {
  const audit = auditUsage();
  for (const { lines, status } of rows.allInvoices(tables)) audit.lines(lines, status);
  for (const { owed } of rows.allSubscriptions(tables)) audit.lines(owed);
  const pins = rows.allPins(tables);
  for (const segment of rows.allSegments(tables)) audit.segment(segment, pins.get(pinKey(segment)));
  return audit.verdict();
}

function spanVerdict(tables: rows.Books): LawVerdict {
  const subscriptions = new Map([...rows.allSubscriptions(tables)].map((one) => [one.number, one]));
  const facts = { subscriptions, pins: rows.allPins(tables), invoices: rows.allInvoices(tables) };
  return auditSpans(rows.allSpans(tables), facts);
}

/** Of these the number is all that they are told by outside; of a day of usage its date, if it has one. */
function idOf({ image }: Customer, kind: LawVerdict["subject"]["kind"] | Break["kind"], number: number): string {
  switch (kind) {
    case "usageDay": {
      const day = new Date(number);
      return Number.isNaN(day.getTime()) ? String(number) : day.toISOString().slice(0, 10);
    }
    case "usageSegment":
    case "balanceEntry":
    case "planVersion":
    case "mrrSpan":
      return String(number);
    default:
      return customerThingId(image.owner.tag, kind, number);
  }
}

function checked(customer: Customer, { subject, brokenBy, ...law }: LawVerdict): LawChecked {
  return {
    ...law,
    subject: {
      kind: subject.kind,
      id: idOf(customer, subject.kind, subject.number),
      ...(subject.name === undefined ? {} : { name: subject.name }),
    },
    ...(brokenBy === undefined
      ? {}
      : {
          brokenBy: { kind: brokenBy.kind, id: idOf(customer, brokenBy.kind, brokenBy.number), why: brokenBy.why },
        }),
  };
}
