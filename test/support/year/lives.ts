import { aheadLines, arrearsLines, bill, drop, issue, newBill, notePaid, usageLines } from "./bills.ts";
import { type Bill, type Book, billsOf, DAY, dayOf, isUnpaid, type Line, owe, planOf, type Sub } from "./book.ts";
import { rounded } from "./exact.ts";
import { lapse } from "./holding.ts";
import { closeCredits, endCredits, giveComing, givePeriod, giveUp, keepComing, periodShares } from "./plan-credits.ts";
import { leftOf, monthsLater } from "./price.ts";

/** The life of a subscription: its periods, and what happens by itself. */

/** A period begins. */
export function open(book: Book, sub: Sub, fromMs: number, anchor: number): void {
  const { months, inArrears, currency } = planOf(book, sub);
  const toMs = monthsLater(fromMs, months, anchor);
  if (!sub.paid.some((one) => one.toMs > fromMs)) sub.paid = [];
  Object.assign(sub, { fromMs, toMs, anchor, isOpen: true, period: sub.period + 1, covered: [] });
  sub.stretches = [{ plan: sub.plan, version: sub.version, fromMs }];
  delete sub.announced;
  if (inArrears) sub.announced = newBill(book, sub, { type: "REGULAR", currency, span: sub });
}

/** A period ends: what it comes to. */
export function close(book: Book, sub: Sub, atMs: number): Line[] {
  const lines = [...arrearsLines(book, sub, atMs), ...usageLines(book, sub, atMs)];
  sub.isOpen = false;
  closeUses(sub, atMs);
  return lines;
}

/** From now on units count in another period, or between two. */
function closeUses(sub: Sub, atMs: number): void {
  sub.past[sub.period] = sub.stretches.map((stretch, index) => ({
    ...stretch,
    toMs: sub.stretches[index + 1]?.fromMs ?? atMs,
  }));
  sub.period += 1;
  sub.stretches = [{ plan: sub.plan, version: sub.version, fromMs: atMs }];
}

/** What was taken back since the period ended. */
function closeBetween(book: Book, sub: Sub, atMs: number): Line[] {
  const lines = usageLines(book, sub, atMs);
  closeUses(sub, atMs);
  return lines;
}

/** The subscription starts, or asks for its first payment. */
export function startOrAsk(book: Book, sub: Sub): void {
  const { months, inArrears } = planOf(book, sub);
  const anchor = dayOf(book.nowMs);
  const toMs = monthsLater(book.nowMs, months, anchor);
  Object.assign(sub, { fromMs: book.nowMs, toMs, anchor });
  if (inArrears) {
    activate(book, sub);
    return;
  }
  const lines = firstLines(book, sub);
  const first = issue(book, sub, { type: "IN_ADVANCE_INITIAL", lines, span: sub, atMs: book.nowMs });
  if (first.status === "PAID") startPaid(book, sub, first);
}

/** A first bill has its line also where the plan is free. */
function firstLines(book: Book, sub: Sub): Line[] {
  const lines = aheadLines(book, sub);
  return lines.length > 0 ? lines : [{ kind: "BASE", cents: 0n, fromMs: sub.fromMs, toMs: sub.toMs }];
}

function activate(book: Book, sub: Sub): void {
  Object.assign(sub, { status: "ACTIVE", activeMs: book.nowMs });
  open(book, sub, book.nowMs, dayOf(book.nowMs));
  givePeriod(book, sub, book.nowMs);
}

/** The first period begins when it is paid, and its bill says so. */
export function startPaid(book: Book, sub: Sub, first: Bill): void {
  activate(book, sub);
  const { fromMs, toMs } = sub;
  Object.assign(first, { fromMs, toMs, lines: first.lines.map((line) => ({ ...line, fromMs, toMs })) });
  notePaid(sub, first);
}

function applyScheduled(sub: Sub): void {
  if (sub.scheduled !== undefined) Object.assign(sub, { plan: sub.scheduled.plan, version: sub.scheduled.version });
  delete sub.scheduled;
}

