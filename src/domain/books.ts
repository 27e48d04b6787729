import { formatE12 } from "./amount.ts";
import { assert } from "./assert.ts";
import { hasPrice } from "./billing.ts";
import type { BalanceEntry } from "./book.ts";
import type { Counted, StoredEvent } from "./event.ts";
import type { Invoice, InvoiceLine, InvoiceStatus } from "./invoice.ts";
import type { PlanPin } from "./subscription.ts";
import type { Counter, UsageSegment } from "./usage.ts";

/**
 * The conservation laws of a customer's books, held against everything that was ever written: what commits assert of their own
 * changes, an auditor may ask of the whole. Owns the laws and those of counters and money; leaves those of credits to `pool-books.ts`.
 * Who asks hands in the rows, one after the other, since a history may be long.
 */

export const LAWS = [
  "rows_read",
  "rows_there",
  "pool_equation",
  "pool_totals",
  "pool_ledger",
  "ledger_chain",
  "entry_types",
  "pool_grants",
  "grants_ledger",
  "grant_amounts",
  "pool_held",
  "links_drawn",
  "links_held",
  "events_burnt",
  "counter_events",
  "counter_start",
  "rollup_events",
  "invoice_lines",
  "usage_billed",
  "balance_entries",
  "mrr_spans",
] as const;
export type Law = (typeof LAWS)[number];

/** The first thing that breaks a law. `number`: of a usage day, its first instant in ms; of a plan version, the version. */
export type Break = {
  kind:
    | "creditEntry"
    | "creditGrant"
    | "creditPool"
    | "event"
    | "customer"
    | "usageDay"
    | "invoice"
    | "subscription"
    | "usageSegment"
    | "reservation"
    | "payment"
    | "balanceEntry"
    | "planVersion"
    | "mrrSpan";
  number: number;
  why: string;
};

/** `subject`: what was checked. Both sides are exact decimals; `brokenBy` only where they differ. */
export type LawVerdict = {
  law: Law;
  subject: { kind: "creditPool" | "subscription" | "customer"; number: number; name?: string };
  left: string;
  right: string;
  holds: boolean;
  brokenBy?: Break;
};

/** The same with ids in place of numbers. */
export type LawChecked = Omit<LawVerdict, "subject" | "brokenBy"> & {
  subject: { kind: LawVerdict["subject"]["kind"]; id: string; name?: string };
  brokenBy?: { kind: Break["kind"]; id: string; why: string };
};

/** What a law compares. */
export type Sides = { left: bigint; right: bigint; format: (value: bigint) => string };

export const count = (value: bigint): string => value.toString();

/** A law holds where both sides are equal and nothing was found to break it: two faults may make one sum. */
export function verdict(
  law: Law,
  subject: LawVerdict["subject"],
  { left, right, format }: Sides,
  first: Break | undefined,
): LawVerdict {
  const holds = left === right && first === undefined;
  return {
    law,
    subject,
    left: format(left),
    right: format(right),
    holds,
    ...(holds || first === undefined ? {} : { brokenBy: first }),
  };
}

/** What an event says of where it was counted, of what it burned and of what it corrects. `seq`: its place. */
export type CountedEvent = { seq: number; featureId: string } & Pick<StoredEvent, "counted" | "burnt" | "correction">;

/** What events leave in their counter: all units, and those that are billed. */
export type CountedUnits = Pick<Counter, "usedE12" | "billableE12">;

export const NOTHING_COUNTED: CountedUnits = { usedE12: 0n, billableE12: 0n };

/**
 * The same after one more event, each told once and in order. Units that credits cover are not billed; of units that are taken back
 * billed ones go first, and covered ones when there are no more: so the order matters, and neither is ever below 0.
 */
export function addCounted(
  { usedE12: usedBeforeE12, billableE12: beforeE12 }: CountedUnits,
  { unitsE12, coveredE12 = 0n }: Pick<Counted, "unitsE12" | "coveredE12">,
): CountedUnits {
  const usedE12 = usedBeforeE12 + unitsE12;
  const billedE12 = beforeE12 + unitsE12 - coveredE12;
  const billableE12 = billedE12 < 0n ? 0n : billedE12;
  return { usedE12, billableE12: billableE12 < usedE12 ? billableE12 : usedE12 };
}

/** A counter is what was counted of its events, and its billable units are those of them that no credits covered. */
export function auditCounter(
  counter: Pick<Counter, "subscription" | "featureKey" | "usedE12" | "billableE12">,
  counted: CountedUnits,
): LawVerdict {
  const { subscription: number, featureKey: name, usedE12, billableE12 } = counter;
  const why =
    usedE12 !== counted.usedE12
      ? `the counter of ${name} is not the sum of its events`
      : billableE12 !== counted.billableE12
        ? `the counter of ${name} has ${formatE12(billableE12)} billable units, its events leave ${formatE12(counted.billableE12)}`
        : undefined;
  return verdict(
    "counter_events",
    { kind: "subscription", number, name },
    { left: usedE12, right: counted.usedE12, format: formatE12 },
    why === undefined ? undefined : { kind: "subscription", number, why },
  );
}

/**
 * A period began with what was counted until the one before it closed, which billed all segments of the counter: events until then
 * were counted before the newest billed segment was made (`afterSegment` is below its number), those since were not. `counted` is the
 * sum of the former.
 */
