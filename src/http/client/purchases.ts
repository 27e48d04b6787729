import type * as z from "zod";
import { CreditPurchaseWire, PurchaseCredits, toWirePurchase } from "../../contract/payment.ts";
import type { PurchaseCall } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { paymentTermsOf } from "../../domain/account.ts";
import { decimalToE12 } from "../../domain/amount.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { bookPricesAt } from "../book-prices.ts";
import { customerNamed } from "../customer-of.ts";
import { noteProviderCustomer, withOpenPurchase } from "../payments.ts";
import { answerOnce } from "../remembered.ts";
import { answer, type Call, defineRoute, type Route, type Success } from "../route.ts";
import { requestKeyOf } from "../subscription-answer.ts";

/** Credits for money, for the Client API. */

type PurchaseOf = Call<unknown, unknown, z.output<typeof PurchaseCredits>>;

async function purchase(call: PurchaseOf): Promise<Success | Refusal> {
  const owner = await customerNamed(call, call.body.customerReferenceId);
  if (!owner.ok) return owner;
  const { customerId } = owner.value;
  const { creditPoolId: poolId, credits: creditsE4, paymentMethodId } = call.body;
  const object = () => objectOf(call.env, call.account.account.accountId, customerId);
  const found = await object().pool(poolId);
  if (!found.ok) return found;
  const { pool, asOfMs } = found.value;
  const price = (await bookPricesAt(call, asOfMs))(pool.denomination, pool.currency);
  const asked: PurchaseCall = {
    poolId,
    creditsE4,
    payments: paymentTermsOf(call.account.account),
    ...(price === undefined ? {} : { price }),
    ...capOf(call),
    ...(paymentMethodId === undefined ? {} : { paymentMethodId }),
    ...requestKeyOf(call),
  };
  const reply = await object().purchase(asked);
  if (!reply.ok) return withOpenPurchase(reply);
  noteProviderCustomer(call, customerId, reply.value);
  const { payment } = reply.value;
  const data = toWirePurchase(payment);
  const replayed = reply.replayed === true ? { replayed: true } : {};
  if (payment.kind === "CHARGE" && payment.status === "COMPLETED") return { ...answer(201, data), ...replayed };
  return {
    ok: false,
    code: "payment_needed",
    why:
      payment.status === "PROCESSING"
        ? "The money is on its way; the credits come with it."
        : "The credits come when the page that data links to is paid.",
    data,
    ...replayed,
  };
}

/** What a customer's own key may spend on credits at once; an account's key may spend anything. */
function capOf({ key, account: { account } }: Call): Pick<PurchaseCall, "capE12"> {
  const cap = account.settings.agentMaxTopupAmount;
  return key.customerId === undefined || cap === undefined ? {} : { capE12: decimalToE12(cap) };
}

export const purchaseRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/client/credits/purchases",
    scope: "client",
    pinned: ["purchase"],
    tag: "Credits",
    summary: "Buy credits",
    description: [
      "At the price of the book that is in force, rounded to the currency's minor unit. A saved method is charged: 201, the credits are there, and so is a PAID invoice.",
      "",
      "Where it is not, because there is none or it was declined: 402, and `data` has a page. The price that was agreed on holds whenever that is paid, and the credits come then. While a page is open, another purchase of the same pool is 409, `data` has the link; a method that was declined is not charged again by itself for a minute, twice as long after each further time.",
      "",
      "No price, or less than can be paid at once: 400. With a customer's own key no more than the setting `agentMaxTopupAmount`: beyond it, 403.",
    ].join("\n"),
    body: PurchaseCredits,
    examples: {
      body: {
        customerReferenceId: "acme",
        creditPoolId: "6c1f0e9a-7d42-8b34-8800-000000000001",
        credits: 500,
      },
    },
    answers: { 201: CreditPurchaseWire },
    refuses: [
      "customer_not_found",
      "thing_not_found",
      "other_customer",
      "state_conflict",
      "not_allowed",
      "payments_off",
      "payments_unavailable",
      "payment_needed",
      "purchase_open",
      "quarantined",
    ],
    handle: (call) => answerOnce(call, () => purchase(call)),
  }),
];
