import {
  type Bill,
  type Book,
  billsOf,
  DAY,
  HOUR,
  isFree,
  isTime,
  isUnpaid,
  type Line,
  owe,
  type Paid,
  planOf,
  type Share,
  type Sub,
  sumOfLines,
  type Use,
  versionOf,
} from "./book.ts";
import { cents, type Exact, fraction, minus, most, NONE, rounded, sumOf } from "./exact.ts";
import type { Rule } from "./facts.ts";
import { giveComing, keepComing } from "./plan-credits.ts";
import { isPriced, leftOf, priceOfTime, priceOfTotal, type Span } from "./price.ts";

/** What a bill is: its lines, what the balance does to it, and which credit has to wait since what it gives back is not paid. */

/** The price of a period before it begins; in arrears and of a free plan there is none. */
export function aheadLines(book: Book, sub: Sub): Line[] {
  if (planOf(book, sub).inArrears || isFree(book, sub)) return [];
  return [timeLine(book, sub, { kind: "BASE", part: sub, whole: sub })];
}

/** A part of the price of the version that `ref` has; `sign` −1 gives it back. */
export function timeLine(
  book: Book,
  ref: { plan: string; version: number },
  { kind, part, whole, sign = 1n }: { kind: "BASE" | "PRORATION"; part: Span; whole: Span; sign?: 1n | -1n },
): Line {
  const amount = priceOfTime(versionOf(book, ref), planOf(book, ref), part, whole);
  return { kind, cents: sign * amount, fromMs: part.fromMs, toMs: part.toMs };
}

/** In arrears: the price of each version for the time that it was in force, until the end or the suspension. */
export function arrearsLines(book: Book, sub: Sub, atMs: number): Line[] {
  const untilMs = Math.min(atMs, sub.suspendedMs ?? atMs);
  return sub.stretches.flatMap((stretch, index) => {
    const toMs = Math.min(sub.stretches[index + 1]?.fromMs ?? untilMs, untilMs);
    const isCharged = planOf(book, stretch).inArrears && !isFree(book, stretch) && toMs > stretch.fromMs;
    const part = { fromMs: stretch.fromMs, toMs };
    return isCharged ? [timeLine(book, stretch, { kind: "BASE", part, whole: sub })] : [];
  });
}

/**
 * Everything that was used in the period, feature by feature and version by version: what all units up to the end of a stretch cost,
 * less what those before it cost. All units: of this period, or of all time where they accumulate.
 */
export function usageLines(book: Book, sub: Sub, atMs: number): Line[] {
  const features = [...new Set(sub.uses.map(({ feature }) => feature))];
  return sub.stretches.flatMap((stretch, index) => {
    const toMs = sub.stretches[index + 1]?.fromMs ?? atMs;
    return features.flatMap((feature) => {
      const rule = versionOf(book, stretch).rules.find((one) => one.feature === feature);
      if (rule === undefined || !isPriced(rule)) return [];
      const before = billableUntil(sub, rule, { period: sub.period, stretch: index - 1 });
      const after = billableUntil(sub, rule, { period: sub.period, stretch: index });
      const units = minus(after, before);
      if (units.n === 0n) return [];
      const price = minus(priceOfTotal(rule, most(NONE, after)), priceOfTotal(rule, most(NONE, before)));
      const amount = cents(price, planOf(book, stretch).currency);
      const place = placeOf(sub.period, index, feature);
      return [{ kind: "USAGE" as const, cents: amount, fromMs: stretch.fromMs, toMs, feature, units, place }];
    });
  });
}

/** Where units were billed. */
export const placeOf = (period: number, stretch: number, feature: string) => `${period} ${stretch} ${feature}`;

type Until = { period: number; stretch: number };

/** The same without those that credits paid for. */
export function billableUntil(sub: Sub, rule: Rule, until: Until): Exact {
  return minus(
    unitsUntil(sub, rule, until),
    sumOf(countedUntil(sub, rule, until).map(({ covered = NONE }) => covered)),
  );
}

/** Units of a feature that were used up to a stretch of a period, that stretch included. */
export function unitsUntil(sub: Sub, rule: Rule, until: Until): Exact {
  return sumOf(countedUntil(sub, rule, until).map(({ units }) => units));
}

function countedUntil({ uses }: Sub, { feature, accumulates }: Rule, until: Until): Use[] {
  return uses.filter(
    (use) =>
      use.feature === feature &&
      (use.period === until.period ? use.stretch <= until.stretch : accumulates && use.period < until.period),
  );
}

export type Asked = {
  type: "IN_ADVANCE_INITIAL" | "REGULAR" | "ADJUSTMENT";
  lines: readonly Line[];
  span: Span;
  /** When it falls due. */
  atMs: number;
  /** The bill that was announced. */
  announced?: Bill | undefined;
  /** Credits of the plan that come with its payment. */
  brings?: Share[] | undefined;
};

/** Makes a bill, unless there is nothing to bill and none was announced. What is PAID at once is paid for its time. */
export function bill(book: Book, sub: Sub, asked: Asked): Bill | undefined {
  if (asked.lines.length === 0 && sub.waiting.length === 0 && asked.announced === undefined) return undefined;
  const made = issue(book, sub, asked);
  if (made.status === "PAID") {
    notePaid(sub, made);
    keepComing(sub, made, asked.brings ?? []);
    giveComing(book, sub, asked.atMs);
  } else if (asked.brings !== undefined) made.brings = asked.brings;
  return made;
}

/**
 * A bill asks for its lines and those that waited for it. What is owed to the customer is taken off; what they owe still comes on top;
 * below nothing it does not go, the rest is owed to them. Made more than an hour late, it is due when it is made.
 */
