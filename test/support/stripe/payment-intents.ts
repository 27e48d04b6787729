import type Stripe from "stripe";
import * as z from "zod";
import { assertChargeable } from "./currencies.ts";
import { customerNamed } from "./customers.ts";
import { pageOf, searchOf } from "./lists.ts";
import {
  currency,
  flag,
  integer,
  list,
  mergedMetadata,
  metadata,
  paging,
  paramsOf,
  text,
  unsettable,
  url,
} from "./params.ts";
import { assertUsable, methodNamed } from "./payment-methods.ts";
import { assertTypeTaken, attempt, cancelIntent, newIntent, typesFor } from "./payments.ts";
import { conflicting, invalid } from "./refusals.ts";
import { get, post } from "./route.ts";
import { type Context, found, type PaymentIntent } from "./state.ts";

/** The API of payment intents. */

const Create = paramsOf<Stripe.PaymentIntentCreateParams>()({
  amount: integer,
  currency,
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: z.enum(["always", "never"]).optional() })
    .optional(),
  confirm: flag.optional(),
  customer: text().optional(),
  description: text().optional(),
  error_on_requires_action: flag.optional(),
  metadata: metadata.optional(),
  off_session: flag.optional(),
  payment_method: text().optional(),
  allowed_payment_method_types: list(text()).optional(),
  receipt_email: text().optional(),
  return_url: url.optional(),
  setup_future_usage: z.enum(["off_session", "on_session"]).optional(),
  statement_descriptor: text(22).optional(),
  statement_descriptor_suffix: text(22).optional(),
});
type Create = z.infer<typeof Create>;

function createIntent(context: Context, params: Create): PaymentIntent {
  assertChargeable(params.amount, params.currency);
  const confirms = params.confirm === true;
  for (const name of ["off_session", "error_on_requires_action", "return_url"] as const)
    if (params[name] !== undefined && !confirms)
      throw invalid(`\`${name}\` can only be passed when \`confirm\` is true.`, { param: name });
  if (params.off_session && params.setup_future_usage !== undefined)
    throw invalid("You cannot pass `setup_future_usage` when `off_session` is true.", { param: "setup_future_usage" });
  const mayRedirect =
    params.allowed_payment_method_types === undefined && params.automatic_payment_methods?.allow_redirects !== "never";
  if (confirms && mayRedirect && !params.off_session && params.return_url === undefined)
    throw invalid(
      "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
    );
  customerNamed(context, params.customer);
  const method = params.payment_method === undefined ? undefined : methodNamed(context, params.payment_method);
  const customer = params.customer ?? null;
  if (method !== undefined) assertUsable(method, customer);
  if (confirms && method === undefined)
    throw conflicting(
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
      { code: "payment_intent_unexpected_state" },
    );
  const allowed = params.allowed_payment_method_types ?? null;
  if (method !== undefined) assertTypeTaken(method, typesFor(params.currency, allowed), params.currency);
  const intent = newIntent(context, {
    amount: params.amount,
    currency: params.currency,
    customer,
    description: params.description ?? null,
    metadata: mergedMetadata({}, params.metadata),
    allowed,
    receipt_email: params.receipt_email ?? null,
    setup_future_usage: params.setup_future_usage ?? null,
    statement_descriptor: params.statement_descriptor ?? null,
    statement_descriptor_suffix: params.statement_descriptor_suffix ?? null,
  });
  if (method === undefined) return intent;
  intent.payment_method = method.id;
  intent.status = "requires_confirmation";
  if (confirms)
    attempt(context, intent, method, params.off_session || params.error_on_requires_action ? "absent" : "present");
  return intent;
}

const Confirm = paramsOf<Stripe.PaymentIntentConfirmParams>()({
  error_on_requires_action: flag.optional(),
  off_session: flag.optional(),
  payment_method: text().optional(),
  return_url: url.optional(),
});

