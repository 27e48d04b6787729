import type Stripe from "stripe";
import { PAGE_LINES_MAX, PROVIDER_PAGES_MAX } from "../domain/limits.ts";
import { toProviderAmount, toProviderLines } from "../domain/payment-amount.ts";
import type { MadeRefund } from "../domain/provider-fact.ts";
import type { PageSpec, PaymentProvider } from "./provider.ts";
import { outcomeOf } from "./stripe-client.ts";
import { fromCustomer, fromIntent, fromMetadata, fromRefund, fromSession, toMetadata } from "./stripe-reads.ts";

/**
 * The payment provider, by Stripe. Each method is one call of its API, or as many as what it promises needs; those that make something
 * carry the caller's key, so that the same call again makes nothing new for a day.
 */

/** Characters of a line on a page; Stripe takes no more. */
const LINE_CHARS_MAX = 250;
const LIST_MAX = 100;
const CHARGED = { expand: ["latest_charge"] };

/** `thanksUrl`: where a payer goes after paying when nothing else is said. */
export function stripeProvider(stripe: Stripe, thanksUrl: string): PaymentProvider {
  const keyed = (idempotencyKey: string) => ({ idempotencyKey });
  return {
    account: () =>
      outcomeOf(async () => {
        const { id, business_profile } = await stripe.accounts.retrieveCurrent();
        const name = business_profile?.name;
        return { id, ...(typeof name === "string" ? { name } : {}) };
      }),

    createCustomer: ({ email, name, phone, metadata, idempotencyKey }) =>
      outcomeOf(async () =>
        fromCustomer(
          await stripe.customers.create(
            {
              ...(email === undefined ? {} : { email }),
              ...(name === undefined ? {} : { name }),
              ...(phone === undefined ? {} : { phone }),
              metadata: toMetadata(metadata),
            },
            keyed(idempotencyKey),
          ),
        ),
      ),
    retrieveCustomer: (id) => outcomeOf(async () => fromCustomer(await stripe.customers.retrieve(id))),
    findCustomer: ({ account, customer }) =>
      outcomeOf(async () => {
        const query = `metadata["tanso_customer"]:"${customer}" AND metadata["tanso_account"]:"${account}"`;
        const { data } = await stripe.customers.search({ query, limit: 1 });
        return data[0] === undefined ? undefined : fromCustomer(data[0]);
      }),

    createPage: (spec) =>
      outcomeOf(async () =>
        fromSession(await stripe.checkout.sessions.create(sessionOf(spec, thanksUrl), keyed(spec.idempotencyKey))),
      ),
    retrievePage: (id) => outcomeOf(async () => fromSession(await stripe.checkout.sessions.retrieve(id))),
    expirePage: async (id, idempotencyKey) => {
      const expired = await outcomeOf(async () =>
        fromSession(await stripe.checkout.sessions.expire(id, {}, keyed(idempotencyKey))),
      );
      if (expired.ok || expired.failure !== "refused") return expired;
      // Only an open one can be expired: what it is then is the answer.
      const page = await outcomeOf(async () => fromSession(await stripe.checkout.sessions.retrieve(id)));
      return page.ok && page.value.status === "open" ? expired : page;
    },
    findPage: ({ providerCustomerId, payment }) =>
      outcomeOf(async () => {
        const list = stripe.checkout.sessions.list({ customer: providerCustomerId, limit: LIST_MAX });
        const session = await firstOf(list, ({ metadata }) => fromMetadata(metadata).payment === payment);
        return session === undefined ? undefined : fromSession(session);
      }),

    createSetupIntent: ({ providerCustomerId, metadata, idempotencyKey }) =>
      outcomeOf(async () => {
        const { id, client_secret } = await stripe.setupIntents.create(
          { customer: providerCustomerId, usage: "off_session", metadata: toMetadata(metadata) },
          keyed(idempotencyKey),
        );
        return { id, clientSecret: client_secret ?? "" };
      }),
    setDefaultMethod: ({ providerCustomerId: customer, paymentMethodId, idempotencyKey }) =>
      outcomeOf(async () => {
        // One that is attached to the customer already stays so.
        const { id } = await stripe.paymentMethods.attach(
          paymentMethodId,
          { customer },
          keyed(`${idempotencyKey}_attach`),
        );
        await stripe.customers.update(
          customer,
          { invoice_settings: { default_payment_method: id } },
          keyed(`${idempotencyKey}_default`),
        );
        return { paymentMethodId: id };
      }),

    charge: ({ providerCustomerId, paymentMethodId, amountMinor, currency, description, metadata, idempotencyKey }) =>
      outcomeOf(async () =>
        fromIntent(
          await stripe.paymentIntents.create(
            {
              customer: providerCustomerId,
              payment_method: paymentMethodId,
              amount: toProviderAmount(amountMinor, currency),
              currency: currency.toLowerCase(),
              description,
              confirm: true,
              off_session: true,
              metadata: toMetadata(metadata),
              ...CHARGED,
            },
            keyed(idempotencyKey),
          ),
        ),
      ),
    retrieveCharge: (id) => outcomeOf(async () => fromIntent(await stripe.paymentIntents.retrieve(id, CHARGED))),
    findCharge: ({ providerCustomerId, payment }) =>
      outcomeOf(async () => {
        const list = stripe.paymentIntents.list({
          customer: providerCustomerId,
          limit: LIST_MAX,
          expand: ["data.latest_charge"],
        });
        const intent = await firstOf(list, ({ metadata }) => fromMetadata(metadata).payment === payment);
        return intent === undefined ? undefined : fromIntent(intent);
      }),

    refund: ({ paymentIntentId, amountMinor, currency, metadata, idempotencyKey }) =>
      outcomeOf(async () =>
        fromRefund(
          await stripe.refunds.create(
            {
              payment_intent: paymentIntentId,
              amount: toProviderAmount(amountMinor, currency),
              metadata: toMetadata(metadata),
            },
            keyed(idempotencyKey),
          ),
        ),
      ),

    refundsOf: (paymentIntentId) =>
      outcomeOf(async () => {
        const made: MadeRefund[] = [];
        for await (const refund of stripe.refunds.list({ payment_intent: paymentIntentId, limit: LIST_MAX })) {
          const { id: refundId, amountMinor, status } = fromRefund(refund);
          const isAsked = fromMetadata(refund.metadata).payment !== undefined;
          made.push({ refundId, amountMinor, hasFailed: status === "failed", isAsked });
        }
        return made;
      }),

    registerWebhook: ({ url, events, idempotencyKey }) =>
      outcomeOf(async () => {
        const { id, secret = "" } = await stripe.webhookEndpoints.create(
          {
            url,
            // The caller names events that Stripe has; its own type lists them all.
            enabled_events: events as Stripe.WebhookEndpointCreateParams.EnabledEvent[],
            // Events in the shapes that this package reads, whatever the account's own version is.
            api_version: API_VERSION,
            description: "tanso-edge",
          },
          keyed(idempotencyKey),
        );
        return { id, secret };
      }),
    deleteWebhook: (id) =>
      outcomeOf(async () => {
        await stripe.webhookEndpoints.del(id);
        return undefined;
      }),

    listPayments: ({ sinceMs, limit, cursor }) =>
      outcomeOf(async () => {
        const { data, has_more } = await stripe.paymentIntents.list({
          created: { gte: Math.floor(sinceMs / 1000) },
          limit,
          ...(cursor === undefined ? {} : { starting_after: cursor }),
          expand: ["data.latest_charge"],
        });
        const last = has_more ? data.at(-1)?.id : undefined;
        return { items: data.map(fromIntent), ...(last === undefined ? {} : { nextCursor: last }) };
      }),
  };
}

