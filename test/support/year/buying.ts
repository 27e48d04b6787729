import { decimalToE12 } from "../../../src/domain/amount.ts";
import type { CreditPrice } from "../../../src/domain/credit.ts";
import type { Bill, Book } from "./book.ts";
import { DENOMINATION } from "./catalog.ts";
import { addLot, creditsOf, heldOf, lesser } from "./credits.ts";
import { cents, exact, fraction, rounded, times } from "./exact.ts";
import type { Happened, Told } from "./facts.ts";
import { START_MS } from "./script.ts";

/** Credits that a customer buys: they come with the money, and go with it as far as they are left. */

const CURRENCY = "USD";
/** The least that the payment provider collects. */
const LEAST_CENTS = 50n;
const DAY = 86_400_000;

/** What a credit costs, from when on. */
const PRICES = [
  { fromMs: START_MS - DAY, price: "0.1" },
  { fromMs: START_MS + 25 * DAY, price: "0.12345" },
] as const;

const priceAt = (atMs: number) => PRICES.findLast(({ fromMs }) => fromMs <= atMs) ?? PRICES[0];

/** The same as it comes along with a call. */
export function creditPrice(atMs: number): CreditPrice {
  const { fromMs, price } = priceAt(atMs);
  return {
    priceId: "00000005-0000-4000-8000-000000000001",
    denomination: DENOMINATION,
    currency: CURRENCY,
    pricePerCreditE12: decimalToE12(price),
    effectiveFromMs: fromMs,
  };
}

/** Asks to pay for credits; the price of that instant holds. Whether another purchase is under way is the engine's to say. */
export function buy(book: Book, { pool, credits }: Extract<Happened, { kind: "buy" }>): Told {
  const there = book.pools[pool - 1];
  const amount = cents(times(exact(credits), exact(priceAt(book.nowMs).price)), CURRENCY);
  if (!book.collects || there === undefined || there.isFrozen || amount < LEAST_CENTS) return "refused";
  book.asked.push({ pool, credits: creditsOf(credits), cents: amount });
  return "done";
}

/** The money came: a bill that is paid, of no subscription, and the credits. Nobody gets what they did not ask for. */
export function bought(book: Book, fact: Extract<Happened, { kind: "bought" }>): Told {
  const pool = book.pools[fact.pool - 1];
  const asked = book.asked.find(
    (one) => one.pool === fact.pool && one.credits === fact.credits && one.cents === fact.cents,
  );
  if (pool === undefined || asked === undefined) return "refused";
  const lot = addLot(book, pool, { kind: "BOUGHT", left: fact.credits, untilMs: Number.MAX_SAFE_INTEGER });
  const now = { fromMs: book.nowMs, toMs: book.nowMs };
  book.bills.push({
    ...now,
    sub: 0,
    place: book.bills.filter(({ sub }) => sub === 0).length + 1,
    type: "REGULAR",
    status: "PAID",
    currency: CURRENCY,
    lines: [{ kind: "BASE", cents: fact.cents, ...now }],
    cents: fact.cents,
    dueMs: book.nowMs,
    paidMs: book.nowMs,
    paidBy: "PROVIDER",
    resting: [],
    givenBack: 0n,
    brought: { lot, credits: fact.credits, takenFor: 0n },
  });
  return "done";
}

/**
 * More money of a purchase was given back: the same share of its credits leaves, as far as it is left; what is held of it when it comes
 * back. All of the money: nothing stays. A refund that failed brings nothing again, so the next one takes nothing for the same money.
 */
export function takeBack(book: Book, { brought, cents: whole, givenBack }: Bill, part: bigint): void {
  if (brought === undefined || givenBack + part <= brought.takenFor) return;
  const { lot, credits, takenFor } = brought;
  const held = heldOf(book, lot);
  brought.takenFor = givenBack + part;
  if (brought.takenFor === whole) {
    lot.isVoid = true;
    lot.left = held;
    return;
  }
  const upTo = (money: bigint) => rounded(fraction(credits * money, whole));
  const share = upTo(brought.takenFor) - upTo(takenFor);
  const taken = lesser(lot.left - held, share);
  lot.left -= taken;
  lot.owed = lesser(held, (lot.owed ?? 0n) + share - taken);
}
