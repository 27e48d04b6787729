import { unitsUntil } from "./bills.ts";
import { type Book, type Hold, ruleOf, type Sub, type Use } from "./book.ts";
import { coveredBy, drawable, freeIn, lesser, neededFor, poolsFor, sumOfParts, take } from "./credits.ts";
import { type Exact, exact, least, NONE, negative, order, plus } from "./exact.ts";
import type { Rule, Told, UseTold } from "./facts.ts";
import { useHeld } from "./holding.ts";
import { weightAt } from "./weights.ts";

/** What counts of what was used. */

/** Who counts it: the one that shall, if it is live and has the feature; else the newest that gives access, or gave it. */
export function servingOf(book: Book, feature: string, wanted: number | undefined): Sub | undefined {
  const rank = ({ status, isOpen }: Sub) => (status === "ACTIVE" ? 3 : status === "SUSPENDED" ? (isOpen ? 2 : 1) : 0);
  const including = book.subs.filter((sub) => sub.status !== "CANCELLED" && ruleOf(book, sub, feature) !== undefined);
  const best = including.toReversed().sort((a, b) => rank(b) - rank(a))[0];
  return including.find(({ number }) => number === wanted) ?? best;
}

/**
 * What is asked for beyond the units: what one of them burns, whether no lack of credits may refuse them, and where they were kept.
 */
export type Asked = { weight: Exact; isAccepted: boolean; hold?: Hold };

/**
 * Units count in the open period, unless the limit is reached; what reaches it may go beyond it, and what was kept counts always. Where they burn credits, those that are
 * there are taken; if a pool is hard and they are too few, nothing is.
 */
export function countUnits(book: Book, sub: Sub, rule: Rule, wanted: Exact, asked: Asked): Use | "over" | "short" {
  const units = withinLimit(sub, rule, wanted, asked.hold);
  if (wanted.n > 0n && units.n === 0n) return "over";
  // Who has lost access burns what was kept before, and nothing else.
  const burns = rule.burns && units.n > 0n && (sub.status === "ACTIVE" || asked.hold?.parts.length);
  const covered = burns ? burn(book, sub, units, asked) : NONE;
  if (covered === "short") return covered;
  const { feature } = rule;
  const use = { feature, units, left: units, covered, period: sub.period, stretch: sub.stretches.length - 1 };
  sub.uses.push(use);
  return use;
}

function withinLimit(sub: Sub, rule: Rule, units: Exact, hold: Hold | undefined): Exact {
  if (rule.limit === undefined || units.n <= 0n) return units;
  const kept = hold === undefined ? NONE : least(hold.units, units);
  const used = unitsUntil(sub, rule, { period: sub.period, stretch: sub.stretches.length });
  return order(plus(used, kept), exact(rule.limit)) < 0 ? units : kept;
}

/** What of the units credits pay for: those that were kept for them first. */
function burn(book: Book, sub: Sub, units: Exact, { weight, isAccepted, hold }: Asked): Exact | "short" {
  const needed = neededFor(units, weight);
  const kept = lesser(needed, sumOfParts(hold?.parts ?? []));
  const isOpen = sub.status === "ACTIVE";
  const { parts, isShort } = isOpen ? drawable(book, sub, needed - kept) : { parts: [], isShort: false };
  if (isShort && !isAccepted) return "short";
  const isAny = poolsFor(book, sub).some((pool) => !pool.isFrozen && freeIn(book, pool, book.nowMs) > 0n);
  if (hold !== undefined) useHeld(book, hold, kept);
  take(parts);
  const drawn = kept + sumOfParts(parts);
  return coveredBy(units, weight, { drawn, needed, isAny: drawn > 0n || (isOpen && isAny) });
}

/**
 * What counts of a use: whenever it was, but not before the subscription started. Units are taken back only where they accumulate, and only
 * those that are there.
 */
export function count(book: Book, told: UseTold): Told {
  const { key, feature, units: text, usedMs, wanted, model, isAccepted = false } = told;
  if (book.uses[key] !== undefined) return "refused";
  const units = exact(text);
  const sub = servingOf(book, feature, wanted);
  const rule = sub && ruleOf(book, sub, feature);
  const said = { feature, said: units };
  const nothing = { ...said, counted: NONE, pieces: [] };
  const counts = sub?.isOpen === true && sub.activeMs !== undefined && usedMs >= sub.activeMs && units.n !== 0n;
  const use =
    units.n < 0n && !mayTakeBack(counts ? sub : undefined, rule, negative(units))
      ? "short"
      : counts && rule !== undefined
        ? countUnits(book, sub, rule, units, { weight: weightAt(book.nowMs, model, usedMs), isAccepted })
        : "over";
  if (use === "short" && !isAccepted) return "refused";
  book.uses[key] =
    typeof use === "string" || sub === undefined
      ? nothing
      : { ...said, counted: units, sub: sub.number, first: use, pieces: units.n > 0n ? [use] : [] };
  return "done";
}

function mayTakeBack(sub: Sub | undefined, rule: Rule | undefined, units: Exact): boolean {
  if (sub === undefined || !rule?.accumulates) return false;
  return order(unitsUntil(sub, rule, { period: sub.period, stretch: sub.stretches.length }), units) >= 0;
}
