import { exactMoney } from "../../format.ts";

/** A rate with every digit that it has; a dash where there is none. */
export function rateText(rate: number | undefined, currency: string) {
  return rate === undefined ? <span class="quiet">–</span> : exactMoney(rate, currency);
}
