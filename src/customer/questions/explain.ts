import { explainLine, type LineExplanation } from "../../domain/explain.ts";
import { customerThingId } from "../../domain/ids.ts";
import type { Invoice, InvoiceLine } from "../../domain/invoice.ts";
import { REPLAY_EVENTS_MAX } from "../../domain/limits.ts";
import { formatMinor } from "../../domain/money.ts";
import type { Reply } from "../../domain/refusal.ts";
import { type InvoiceFacts, type ReplayDifference, replayInvoice, type SegmentEvents } from "../../domain/replay.ts";
import type { UsageSegment } from "../../domain/usage.ts";
import { countedBetween, type EventSpan, firstReceivedAt } from "../audit-rows.ts";
import { balanceEntriesOf } from "../balance-store.ts";
import { findPin } from "../book-store.ts";
import type { ExplainInvoiceReply, ReplayPage, ReplayReply } from "../calls.ts";
import type { Customer } from "../image.ts";
import { invoicesBehind, readInvoice, readSegment, segmentBefore } from "../invoice-store.ts";
import { invoiceOf, knownCustomer, viewOfInvoice } from "./billing.ts";
import { unknownCustomer } from "./check.ts";

/**
 * Invoices made again from the tables they came from, never from memory: so what anybody changed on the disk is found, and what is
 * told of a line is what is stored behind it.
 */

/** Where events received at an instant begin. */
type SeqAt = (atMs: number) => number;

/**
 * Features share the ends of their periods, and invoices too: each instant is looked for once. For one turn alone, in which no event
 * comes.
 */
function seqsFoundOnce(sql: SqlStorage): SeqAt {
  const found = new Map<number, number>();
  return (atMs) => {
    const known = found.get(atMs);
    if (known !== undefined) return known;
    const seq = firstReceivedAt(sql, atMs);
    found.set(atMs, seq);
    return seq;
  };
}

function factsOf(customer: Customer, { number }: Invoice, seqAt: SeqAt): InvoiceFacts {
  const { sql } = customer;
  const segments = new Map<number, UsageSegment | undefined>();
  const segmentOf = (segment: number): UsageSegment | undefined => {
    if (!segments.has(segment)) segments.set(segment, readSegment(sql, segment));
    return segments.get(segment);
  };
  const counted = new Map<number, SegmentEvents | undefined>();
  return {
    pinOf: (ref) => findPin(sql, ref),
    segmentOf,
    eventsOf: (segment) => {
      if (!counted.has(segment.number)) counted.set(segment.number, eventsOf(sql, segment, seqAt));
      return counted.get(segment.number);
    },
    balanceEntries: balanceEntriesOf(sql, number),
  };
}

/**
 * Sums up the events of a segment: those that were counted after the segment of its feature before it was closed, less what corrections
 * took from it later. They arrived until it was billed, but for those that waited in quarantine; these are looked for everywhere if the
 * others do not come to all.
 */
function eventsOf(sql: SqlStorage, segment: UsageSegment, seqAt: SeqAt): SegmentEvents | undefined {
  if (segment.events > REPLAY_EVENTS_MAX) return undefined;
  const before = segmentBefore(sql, segment);
  // The instant at which the segment was billed belongs to it as well: what came then may have been counted just before.
  const span = { first: seqAt(segment.startMs), end: seqAt((segment.billedAtMs ?? segment.endMs) + 1) };
  const near = sumOf(sql, segment, before, span);
  return near.events === segment.events ? near : sumOf(sql, segment, before, EVERYWHERE);
}

const EVERYWHERE: EventSpan = { first: 1, end: Number.MAX_SAFE_INTEGER };

