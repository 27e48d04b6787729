import { unitsUntil } from "./bills.ts";
import { type Book, type Hold, ruleOf, type Sub, type Told } from "./book.ts";
import { countUnits, servingOf } from "./counting.ts";
import { drawable, neededFor } from "./credits.ts";
import { type Exact, exact, NONE, order, sumOf } from "./exact.ts";
import type { Told as Answer, Happened } from "./facts.ts";
import { giveBack } from "./holding.ts";
import { weightAt } from "./weights.ts";

/** Units that are kept for somebody: reserved, then used, given back or lapsed. */

/** Those of a subscription's feature that are kept now. */
function heldUnits({ holds }: Book, { number }: Sub, feature: string): Exact {
  const open = holds.filter((hold) => hold.status === "HELD" && hold.sub === number && hold.feature === feature);
  return sumOf(open.map(({ units }) => units));
}

/** Only who has access reserves; what is used and held together stays within the limit, and a hard pool must cover all of it. */
export function reserve(book: Book, fact: Extract<Happened, { kind: "reserve" }>): Answer {
  const { feature, model, seconds } = fact;
  const units = exact(fact.units);
  const sub = servingOf(book, feature, undefined);
  const rule = sub && ruleOf(book, sub, feature);
  if (sub === undefined || rule === undefined || sub.status !== "ACTIVE") return "refused";
  const used = unitsUntil(sub, rule, { period: sub.period, stretch: sub.stretches.length });
  if (rule.limit !== undefined) {
    const limit = exact(rule.limit);
    if (order(used, limit) >= 0) return "refused";
    if (order(sumOf([used, heldUnits(book, sub, feature), units]), limit) > 0) return "refused";
  }
  const weight = weightAt(book.nowMs, model, book.nowMs);
  const { parts, isShort } = rule.burns ? drawable(book, sub, neededFor(units, weight)) : { parts: [], isShort: false };
  if (isShort) return "refused";
  const untilMs = book.nowMs + seconds * 1000;
  const hold: Hold = { sub: sub.number, feature, units, untilMs, status: "HELD", parts };
  book.holds.push(model === undefined ? hold : { ...hold, model });
  return "done";
}

/** What was used counts, as much of it as was kept whatever the limit says; what is left of the credits goes back. Once only. */
export function commit(book: Book, fact: Extract<Happened, { kind: "commit" }>): Answer {
  const hold = book.holds[fact.hold - 1];
  if (hold?.status === "COMMITTED") return "done";
  if (hold?.status !== "HELD" || book.uses[fact.key] !== undefined) return "refused";
  const { feature } = hold;
  const units = exact(fact.units);
  const sub = servingOf(book, feature, hold.sub);
  const rule = sub && ruleOf(book, sub, feature);
  const asked = { weight: weightAt(book.nowMs, hold.model, book.nowMs), isAccepted: false };
  const counts = sub?.isOpen === true && sub.activeMs !== undefined && units.n > 0n;
  const use =
    counts && rule !== undefined
      ? countUnits(book, sub, rule, units, sub.number === hold.sub ? { ...asked, hold } : asked)
      : "over";
  if (use === "short") return "refused";
  giveBack(book, hold, book.nowMs);
  hold.status = "COMMITTED";
  const said = { feature, said: units };
  const told: Told =
    use === "over" || sub === undefined
      ? { ...said, counted: NONE, pieces: [] }
      : { ...said, counted: use.units, sub: sub.number, first: use, pieces: [use] };
  book.uses[fact.key] = told;
  return "done";
}

export function release(book: Book, { hold: number }: Extract<Happened, { kind: "release" }>): Answer {
  const hold = book.holds[number - 1];
  if (hold?.status !== "HELD") return hold?.status === "RELEASED" ? "done" : "refused";
  giveBack(book, hold, book.nowMs);
  hold.status = "RELEASED";
  return "done";
}