/** The version of the API whose shapes this package's types describe. */
const API_VERSION: typeof Stripe.API_VERSION = "2026-10-28.endive";

/** The first of a list that fits; what stands further behind is none of a customer's last days, and is not looked for. */
async function firstOf<T>(list: AsyncIterable<T>, fits: (item: T) => boolean): Promise<T | undefined> {
  let left = PROVIDER_PAGES_MAX * LIST_MAX;
  for await (const item of list) {
    if (fits(item)) return item;
    left -= 1;
    if (left === 0) return undefined;
  }
  return undefined;
}

function sessionOf(spec: PageSpec, thanksUrl: string): Stripe.Checkout.SessionCreateParams {
  const metadata = toMetadata(spec.metadata);
  const { successUrl = thanksUrl, cancelUrl, expiresAtMs } = spec;
  return {
    mode: "payment",
    customer: spec.providerCustomerId,
    line_items: linesOf(spec),
    metadata,
    // On the payment too: events tell of it without the page.
    payment_intent_data: { metadata, ...(spec.savesMethod ? { setup_future_usage: "off_session" as const } : {}) },
    success_url: successUrl,
    ...(cancelUrl === undefined ? {} : { cancel_url: cancelUrl }),
    ...(expiresAtMs === undefined ? {} : { expires_at: Math.floor(expiresAtMs / 1000) }),
  };
}

function linesOf({ lines, currency }: PageSpec): Stripe.Checkout.SessionCreateParams.LineItem[] {
  const shown = lines.length <= PAGE_LINES_MAX ? lines : lines.slice(0, PAGE_LINES_MAX - 1);
  const rest = lines.slice(shown.length);
  const further = {
    description: "Further items",
    amountMinor: rest.reduce((sum, { amountMinor }) => sum + amountMinor, 0),
  };
  const all = rest.length === 0 ? shown : [...shown, further];
  const amounts = toProviderLines(
    all.map(({ amountMinor }) => amountMinor),
    currency,
  );
  return all.map(({ description }, at) => ({
    quantity: 1,
    price_data: {
      currency: currency.toLowerCase(),
      unit_amount: amounts[at] ?? 0,
      product_data: { name: nameOf(description) },
    },
  }));
}

function nameOf(description: string): string {
  const text = description.trim() === "" ? "Item" : description;
  return text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX - 1)}…` : text;
}
