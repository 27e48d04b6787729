import { openTariffs } from "../catalog/credit-tariffs.ts";
import type { CreditPrice } from "../domain/credit.ts";
import type { Call } from "./route.ts";

/** What a credit of a denomination costs; undefined where the book has no price in this currency. */
type BookPrice = (denomination: string, currency: string | undefined) => CreditPrice | undefined;

/** The prices in force at an instant, as D1 has them now. Without a currency: in the account's. */
export async function bookPricesAt(call: Call, atMs: number): Promise<BookPrice> {
  const { account } = call.account;
  const rows = await openTariffs(call.env.DB, account.accountId, "prices", atMs);
  return (denomination, currency = account.currency) => {
    const row = rows.find(
      ({ subject, variant, effectiveFromMs }) =>
        subject === denomination && variant === currency && effectiveFromMs <= atMs,
    );
    if (row === undefined) return undefined;
    return {
      priceId: row.rowId,
      denomination,
      currency,
      pricePerCreditE12: row.value,
      effectiveFromMs: row.effectiveFromMs,
    };
  };
}
