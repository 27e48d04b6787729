import { pageLines, paymentName, providerCustomerOf } from "../domain/collect.ts";
import { displayName } from "../domain/customer.ts";
import { refunded } from "../domain/given-back.ts";
import { customerThingId } from "../domain/ids.ts";
import type { Invoice } from "../domain/invoice.ts";
import { PROVIDER_KEY_MS } from "../domain/limits.ts";
import { decideFact } from "../domain/payment-facts.ts";
import { complete, expire, fail, pageEnded, pageMade, startProcessing } from "../domain/payment-outcome.ts";
import type { Payment } from "../domain/payments.ts";
import { payoutRefused, waitingMinor } from "../domain/payout.ts";
import { invalid, type Refusal, type Reply } from "../domain/refusal.ts";
import type { Charge, Failed, Metadata, Outcome, Page, PaymentProvider, SetupIntent } from "../payments/provider.ts";
import { type PaymentDecision, profileChange } from "./decide-payments.ts";
import type { Customer } from "./image.ts";
import { readInvoice } from "./invoice-store.ts";
import type { CallRow } from "./payment-store.ts";

/**
 * How each call to the payment provider is made, and what its answer means. Nothing is written here: an answer is a decision for the
 * object's next turn.
 *
 * Laws: the same call has the same key and the same words whenever it is sent; one that may be older than the provider remembers keys
 * is looked for first.
 */

/** `later`: nobody knows what became of it, or it could not be done now; the same call is to be made again. */
export type Called = { decide: PaymentDecision } | { later: Failed };

export type CallContext = {
  customer: Customer;
  provider: PaymentProvider;
  /** Carries out a decision in a turn of its own, before the call goes on. */
  inTurn: (decide: PaymentDecision) => void;
};

const NOTHING: Called = { decide: () => undefined };

/** Makes the call of a row. `payment`: the attempt that it is for, as it is now; absent for calls of none. */
export function callProvider(context: CallContext, row: CallRow, payment: Payment | undefined): Promise<Called> {
  if (row.op === "profile") return readProfile(context);
  if (payment === undefined) throw new Error("invariant broken: a call is for an attempt that was made");
  switch (row.op) {
    case "page":
      return makePage(context, row, payment);
    case "expire":
      return closePage(context, payment);
    case "charge":
      return charge(context, row, payment);
    case "refund":
      return refund(context, payment);
    default:
      return row.op satisfies never;
  }
}

/** May the call have been made at a time that the provider no longer remembers? */
function isOld({ customer }: CallContext, sentAtMs: number | undefined): boolean {
  return sentAtMs !== undefined && customer.wallMs() - sentAtMs > PROVIDER_KEY_MS;
}

/** “tanso_3f…_12_page”: made of what the call is for, so that a repeat is known as one. */
function keyOf({ customer }: CallContext, number: number, what: string): string {
  return `tanso_${customer.image.owner.tag}_${number}_${what}`;
}

function metadataOf({ customer }: CallContext, payment?: Payment): Metadata {
  const { accountId, customerId, tag } = customer.image.owner;
  const { number, invoice, purchase } = payment ?? {};
  return {
    account: accountId,
    customer: customerId,
    ...(number === undefined ? {} : { payment: number }),
    ...(invoice === undefined ? {} : { invoice: customerThingId(tag, "invoice", invoice) }),
    ...(purchase === undefined ? {} : { pool: customerThingId(tag, "creditPool", purchase.pool) }),
  };
}

/** Only what says whether it was done and what became of it is told again; the rest is final. */
function isUnknown({ failure }: Failed): boolean {
  return failure === "away" || failure === "rate_limited" || failure === "unauthorized";
}

/**
 * The customer at the provider, made when first needed. That it was asked for is kept before it is: an answer may be lost whoever waits
 * for it, a row of the outbox or somebody who saves a method, and the next who needs the customer may come much later.
 */
export async function ensureCustomer(context: CallContext): Promise<Outcome<string>> {
  const { image } = context.customer;
  const { payer } = image.book;
  const known = providerCustomerOf(payer, image.state.profile?.stripeCustomerId);
  if (known !== undefined) return { ok: true, value: known };
  const metadata = metadataOf(context);
  const count = (payer.customersMade ?? 0) + 1;
  const keep = (id: string): Outcome<string> => {
    context.inTurn((draft) => {
      const { customerAskedAtMs: _, ...rest } = draft.payer.get();
      draft.payer.put({ ...rest, providerCustomerId: id, customersMade: count });
    });
    return { ok: true, value: id };
  };
  const { customerAskedAtMs } = payer;
  if (customerAskedAtMs === undefined) {
    const askedAtMs = context.customer.wallMs();
    context.inTurn((draft) => draft.payer.put({ ...draft.payer.get(), customerAskedAtMs: askedAtMs }));
  } else if (isOld(context, customerAskedAtMs)) {
    const found = await context.provider.findCustomer(metadata);
    if (!found.ok) return found;
    if (found.value !== undefined && !found.value.isDeleted) return keep(found.value.id);
  }
  const made = await makeCustomer(context, metadata, count);
  return made.ok ? keep(made.value.id) : made;
}

