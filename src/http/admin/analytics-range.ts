import { rangeFields } from "../../contract/analytics.ts";
import { instantText } from "../../contract/scalars.ts";
import { decimalToE12 } from "../../domain/amount.ts";
import type { Exchange } from "../../domain/exchange.ts";
import type { Reply } from "../../domain/refusal.ts";
import { fitRange, type TimeRange } from "../../domain/time-range.ts";
import type { Call } from "../route.ts";

/** What every analytics route begins with: the account, one instant, and the range that rollups can answer for. */
export type Asked = { accountId: string; currency: string; exchange: Exchange; nowMs: number; range: TimeRange };

/** Words for the document, on every route with a range. */
export const RANGE_WORDS = `\`[start, end)\`, by default the last 30 days. Sums are kept by UTC hour, and by UTC day once they are older than 35 days: the range is widened to whole hours or days, and the answer's \`start\` and \`end\` say which it was. Events count when they occurred, however late they came.

Sums are in the account's currency, with those of currencies that have a rate in the settings' \`exchangeRates\` (each sum × rate, to 12 decimals); others stand beside as \`otherCurrencies\`. \`margin\` = revenue − cost; \`marginPercent\` = margin ÷ revenue × 100, null without revenue. Events of unknown cost are counted in \`costUnknownEvents\` and add nothing to \`cost\`. Sums are exact; one of more than 15 digits has its decimal text beside it as \`…Exact\`.

Read from the account's projections: an event shows within seconds of its receipt (\`asOf\` is when they were read).`;

export function asked(call: Call, sent: { start?: number | undefined; end?: number | undefined }): Reply<Asked> {
  const { accountId, currency } = call.account.account;
  const exchange = exchangeOf(call);
  const nowMs = Date.now();
  const range = fitRange({ startMs: sent.start, endMs: sent.end }, nowMs);
  return range === undefined
    ? { ok: false, code: "invalid", fields: [{ path: "start", message: "must be before end" }] }
    : { ok: true, value: { accountId, currency, exchange, nowMs, range } };
}

/** How the account puts currencies together. */
export function exchangeOf(call: Call): Exchange {
  const { currency, settings } = call.account.account;
  const rates = Object.entries(settings.exchangeRates ?? {}).map(([code, rate]) => [code, decimalToE12(rate)] as const);
  return { currency, rates: new Map(rates) };
}

/** What every answer says of itself. */
export function scopeFields({ range, nowMs, currency }: Asked) {
  return { ...rangeFields(range), asOf: instantText(nowMs), currency };
}
