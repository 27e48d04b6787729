import type Stripe from "stripe";
import * as z from "zod";
import { assertChargeable } from "./currencies.ts";
import { customerNamed } from "./customers.ts";
import { pageOf } from "./lists.ts";
import {
  count,
  currency,
  email,
  flag,
  integer,
  list,
  mergedMetadata,
  metadata,
  paging,
  paramsOf,
  text,
  url,
} from "./params.ts";
import { typesFor } from "./payments.ts";
import { conflicting, invalid } from "./refusals.ts";
import { get, post } from "./route.ts";
import { expireSession } from "./session-life.ts";
import { newSetup } from "./setups.ts";
import { type Context, found, type LineItem, newId, type Session } from "./state.ts";

/** Checkout sessions: made, read, listed and expired through the API. What happens at their page is in session-life.ts. */

const LINE_COUNT_MAX = 100;
/** Stripe's bounds of a session's life, in seconds. */
const LIFE_SECONDS_MIN = 30 * 60;
const LIFE_SECONDS_MAX = 24 * 3600;

const PriceData = z
  .strictObject({
    currency,
    product_data: z.strictObject({
      name: text(),
      description: text().optional(),
      metadata: metadata.optional(),
      unit_label: text().optional(),
    }),
    tax_behavior: z.enum(["exclusive", "inclusive", "unspecified"]).optional(),
    unit_amount: count,
  })
  .optional();

const Create = paramsOf<Stripe.Checkout.SessionCreateParams>()({
  mode: z.enum(["payment", "setup", "subscription"]),
  cancel_url: url.optional(),
  client_reference_id: text(200).optional(),
  currency: currency.optional(),
  customer: text().optional(),
  customer_creation: z.enum(["always", "if_required"]).optional(),
  customer_email: email.optional(),
  expires_at: integer.optional(),
  line_items: list(
    z.strictObject({ price_data: PriceData, quantity: integer.optional(), metadata: metadata.optional() }),
  ).optional(),
  locale: text().optional(),
  metadata: metadata.optional(),
  payment_intent_data: paramsOf<Stripe.Checkout.SessionCreateParams.PaymentIntentData>()({
    description: text().optional(),
    metadata: metadata.optional(),
    receipt_email: text().optional(),
    setup_future_usage: z.enum(["off_session", "on_session"]).optional(),
    statement_descriptor: text(22).optional(),
    statement_descriptor_suffix: text(22).optional(),
  }).optional(),
  allowed_payment_method_types: list(text()).optional(),
  setup_intent_data: z.strictObject({ description: text().optional(), metadata: metadata.optional() }).optional(),
  submit_type: z.enum(["auto", "book", "donate", "pay"]).optional(),
  success_url: url,
  ui_mode: z.literal("hosted_page").optional(),
  allow_promotion_codes: flag.optional(),
});
type Create = z.infer<typeof Create>;