export function issue(book: Book, sub: Sub, { type, lines, span, atMs, announced }: Asked): Bill {
  const { currency } = planOf(book, sub);
  const dueMs = book.nowMs - atMs > HOUR ? book.nowMs : atMs;
  const all = [...lines, ...sub.waiting];
  sub.waiting = [];
  let restingCents = 0n;
  if (sumOfLines(all) < 0n) restingCents = restOnUnpaid(book, sub, { all, lines });
  const owed = sumOfLines(all);
  const wanted = owed + restingCents - (book.balances[currency] ?? 0n);
  const amount = wanted > 0n ? wanted : 0n;
  const moved = amount - owed;
  if (moved !== 0n) all.push({ kind: "CREDIT", cents: moved, fromMs: span.fromMs, toMs: span.toMs });
  owe(book, currency, moved - restingCents);
  const made = announced ?? newBill(book, sub, { type, currency, span });
  Object.assign(made, { type, status: amount === 0n ? "PAID" : "DUE", lines: all, cents: amount, dueMs });
  Object.assign(made, { fromMs: span.fromMs, toMs: span.toMs });
  if (amount === 0n) made.paidMs = dueMs;
  else if (type !== "IN_ADVANCE_INITIAL") made.graceEndsMs = dueMs + sub.graceDays * DAY;
  return made;
}

/** A PENDING bill without lines. */
export function newBill(
  book: Book,
  sub: Sub,
  { type, currency, span: { fromMs, toMs } }: Pick<Bill, "type" | "currency"> & { span: Span },
): Bill {
  sub.bills += 1;
  const made: Bill = {
    sub: sub.number,
    place: sub.bills,
    type,
    status: "PENDING",
    currency,
    lines: [],
    cents: 0n,
    fromMs,
    toMs,
    dueMs: toMs,
    resting: [],
    givenBack: 0n,
  };
  book.bills.push(made);
  return made;
}

/** Where what is paid for begins: with the period, or earlier where older time is not over. */
const paidSince = ({ paid, fromMs }: Sub) => Math.min(fromMs, ...paid.map((one) => one.fromMs));

function addPaid(sub: Sub, more: readonly Paid[]): void {
  if (sub.status === "CANCELLED") return;
  const sinceMs = paidSince(sub);
  sub.paid.push(...more.filter(({ toMs }) => toMs > sinceMs));
}

/** What a paid bill charged for time, and what it gave back. */
export function notePaid(sub: Sub, { lines }: Bill): void {
  addPaid(
    sub,
    lines.filter(isTime).map(({ cents: amount, fromMs, toMs }) => ({ cents: amount, fromMs, toMs })),
  );
}

/** Money of a paid bill was given back: in proportion its time counts as not paid. */
export function noteGivenBack(sub: Sub, { lines }: Bill, amount: bigint): void {
  const charged = sumOfLines(lines.filter(({ kind }) => kind !== "CREDIT"));
  if (charged <= 0n) return;
  addPaid(
    sub,
    lines.filter(isTime).map((line) => ({
      cents: -rounded(fraction(line.cents * amount, charged)),
      fromMs: line.fromMs,
      toMs: line.toMs,
    })),
  );
}

/**
 * No credit for what was not paid: what of it goes beyond the unused part of what was paid rests on the unpaid bills, oldest first, as far
 * as they charge for time that is not over. What is left then nobody ever paid, so a line takes it back; a cent for each amount
 * that was paid is rounding. Returns what rests.
 */
function restOnUnpaid(book: Book, sub: Sub, { all, lines }: { all: Line[]; lines: readonly Line[] }): bigint {
  const given = lines.filter((line) => isTime(line) && line.cents < 0n);
  const [first] = given;
  if (first === undefined) return 0n;
  const beyond = -sumOfLines(given) - rounded(leftOf(sub.paid, first.fromMs));
  const credit = -sumOfLines(all);
  let left = beyond < 0n ? 0n : beyond < credit ? beyond : credit;
  let resting = 0n;
  const sinceMs = paidSince(sub);
  for (const other of billsOf(book, sub).filter(isUnpaid)) {
    const charged = sumOfLines(other.lines.filter((line) => isTime(line) && line.toMs > sinceMs));
    const room = charged - other.resting.reduce((sum, { cents: amount }) => sum + amount, 0n);
    const part = left < room ? left : room;
    if (part <= 0n) continue;
    other.resting.push({ cents: part, fromMs: first.fromMs, toMs: first.toMs });
    left -= part;
    resting += part;
  }
  if (left > BigInt(sub.paid.length)) all.push({ ...first, cents: left });
  return resting;
}

/** A bill that nobody has to pay: the credit that it took is owed again, and what rested on it counts as not given. */
export function drop(book: Book, sub: Sub, dropped: Bill, status: "VOID" | "CANCELLED"): void {
  owe(book, dropped.currency, -sumOfLines(dropped.lines.filter(({ kind }) => kind === "CREDIT")));
  addPaid(sub, dropped.resting);
  dropped.status = status;
  delete dropped.graceEndsMs;
  delete dropped.brings;
  delete dropped.underWayMs;
}

/** Does an unpaid bill give a part back of what another one charges for? */
export function givesBack(later: Bill, earlier: Bill): boolean {
  const back = later.lines.filter((line) => isTime(line) && line.cents < 0n);
  const charged = earlier.lines.filter((line) => isTime(line) && line.cents > 0n);
  return (
    later.place > earlier.place &&
    back.some((one) => charged.some((other) => other.fromMs < one.toMs && one.fromMs < other.toMs))
  );
}
