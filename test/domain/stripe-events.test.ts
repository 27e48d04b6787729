import { describe, test } from "vitest";
import { HANDLED_EVENTS, toldBy } from "../../src/payments/stripe-events.ts";

/** Stripe's events as facts; what an event is about is made as small as its reader allows. */

const METADATA = { tanso_account: "acc", tanso_customer: "cust", tanso_payment: "7" };
const METADATA_READ = { account: "acc", customer: "cust", payment: 7 };

function told(type: string, object: Record<string, unknown>) {
  return toldBy(JSON.stringify({ id: "evt_1", object: "event", type, created: 1, livemode: false, data: { object } }));
}

function session(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "cs_1",
    mode: "payment",
    status: "complete",
    payment_status: "paid",
    amount_total: 1999,
    currency: "usd",
    payment_intent: "pi_1",
    customer: "cus_1",
    expires_at: 10,
    metadata: METADATA,
    ...change,
  };
}

function dispute(status: string): Record<string, unknown> {
  return { id: "dp_1", status, amount: 500, currency: "kwd", payment_intent: "pi_1", metadata: {} };
}

describe("does", () => {
  test.for<[what: string, type: string, object: Record<string, unknown>, fact: Record<string, unknown>]>([
    [
      "a paid page",
      "checkout.session.completed",
      session(),
      {
        kind: "page_completed",
        pageId: "cs_1",
        isPaid: true,
        isProcessing: false,
        paymentIntentId: "pi_1",
        amountMinor: 1999,
        currency: "USD",
        payment: 7,
      },
    ],
    [
      "a page whose money is on its way",
      "checkout.session.completed",
      session({ payment_status: "unpaid" }),
      { kind: "page_completed", isPaid: false, isProcessing: true },
    ],
    [
      "its money, when it comes",
      "checkout.session.async_payment_succeeded",
      session(),
      { kind: "page_completed", isPaid: true, isProcessing: false },
    ],
    [
      "or does not",
      "checkout.session.async_payment_failed",
      session({ payment_status: "unpaid" }),
      { kind: "page_failed", pageId: "cs_1", payment: 7 },
    ],
    [
      "a page nobody completed",
      "checkout.session.expired",
      session({ status: "expired" }),
      { kind: "page_expired", pageId: "cs_1", payment: 7 },
    ],
    [
      "money in yen",
      "payment_intent.succeeded",
      { id: "pi_1", amount_received: 500, currency: "jpy", customer: null, metadata: METADATA },
      { kind: "charge_succeeded", amountMinor: 500, currency: "JPY", payment: 7 },
    ],
    [
      "a decline",
      "payment_intent.payment_failed",
      {
        id: "pi_1",
        last_payment_error: { code: "card_declined", decline_code: "insufficient_funds" },
        metadata: METADATA,
      },
      { kind: "charge_failed", declineReason: "insufficient_funds", payment: 7 },
    ],
    [
      "a refund, its payment expanded",
      "charge.refunded",
      {
        id: "ch_1",
        payment_intent: { id: "pi_1" },
        amount_refunded: 300,
        currency: "usd",
        customer: "cus_1",
        metadata: METADATA,
      },
      { kind: "refunded", paymentIntentId: "pi_1", refundedMinorTotal: 300, currency: "USD", payment: 7 },
    ],
    [
      "a method that was saved",
      "setup_intent.succeeded",
      { id: "seti_1", payment_method: "pm_1", customer: "cus_1", metadata: METADATA },
      { kind: "setup_succeeded", paymentMethodId: "pm_1", providerCustomerId: "cus_1" },
    ],
    [
      "a deleted customer",
      "customer.deleted",
      { id: "cus_1", metadata: METADATA },
      { kind: "customer_deleted", providerCustomerId: "cus_1" },
    ],
  ])("%s", ([, type, object, fact], { expect }) => {
    expect(told(type, object)).toMatchObject({ fact, metadata: METADATA_READ });
  });

  test.for([
    ["needs_response", "open"],
    ["under_review", "open"],
    ["warning_closed", "won"],
    ["prevented", "won"],
    ["won", "won"],
    ["lost", "lost"],
  ] as const)("a dispute that is %s: %s", ([status, state], { expect }) => {
    expect(told("charge.dispute.closed", dispute(status))).toEqual({
      fact: { kind: "disputed", paymentIntentId: "pi_1", disputeId: "dp_1", state, amountMinor: 500, currency: "KWD" },
      metadata: {},
    });
  });

  test.for(["refund.failed", "charge.refund.updated"])(
    "a refund that failed, by us or by others: %s",
    (type, { expect }) => {
      const refund = { id: "re_1", payment_intent: "pi_1", amount: 500, currency: "kwd", status: "failed" };
      const fact = {
        kind: "refund_failed",
        paymentIntentId: "pi_1",
        refundId: "re_1",
        amountMinor: 500,
        currency: "KWD",
      };
      expect(told(type, { ...refund, metadata: METADATA })).toEqual({
        fact: { ...fact, isAsked: true, payment: 7 },
        metadata: METADATA_READ,
      });
      expect(told(type, { ...refund, metadata: {} })).toEqual({ fact: { ...fact, isAsked: false }, metadata: {} });
      expect(told(type, { ...refund, metadata: {}, status: "pending" })).toBeUndefined();
      expect(told(type, { ...refund, metadata: {}, payment_intent: null })).toBeUndefined();
    },
  );

  test("a method that was taken off a customer names whose it was", ({ expect }) => {
    const event = { id: "evt_1", type: "payment_method.detached", created: 1, livemode: false };
    const data = { object: { id: "pm_1", customer: null }, previous_attributes: { customer: "cus_1" } };
    expect(toldBy(JSON.stringify({ ...event, data }))).toEqual({
      fact: { kind: "method_detached", paymentMethodId: "pm_1", providerCustomerId: "cus_1" },
      metadata: {},
      providerCustomerId: "cus_1",
    });
    expect(toldBy(JSON.stringify({ ...event, data: { object: data.object } }))).toBeUndefined();
  });

  test("a customer's name and e-mail, where there are any", ({ expect }) => {
    const customer = { id: "cus_1", name: null, email: null, metadata: {}, invoice_settings: {} };
    expect(told("customer.updated", customer)?.fact).toEqual({ kind: "customer_changed", providerCustomerId: "cus_1" });
    expect(told("customer.updated", { ...customer, name: "Ada", email: "a@b" })?.fact).toMatchObject({
      name: "Ada",
      email: "a@b",
    });
  });
});

