import { aheadLines, bill, drop, givesBack, noteGivenBack, timeLine } from "./bills.ts";
import {
  type Bill,
  type Book,
  billsOf,
  DAY,
  dayOf,
  emptyBook,
  isFree,
  isUnpaid,
  owe,
  planOf,
  type Sub,
  versionOf,
} from "./book.ts";
import { bought, buy, takeBack } from "./buying.ts";
import { correct, forgiveUsage } from "./correcting.ts";
import { count } from "./counting.ts";
import { addLot, creditsOf, freeIn, partsOf, take } from "./credits.ts";
import { erase, isTooLate } from "./erasing.ts";
import { exact, order, times } from "./exact.ts";
import type { BillRef, Catalog, Fact, Ref, Told } from "./facts.ts";
import { abandon, carrySmallBills, close, end, endNow, look, open, pay, resume, startOrAsk } from "./lives.ts";
import { changeShares, cutShort, give, giveComing, givePeriod, periodShares, rollOver } from "./plan-credits.ts";

import { commit, release, reserve } from "./reserving.ts";

/**
 * The reckoning: what a customer owes, from the list of facts alone. It knows nothing of the engine, is as simple as the contract allows, and
 * may be slow. Where the two disagree, one of them is wrong.
 */
export function reckon(
  catalog: Catalog,
  facts: readonly Fact[],
  { startMs, collects }: { startMs: number; collects: boolean },
): Book {
  const book = emptyBook(catalog, startMs, collects);
  for (const fact of facts) happen(book, fact);
  return book;
}

/** One fact more. Whatever fell due before it happened first. */
export function happen(book: Book, fact: Fact): Told {
  look(book, fact.atMs);
  const told = isTooLate(book, fact) ? "refused" : carryOut(book, fact);
  carrySmallBills(book);
  return told;
}

function carryOut(book: Book, fact: Fact): Told {
  switch (fact.kind) {
    case "seen":
      return "done";
    case "subscribe":
      return subscribe(book, fact);
    case "use":
      return count(book, fact);
    case "correct":
      return correct(book, fact);
    case "reserve":
      return reserve(book, fact);
    case "commit":
      return commit(book, fact);
    case "release":
      return release(book, fact);
    case "pay":
    case "void":
    case "collected":
    case "underWay":
    case "givenBack":
      return onBill(book, fact);
    case "makePool":
      book.pools.push({ isHard: fact.isHard, isFrozen: false, policy: "NONE", cap: 0n, links: [], lots: [], cuts: [] });
      return "done";
    case "erase":
      return erase(book);
    case "buy":
      return buy(book, fact);
    case "bought":
      return bought(book, fact);
    case "grant":
    case "deduct":
    case "freeze":
    case "unfreeze":
      return onPool(book, fact);
    case "payout": {
      const owed = book.balances[fact.currency] ?? 0n;
      if (fact.cents > (owed > 0n ? owed : 0n)) return "refused";
      owe(book, fact.currency, -fact.cents);
      if (fact.byRefund) noteByRefund(book, fact.currency, fact.cents);
      return "done";
    }
    case "payoutBack":
      owe(book, fact.currency, fact.cents);
      noteByRefund(book, fact.currency, -fact.cents);
      return "done";
    default: {
      const sub = book.subs[fact.sub - 1];
      return sub === undefined ? "refused" : onSub(book, sub, fact);
    }
  }
}

function noteByRefund({ byRefund }: Book, currency: string, cents: bigint): void {
  byRefund[currency] = (byRefund[currency] ?? 0n) + cents;
}

/** The live subscription that is on a plan, or goes there. */
function liveOn({ subs }: Book, plan: string, except?: Sub): Sub | undefined {
  return subs.find(
    (one) => one !== except && one.status !== "CANCELLED" && (one.plan === plan || one.scheduled?.plan === plan),
  );
}

function subscribe(book: Book, { to, graceDays }: Extract<Fact, { kind: "subscribe" }>): Told {
  const there = liveOn(book, to.plan);
  // Who asks again while the first bill is unpaid gets the same one.
  if (there !== undefined) return there.status === "INCOMPLETE" ? "done" : "refused";
  const sub: Sub = {
    ...to,
    number: book.subs.length + 1,
    status: "INCOMPLETE",
    createdMs: book.nowMs,
    graceDays,
    anchor: dayOf(book.nowMs),
    fromMs: book.nowMs,
    toMs: book.nowMs,
    isOpen: false,
    period: 0,
    stretches: [],
    uses: [],
    past: {},
    givenBack: {},
    credited: {},
    forgiven: {},
    paid: [],
    waiting: [],
    covered: [],
    coming: [],
    bills: 0,
  };
  book.subs.push(sub);
  startOrAsk(book, sub);
  return "done";
}

type OnPool = Extract<Fact, { kind: "grant" | "deduct" | "freeze" | "unfreeze" }>;