/** What people write into an e-mail's place need not be one: then the customer is made without. */
async function makeCustomer(context: CallContext, metadata: Metadata, count: number) {
  const { profile } = context.customer.image.state;
  const name = profile === undefined ? "" : displayName(profile);
  const said = {
    ...(name === "" ? {} : { name }),
    ...(profile?.email === undefined ? {} : { email: profile.email }),
    ...(profile?.phoneNumber === undefined ? {} : { phone: profile.phoneNumber }),
  };
  const made = await context.provider.createCustomer({
    ...said,
    idempotencyKey: keyOf(context, count, "customer"),
    metadata,
  });
  if (made.ok || made.failure !== "refused") return made;
  return context.provider.createCustomer({ idempotencyKey: keyOf(context, count, "customer_bare"), metadata });
}

/** What the customer's browser needs to save a method. Nothing is kept here: the provider tells when one is saved. */
export async function makeSetupIntent(
  context: CallContext,
  providerCustomerId: string,
  key: string,
): Promise<Reply<SetupIntent>> {
  const made = await context.provider.createSetupIntent({
    providerCustomerId,
    idempotencyKey: `${key}_setup`,
    metadata: metadataOf(context),
  });
  if (made.ok) return made;
  if (await isGone(context, providerCustomerId, made)) return { ok: false, code: "payments_unavailable" };
  return refusalOf(made, "customerReferenceId");
}

/** Makes a saved method the one that is charged. Refuses `invalid` for one that the provider does not take. */
export async function chooseMethod(
  context: CallContext,
  { providerCustomerId, paymentMethodId }: { providerCustomerId: string; paymentMethodId: string },
  key: string,
): Promise<Reply<{ paymentMethodId: string }>> {
  const set = await context.provider.setDefaultMethod({
    providerCustomerId,
    paymentMethodId,
    idempotencyKey: `${key}_default`,
    metadata: metadataOf(context),
  });
  if (!set.ok && (await isGone(context, providerCustomerId, set))) return { ok: false, code: "payments_unavailable" };
  if (!set.ok) return refusalOf(set, "paymentMethodId");
  // As the provider calls it, which events will: a test method has another name.
  const { paymentMethodId: defaultMethodId } = set.value;
  context.inTurn((draft) => draft.payer.put({ ...draft.payer.get(), defaultMethodId }));
  return set;
}

/** A failure as a caller hears of it: what they said is wrong, or nothing can be done now. */
export function refusalOf(failed: Failed, field: string): Refusal {
  if (isUnknown(failed)) return { ok: false, code: "payments_unavailable" };
  return invalid(field, `was refused by the payment provider: ${failed.message}`);
}

function invoiceOf({ customer }: CallContext, { invoice, purchase }: Payment): Invoice | undefined {
  if (invoice === undefined || purchase !== undefined) return undefined;
  return customer.image.book.invoices.get(invoice) ?? readInvoice(customer.sql, invoice);
}

/** Not wanted any more, and maybe sent: what became of it decides. */
async function forget<T>(
  found: Outcome<T | undefined>,
  payment: Payment,
  met: (there: T) => PaymentDecision,
): Promise<Called> {
  if (!found.ok) return isUnknown(found) ? { later: found } : NOTHING;
  const there = found.value;
  return { decide: there === undefined ? (draft, past, nowMs) => expire(draft, past, payment, nowMs) : met(there) };
}

const pageTold =
  (payment: Payment, page: Page): PaymentDecision =>
  (draft, past, nowMs) =>
    pageMade(draft, past, payment, page, nowMs);

/** A new customer there is another call: under the key of the first one it would be the same call with other words. */
function whatFor({ customer }: CallContext, what: string): string {
  const { deletedCustomerIds = [] } = customer.image.book.payer;
  return deletedCustomerIds.length === 0 ? what : `${what}_${deletedCustomerIds.length}`;
}

/**
 * Was a call refused because the customer is no longer at the provider, and nobody told? Then that is noted, and what is asked next makes
 * another one.
 */
