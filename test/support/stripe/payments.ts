import { behaviourOf, type Decline, declined, declineOf } from "./cards.ts";
import { endCharge, newCharge } from "./charges.ts";
import { emit } from "./events.ts";
import { attach } from "./payment-methods.ts";
import { conflicting, invalid, type StripeRefusal } from "./refusals.ts";
import { type Context, type IntentData, newId, type PaymentIntent, type PaymentMethod } from "./state.ts";

/** The life of a payment intent: made, attempted, authenticated, settled by a bank, cancelled. */

export type NewIntent = Partial<IntentData> & {
  amount: number;
  currency: string;
  customer: string | null;
  /** The only types that may be used; null: all that the account takes. */
  allowed: readonly string[] | null;
};

/** A payment intent that nobody has tried to pay yet. */
export function newIntent(context: Context, wanted: NewIntent): PaymentIntent {
  const { account, nowSeconds } = context;
  const id = newId(account, "pi");
  const allowed = wanted.allowed;
  const intent: PaymentIntent = {
    id,
    object: "payment_intent",
    allowed_payment_method_types: allowed as PaymentIntent["allowed_payment_method_types"],
    amount: wanted.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: "always", enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: "automatic_async",
    client_secret: `${id}_${newId(account, "secret")}`,
    confirmation_method: "automatic",
    created: nowSeconds,
    currency: wanted.currency,
    customer: wanted.customer,
    customer_account: null,
    description: wanted.description ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: { ...wanted.metadata },
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: typesFor(wanted.currency, allowed),
    payment_record: null,
    processing: null,
    receipt_email: wanted.receipt_email ?? null,
    review: null,
    setup_future_usage: wanted.setup_future_usage ?? null,
    shipping: null,
    source: null,
    statement_descriptor: wanted.statement_descriptor ?? null,
    statement_descriptor_suffix: wanted.statement_descriptor_suffix ?? null,
    status: "requires_payment_method",
    transfer_data: null,
    transfer_group: null,
  };
  account.paymentIntents[id] = intent;
  emit(context, "payment_intent.created", intent);
  return intent;
}

/** What the account takes in a currency (cards, and the double's bank debit in its own), of that what is allowed. */
export function typesFor(currency: string, allowed: readonly string[] | null): string[] {
  const taken = currency === "usd" ? ["card", "us_bank_account"] : ["card"];
  const types = taken.filter((type) => allowed?.includes(type) ?? true);
  if (types.length > 0) return types;
  throw invalid(`No valid payment method types for this payment: of ${taken.join(", ")} none is allowed.`, {
    param: "allowed_payment_method_types",
  });
}

/** Throws unless the intent takes payment methods of this type. */
export function assertTypeTaken(method: PaymentMethod, types: readonly string[], currency: string): void {
  if (method.type === "us_bank_account" && currency !== "usd")
    throw conflicting(`The currency provided (${currency}) is invalid for payment method type us_bank_account.`, {
      code: "payment_intent_invalid_currency",
      param: "currency",
    });
  if (types.includes(method.type)) return;
  throw conflicting(
    `The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent, which takes: ${types.join(", ")}.`,
    { code: "payment_intent_incompatible_payment_method", param: "payment_method" },
  );
}

/** Who is there when a payment is tried: nobody, a holder who may be asked, or one who has just proved himself. */
export type Presence = "absent" | "present" | "authenticated";

/**
 * Tries to pay an intent with a method. A decline leaves the failed attempt behind, tells it by events, and throws its 402. With
 * a holder present who must be asked, the intent waits for him.
 */
export function attempt(context: Context, intent: PaymentIntent, method: PaymentMethod, presence: Presence): void {
  const { onCharge, authentication, debit } = behaviourOf(context, method.id);
  intent.last_payment_error = null;
  intent.next_action = null;
  intent.payment_method = method.id;
  if (onCharge !== null && onCharge !== "authentication_required")
    throw refusePayment(context, intent, method, declineOf(onCharge));
  const mustAsk =
    onCharge === "authentication_required" ||
    authentication === "always" ||
    (authentication === "once" && context.account.authenticated[method.id] !== true);
  if (mustAsk && presence === "absent")
    throw refusePayment(context, intent, method, declineOf("authentication_required"));
  if (mustAsk && presence === "present") askHolder(context, intent);
  else if (debit !== null) startDebit(context, intent, method);
  else {
    newCharge(context, intent, method, "succeeded");
    receive(context, intent);
  }
}