/** A frozen pool takes and gives nothing. */
function onPool(book: Book, fact: OnPool): Told {
  const pool = book.pools[fact.pool - 1];
  if (pool === undefined) return "refused";
  if (!("credits" in fact)) {
    pool.isFrozen = fact.kind === "freeze";
    return "done";
  }
  if (pool.isFrozen) return "refused";
  const credits = creditsOf(fact.credits);
  if (fact.kind === "grant") {
    addLot(book, pool, { kind: "GIVEN", left: credits, untilMs: fact.untilMs ?? Number.MAX_SAFE_INTEGER });
    return "done";
  }
  if (freeIn(book, pool, book.nowMs) < credits) return "refused";
  take(partsOf(book, [pool], credits));
  return "done";
}

type OnBill = Extract<Fact, { bill: BillRef }>;
type OnSub = Extract<Fact, { sub: number }>;

function onSub(book: Book, sub: Sub, fact: OnSub): Told {
  if (sub.status === "CANCELLED") return "refused";
  switch (fact.kind) {
    case "change":
      return change(book, sub, fact);
    case "migrate":
      return migrate(book, sub, fact);
    case "cancel":
      cancel(book, sub, fact.mode);
      return "done";
    case "revert":
      delete sub.cancel;
      return "done";
    case "dropScheduled":
      if (sub.scheduled?.instead === undefined) delete sub.scheduled;
      else sub.scheduled = { ...sub.scheduled.instead, type: "MIGRATION" };
      return "done";
    case "activate": {
      if (sub.status !== "INCOMPLETE") return sub.status === "ACTIVE" ? "done" : "refused";
      const first = billsOf(book, sub).find(isUnpaid);
      if (first !== undefined) pay(book, sub, first);
      return "done";
    }
    case "grace":
      sub.graceDays = fact.days;
      for (const one of billsOf(book, sub))
        if (one.graceEndsMs !== undefined) one.graceEndsMs = Math.max(book.nowMs, one.dueMs + fact.days * DAY);
      return "done";
    default:
      return fact satisfies never;
  }
}

/** A price by the month: which of two is more does not depend on how often they are billed. */
function comparePrices(book: Book, from: Ref, to: Ref): number {
  const perMonth = (ref: Ref, other: Ref) =>
    times(exact(versionOf(book, ref).price), exact(String(planOf(book, other).months)));
  return order(perMonth(to, from), perMonth(from, to));
}

function change(book: Book, sub: Sub, { to, type }: Extract<Fact, { kind: "change" }>): Told {
  const [from, target] = [planOf(book, sub), planOf(book, to)];
  if (to.plan === sub.plan || from.currency !== target.currency) return "refused";
  if (liveOn(book, to.plan, sub) !== undefined || sub.status === "SUSPENDED") return "refused";
  const isMore = comparePrices(book, sub, to);
  if (type === "UPGRADE" && isMore < 0 && target.months <= from.months) return "refused";
  if (type === "DOWNGRADE" && isMore > 0 && target.months >= from.months) return "refused";
  if (type === "DOWNGRADE" && sub.cancel !== undefined) return "refused";
  if (sub.status === "INCOMPLETE") exchange(book, sub, to);
  else if (type === "DOWNGRADE") {
    const { scheduled } = sub;
    const instead =
      scheduled?.type === "MIGRATION" ? { plan: scheduled.plan, version: scheduled.version } : scheduled?.instead;
    sub.scheduled = { ...to, type, ...(instead === undefined ? {} : { instead }) };
  } else {
    delete sub.scheduled;
    if (from.months === target.months && from.inArrears === target.inArrears) changeWithin(book, sub, to);
    else changeRhythm(book, sub, to);
  }
  return "done";
}

/** Before the first bill is paid another one takes its place. */
function exchange(book: Book, sub: Sub, to: Ref): void {
  for (const one of billsOf(book, sub).filter(isUnpaid)) drop(book, sub, one, "CANCELLED");
  Object.assign(sub, { plan: to.plan, version: to.version });
  startOrAsk(book, sub);
}

/** The period stays. What was paid ahead for the rest of it is given back, the rest under the new version is charged. */
function changeWithin(book: Book, sub: Sub, to: Ref): void {
  const part = { fromMs: book.nowMs, toMs: sub.toMs };
  const lines = unusedLines(book, sub);
  const brings = changeShares(book, sub, to);
  Object.assign(sub, { plan: to.plan, version: to.version });
  sub.stretches.push({ plan: to.plan, version: to.version, fromMs: book.nowMs });
  if (!planOf(book, to).inArrears && !isFree(book, to))
    lines.push(timeLine(book, to, { kind: "PRORATION", part, whole: sub }));
  if (lines.length === 0) give(book, sub, { shares: brings, atMs: book.nowMs, span: part });
  else bill(book, sub, { type: "ADJUSTMENT", lines, span: part, atMs: book.nowMs, brings });
}

