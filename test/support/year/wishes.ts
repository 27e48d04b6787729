import { type Bill, type Book, isUnpaid, type Sub } from "./book.ts";
import { FEATURES } from "./catalog.ts";
import type { Catalog, Fact, Happened, Ref } from "./facts.ts";
import type { Step } from "./script.ts";
import { MODELS } from "./weights.ts";

/** What a step asks for, given what there is: mostly what makes sense, now and then what does not. */

/** How many versions of each plan are on sale by now. */
export type OnSale = Record<string, number>;

/** An item, those that matter first; now and then none at all. */
function pick<T>(items: readonly T[], n: number): T | undefined {
  return n % 29 === 28 ? undefined : items[n % Math.max(1, items.length)];
}

function liveFirst(subs: readonly Sub[]): Sub[] {
  const rank = ({ status }: Sub) => (status === "CANCELLED" ? 1 : 0);
  return subs.toReversed().sort((a, b) => rank(a) - rank(b));
}

function unpaidFirst(bills: readonly Bill[]): Bill[] {
  return [...bills].sort((a, b) => Number(isUnpaid(b)) - Number(isUnpaid(a)));
}

export type Market = { catalog: Catalog; onSale: OnSale };

/** The newest version of a plan. */
function newest({ catalog, onSale }: Market, n: number): Ref {
  const plan = catalog[n % catalog.length]?.key ?? "";
  return { plan, version: onSale[plan] ?? 1 };
}

const UNITS = ["1", "1", "2", "3", "0.5", "7.25", "20", "0", "-1", "-2.5", "61"] as const;

type Dices = Pick<Step, "a" | "b" | "c">;

type Own = Exclude<Happened, { kind: "collected" | "underWay" | "givenBack" | "payoutBack" | "bought" }>;

const RIGHT = ["0", "0", "0.25", "1", "2", "5", "30", "-2"] as const;

/** Empty: nothing to ask for. Several facts are told one after the other, uses at once. */
export function wishOf(book: Book, market: Market, { wish, a, b, c }: Step, number: () => number): Own[] {
  const live = book.subs.filter(({ status }) => status !== "CANCELLED");
  const sub = pick(liveFirst(book.subs), a % 3 === 0 ? a : 0)?.number ?? 99;
  const chosen = pick(unpaidFirst(book.bills), a % 4);
  const bill = chosen === undefined ? { sub: 99, place: 1 } : { sub: chosen.sub, place: chosen.place };
  // Who has nothing begins something, mostly.
  const kind = live.length === 0 && c % 4 > 0 && wish !== "erase" ? "subscribe" : wish;
  switch (kind) {
    case "subscribe":
      return live.length > 2 ? [] : [{ kind, to: newest(market, b), graceDays: c % 5 }];
    case "change":
      return [{ kind, sub, to: newest(market, b), type: c % 3 === 0 ? "DOWNGRADE" : "UPGRADE" }];
    case "migrate": {
      const has = book.subs[sub - 1];
      if (has === undefined) return [];
      const to = { plan: has.plan, version: market.onSale[has.plan] ?? 1 };
      return [{ kind, sub, to, when: c % 2 === 0 ? "NOW" : "NEXT_PERIOD" }];
    }
    case "cancel":
      return [{ kind, sub, mode: c % 3 === 0 ? "IMMEDIATE" : "END_OF_PERIOD" }];
    case "revert":
    case "dropScheduled":
    case "activate":
      return [{ kind, sub }];
    case "grace":
      return [{ kind, sub, days: c % 7 }];
    case "pay":
      return [{ kind, bill }];
    case "payAll":
      return book.bills.filter(isUnpaid).map(({ sub: of, place }) => ({ kind: "pay", bill: { sub: of, place } }));
    case "void":
      return [{ kind, bill, rebill: c % 2 === 0 }];
    case "payout": {
      const [currency = "USD", cents = 0n] = pick(Object.entries(book.balances), a) ?? [];
      if (cents <= 0n) return [];
      const part = c % 5 === 0 ? cents + 1n : (cents + 1n) / 2n;
      return [{ kind, currency, cents: part, ...(book.collects && b % 2 === 0 ? { byRefund: true as const } : {}) }];
    }
    case "use":
      return Array.from({ length: 1 + (c % 4) }, (_, index): Extract<Happened, { kind: "use" }> => {
        const n = number();
        return {
          kind: "use",
          key: useKey(n),
          feature: FEATURES[(a + index) % FEATURES.length] ?? "chat",
          units: UNITS[(b + index * 3) % UNITS.length] ?? "1",
          // One in three is late, by up to 40 days.
          usedMs: book.nowMs - ((b + index) % 3 === 0 ? ((c * 7) % 960) * 3_600_000 : 0),
          ...(a % 5 === 0 ? { wanted: sub } : {}),
          ...(c % 2 === 0 ? { model: MODELS[(a + b + index) % MODELS.length] ?? "other" } : {}),
        };
      });
    case "correct": {
      // What burned credits is corrected elsewhere: grants have a model of their own.
      const keys = Object.keys(book.uses).filter((one) => book.uses[one]?.feature !== "calls");
      const key = pick(keys.toReversed(), a % 12);
      return [{ kind, key: key ?? "use-none", units: RIGHT[b % RIGHT.length] ?? "0" }];
    }
    case "erase": {
      // Few, since not much comes after it; some while they are served.
      if (c % 3 > 0) return [];
      const leaving =
        a % 3 === 0 ? [] : live.map(({ number: one }): Own => ({ kind: "cancel", sub: one, mode: "IMMEDIATE" }));
      return [...leaving, { kind }];
    }
    case "buy": {
      const pool = 1 + (a % Math.max(1, book.pools.length));
      return [{ kind, pool, credits: BOUGHT[b % BOUGHT.length] ?? "20" }];
    }
    case "reserve":
      return reserveWish(book, { a, b, c }, number);
    case "endHold":
      return endHoldWish(book, { a, b, c }, number);
    case "credits":
      return [creditsWish(book, { a, b, c })];
    default:
      return [];
  }
}