function createSession(context: Context, params: Create): Session {
  const { account, nowSeconds, origin } = context;
  assertModeTakes(params);
  if (params.customer !== undefined && typeof params.customer_email === "string")
    throw invalid("You may only specify one of these parameters: customer, customer_email.", {
      param: "customer_email",
    });
  const expiresAt = params.expires_at ?? nowSeconds + LIFE_SECONDS_MAX;
  // A clock that is a little off is forgiven.
  if (expiresAt < nowSeconds + LIFE_SECONDS_MIN - 60 || expiresAt > nowSeconds + LIFE_SECONDS_MAX + 60)
    throw invalid(
      "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
      {
        param: "expires_at",
      },
    );
  const isPayment = params.mode === "payment";
  const allowed = params.allowed_payment_method_types ?? null;
  const lines = (params.line_items ?? []).map((line, index) => lineOf(context, line, index));
  const unit = lines[0]?.currency ?? params.currency ?? null;
  if (lines.some((line) => line.currency !== unit))
    throw invalid("All line items must have the same currency.", { param: "line_items" });
  const total = lines.reduce((sum, line) => sum + line.amount_total, 0);
  // A page with nothing to pay is fine; one with too little is not.
  if (isPayment && total > 0 && unit !== null)
    assertChargeable(total, unit, "The Checkout Session's total amount due", "line_items");
  const customer = customerNamed(context, params.customer);
  const id = newId(account, "cs_test", 58);
  const setup =
    params.mode === "setup"
      ? newSetup(context, {
          customer: customer?.id ?? null,
          description: params.setup_intent_data?.description ?? null,
          metadata: mergedMetadata({}, params.setup_intent_data?.metadata),
          allowed,
          usage: "off_session",
        })
      : null;
  const session: Session = {
    id,
    object: "checkout.session",
    adaptive_pricing: isPayment ? { enabled: false } : null,
    after_expiration: null,
    allow_promotion_codes: params.allow_promotion_codes ?? null,
    allowed_payment_method_types: allowed,
    amount_subtotal: isPayment ? total : null,
    amount_total: isPayment ? total : null,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: nowSeconds,
    currency: unit,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: customer?.id ?? null,
    customer_account: null,
    customer_creation: isPayment && customer === undefined ? (params.customer_creation ?? "if_required") : null,
    customer_details: detailsOf(customer?.email ?? params.customer_email ?? null, customer?.name ?? null),
    customer_email: params.customer_email ?? null,
    discounts: isPayment ? [] : null,
    expires_at: expiresAt,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: (params.locale ?? null) as Session["locale"],
    managed_payments: null,
    metadata: mergedMetadata({}, params.metadata),
    mode: params.mode,
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: "if_required",
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: typesFor(unit ?? "usd", allowed),
    payment_status: isPayment && total > 0 ? "unpaid" : "no_payment_required",
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: setup?.id ?? null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: "open",
    submit_type: params.submit_type ?? null,
    subscription: null,
    success_url: params.success_url,
    total_details: isPayment ? { amount_discount: 0, amount_shipping: 0, amount_tax: 0 } : null,
    ui_mode: "hosted_page",
    url: `${origin}/c/pay/${id}`,
    wallet_options: null,
  };
  account.sessions[id] = session;
  account.sessionLines[id] = lines;
  const intent = params.payment_intent_data ?? {};
  account.sessionIntents[id] = {
    description: intent.description ?? null,
    metadata: mergedMetadata({}, intent.metadata),
    receipt_email: intent.receipt_email ?? null,
    setup_future_usage: intent.setup_future_usage ?? null,
    statement_descriptor: intent.statement_descriptor ?? null,
    statement_descriptor_suffix: intent.statement_descriptor_suffix ?? null,
  };
  return session;
}

function assertModeTakes(params: Create): void {
  const { mode, line_items, currency: unit, allowed_payment_method_types } = params;
  const refuse = (param: keyof Create) => invalid(`\`${param}\` cannot be used in \`${mode}\` mode.`, { param });
  if (mode === "subscription") throw invalid("The double makes no subscriptions: its users bill by themselves.");
  if (mode === "payment") {
    if (line_items === undefined || line_items.length === 0)
      throw invalid("Missing required param: line_items.", { code: "parameter_missing", param: "line_items" });
    if (params.setup_intent_data !== undefined) throw refuse("setup_intent_data");
    return;
  }
  if (line_items !== undefined) throw refuse("line_items");
  if (params.payment_intent_data !== undefined) throw refuse("payment_intent_data");
  if (unit === undefined && allowed_payment_method_types === undefined)
    throw invalid("Missing required param: currency.", { code: "parameter_missing", param: "currency" });
}

type SentLine = NonNullable<Create["line_items"]>[number];

