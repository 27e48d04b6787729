import { type Draft, openDraft } from "../domain/book.ts";
import { followInvoices } from "../domain/collect.ts";
import type { PersonalData, Profile } from "../domain/customer.ts";
import { decideFact } from "../domain/payment-facts.ts";
import type { PaymentPast } from "../domain/payments.ts";
import { commit } from "./commit.ts";
import { readGrant, readPool } from "./credit-store.ts";
import type { Change, Customer } from "./image.ts";
import { readInvoice } from "./invoice-store.ts";
import { readPayment, readPaymentWithIntent, readPaymentWithPage, takeWaiting } from "./payment-store.ts";

/** Decisions about payments, which may be about what is closed: in one transaction with what they are the answer to. */

/** Decides on a draft of the book; `more` takes changes beside it. */
export type PaymentDecision = (draft: Draft, past: PaymentPast, nowMs: number, more: Change[]) => void;

/** Closed payments, invoices, pools and grants, from the object's tables. */
function paymentPast({ sql }: Customer): PaymentPast {
  return {
    payment: (number) => readPayment(sql, number),
    paymentWithPage: (pageId) => readPaymentWithPage(sql, pageId),
    paymentWithIntent: (paymentIntentId) => readPaymentWithIntent(sql, paymentIntentId),
    invoice: (number) => readInvoice(sql, number),
    pool: (number) => readPool(sql, number),
    grant: (number) => readGrant(sql, number),
  };
}

/** Carries a decision out, with what was told before of payments that it makes known. `also`: further rows of the transaction. */
export function decideOnPayments(customer: Customer, decide: PaymentDecision, nowMs: number, also?: () => void): void {
  customer.transact(() => {
    also?.();
    const draft = openDraft(customer.image.book);
    const past = paymentPast(customer);
    const more: Change[] = [];
    decide(draft, past, nowMs, more);
    hearWaiting(customer, draft, past, nowMs);
    followInvoices(draft, nowMs);
    if (customer.image.state.profile?.erased !== undefined) forgetPayer(draft);
    // Last, since it also changes memory, which no rollback would undo.
    commit(customer, [...more, { kind: "draft", draft }], nowMs);
  });
}

/**
 * Who the customer is at the provider, which `eraseRows` took away: what was under way when they were erased brings none of it back. A
 * page's link shows it, too.
 */
function forgetPayer(draft: Draft): void {
  draft.payer.put({});
  for (const payment of [...draft.payments.written.values()]) {
    const { url, successUrl, cancelUrl, methodId, declineReason, ...rest } = payment;
    draft.payments.put(rest);
  }
  for (const { page, ...rest } of [...draft.invoices.written.values()])
    if (page !== undefined) draft.invoices.put(rest);
}

/** Facts that came before anybody knew what they were about. */
function hearWaiting({ sql }: Customer, draft: Draft, past: PaymentPast, nowMs: number): void {
  const heard = new Set<string>();
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const { paymentIntentId } of [...draft.payments.written.values()]) {
      if (paymentIntentId === undefined || heard.has(paymentIntentId)) continue;
      heard.add(paymentIntentId);
      isNew = true;
      for (const fact of takeWaiting(sql, paymentIntentId)) decideFact(draft, past, fact, nowMs);
    }
  }
}

/**
 * The customer as the provider knows them: for those alone who came from there or by an event. Whom the operator registered stays as
 * the operator said.
 */
export function profileChange(
  { image }: Customer,
  told: Pick<PersonalData, "firstName" | "lastName" | "email"> | undefined,
  nowMs: number,
): Change[] {
  const known = image.state.profile;
  if (told === undefined || known === undefined || known.source === "MANUAL") return [];
  const { lastName: _, ...rest } = known;
  const { firstName, lastName = "", email } = told;
  const named = firstName === undefined ? known : { ...rest, firstName, ...(lastName === "" ? {} : { lastName }) };
  const profile: Profile = {
    ...named,
    ...(email === undefined ? {} : { email }),
    source: "STRIPE_IMPORTED",
    modifiedAtMs: nowMs,
  };
  return [{ kind: "profile", profile }];
}
