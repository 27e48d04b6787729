import { StripeRefusal } from "./refusals.ts";
import { type Behaviour, type Context, type DeclineCode, newId, type PaymentMethod } from "./state.ts";

/** Stripe's test payment methods: their names, how they behave, and with what words they decline. */

const GOOD: Behaviour = { onSetup: null, onCharge: null, authentication: "never", debit: null };

function declines(code: DeclineCode): Behaviour {
  return { ...GOOD, onSetup: code, onCharge: code };
}

type TestMethod = { type: "card" | "us_bank_account"; brand: string; last4: string; behaviour: Behaviour };

function card(last4: string, behaviour: Behaviour, brand = "visa"): TestMethod {
  return { type: "card", brand, last4, behaviour };
}

function bank(last4: string, debit: Behaviour["debit"]): TestMethod {
  return { type: "us_bank_account", brand: "", last4, behaviour: { ...GOOD, debit } };
}

const TEST_METHODS: Readonly<Record<string, TestMethod>> = {
  pm_card_visa: card("4242", GOOD),
  pm_card_mastercard: card("4444", GOOD, "mastercard"),
  pm_card_amex: card("8431", GOOD, "amex"),
  pm_card_chargeDeclined: card("0002", declines("generic_decline")),
  pm_card_visa_chargeDeclined: card("0002", declines("generic_decline")),
  pm_card_chargeDeclinedInsufficientFunds: card("9995", declines("insufficient_funds")),
  pm_card_visa_chargeDeclinedInsufficientFunds: card("9995", declines("insufficient_funds")),
  pm_card_visa_chargeDeclinedLostCard: card("9987", declines("lost_card")),
  pm_card_visa_chargeDeclinedStolenCard: card("9979", declines("stolen_card")),
  pm_card_chargeDeclinedFraudulent: card("0019", declines("fraudulent")),
  pm_card_chargeDeclinedExpiredCard: card("0069", declines("expired_card")),
  pm_card_chargeDeclinedIncorrectCvc: card("0127", declines("incorrect_cvc")),
  pm_card_chargeDeclinedProcessingError: card("0119", declines("processing_error")),
  // Can be saved; is declined when it is charged.
  pm_card_chargeCustomerFail: card("0341", { ...GOOD, onCharge: "generic_decline" }),
  pm_card_authenticationRequired: card("3184", { ...GOOD, authentication: "always" }),
  pm_card_authenticationRequiredOnSetup: card("3155", { ...GOOD, authentication: "once" }),
  pm_usBankAccount_success: bank("6789", "succeeds"),
  pm_usBankAccount_processing: bank("6789", "succeeds"),
  pm_usBankAccount_accountClosed: bank("1113", "account_closed"),
  pm_usBankAccount_noAccount: bank("1116", "no_account"),
  pm_usBankAccount_insufficientFunds: bank("2227", "insufficient_funds"),
  pm_usBankAccount_debitNotAuthorized: bank("3335", "debit_not_authorized"),
};

/** Codes that Stripe gives at both levels; every other decline is `card_declined` with its own `decline_code`. */
const CODES_OF_THEIR_OWN: readonly DeclineCode[] = [
  "expired_card",
  "incorrect_cvc",
  "processing_error",
  "authentication_required",
];

const DECLINE_WORDS: Readonly<Record<DeclineCode, string>> = {
  generic_decline: "Your card was declined.",
  insufficient_funds: "Your card has insufficient funds.",
  lost_card: "Your card was declined.",
  stolen_card: "Your card was declined.",
  fraudulent: "Your card was declined.",
  expired_card: "Your card has expired.",
  incorrect_cvc: "Your card's security code is incorrect.",
  processing_error: "An error occurred while processing your card. Try again in a little bit.",
  authentication_required: "Your card was declined. This transaction requires authentication.",
  account_closed: "The customer's bank account has been closed.",
  no_account: "The customer's bank account could not be located.",
  debit_not_authorized: "The customer has notified their bank that this payment was unauthorized.",
};

export function isDeclineCode(code: string): code is DeclineCode {
  return Object.hasOwn(DECLINE_WORDS, code);
}

/** Whether this is the name of a test payment method, which makes a new one wherever it is used. */
export function isTestMethod(name: string): boolean {
  return Object.hasOwn(TEST_METHODS, name);
}

/** A new payment method that behaves as its name says; undefined for a name that Stripe has not. */
export function methodFromName({ account, nowSeconds }: Context, name: string): PaymentMethod | undefined {
  const kind = isTestMethod(name) ? TEST_METHODS[name] : undefined;
  if (kind === undefined) return undefined;
  const blank = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
  const method: PaymentMethod = {
    id: newId(account, "pm"),
    object: "payment_method",
    allow_redisplay: "unspecified",
    billing_details: { address: blank, email: null, name: null, phone: null, tax_id: null },
    ...(kind.type === "card" ? { card: cardOf(kind) } : { us_bank_account: bankOf(kind) }),
    created: nowSeconds,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: kind.type,
  };
  account.paymentMethods[method.id] = method;
  account.behaviours[method.id] = kind.behaviour;
  return method;
}

function cardOf({ brand, last4 }: TestMethod): NonNullable<PaymentMethod["card"]> {
  return {
    brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
    country: "US",
    display_brand: brand,
    exp_month: 12,
    exp_year: 2034,
    fingerprint: `fingerprint${last4}`,
    funding: "credit",
    generated_from: null,
    last4,
    networks: { available: [brand], preferred: null },
    regulated_status: "unregulated",
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

function bankOf({ last4 }: TestMethod): NonNullable<PaymentMethod["us_bank_account"]> {
  return {
    account_holder_type: "individual",
    account_type: "checking",
    bank_name: "STRIPE TEST BANK",
    financial_connections_account: null,
    fingerprint: `fingerprint${last4}`,
    last4,
    networks: { preferred: "ach", supported: ["ach"] },
    routing_number: "110000000",
    status_details: {},
  };
}

/** How a payment method behaves; unknown ones pay. */
export function behaviourOf({ account }: Context, methodId: string): Behaviour {
  return account.behaviours[methodId] ?? GOOD;
}

export type Decline = { code: string; decline_code: DeclineCode; message: string };

export function declineOf(code: DeclineCode): Decline {
  return {
    code: CODES_OF_THEIR_OWN.includes(code) ? code : "card_declined",
    decline_code: code,
    message: DECLINE_WORDS[code],
  };
}

/** The 402 of a decline, with what was tried. */
export function declined(
  decline: Decline,
  tried: { payment_intent?: unknown; payment_method?: unknown; setup_intent?: unknown; charge?: string },
): StripeRefusal {
  return new StripeRefusal(402, { type: "card_error", ...decline, ...tried }, true);
}