function lineOf({ account, nowSeconds }: Context, sent: SentLine, index: number): LineItem {
  const need = (param: string) => invalid(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  if (index >= LINE_COUNT_MAX)
    throw invalid(`You may only specify up to ${LINE_COUNT_MAX} line items.`, { param: "line_items" });
  if (sent.price_data === undefined) throw need(`line_items[${index}][price_data]`);
  if (sent.quantity === undefined) throw need(`line_items[${index}][quantity]`);
  if (sent.quantity < 1)
    throw invalid("This value must be greater than or equal to 1.", {
      code: "parameter_invalid_integer",
      param: `line_items[${index}][quantity]`,
    });
  const { currency: unit, product_data, unit_amount } = sent.price_data;
  const amount = unit_amount * sent.quantity;
  return {
    id: newId(account, "li"),
    object: "item",
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: unit,
    description: product_data.name,
    metadata: mergedMetadata({}, sent.metadata),
    price: {
      id: newId(account, "price"),
      object: "price",
      active: false,
      billing_scheme: "per_unit",
      created: nowSeconds,
      currency: unit,
      custom_unit_amount: null,
      livemode: false,
      lookup_key: null,
      metadata: {},
      nickname: null,
      product: newId(account, "prod", 14),
      recurring: null,
      tax_behavior: sent.price_data.tax_behavior ?? "unspecified",
      tiers_mode: null,
      transform_quantity: null,
      type: "one_time",
      unit_amount,
      unit_amount_decimal: String(unit_amount),
    },
    quantity: sent.quantity,
  };
}

/** What a page knows of the one who pays. */
export function detailsOf(address: string | null, name: string | null): Session["customer_details"] {
  if (address === null) return null;
  const unknown = { address: null, business_name: null, individual_name: null, phone: null, tax_ids: null };
  return { ...unknown, email: address, name, tax_exempt: "none" };
}

const Listing = z.strictObject({
  ...paging,
  customer: text().optional(),
  payment_intent: text().optional(),
  status: z.enum(["complete", "expired", "open"]).optional(),
});

export const checkoutRoutes = [
  post("/v1/checkout/sessions", "checkout_session", Create, createSession),
  get("/v1/checkout/sessions", "checkout_session", Listing, (context, params) => {
    customerNamed(context, params.customer);
    return pageOf(
      "/v1/checkout/sessions",
      context.account.sessions,
      params,
      ({ customer, payment_intent, status }) =>
        (params.customer ?? customer) === customer &&
        (params.payment_intent ?? payment_intent) === payment_intent &&
        (params.status ?? status) === status,
    );
  }),
  get("/v1/checkout/sessions/:id", "checkout_session", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.sessions, "checkout.session", id),
  ),
  post(
    "/v1/checkout/sessions/:id",
    "checkout_session",
    z.strictObject({ metadata: metadata.optional() }),
    ({ account }, params, { id }) => {
      const session = found(account.sessions, "checkout.session", id);
      session.metadata = mergedMetadata(session.metadata ?? {}, params.metadata);
      return session;
    },
  ),
  post("/v1/checkout/sessions/:id/expire", "checkout_session", z.strictObject({}), (context, _, { id }) => {
    const session = found(context.account.sessions, "checkout.session", id);
    if (session.status !== "open")
      throw conflicting(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
      );
    expireSession(context, session);
    return session;
  }),
  get(
    "/v1/checkout/sessions/:id/line_items",
    "checkout_session",
    z.strictObject({ limit: paging.limit, starting_after: paging.starting_after, ending_before: paging.ending_before }),
    ({ account }, params, { id }) => {
      found(account.sessions, "checkout.session", id);
      return linesOf(account.sessionLines[id] ?? [], id, params);
    },
  ),
];

/** A session's lines as a list, in the order of the page. */
export function linesOf(
  lines: readonly LineItem[],
  id: string,
  params: { limit?: number | undefined; starting_after?: string | undefined; ending_before?: string | undefined } = {},
): object {
  // Lists show the last row first.
  const table = Object.fromEntries(lines.toReversed().map((line) => [line.id, line]));
  return pageOf(`/v1/checkout/sessions/${id}/line_items`, table, params, () => true);
}