/** Another interval or timing: the period ends now and one of the new kind begins, less what was unused of the old one. */
function changeRhythm(book: Book, sub: Sub, to: Ref): void {
  const unused = unusedLines(book, sub);
  const { announced } = sub;
  const { nowMs: atMs } = book;
  cutShort(book, sub, { atMs, isDue: false, leave: () => rollOver(book, sub, atMs) });
  const used = close(book, sub, book.nowMs);
  Object.assign(sub, { plan: to.plan, version: to.version });
  open(book, sub, book.nowMs, dayOf(book.nowMs));
  if (sub.cancel !== undefined) sub.cancel.atMs = sub.toMs;
  const ahead = aheadLines(book, sub);
  const lines = [...used, ...unused, ...ahead];
  const brings = ahead.length > 0 ? periodShares(book, sub) : undefined;
  bill(book, sub, { type: "ADJUSTMENT", lines, span: sub, atMs, announced, brings });
  if (ahead.length === 0) givePeriod(book, sub, atMs);
}

function unusedLines(book: Book, sub: Sub) {
  if (planOf(book, sub).inArrears || isFree(book, sub)) return [];
  const part = { fromMs: book.nowMs, toMs: sub.toMs };
  return [timeLine(book, sub, { kind: "PRORATION", part, whole: sub, sign: -1n })];
}

/** Another version of the same plan. Whoever has it, gets it or leaves the plan is left alone. */
function migrate(book: Book, sub: Sub, { to, when }: Extract<Fact, { kind: "migrate" }>): Told {
  if (sub.plan !== to.plan || sub.version === to.version) return "refused";
  const isLater = sub.status === "SUSPENDED" || (sub.status === "ACTIVE" && when === "NEXT_PERIOD");
  if (isLater && sub.cancel !== undefined) return "refused";
  if (isLater && (sub.scheduled?.type === "DOWNGRADE" || sub.scheduled?.version === to.version)) return "refused";
  if (sub.status === "INCOMPLETE") exchange(book, sub, to);
  else if (isLater) sub.scheduled = { ...to, type: "MIGRATION" };
  else {
    if (sub.scheduled?.type === "MIGRATION") delete sub.scheduled;
    else delete sub.scheduled?.instead;
    changeWithin(book, sub, to);
  }
  return "done";
}

function cancel(book: Book, sub: Sub, mode: "END_OF_PERIOD" | "IMMEDIATE"): void {
  const waits = mode === "END_OF_PERIOD" && sub.isOpen;
  if (waits && sub.cancel !== undefined) return;
  sub.cancel = { mode, atMs: waits ? sub.toMs : book.nowMs };
  if (waits) return;
  if (sub.status === "INCOMPLETE") abandon(book, sub, book.nowMs);
  else if (mode === "IMMEDIATE") endNow(book, sub);
  else end(book, sub, { atMs: book.nowMs, isDue: false });
}

export function billAt({ bills }: Book, { sub, place }: BillRef): Bill | undefined {
  return bills.find((one) => one.sub === sub && one.place === place);
}

function onBill(book: Book, fact: OnBill): Told {
  const found = billAt(book, fact.bill);
  if (fact.bill.sub === 0) return found === undefined ? "refused" : onPurchase(book, found, fact);
  const sub = book.subs[fact.bill.sub - 1];
  if (found === undefined || sub === undefined) return "refused";
  switch (fact.kind) {
    case "void":
      return voidBill(book, sub, found, fact.rebill);
    case "pay":
    case "collected":
      if (found.status === "PAID") return "done";
      if (!isUnpaid(found)) return "refused";
      if (fact.kind === "collected") found.paidBy = "PROVIDER";
      pay(book, sub, found);
      return "done";
    case "underWay":
      found.underWayMs = fact.untilMs;
      return "done";
    case "givenBack":
      found.givenBack += fact.cents;
      noteGivenBack(sub, found, fact.cents);
      return "done";
    default:
      return fact satisfies never;
  }
}

/** The bill of a purchase is paid from the beginning. */
function onPurchase(book: Book, found: Bill, fact: OnBill): Told {
  if (fact.kind === "givenBack") {
    takeBack(book, found, fact.cents);
    found.givenBack += fact.cents;
  }
  return fact.kind === "void" ? "refused" : "done";
}

/** Nobody has to pay it. Its usage is never billed again nor given back, unless asked: then it waits for the next bill. */
function voidBill(book: Book, sub: Sub, found: Bill, rebill: boolean): Told {
  if (!isUnpaid(found)) return "refused";
  if (sub.status === "INCOMPLETE") {
    abandon(book, sub, book.nowMs);
    return "done";
  }
  if (billsOf(book, sub).some((other) => isUnpaid(other) && givesBack(other, found))) return "refused";
  const usage = rebill ? found.lines.filter(({ kind }) => kind === "USAGE") : [];
  if (usage.length > 0 && sub.status === "CANCELLED") return "refused";
  sub.waiting.push(...usage);
  drop(book, sub, found, "VOID");
  if (!rebill) forgiveUsage(book, sub, found);
  resume(book, sub);
  giveComing(book, sub, book.nowMs);
  return "done";
}