/** The period's own end. The next one opens, unless the customer leaves or has no access. */
function periodEnds(book: Book, sub: Sub): void {
  const atMs = sub.toMs;
  if (sub.cancel !== undefined) {
    end(book, sub, { atMs, isDue: true });
    return;
  }
  closeCredits(book, sub, atMs);
  const { announced } = sub;
  const before = { fromMs: sub.fromMs, toMs: sub.toMs };
  const lines = close(book, sub, atMs);
  let ahead: Line[] = [];
  if (sub.status === "ACTIVE") {
    applyScheduled(sub);
    open(book, sub, atMs, sub.anchor);
    ahead = aheadLines(book, sub);
  } else delete sub.announced;
  const span = ahead.length > 0 ? sub : before;
  const brings = ahead.length > 0 ? periodShares(book, sub) : undefined;
  bill(book, sub, { type: "REGULAR", lines: [...lines, ...ahead], span, atMs, announced, brings });
  if (sub.status === "ACTIVE" && ahead.length === 0) givePeriod(book, sub, atMs);
}

type Ending = { atMs: number; isDue: boolean; also?: readonly Line[] };

/** The subscription ends, by itself or by hand; what is not billed yet is billed. */
export function end(book: Book, sub: Sub, { atMs, isDue, also = [] }: Ending): void {
  if (sub.isOpen) giveUp(book, sub, { atMs, isDue });
  const { announced } = sub;
  const lines = [...also, ...(sub.isOpen ? close : closeBetween)(book, sub, atMs)];
  bill(book, sub, { type: "REGULAR", lines, span: { fromMs: sub.fromMs, toMs: atMs }, atMs, announced });
  finish(book, sub, atMs);
}

function finish(book: Book, sub: Sub, atMs: number): void {
  endCredits(book, sub, atMs);
  delete sub.scheduled;
  delete sub.announced;
  Object.assign(sub, { status: "CANCELLED", isOpen: false, paid: [], endedMs: atMs });
}

/** Ends before its first bill was paid. */
export function abandon(book: Book, sub: Sub, atMs: number): void {
  for (const one of billsOf(book, sub).filter((other) => isUnpaid(other) || other.status === "PENDING"))
    drop(book, sub, one, "CANCELLED");
  finish(book, sub, atMs);
}

/** Ends at once: unpaid bills are void, their usage is on the last one, and what was paid for time that is left is owed back. */
export function endNow(book: Book, sub: Sub): void {
  const also: Line[] = [];
  for (const one of billsOf(book, sub).filter(isUnpaid)) {
    drop(book, sub, one, "VOID");
    also.push(...one.lines.filter(({ kind }) => kind === "USAGE"));
  }
  const unused = rounded(leftOf(sub.paid, book.nowMs));
  if (unused > 0n) {
    const span = { fromMs: book.nowMs, toMs: Math.max(book.nowMs, sub.toMs) };
    const { currency } = planOf(book, sub);
    const back = newBill(book, sub, { type: "CREDIT", currency, span });
    const lines: Line[] = [{ kind: "CREDIT", cents: -unused, ...span }];
    Object.assign(back, { status: "PAID", lines, cents: -unused, dueMs: book.nowMs, paidMs: book.nowMs });
    owe(book, currency, unused);
  }
  end(book, sub, { atMs: book.nowMs, isDue: false, also });
}

/** Access comes back once nothing is past due; if the period is over, a new one begins now. */
export function resume(book: Book, sub: Sub): void {
  if (sub.status !== "SUSPENDED" || billsOf(book, sub).some(({ status }) => status === "PAST_DUE")) return;
  sub.status = "ACTIVE";
  delete sub.suspendedMs;
  if (sub.isOpen) return;
  sub.waiting.push(...closeBetween(book, sub, book.nowMs));
  applyScheduled(sub);
  open(book, sub, book.nowMs, dayOf(book.nowMs));
  const lines = aheadLines(book, sub);
  if (lines.length === 0) givePeriod(book, sub, book.nowMs);
  else bill(book, sub, { type: "REGULAR", lines, span: sub, atMs: book.nowMs, brings: periodShares(book, sub) });
}

export function pay(book: Book, sub: Sub, paid: Bill): void {
  const { brings = [] } = paid;
  Object.assign(paid, { status: "PAID", paidMs: book.nowMs });
  delete paid.brings;
  delete paid.graceEndsMs;
  delete paid.underWayMs;
  owe(
    book,
    paid.currency,
    paid.resting.reduce((sum, { cents }) => sum + cents, 0n),
  );
  if (sub.status === "INCOMPLETE") startPaid(book, sub, paid);
  else {
    notePaid(sub, paid);
    keepComing(sub, paid, brings);
    resume(book, sub);
    giveComing(book, sub, book.nowMs);
  }
}