/** Now and then one that was used before. */
const useKey = (n: number): string => (n % 17 === 16 ? `use-${n - 5}` : `use-${n}`);

/** Longer than anybody may, too, so that periods end meanwhile. */
const SECONDS = [1, 60, 3600, 86_400, 5 * 86_400, 20 * 86_400] as const;
const KEPT = ["1", "2.5", "5", "20", "0.125"] as const;

/** Half of them use it up or give it back at once. */
function reserveWish(book: Book, { a, b, c }: Dices, number: () => number): Own[] {
  const units = KEPT[b % KEPT.length] ?? "1";
  const made: Own = {
    kind: "reserve",
    feature: FEATURES[a % 2 === 0 ? 3 : b % FEATURES.length] ?? "calls",
    units,
    seconds: SECONDS[c % SECONDS.length] ?? 60,
    ...(b % 3 === 0 ? {} : { model: MODELS[(a + b) % MODELS.length] ?? "other" }),
  };
  const hold = book.holds.length + 1;
  if (a % 4 < 2) return [made];
  return [made, a % 4 === 2 ? { kind: "commit", hold, key: useKey(number()), units } : { kind: "release", hold }];
}

function endHoldWish({ holds }: Book, { a, b, c }: Dices, number: () => number): Own[] {
  const numbered = holds.map(({ status }, index) => ({ status, number: index + 1 })).toReversed();
  const openFirst = numbered.sort((x, y) => Number(y.status === "HELD") - Number(x.status === "HELD"));
  const hold = pick(openFirst, c % 5 === 0 ? a : a % 2)?.number ?? 99;
  if (b % 4 === 0) return [{ kind: "release", hold }];
  return [{ kind: "commit", hold, key: useKey(number()), units: USED[b % USED.length] ?? "1" }];
}

const USED = ["1", "2.5", "5", "0", "0.3", "20", "30"] as const;

function creditsWish({ pools, nowMs }: Book, { a, b, c }: Dices): Own {
  if (!pools.some(({ model }) => model === undefined)) return { kind: "makePool", isHard: a % 3 === 0 };
  const pool = 1 + (b % pools.length);
  const credits = CREDITS[b % CREDITS.length] ?? "1";
  if (pools[pool - 1]?.isFrozen && a % 2 === 0) return { kind: "unfreeze", pool };
  if (a % 8 === 1) return { kind: "freeze", pool };
  if (a % 8 === 2) return { kind: "deduct", pool, credits };
  return { kind: "grant", pool, credits, ...(c % 2 === 0 ? { untilMs: nowMs + 1 + (c % 30) * 86_400_000 } : {}) };
}

/** The first is too little for the provider, as long as credits cost what they did in the beginning. */
const BOUGHT = ["4.5", "5", "20", "33.3333", "100"] as const;
const CREDITS = ["1", "5", "10.5", "40", "0.0001", "100"] as const;

export type UseFact = Extract<Fact, { kind: "use" }>;