function sumOf(
  sql: SqlStorage,
  { subscription, featureId, periodStartMs, number }: UsageSegment,
  before: number,
  span: EventSpan,
): SegmentEvents {
  const sum: SegmentEvents = { events: 0, unitsE12: 0n, coveredE12: 0n, drawnE4: 0n };
  for (const { counted, drawnE4, taken } of countedBetween(sql, featureId, span)) {
    if (counted.subscription !== subscription || counted.periodStartMs !== periodStartMs) continue;
    for (const { segment, unitsE12, coveredE12 } of taken) {
      if (segment !== number) continue;
      sum.unitsE12 -= unitsE12;
      sum.coveredE12 -= coveredE12;
    }
    if (counted.afterSegment < before || counted.afterSegment >= number) continue;
    // What was taken elsewhere is part of what the entry counts, and not of what it counts here.
    const unitsE12 = taken.reduce((sum, one) => sum + one.unitsE12, counted.unitsE12);
    const coveredE12 = taken.reduce((sum, one) => sum + one.coveredE12, counted.coveredE12 ?? 0n);
    if (taken.length === 0 || unitsE12 !== 0n) sum.events += 1;
    sum.unitsE12 += unitsE12;
    sum.coveredE12 += coveredE12;
    sum.drawnE4 += drawnE4;
  }
  return sum;
}

/** What stands behind each line of an invoice, and whether all of it still comes to the same. */
export function explainInvoice(customer: Customer, id: string): Reply<ExplainInvoiceReply> {
  const found = invoiceOf(customer, id);
  if (!found.ok) return found;
  const invoice = readInvoice(customer.sql, found.value.number) ?? found.value;
  const facts = factsOf(customer, invoice, seqsFoundOnce(customer.sql));
  const difference = differenceOf(invoice, facts);
  return {
    ok: true,
    value: {
      customer: knownCustomer(customer),
      invoice: viewOfInvoice(customer, customer.image.book, invoice),
      lines: invoice.lines.map((line) => explanationOf(invoice, line, facts)),
      ...(difference === undefined ? {} : { difference }),
    },
  };
}

/** A line whose facts cannot be read is what it says, and no more; the difference says why. */
function explanationOf(invoice: Invoice, line: InvoiceLine, facts: InvoiceFacts): LineExplanation {
  try {
    return explainLine(invoice, line, facts);
  } catch {
    return { formula: formatMinor(line.amountMinor, invoice.currency) };
  }
}

/** What cannot even be read is found like what differs: the other invoices are replayed all the same. */
function differenceOf(invoice: Invoice, facts: InvoiceFacts): ReplayDifference | undefined {
  try {
    return replayInvoice(invoice, facts);
  } catch (failure) {
    return {
      what: "what is stored behind the invoice",
      stored: `unreadable: ${String(failure)}`,
      replayed: "readable",
    };
  }
}

/** Were the events of all its usage counted again, where it matches? */
function isRecounted({ lines }: Invoice, { segmentOf, eventsOf }: InvoiceFacts): boolean {
  return lines.every(({ kind, usage }) => {
    const segment = kind === "USAGE" && usage !== undefined ? segmentOf(usage.segment) : undefined;
    return segment === undefined || eventsOf(segment) !== undefined;
  });
}

/** Replays a page of the customer's invoices; answers those that differ. */
export function replayInvoices(customer: Customer, { after, limit }: ReplayPage): Reply<ReplayReply> {
  if (customer.image.state.profile === undefined) return unknownCustomer(customer);
  const invoices = invoicesBehind(customer.sql, after, limit);
  const { tag } = customer.image.owner;
  const seqAt = seqsFoundOnce(customer.sql);
  let notRecounted = 0;
  const differing = invoices.flatMap((invoice) => {
    const facts = factsOf(customer, invoice, seqAt);
    const difference = differenceOf(invoice, facts);
    if (difference !== undefined) return [{ invoiceId: customerThingId(tag, "invoice", invoice.number), difference }];
    if (!isRecounted(invoice, facts)) notRecounted += 1;
    return [];
  });
  const last = invoices.length === limit ? invoices.at(-1) : undefined;
  return {
    ok: true,
    value: { checked: invoices.length, notRecounted, differing, ...(last === undefined ? {} : { next: last.number }) },
  };
}