async function isGone(context: CallContext, providerCustomerId: string, { failure }: Failed): Promise<boolean> {
  if (failure !== "not_found") return false;
  const found = await context.provider.retrieveCustomer(providerCustomerId);
  if (found.ok ? !found.value.isDeleted : found.failure !== "not_found") return false;
  context.inTurn((draft, past, nowMs) => {
    decideFact(draft, past, { kind: "customer_deleted", providerCustomerId }, nowMs);
  });
  return true;
}

async function makePage(context: CallContext, row: CallRow, payment: Payment): Promise<Called> {
  const { provider } = context;
  const customerId = await ensureCustomer(context);
  if (!customerId.ok) return failed(context, customerId, payment);
  const providerCustomerId = customerId.value;
  if (isOld(context, row.sentAtMs) || payment.isClosing) {
    const found = await provider.findPage({ providerCustomerId, payment: payment.number });
    if (payment.isClosing || !found.ok || found.value !== undefined)
      return forget(found, payment, (page) => pageTold(payment, page));
  }
  const invoice = invoiceOf(context, payment);
  const { currency, amountMinor, successUrl, cancelUrl } = payment;
  const made = await provider.createPage({
    providerCustomerId,
    currency,
    amountMinor,
    lines: invoice === undefined ? [{ description: "Credits", amountMinor }] : pageLines(invoice),
    ...(successUrl === undefined ? {} : { successUrl }),
    ...(cancelUrl === undefined ? {} : { cancelUrl }),
    savesMethod: false,
    idempotencyKey: keyOf(context, payment.number, whatFor(context, "page")),
    metadata: metadataOf(context, payment),
  });
  if (made.ok) return { decide: pageTold(payment, made.value) };
  // Each time another customer is noted as gone, so this comes to an end.
  return (await isGone(context, providerCustomerId, made))
    ? makePage(context, row, payment)
    : failed(context, made, payment);
}

/** A call that failed for good ends the attempt. */
function failed({ customer }: CallContext, outcome: Failed, payment: Payment): Called {
  if (isUnknown(outcome)) return { later: outcome };
  const { accountId, customerId } = customer.image.owner;
  const why = `${outcome.failure}: ${outcome.message}`;
  console.error(JSON.stringify({ at: "provider", payment: payment.number, failed: why, accountId, customerId }));
  const { chargeId, declineReason = outcome.failure } = outcome;
  const failure = { declineReason, ...(chargeId === undefined ? {} : { paymentIntentId: chargeId }) };
  return { decide: (draft, past, nowMs) => fail(draft, past, payment, failure, nowMs) };
}

async function closePage(context: CallContext, payment: Payment): Promise<Called> {
  const { provider } = context;
  const pageId = payment.pageId ?? "";
  const closed = await provider.expirePage(pageId, keyOf(context, payment.number, "expire"));
  // Refused, it is what it is by now.
  const page = closed.ok || isUnknown(closed) ? closed : await provider.retrievePage(pageId);
  if (!page.ok) {
    if (isUnknown(page)) return { later: page };
    return { decide: (draft, past, nowMs) => expire(draft, past, payment, nowMs) };
  }
  const { value } = page;
  if (value.status === "open")
    return { later: { ok: false, failure: "away", message: "the page is open after it was closed" } };
  return { decide: (draft, past, nowMs) => pageEnded(draft, past, payment, value, nowMs) };
}

const chargeTold =
  (payment: Payment, { id: paymentIntentId, status, amountMinor, currency, declineReason }: Charge): PaymentDecision =>
  (draft, past, nowMs) => {
    const paid = { paymentIntentId, amountMinor, currency };
    if (status === "succeeded") complete(draft, past, payment, paid, nowMs);
    else if (status === "processing") startProcessing(draft, past, payment, paid, nowMs);
    else fail(draft, past, payment, { paymentIntentId, declineReason: declineReason ?? status }, nowMs);
  };

async function charge(context: CallContext, row: CallRow, payment: Payment): Promise<Called> {
  const { provider } = context;
  const customerId = await ensureCustomer(context);
  if (!customerId.ok) return failed(context, customerId, payment);
  const providerCustomerId = customerId.value;
  if (isOld(context, row.sentAtMs) || payment.isClosing) {
    const found = await provider.findCharge({ providerCustomerId, payment: payment.number });
    if (payment.isClosing || !found.ok || found.value !== undefined)
      return forget(found, payment, (there) => chargeTold(payment, there));
  }
  const saved = await saveMethod(context, payment, providerCustomerId);
  if (!saved.ok) {
    await isGone(context, providerCustomerId, saved);
    return failed(context, saved, payment);
  }
  const invoice = invoiceOf(context, payment);
  const { currency, amountMinor, methodId = "" } = payment;
  const charged = await provider.charge({
    providerCustomerId,
    paymentMethodId: methodId,
    amountMinor,
    currency,
    description: invoice === undefined ? "Credits" : paymentName(invoice),
    idempotencyKey: keyOf(context, payment.number, "charge"),
    metadata: metadataOf(context, payment),
  });
  if (charged.ok) return { decide: chargeTold(payment, charged.value) };
  // Its methods are gone with it: a page takes the place of the charge.
  await isGone(context, providerCustomerId, charged);
  return failed(context, charged, payment);
}