function askHolder(context: Context, intent: PaymentIntent): void {
  intent.status = "requires_action";
  intent.next_action = { type: "use_stripe_sdk", use_stripe_sdk: {} };
  emit(context, "payment_intent.requires_action", intent);
}

function startDebit(context: Context, intent: PaymentIntent, method: PaymentMethod): void {
  newCharge(context, intent, method, "pending");
  intent.status = "processing";
  saveForLater(context, intent);
  emit(context, "payment_intent.processing", intent);
}

function receive(context: Context, intent: PaymentIntent): void {
  intent.status = "succeeded";
  intent.amount_received = intent.amount;
  saveForLater(context, intent);
  emit(context, "payment_intent.succeeded", intent);
}

function saveForLater(context: Context, { customer, payment_method, setup_future_usage }: PaymentIntent): void {
  const method = payment_method === null ? undefined : context.account.paymentMethods[payment_method];
  if (method === undefined || customer === null || setup_future_usage === null) return;
  if (method.customer === null) attach(context, method, customer);
  context.account.authenticated[method.id] = true;
}

/** Notes a failed attempt on the intent, which can be tried again; answers the refusal for the one who asked. */
function refusePayment(
  context: Context,
  intent: PaymentIntent,
  method: PaymentMethod,
  decline: Decline,
): StripeRefusal {
  const charge = newCharge(context, intent, method, decline);
  noteFailure(context, intent, method, decline, charge.id);
  return declined(decline, {
    charge: charge.id,
    payment_intent: structuredClone(intent),
    payment_method: structuredClone(method),
  });
}

function noteFailure(
  context: Context,
  intent: PaymentIntent,
  method: PaymentMethod,
  decline: Decline,
  charge: string,
): void {
  intent.status = "requires_payment_method";
  intent.payment_method = null;
  // A payment method as it is kept names its customer by id, as the SDK's type allows.
  intent.last_payment_error = { type: "card_error", ...decline, charge, payment_method: structuredClone(method) };
  emit(context, "payment_intent.payment_failed", intent);
}

/** The holder answers the question of his bank. */
export function authenticate(context: Context, intent: PaymentIntent, agrees: boolean): void {
  const method = context.account.paymentMethods[intent.payment_method ?? ""];
  if (intent.status !== "requires_action" || method === undefined)
    throw conflicting(`This PaymentIntent's status is ${intent.status}: nobody is asked anything.`);
  if (agrees) {
    attempt(context, intent, method, "authenticated");
    return;
  }
  intent.next_action = null;
  const words =
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
  intent.status = "requires_payment_method";
  intent.payment_method = null;
  intent.last_payment_error = {
    type: "invalid_request_error",
    code: "payment_intent_authentication_failure",
    message: words,
    payment_method: structuredClone(method),
  };
  emit(context, "payment_intent.payment_failed", intent);
}

/** The bank says what became of a debit: the money came, or the reason why not. */
export function settleDebit(context: Context, intent: PaymentIntent, failure: Decline | null): void {
  const { account } = context;
  const charge = account.charges[intent.latest_charge ?? ""];
  const method = account.paymentMethods[intent.payment_method ?? ""];
  if (intent.status !== "processing" || charge === undefined || method === undefined)
    throw conflicting(`This PaymentIntent's status is ${intent.status}: it waits for no bank.`);
  endCharge(context, charge, failure);
  if (failure === null) receive(context, intent);
  else noteFailure(context, intent, method, failure, charge.id);
}

/** Gives an intent up. One that is paid, or that a bank is working on, cannot be. */
export function cancelIntent(
  context: Context,
  intent: PaymentIntent,
  reason: PaymentIntent["cancellation_reason"],
): void {
  if (["succeeded", "canceled", "processing"].includes(intent.status))
    throw conflicting(
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action.`,
      { code: "payment_intent_unexpected_state" },
    );
  intent.status = "canceled";
  intent.canceled_at = context.nowSeconds;
  intent.cancellation_reason = reason;
  intent.next_action = null;
  emit(context, "payment_intent.canceled", intent);
}
