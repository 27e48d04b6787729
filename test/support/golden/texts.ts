import { minorDigits } from "../../../src/domain/money.ts";
import type { Invoice, InvoiceItem, Subscription } from "../sale.ts";

/** How a story names instants, money, invoices and subscriptions. */

/** `2027-01-15`, `2027-01-15T12:00`, and either with `+1ms` or `-1ms` behind it. */
export function instantOf(text: string): number {
  const [, at = "", byMs = "0"] = /^(\S+)(?:\s+([+-]\d+)ms)?$/.exec(text) ?? [];
  const ms = Date.parse(at.includes("T") ? `${at}Z` : at);
  if (Number.isNaN(ms)) throw new Error(`no instant: ${text}`);
  return ms + Number(byMs);
}

/** An instant of the API as short as it can be: without its midnight, its seconds, its fraction. */
function short(instant: string): string {
  return instant.replace(/T00:00:00\.000Z$|(?::00)?\.000Z$|Z$/, "");
}

/** All digits of the currency, and more if the amount has more: then something is wrong, and seen. */
export function money(amount: number, currency: string): string {
  const [whole = "0", decimals = ""] = String(amount).split(".");
  const digits = decimals.padEnd(minorDigits(currency), "0");
  return digits === "" ? whole : `${whole}.${digits}`;
}

function itemText(item: InvoiceItem & { lateQuantity?: number }, currency: string): string {
  const { kind, chargeAmount, quantity, featureKey, lateQuantity = 0 } = item;
  const late = lateQuantity === 0 ? "" : ` (${lateQuantity} late)`;
  const what = kind === "USAGE" ? `${quantity} ${featureKey}${late}` : kind.toLowerCase();
  return `${what} ${money(chargeAmount, currency)}`;
}

/** What an invoice asks for: `REGULAR` apart from `12.50 2027-02-28/2027-03-31 = base 10.00, 25 api 2.50`. */
export function substanceOf({ type, amount, currency, periodStart, periodEnd, items }: Invoice) {
  const lines = items.map((item) => itemText(item, currency)).join(", ");
  return {
    kind: type === "IN_ADVANCE_INITIAL" ? "INITIAL" : type,
    rest: `${money(amount, currency)} ${short(periodStart)}/${short(periodEnd)}${lines === "" ? "" : ` = ${lines}`}`,
  };
}

/** `ACTIVE pro 2027-01-15/2027-02-15 then tiny until 2027-02-15`; without times where no period is open or over. */
export function subscriptionText(subscription: Subscription): string {
  const { status, plan, currentPeriodStart, currentPeriodEnd, cancelEffectiveAt, scheduledChange } = subscription;
  if (status === "CANCELLED" || status === "INCOMPLETE") return `${status} ${plan.key}`;
  const next = scheduledChange === undefined ? "" : ` then ${scheduledChange.toPlan.key}`;
  const ends = cancelEffectiveAt === undefined ? "" : ` until ${short(cancelEffectiveAt)}`;
  return `${status} ${plan.key} ${short(currentPeriodStart)}/${short(currentPeriodEnd)}${next}${ends}`;
}
