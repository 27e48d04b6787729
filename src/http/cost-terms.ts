import type { AccountSnapshot } from "../catalog/snapshot.ts";
import { decimalToE12 } from "../domain/amount.ts";
import type { CostTerms } from "../domain/cost.ts";

/** PLACEHOLDER */
export function costTermsOf(snapshot: AccountSnapshot): CostTerms {
  const { currency, settings } = snapshot.account;
  return {
    currency,
    ...(settings.usdExchangeRate === undefined ? {} : { usdExchangeRateE12: decimalToE12(settings.usdExchangeRate) }),
  };
}