/** A method named with a subscription is the customer's from then on: renewals are charged by it. */
async function saveMethod(
  context: CallContext,
  { number, purpose, methodId = "" }: Payment,
  providerCustomerId: string,
): Promise<Outcome<unknown>> {
  if (purpose === "CREDIT_TOPUP" || context.customer.image.book.payer.defaultMethodId === methodId)
    return { ok: true, value: undefined };
  const saved = await context.provider.setDefaultMethod({
    providerCustomerId,
    paymentMethodId: methodId,
    idempotencyKey: keyOf(context, number, "method"),
    metadata: metadataOf(context),
  });
  if (!saved.ok) return saved;
  const { paymentMethodId: defaultMethodId } = saved.value;
  context.inTurn((draft) => draft.payer.put({ ...draft.payer.get(), defaultMethodId }));
  return saved;
}

/**
 * Gives back what was paid for nothing, or what the balance pays out, as far as it was not given back meanwhile: by whomever, so the
 * provider is asked first. That also finds a refund whose answer was lost, however long ago.
 */
async function refund(context: CallContext, payment: Payment): Promise<Called> {
  const { provider } = context;
  const { number, overpaidMinor = 0, currency } = payment;
  // Refused: what was overpaid stays open, and is shown so; what was to be paid out is in the balance again.
  const refused: Called = {
    decide: (draft, past, nowMs) => payoutRefused(draft, past.payment(number) ?? payment, nowMs),
  };
  const charged = await chargeOf(context, payment);
  if (!charged.ok) return isUnknown(charged) ? { later: charged } : refused;
  const { id: paymentIntentId, refundedMinor } = charged.value;
  const targetMinor = overpaidMinor > 0 ? overpaidMinor : payment.refundedMinor + waitingMinor(payment);
  const amountMinor = targetMinor - refundedMinor;
  const told = (refundedMinorTotal: number): Called => ({
    decide: (draft, past, nowMs) => refunded(draft, past, payment, { refundedMinorTotal }, nowMs),
  });
  if (amountMinor <= 0) return told(refundedMinor);
  const made = await provider.refund({
    paymentIntentId,
    amountMinor,
    currency,
    idempotencyKey: keyOf(context, number, `refund_${refundedMinor}_${amountMinor}`),
    metadata: metadataOf(context, payment),
  });
  // It may be an old answer to the same call, of one that failed since.
  if (made.ok)
    return made.value.status === "failed" || payment.failedRefunds?.includes(made.value.id)
      ? refused
      : told(refundedMinor + amountMinor);
  return isUnknown(made) ? { later: made } : refused;
}

/** The charge that brought the money; a page knows it where no event has told it. */
async function chargeOf({ provider }: CallContext, { paymentIntentId, pageId }: Payment): Promise<Outcome<Charge>> {
  if (paymentIntentId !== undefined) return provider.retrieveCharge(paymentIntentId);
  const page = await provider.retrievePage(pageId ?? "");
  if (!page.ok) return page;
  const id = page.value.paymentIntentId;
  return id === undefined
    ? { ok: false, failure: "not_found", message: "the page has no payment" }
    : provider.retrieveCharge(id);
}

async function readProfile(context: CallContext): Promise<Called> {
  const { customer, provider } = context;
  const id = customer.image.state.profile?.stripeCustomerId;
  if (id === undefined) return NOTHING;
  const found = await provider.retrieveCustomer(id);
  if (!found.ok) return isUnknown(found) ? { later: found } : NOTHING;
  const { name, email, isDeleted } = found.value;
  if (isDeleted) return NOTHING;
  return {
    decide: (draft, past, nowMs, more) => {
      const fact = {
        kind: "customer_changed" as const,
        providerCustomerId: id,
        ...(name === undefined ? {} : { name }),
        ...(email === undefined ? {} : { email }),
      };
      const { profile } = decideFact(draft, past, fact, nowMs);
      more.push(...profileChange(customer, profile, nowMs));
    },
  };
}
