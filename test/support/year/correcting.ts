import { placeOf, unitsUntil } from "./bills.ts";
import {
  type Bill,
  type Book,
  type Line,
  owe,
  planOf,
  ruleOf,
  type Sub,
  sumOfLines,
  type Told,
  type Use,
} from "./book.ts";
import { countUnits } from "./counting.ts";
import { cents, type Exact, exact, fraction, least, minus, most, NONE, negative, order, plus, sumOf } from "./exact.ts";
import type { Told as Answer, Fact } from "./facts.ts";
import { priceOfTotal } from "./price.ts";

/**
 * What a use should have said. More counts now. Less leaves the place where it was counted: as units, as long as they are on no bill; as
 * money, once they are. Units that accumulate are there still, so they leave now whatever was billed.
 */
export function correct(book: Book, { key, units }: Extract<Fact, { kind: "correct" }>): Answer {
  const told = book.uses[key];
  if (told === undefined) return "refused";
  const right = exact(units);
  const sub = told.sub === undefined ? undefined : book.subs[told.sub - 1];
  const rule = sub === undefined || sub.status === "CANCELLED" ? undefined : ruleOf(book, sub, told.feature);
  if (right.n < 0n && !rule?.accumulates) return "refused";
  // What was beyond a limit and did not count covers what is less.
  const counts =
    order(right, told.said) >= 0 ? plus(told.counted, minus(right, told.said)) : least(right, told.counted);
  const change = minus(counts, told.counted);
  if (sub !== undefined && change.n > 0n) countMore(book, sub, told, change);
  if (sub !== undefined && change.n < 0n) {
    if (rule?.accumulates && order(unitsUntil(sub, rule, NOW(sub)), negative(change)) < 0) return "refused";
    takeLess(book, sub, told, { less: negative(change), isThere: rule?.accumulates === true });
    told.counted = counts;
  }
  told.said = right;
  return "done";
}

/** No use is corrected that burned credits: grants have a model of their own. */
const ONE = fraction(1n);

const NOW = ({ period, stretches }: Sub) => ({ period, stretch: stretches.length });

/** First come back those that were taken beyond what was counted; what is more is bound by the limit like any use. */
function countMore(book: Book, sub: Sub, told: Told, more: Exact): void {
  const rule = ruleOf(book, sub, told.feature);
  if (rule === undefined || sub.status === "CANCELLED" || !sub.isOpen) return;
  const back = least(more, most(NONE, negative(told.counted)));
  if (back.n > 0n) sub.uses.push({ ...here(sub, told.feature, back), left: NONE });
  const rest = minus(more, back);
  const use = rest.n > 0n ? countUnits(book, sub, rule, rest, { weight: ONE, isAccepted: false }) : "over";
  if (typeof use !== "string") told.pieces.push(use);
  told.counted = plus(told.counted, plus(back, typeof use === "string" ? NONE : use.units));
}

function here(sub: Sub, feature: string, units: Exact): Use {
  return { feature, units, left: units, period: sub.period, stretch: sub.stretches.length - 1 };
}

/** The newest first. `isThere`: they accumulate. */
function takeLess(book: Book, sub: Sub, told: Told, { less, isThere }: { less: Exact; isThere: boolean }): void {
  let [left, now] = [less, NONE];
  for (const piece of told.pieces.toReversed()) {
    const taken = least(left, piece.left);
    if (taken.n === 0n) continue;
    left = minus(left, taken);
    piece.left = minus(piece.left, taken);
    if (piece.period === sub.period) {
      const gone = leastSince(sub, piece, taken);
      piece.units = minus(piece.units, gone);
      if (isThere) now = plus(now, minus(taken, gone));
    } else if (isThere) now = plus(now, taken);
    else giveBack(book, sub, piece, taken);
  }
  // Of what accumulates more may be taken than the use counted: from where it did.
  const { first } = told;
  if (isThere && left.n > 0n && first !== undefined) {
    const isUnbilled = first.period === sub.period && first.stretch < sub.stretches.length - 1;
    const gone = isUnbilled ? leastSince(sub, first, left) : NONE;
    if (gone.n > 0n) sub.uses.push({ ...first, units: negative(gone), left: NONE });
    now = plus(now, minus(left, gone));
  }
  if (now.n > 0n) sub.uses.push({ ...here(sub, told.feature, negative(now)), left: NONE });
}

/** No more than leaves every total since then at none or above: others may have been taken back meanwhile. */
function leastSince(sub: Sub, { feature, period, stretch }: Use, units: Exact): Exact {
  let most = units;
  for (let at = stretch; at < sub.stretches.length; at += 1) {
    const counts = sub.uses.filter(
      (use) => use.feature === feature && (use.period < period || (use.period === period && use.stretch <= at)),
    );
    most = least(most, sumOf(counts.map((use) => use.units)));
  }
  return most;
}

/** Units that were billed cost what the last of them cost; all that a line gives back together is rounded like the line. */
function giveBack(book: Book, sub: Sub, { feature, period, stretch }: Use, units: Exact): void {
  const ref = sub.past[period]?.[stretch];
  const rule = ref && ruleOf(book, ref, feature);
  if (ref === undefined || rule === undefined) return;
  const place = placeOf(period, stretch, feature);
  const before = sub.givenBack[place] ?? NONE;
  const end = unitsUntil(sub, rule, { period, stretch });
  const own = minus(end, unitsUntil(sub, rule, { period, stretch: stretch - 1 }));
  const taken = least(units, minus(own, before));
  if (taken.n <= 0n) return;
  const { currency } = planOf(book, ref);
  const total = plus(before, taken);
  sub.givenBack[place] = total;
  const priceLess = (less: Exact) => priceOfTotal(rule, most(NONE, minus(end, less)));
  const worth = (less: Exact) => cents(minus(priceLess(NONE), priceLess(less)), currency);
  const amount = worth(total) - worth(before);
  if (amount === 0n || sub.forgiven[place]) return;
  sub.credited[place] = (sub.credited[place] ?? 0n) + amount;
  if (sub.status === "CANCELLED") owe(book, currency, amount);
  else
    sub.waiting.push({
      kind: "CREDIT",
      cents: -amount,
      fromMs: ref.fromMs,
      toMs: ref.toMs,
      feature,
      units: negative(taken),
      place,
      before,
    });
}

/** Nobody was charged for what is on a void bill: what corrections gave back of it is not given, or owed by the customer. */
export function forgiveUsage(book: Book, sub: Sub, { lines, currency }: Bill): void {
  for (const { kind, feature, place, ...line } of lines) {
    if (kind !== "USAGE" || feature === undefined || place === undefined) continue;
    sub.forgiven[place] = true;
    const isOfIt = (one: Line) => one.kind === "CREDIT" && one.place === place;
    const waiting = sub.waiting.filter(isOfIt);
    sub.waiting = sub.waiting.filter((one) => !isOfIt(one));
    const amount = (sub.credited[place] ?? 0n) + sumOfLines(waiting);
    const units = waiting[0]?.before ?? sub.givenBack[place] ?? NONE;
    if (amount === 0n) continue;
    if (sub.status === "CANCELLED") owe(book, currency, -amount);
    else sub.waiting.push({ kind: "CREDIT", cents: amount, fromMs: line.fromMs, toMs: line.toMs, feature, units });
  }
}