export function auditCounterStart(
  counter: Pick<Counter, "subscription" | "featureKey" | "usedAtStartE12" | "billableAtStartE12">,
  { usedE12, billableE12 }: CountedUnits,
): LawVerdict {
  const { subscription: number, featureKey: name, usedAtStartE12, billableAtStartE12 } = counter;
  const why =
    usedAtStartE12 !== usedE12
      ? `the period of ${name} began with ${formatE12(usedAtStartE12)} units, the events until then leave ${formatE12(usedE12)}`
      : billableAtStartE12 !== billableE12
        ? `the period of ${name} began with ${formatE12(billableAtStartE12)} billable units, the events until then leave ${formatE12(billableE12)}`
        : undefined;
  return verdict(
    "counter_start",
    { kind: "subscription", number, name },
    { left: usedAtStartE12, right: usedE12, format: formatE12 },
    why === undefined ? undefined : { kind: "subscription", number, why },
  );
}

/** Each invoice is the sum of its lines and of their tax: how many are, of how many. */
export function auditInvoices(invoices: Iterable<Invoice>): LawVerdict {
  let [right, all] = [0n, 0n];
  let broken: Break | undefined;
  for (const invoice of invoices) {
    const { number, lines, taxLines = [], amountMinor } = invoice;
    all += 1n;
    // Not `sumOfLines`: it asserts what a doubter asks.
    const sum = [...lines, ...taxLines].reduce((total, line) => total + BigInt(line.amountMinor), 0n);
    if (sum === BigInt(amountMinor)) right += 1n;
    else
      broken ??= { kind: "invoice", number, why: `its amount is ${amountMinor}, its lines come to ${sum} minor units` };
  }
  return verdict("invoice_lines", { kind: "customer", number: 0 }, { left: right, right: all, format: count }, broken);
}

/** Where closed usage was billed: told of all invoices and of lines that wait for one, then asked about each closed segment. */
export type UsageAudit = {
  lines: (lines: readonly InvoiceLine[], status?: InvoiceStatus) => void;
  segment: (segment: UsageSegment, pin: PlanPin | undefined) => void;
  verdict: () => LawVerdict;
};

/**
 * What was used and has a price is on one invoice: on none it is lost, on two it is charged twice. One that is void or cancelled does
 * not count, but says that the usage was billed; it is billed again only where that was asked for.
 */
export function auditUsage(): UsageAudit {
  const standing = new Map<number, number>();
  const dropped = new Set<number>();
  let [right, all] = [0n, 0n];
  let broken: Break | undefined;
  return {
    lines(lines, status) {
      for (const { kind, usage } of lines) {
        if (kind !== "USAGE" || usage === undefined) continue;
        if (status === "VOID" || status === "CANCELLED") dropped.add(usage.segment);
        else standing.set(usage.segment, (standing.get(usage.segment) ?? 0) + 1);
      }
    },
    segment(segment, pin) {
      if (segment.billedAtMs === undefined || pin === undefined || !hasPrice(pin, segment)) return;
      all += 1n;
      const invoices = standing.get(segment.number) ?? 0;
      if (invoices === 1 || (invoices === 0 && dropped.has(segment.number))) right += 1n;
      else
        broken ??= {
          kind: "subscription",
          number: segment.subscription,
          why: `usage of ${segment.featureKey} until ${new Date(segment.endMs).toISOString()} is on ${invoices} invoices`,
        };
    },
    verdict: () =>
      verdict("usage_billed", { kind: "customer", number: 0 }, { left: right, right: all, format: count }, broken),
  };
}

/**
 * May an entry leave what it says? Only a debt takes a balance below 0: a small one that is carried over, what a void invoice takes back
 * of corrections, which may have been spent by then, or such a one that comes back.
 */
export function mayLeave(entry: BalanceEntry): boolean {
  const { balanceMinor, amountMinor, kind } = entry;
  return balanceMinor >= 0 || amountMinor > 0 || debtOf(entry) > 0 || kind === "VOIDED";
}

function debtOf({ kind, amountMinor }: BalanceEntry): number {
  return amountMinor < 0 && (kind === "CARRIED" || kind === "CORRECTION") ? -amountMinor : 0;
}

/**
 * Each entry of a money balance goes on from the one before, and none is below 0 by more than the debts until then; told of one currency
 * at a time.
 */
export function auditBalance(currency: string, entries: readonly BalanceEntry[]): LawVerdict {
  let [sum, debts] = [0, 0];
  let broken: Break | undefined;
  for (const entry of entries) {
    const { number, amountMinor, balanceMinor, currency: own } = entry;
    assert(own === currency, "a balance is of one currency");
    sum += amountMinor;
    debts += debtOf(entry);
    if (sum !== balanceMinor || sum < -debts || !mayLeave(entry))
      broken ??= {
        kind: "balanceEntry",
        number,
        why: `leaves ${balanceMinor}, the entries until then come to ${sum} minor units`,
      };
  }
  const left = BigInt(entries.at(-1)?.balanceMinor ?? 0);
  const subject = { kind: "customer" as const, number: 0, name: currency };
  return verdict("balance_entries", subject, { left, right: BigInt(sum), format: count }, broken);
}