function confirmIntent(context: Context, params: z.infer<typeof Confirm>, id: string): PaymentIntent {
  const intent = openIntent(context, id, "confirm");
  const name = params.payment_method ?? intent.payment_method;
  if (name === null)
    throw conflicting("You cannot confirm this PaymentIntent because it's missing a payment method.", {
      code: "payment_intent_unexpected_state",
    });
  const method = methodNamed(context, name);
  assertUsable(method, intent.customer);
  assertTypeTaken(method, intent.payment_method_types, intent.currency);
  attempt(context, intent, method, params.off_session || params.error_on_requires_action ? "absent" : "present");
  return intent;
}

const Update = paramsOf<Stripe.PaymentIntentUpdateParams>()({
  amount: integer.optional(),
  description: unsettable().optional(),
  metadata: metadata.optional(),
  receipt_email: unsettable().optional(),
});

function updateIntent(context: Context, params: z.infer<typeof Update>, id: string): PaymentIntent {
  const intent = found(context.account.paymentIntents, "payment_intent", id);
  if (params.amount !== undefined) {
    openIntent(context, id, "update the amount of");
    assertChargeable(params.amount, intent.currency);
    intent.amount = params.amount;
  }
  if (params.description !== undefined) intent.description = params.description;
  if (params.receipt_email !== undefined) intent.receipt_email = params.receipt_email;
  intent.metadata = mergedMetadata(intent.metadata, params.metadata);
  return intent;
}

/** An intent that can still be paid; one that belongs to a checkout page only there. */
function openIntent({ account }: Context, id: string, verb: string): PaymentIntent {
  const intent = found(account.paymentIntents, "payment_intent", id);
  if (Object.values(account.sessions).some(({ payment_intent }) => payment_intent === id))
    throw conflicting(`You cannot ${verb} this PaymentIntent: it belongs to a Checkout Session.`);
  if (["succeeded", "canceled", "processing"].includes(intent.status))
    throw conflicting(`You cannot ${verb} this PaymentIntent because it has a status of ${intent.status}.`, {
      code: "payment_intent_unexpected_state",
    });
  return intent;
}

const REASONS = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"] as const;

export const paymentIntentRoutes = [
  post("/v1/payment_intents", "payment_intent", Create, createIntent),
  get(
    "/v1/payment_intents/search",
    "payment_intent",
    z.strictObject({ query: text(), limit: integer.optional(), page: text().optional() }),
    (context, params) =>
      searchOf(
        "/v1/payment_intents/search",
        context.account.paymentIntents,
        ["amount", "created", "currency", "customer", "metadata", "status"],
        params,
        context,
      ),
  ),
  get(
    "/v1/payment_intents",
    "payment_intent",
    z.strictObject({ ...paging, customer: text().optional() }),
    ({ account }, params) =>
      pageOf(
        "/v1/payment_intents",
        account.paymentIntents,
        params,
        ({ customer }) => (params.customer ?? customer) === customer,
      ),
  ),
  get("/v1/payment_intents/:id", "payment_intent", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.paymentIntents, "payment_intent", id),
  ),
  post("/v1/payment_intents/:id", "payment_intent", Update, (context, params, { id }) =>
    updateIntent(context, params, id),
  ),
  post("/v1/payment_intents/:id/confirm", "payment_intent", Confirm, (context, params, { id }) =>
    confirmIntent(context, params, id),
  ),
  post(
    "/v1/payment_intents/:id/cancel",
    "payment_intent",
    z.strictObject({ cancellation_reason: z.enum(REASONS).optional() }),
    (context, params, { id }) => {
      const intent = found(context.account.paymentIntents, "payment_intent", id);
      if (Object.values(context.account.sessions).some((page) => page.payment_intent === id && page.status === "open"))
        throw conflicting("You cannot cancel the PaymentIntent of a Checkout Session: expire the session instead.");
      cancelIntent(context, intent, params.cancellation_reason ?? null);
      return intent;
    },
  ),
];
