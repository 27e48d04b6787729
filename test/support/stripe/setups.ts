import type Stripe from "stripe";
import * as z from "zod";
import { behaviourOf, declined, declineOf } from "./cards.ts";
import { customerNamed } from "./customers.ts";
import { emit } from "./events.ts";
import { pageOf } from "./lists.ts";
import { flag, list, mergedMetadata, metadata, paging, paramsOf, text, url } from "./params.ts";
import { assertUsable, attach, methodNamed } from "./payment-methods.ts";
import { type Presence, typesFor } from "./payments.ts";
import { conflicting } from "./refusals.ts";
import { get, post } from "./route.ts";
import { type Context, found, newId, type PaymentMethod, type SetupIntent } from "./state.ts";

/** Setup intents: a payment method saved for later, without money. */

type NewSetup = {
  customer: string | null;
  description: string | null;
  metadata: Record<string, string>;
  allowed: readonly string[] | null;
  usage: string;
};

/** A setup intent that waits for a payment method. */
export function newSetup(context: Context, wanted: NewSetup): SetupIntent {
  const { account, nowSeconds } = context;
  const id = newId(account, "seti");
  const { allowed } = wanted;
  const setup: SetupIntent = {
    id,
    object: "setup_intent",
    allowed_payment_method_types: allowed as SetupIntent["allowed_payment_method_types"],
    application: null,
    automatic_payment_methods: { allow_redirects: "always", enabled: true },
    cancellation_reason: null,
    client_secret: `${id}_${newId(account, "secret")}`,
    created: nowSeconds,
    customer: wanted.customer,
    customer_account: null,
    description: wanted.description,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: wanted.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: typesFor("usd", allowed),
    single_use_mandate: null,
    status: "requires_payment_method",
    usage: wanted.usage,
  };
  account.setupIntents[id] = setup;
  emit(context, "setup_intent.created", setup);
  return setup;
}

/** Tries to save a method. With a holder present who must be asked, the intent waits for him. */
export function trySetup(context: Context, setup: SetupIntent, method: PaymentMethod, presence: Presence): void {
  const { onSetup, authentication } = behaviourOf(context, method.id);
  setup.latest_attempt = newId(context.account, "setatt");
  setup.last_setup_error = null;
  setup.payment_method = method.id;
  if (onSetup !== null) {
    const decline = declineOf(onSetup);
    setup.status = "requires_payment_method";
    setup.payment_method = null;
    setup.last_setup_error = { type: "card_error", ...decline, payment_method: structuredClone(method) };
    emit(context, "setup_intent.setup_failed", setup);
    throw declined(decline, { setup_intent: structuredClone(setup) });
  }
  if (authentication !== "never" && presence !== "authenticated") {
    setup.status = "requires_action";
    setup.next_action = { type: "use_stripe_sdk", use_stripe_sdk: {} };
    emit(context, "setup_intent.requires_action", setup);
    return;
  }
  setup.status = "succeeded";
  setup.next_action = null;
  context.account.authenticated[method.id] = true;
  if (setup.customer !== null) attach(context, method, setup.customer);
  emit(context, "setup_intent.succeeded", setup);
}

/** Gives a setup up. */
export function cancelSetup(context: Context, setup: SetupIntent, reason: SetupIntent["cancellation_reason"]): void {
  if (setup.status === "succeeded" || setup.status === "canceled")
    throw conflicting(`You cannot cancel this SetupIntent because it has a status of ${setup.status}.`, {
      code: "setup_intent_unexpected_state",
    });
  setup.status = "canceled";
  setup.cancellation_reason = reason;
  emit(context, "setup_intent.canceled", setup);
}

function confirmSetup(context: Context, setup: SetupIntent, name: string | null): SetupIntent {
  if (setup.status === "succeeded" || setup.status === "canceled")
    throw conflicting(`You cannot confirm this SetupIntent because it has a status of ${setup.status}.`, {
      code: "setup_intent_unexpected_state",
    });
  if (name === null)
    throw conflicting("You cannot confirm this SetupIntent because it's missing a payment method.", {
      code: "setup_intent_unexpected_state",
    });
  const method = methodNamed(context, name);
  assertUsable(method, setup.customer);
  trySetup(context, setup, method, "present");
  return setup;
}

const Create = paramsOf<Stripe.SetupIntentCreateParams>()({
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: z.enum(["always", "never"]).optional() })
    .optional(),
  confirm: flag.optional(),
  customer: text().optional(),
  description: text().optional(),
  metadata: metadata.optional(),
  payment_method: text().optional(),
  allowed_payment_method_types: list(text()).optional(),
  return_url: url.optional(),
  usage: z.enum(["off_session", "on_session"]).optional(),
});

export const setupIntentRoutes = [
  post("/v1/setup_intents", "setup_intent", Create, (context, params) => {
    customerNamed(context, params.customer);
    const method = params.payment_method === undefined ? null : methodNamed(context, params.payment_method);
    if (method !== null) assertUsable(method, params.customer ?? null);
    const setup = newSetup(context, {
      customer: params.customer ?? null,
      description: params.description ?? null,
      metadata: mergedMetadata({}, params.metadata),
      allowed: params.allowed_payment_method_types ?? null,
      usage: params.usage ?? "off_session",
    });
    if (method !== null) {
      setup.payment_method = method.id;
      setup.status = "requires_confirmation";
    }
    return params.confirm ? confirmSetup(context, setup, method?.id ?? null) : setup;
  }),
  get(
    "/v1/setup_intents",
    "setup_intent",
    z.strictObject({ ...paging, customer: text().optional(), payment_method: text().optional() }),
    ({ account }, params) =>
      pageOf(
        "/v1/setup_intents",
        account.setupIntents,
        params,
        ({ customer, payment_method }) =>
          (params.customer ?? customer) === customer && (params.payment_method ?? payment_method) === payment_method,
      ),
  ),
  get("/v1/setup_intents/:id", "setup_intent", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.setupIntents, "setupintent", id),
  ),
  post(
    "/v1/setup_intents/:id/confirm",
    "setup_intent",
    z.strictObject({ payment_method: text().optional(), return_url: url.optional() }),
    (context, params, { id }) => {
      const setup = found(context.account.setupIntents, "setupintent", id);
      return confirmSetup(context, setup, params.payment_method ?? setup.payment_method);
    },
  ),
  post(
    "/v1/setup_intents/:id/cancel",
    "setup_intent",
    z.strictObject({ cancellation_reason: z.enum(["abandoned", "duplicate", "requested_by_customer"]).optional() }),
    (context, params, { id }) => {
      const setup = found(context.account.setupIntents, "setupintent", id);
      cancelSetup(context, setup, params.cancellation_reason ?? null);
      return setup;
    },
  ),
];
