import { unitsUntil } from "./bills.ts";
import { type Book, ruleOf, type Sub, type Use } from "./book.ts";
import { coveredBy, drawable, freeIn, neededFor, poolsFor, sumOfParts, take } from "./credits.ts";
import { type Exact, exact, NONE, negative, order } from "./exact.ts";
import type { Rule, Told, UseTold } from "./facts.ts";
import { weightAt } from "./weights.ts";

/** What counts of what was used. */

/** Who counts it: the one that shall, if it is live and has the feature; else the newest that gives access, or gave it. */
function servingOf(book: Book, feature: string, wanted: number | undefined): Sub | undefined {
  const rank = ({ status, isOpen }: Sub) => (status === "ACTIVE" ? 3 : status === "SUSPENDED" ? (isOpen ? 2 : 1) : 0);
  const including = book.subs.filter((sub) => sub.status !== "CANCELLED" && ruleOf(book, sub, feature) !== undefined);
  const best = including.toReversed().sort((a, b) => rank(b) - rank(a))[0];
  return including.find(({ number }) => number === wanted) ?? best;
}

/** What is asked for beyond the units: what one of them burns, and whether no lack of credits may refuse them. */
export type Asked = { weight: Exact; isAccepted: boolean };

/**
 * Units count in the open period, unless the limit is reached; what reaches it may go beyond it. Where they burn credits, those that are
 * there are taken; if a pool is hard and they are too few, nothing is.
 */
export function countUnits(book: Book, sub: Sub, rule: Rule, units: Exact, asked: Asked): Use | "over" | "short" {
  const used = unitsUntil(sub, rule, { period: sub.period, stretch: sub.stretches.length });
  if (units.n > 0n && rule.limit !== undefined && order(used, exact(rule.limit)) >= 0) return "over";
  const covered = rule.burns && units.n > 0n && sub.status === "ACTIVE" ? burn(book, sub, units, asked) : NONE;
  if (covered === "short") return covered;
  const { feature } = rule;
  const use = { feature, units, left: units, covered, period: sub.period, stretch: sub.stretches.length - 1 };
  sub.uses.push(use);
  return use;
}

/** What of the units credits pay for. */
function burn(book: Book, sub: Sub, units: Exact, { weight, isAccepted }: Asked): Exact | "short" {
  const needed = neededFor(units, weight);
  const { parts, isShort } = drawable(book, sub, needed);
  if (isShort && !isAccepted) return "short";
  const isAny = poolsFor(book, sub).some((pool) => !pool.isFrozen && freeIn(book, pool, book.nowMs) > 0n);
  take(parts);
  return coveredBy(units, weight, { drawn: sumOfParts(parts), needed, isAny });
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
