import { creditsMinor } from "./billing.ts";
import type { Draft } from "./book.ts";
import { closePayment, isOver, startPayment, urge } from "./collect.ts";
import type { CreditPrice, E4, Grant, Pool } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import { addGrant, closedPool } from "./credit-ledger.ts";
import { type RefundShare, refundPurchase } from "./grants.ts";
import { invoiceNumber } from "./invoice.ts";
import { isBelowMinimum } from "./payment-amount.ts";
import {
  changePayment,
  livePayment,
  type Payment,
  type PaymentPast,
  type PaymentTerms,
  type Purchase,
  subjectOf,
} from "./payments.ts";
import { currentPool } from "./pools.ts";
import { invalid, type Reply } from "./refusal.ts";

/**
 * Credits that a customer buys. Owns what they cost, and what comes with the money. Leaves the way of the money to `collect.ts` and
 * `payment-outcome.ts`.
 *
 * Laws: the price that was agreed on holds whenever the page is paid; credits come with the money and not before; one purchase of a
 * pool is open at a time; money that was given back takes the same share of the credits, at most what is left of them.
 */

export type PurchaseSpec = {
  pool: Pool;
  creditsE4: E4;
  /** In force now; absent where the book has none. */
  price: CreditPrice | undefined;
  /** A saved method; absent: the customer's own, if one is saved. */
  methodId?: string;
  terms: PaymentTerms | undefined;
  /** Real time, by which pages end. */
  wallMs: number;
};

/**
 * Asks for the money of a purchase: a saved method is charged, else there is a page. Refuses `payments_off`, a pool that takes nothing,
 * what has no price or costs too little, and `purchase_open` while another one of this pool waits for its money.
 */
export function decidePurchase(draft: Draft, spec: PurchaseSpec, nowMs: number): Reply<Payment> {
  const { creditsE4, price, terms, wallMs } = spec;
  const pool = currentPool(draft, spec.pool);
  if (terms?.isOn !== true) return { ok: false, code: "payments_off" };
  if (pool.status !== "ACTIVE") return closedPool(pool);
  if (price === undefined)
    return invalid("creditPoolId", `is of ${pool.denomination}, which has no price in force: publish one first`);
  const amountMinor = creditsMinor({ creditsE4, unitPriceE12: price.pricePerCreditE12 }, price.currency);
  if (amountMinor <= 0 || isBelowMinimum(amountMinor, price.currency))
    return invalid("credits", "cost less than what can be paid at once: buy more");
  const purchase = { pool: pool.number, creditsE4, unitPriceE12: price.pricePerCreditE12 };
  const open = livePayment(draft, subjectOf({ purchase }));
  if (open !== undefined && isUnheard(open) && isSamePurchase(open, amountMinor, purchase)) {
    urge(draft, subjectOf({ purchase }));
    return { ok: true, value: open };
  }
  if (open !== undefined && !isReplaceable(open, wallMs))
    return { ok: false, code: "purchase_open", payment: open.number };
  if (open !== undefined) {
    closePayment(draft, open, nowMs);
    // What takes its place waits for its end.
    urge(draft, subjectOf({ purchase }));
  }
  const methodId = methodFor(draft, spec, nowMs);
  const asked = { purpose: "CREDIT_TOPUP", currency: price.currency, amountMinor, purchase } as const;
  const payment = startPayment(
    draft,
    methodId === undefined ? { ...asked, kind: "PAGE" } : { ...asked, kind: "CHARGE", methodId },
    nowMs,
  );
  return { ok: true, value: payment };
}

/** The provider has not answered yet: whoever asked was told to ask again. */
function isUnheard({ status, pageId }: Payment): boolean {
  return status === "PENDING" && pageId === undefined;
}

function isSamePurchase(open: Payment, amountMinor: number, { creditsE4 }: Purchase): boolean {
  return open.amountMinor === amountMinor && open.purchase?.creditsE4 === creditsE4;
}

/** Nobody can pay by it: its time is over, or nobody was told of it. A charge may be under way. */
function isReplaceable(open: Payment, wallMs: number): boolean {
  return isOver(open, wallMs) || (open.kind === "PAGE" && isUnheard(open));
}

/** A method that was declined is left alone for a while, unless the customer names another one. */
function methodFor(draft: Draft, { methodId }: PurchaseSpec, nowMs: number): string | undefined {
  const { defaultMethodId, declines } = draft.payer.get();
  const isCooling = declines !== undefined && nowMs < declines.untilMs;
  const chosen = methodId ?? defaultMethodId;
  return isCooling && chosen === defaultMethodId ? undefined : chosen;
}

/**
 * The money came: an invoice that is paid, and the credits. Answers false where the pool takes none any more: then the money is to be
 * given back.
 */
export function completePurchase(draft: Draft, payment: Payment, nowMs: number): boolean {
  const { purchase, currency, amountMinor } = payment;
  if (purchase === undefined) throw new Error("invariant broken: what is completed as a purchase is one");
  const pool = draft.pools.get(purchase.pool);
  draft.last.purchase += 1;
  const number = invoiceNumber(0, draft.last.purchase);
  const { creditsE4, unitPriceE12 } = purchase;
  draft.invoices.put({
    number,
    subscription: 0,
    type: "REGULAR",
    status: "PAID",
    currency,
    lines: [
      {
        kind: "BASE",
        description: `${formatE4(creditsE4)} ${pool?.denomination ?? ""} credits`,
        amountMinor,
        periodStartMs: nowMs,
        periodEndMs: nowMs,
        credits: { creditsE4, unitPriceE12 },
      },
    ],
    amountMinor,
    periodStartMs: nowMs,
    periodEndMs: nowMs,
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
    dueAtMs: nowMs,
    paidAtMs: nowMs,
    paidBy: "STRIPE",
  });
  const grant = pool === undefined || pool.status === "ARCHIVED" ? undefined : bought(draft, payment, number, nowMs);
  changePayment(
    draft,
    payment,
    { invoice: number, purchase: { ...purchase, ...(grant === undefined ? {} : { grant: grant.number }) } },
    nowMs,
  );
  return grant !== undefined;
}

function bought(draft: Draft, { purchase, currency }: Payment, invoice: number, nowMs: number): Grant | undefined {
  if (purchase === undefined) return undefined;
  return addGrant(draft, {
    pool: purchase.pool,
    invoice,
    type: "PURCHASED",
    amountE4: purchase.creditsE4,
    unitPriceE12: purchase.unitPriceE12,
    currency,
    createdAtMs: nowMs,
  });
}

/** Money of a purchase was given back: its credits lose the same share, as far as they are left. */
export function takeBackPurchase(
  draft: Draft,
  past: Pick<PaymentPast, "pool" | "grant">,
  { purchase }: Payment,
  share: RefundShare,
  nowMs: number,
): void {
  const pool = draft.pools.get(purchase?.pool ?? 0) ?? past.pool(purchase?.pool ?? 0);
  const grant = draft.grants.get(purchase?.grant ?? 0) ?? past.grant(purchase?.grant ?? 0);
  if (pool === undefined || grant === undefined)
    throw new Error("invariant broken: what was bought is in a pool of this customer");
  refundPurchase(draft, { pool, grant, share }, nowMs);
}