describe("holds", () => {
  test("what means nothing here tells nothing", ({ expect }) => {
    expect(told("product.created", {})).toBeUndefined();
    expect(told("constructor", {})).toBeUndefined();
    expect(told("checkout.session.completed", session({ mode: "setup" }))).toBeUndefined();
    expect(
      told("charge.refunded", { id: "ch_1", payment_intent: null, amount_refunded: 1, currency: "usd" }),
    ).toBeUndefined();
    expect(toldBy("{")).toBeUndefined();
  });

  test("metadata are text that anybody may have written", ({ expect }) => {
    for (const tanso_payment of ["", "-1", "1e3", "7.5", "x", "9".repeat(16)])
      expect(
        told("checkout.session.completed", session({ metadata: { ...METADATA, tanso_payment } }))?.fact,
        tanso_payment,
      ).not.toHaveProperty("payment");
    expect(told("checkout.session.completed", session({ metadata: null }))?.metadata).toEqual({});
  });

  test("every event that an endpoint is made for is one that somebody asked about", ({ expect }) => {
    expect([...HANDLED_EVENTS].sort()).toEqual([
      "charge.dispute.closed",
      "charge.dispute.created",
      "charge.refund.updated",
      "charge.refunded",
      "checkout.session.async_payment_failed",
      "checkout.session.async_payment_succeeded",
      "checkout.session.completed",
      "checkout.session.expired",
      "customer.deleted",
      "customer.updated",
      "payment_intent.payment_failed",
      "payment_intent.succeeded",
      "payment_method.detached",
      "refund.failed",
      "setup_intent.succeeded",
    ]);
  });
});