/** The least that the payment provider collects. */
const LEAST: Record<string, bigint> = { USD: 50n, JPY: 50n, KWD: 5n };

/** What is newly to be paid and too little to be collected counts as paid; it is owed with the next bill. */
export function carrySmallBills(book: Book): void {
  const isNew = (one: Bill) => isUnpaid(one) && one.isAsked === undefined;
  for (let one = book.bills.find(isNew); book.collects && one !== undefined; one = book.bills.find(isNew)) {
    one.isAsked = true;
    const sub = book.subs[one.sub - 1];
    if (sub === undefined || one.cents >= (LEAST[one.currency] ?? 0n)) continue;
    owe(book, one.currency, -one.cents);
    one.paidBy = "CARRIED";
    pay(book, sub, one);
  }
}

type Due = { atMs: number; rank: number; number: number; work: () => void };

/** A reservation lapses before all else of its instant. */
const LAPSE = -1;

function* duesOf(book: Book): Iterable<Due> {
  for (const [number, hold] of book.holds.entries())
    if (hold.status === "HELD") yield { atMs: hold.untilMs, rank: LAPSE, number, work: () => lapse(book, hold) };
  for (const one of book.bills)
    if (one.graceEndsMs !== undefined)
      yield {
        atMs: Math.max(one.graceEndsMs, one.underWayMs ?? 0),
        rank: 0,
        number: one.sub * 1e6 + one.place,
        work: () => pastDue(book, one),
      };
  for (const sub of book.subs) {
    const { number, status, suspendedMs, createdMs } = sub;
    if (status === "INCOMPLETE") {
      const first = billsOf(book, sub).find(isUnpaid);
      const atMs = Math.max(createdMs + 30 * DAY, first?.underWayMs ?? 0);
      yield { atMs, rank: 1, number, work: () => abandon(book, sub, atMs) };
    }
    if (status === "SUSPENDED" && suspendedMs !== undefined) {
      const atMs = suspendedMs + 90 * DAY;
      yield { atMs, rank: 2, number, work: () => end(book, sub, { atMs, isDue: true }) };
    }
    if (sub.isOpen) yield { atMs: sub.toMs, rank: 3, number, work: () => periodEnds(book, sub) };
  }
}

function pastDue(book: Book, late: Bill): void {
  const atMs = Math.max(late.graceEndsMs ?? 0, late.underWayMs ?? 0);
  late.status = "PAST_DUE";
  delete late.graceEndsMs;
  const sub = book.subs[late.sub - 1];
  if (sub?.status === "ACTIVE") Object.assign(sub, { status: "SUSPENDED", suspendedMs: atMs });
}

function inOrder(dues: Iterable<Due>): Due[] {
  return [...dues].sort((a, b) => a.atMs - b.atMs || a.rank - b.rank || a.number - b.number);
}

const firstDue = (book: Book): Due | undefined => inOrder(duesOf(book))[0];

/** When something happens by itself next that somebody is to be woken for. */
export function nextDueMs(book: Book): number | undefined {
  return inOrder(duesOf(book)).find(({ rank }) => rank !== LAPSE)?.atMs;
}

/** When anything changes by itself next: credits that are over and reservations that lapse wake nobody. */
export function nextTurnMs(book: Book): number | undefined {
  const overMs = book.pools.flatMap(({ lots }) => lots.map(({ untilMs }) => untilMs));
  const dueMs = [...duesOf(book)].map(({ atMs }) => atMs);
  const nextMs = [...overMs, ...dueMs].filter((atMs) => atMs > book.nowMs);
  return nextMs.length === 0 ? undefined : Math.min(...nextMs);
}

/** Somebody looks at an instant: all that fell due until then happens, in order. */
export function look(book: Book, atMs: number): void {
  book.nowMs = Math.max(book.nowMs, atMs);
  for (let due = firstDue(book); due !== undefined && due.atMs <= book.nowMs; due = firstDue(book)) {
    due.work();
    // At its instant, before anything else that has fallen due since.
    const { nowMs } = book;
    book.nowMs = due.atMs;
    carrySmallBills(book);
    book.nowMs = nowMs;
  }
}
