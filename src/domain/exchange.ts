import { type E12, multiplyE12 } from "./amount.ts";
import type { Figures } from "./figures.ts";

/**
 * Sums of several currencies in one: by the rates that the account gave. Owns the conversion. A currency without a rate is never
 * guessed: its sums stand beside.
 */

/** The account's currency, and how much of it one unit of another currency is. */
export type Exchange = { currency: string; rates: ReadonlyMap<string, E12> };

/** An amount in the account's currency, rounded once to 12 decimals, half away from zero; undefined without a rate. */
export function exchanged({ currency: own, rates }: Exchange, currency: string, amountE12: E12): E12 | undefined {
  if (currency === own) return amountE12;
  const rate = rates.get(currency);
  return rate === undefined ? undefined : multiplyE12(amountE12, rate);
}

/** The same of figures: their money changes, their counts do not. */
export function exchangedFigures(exchange: Exchange, currency: string, figures: Figures): Figures | undefined {
  if (currency === exchange.currency) return figures;
  const costE12 = exchanged(exchange, currency, figures.costE12);
  const revenueE12 = exchanged(exchange, currency, figures.revenueE12);
  return costE12 === undefined || revenueE12 === undefined ? undefined : { ...figures, costE12, revenueE12 };
}
