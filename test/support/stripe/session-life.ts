import { declined, declineOf, isTestMethod } from "./cards.ts";
import { createCustomer } from "./customers.ts";
import { emit } from "./events.ts";
import { methodNamed } from "./payment-methods.ts";
import { assertTypeTaken, attempt, cancelIntent, newIntent, settleDebit } from "./payments.ts";
import { conflicting, StripeRefusal } from "./refusals.ts";
import { cancelSetup, trySetup } from "./setups.ts";
import type { Context, DeclineCode, PaymentIntent, Session } from "./state.ts";

/** What happens at a checkout page: it is paid, declined, completed without money yet, or its time is over. */

/**
 * The customer pays with a test method (or one that he saved). Declined: throws the 402, and the page stays open for another
 * try. A bank debit completes the page with its payment still to come. A holder who is asked agrees.
 */
export function payAtPage(context: Context, session: Session, methodName: string): void {
  assertOpen(session);
  const method = methodNamed(context, methodName);
  if (session.mode === "setup") {
    const setup = context.account.setupIntents[session.setup_intent ?? ""];
    if (setup === undefined) throw conflicting(`The session ${session.id} sets nothing up.`);
    trySetup(context, setup, method, "authenticated");
    complete(context, session);
    return;
  }
  if (session.payment_status === "no_payment_required") {
    complete(context, session);
    return;
  }
  if (session.customer_creation === "always" && session.customer === null)
    session.customer = createCustomer(context, { email: session.customer_details?.email ?? null }).id;
  const intent = intentOf(context, session);
  assertTypeTaken(method, session.payment_method_types, intent.currency);
  if (isTestMethod(methodName) && session.customer_details !== null)
    method.billing_details = { ...method.billing_details, email: session.customer_details.email };
  attempt(context, intent, method, "authenticated");
  session.payment_status = intent.status === "succeeded" ? "paid" : "unpaid";
  complete(context, session);
}

/** The bank refuses whatever the customer tries at this page. The page stays open. Answers the refusal. */
export function declineAtPage(context: Context, session: Session, code: DeclineCode): StripeRefusal {
  assertOpen(session);
  const method = methodNamed(context, "pm_card_visa");
  context.account.behaviours[method.id] = { onSetup: code, onCharge: code, authentication: "never", debit: null };
  if (session.payment_status === "no_payment_required" && session.mode === "payment")
    return declined(declineOf(code), {});
  try {
    payAtPage(context, session, method.id);
  } catch (error) {
    if (error instanceof StripeRefusal) return error;
    throw error;
  }
  throw new Error(`the page ${session.id} took a card that declines`);
}

/** The customer pays in a way whose money comes later, if it comes: the page is complete, and not paid. */
export function completeUnpaid(context: Context, session: Session): Session {
  const method = methodNamed(context, "pm_card_visa");
  context.account.behaviours[method.id] = { onSetup: null, onCharge: null, authentication: "never", debit: "succeeds" };
  payAtPage(context, session, method.id);
  return session;
}

/** What the bank says of a debit; the page that it was paid at tells it on. `failure` null: the money came. */
export function settleAndTell(context: Context, intent: PaymentIntent, failure: DeclineCode | null): void {
  settleDebit(context, intent, failure === null ? null : declineOf(failure));
  const session = Object.values(context.account.sessions).find(({ payment_intent }) => payment_intent === intent.id);
  if (session === undefined) return;
  if (failure === null) session.payment_status = "paid";
  emit(context, `checkout.session.async_payment_${failure === null ? "succeeded" : "failed"}`, session);
}

/** The page's time is over, or somebody ends it: nobody can pay there any more. */
export function expireSession(context: Context, session: Session): void {
  session.status = "expired";
  session.url = null;
  const intent = context.account.paymentIntents[session.payment_intent ?? ""];
  if (intent !== undefined) cancelIntent(context, intent, "automatic");
  const setup = context.account.setupIntents[session.setup_intent ?? ""];
  if (setup !== undefined) cancelSetup(context, setup, null);
  emit(context, "checkout.session.expired", session);
}

/** Expires the pages whose time is over by the account's clock. */
export function expireWhatIsDue(context: Context): void {
  for (const session of Object.values(context.account.sessions))
    if (session.status === "open" && session.expires_at <= context.nowSeconds) expireSession(context, session);
}

function assertOpen(session: Session): void {
  if (session.status !== "open")
    throw conflicting(`This Checkout Session is ${session.status}: nothing can be paid there.`);
}

/** The intent of a page is made when somebody first tries to pay there. */
function intentOf(context: Context, session: Session): PaymentIntent {
  const known = context.account.paymentIntents[session.payment_intent ?? ""];
  if (known !== undefined) return known;
  const intent = newIntent(context, {
    ...context.account.sessionIntents[session.id],
    amount: session.amount_total ?? 0,
    currency: session.currency ?? "usd",
    customer: session.customer,
    allowed: session.allowed_payment_method_types,
  });
  session.payment_intent = intent.id;
  return intent;
}

function complete(context: Context, session: Session): void {
  session.status = "complete";
  session.url = null;
  emit(context, "checkout.session.completed", session);
}
