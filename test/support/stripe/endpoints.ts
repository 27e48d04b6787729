import type Stripe from "stripe";
import * as z from "zod";
import { API_VERSION } from "./events.ts";
import { pageOf } from "./lists.ts";
import { flag, list, mergedMetadata, metadata, paging, paramsOf, text, unsettable, url } from "./params.ts";
import { conflicting } from "./refusals.ts";
import { get, post, remove } from "./route.ts";
import { type Context, found, newId, type WebhookEndpoint } from "./state.ts";

/** Webhook endpoints: where events go, which of them, and the secret that signs them. */

const ENDPOINT_COUNT_MAX = 16;
const EVENT_NAME = /^(?:\*|[a-z_0-9]+(?:\.[a-z_0-9]+)+)$/;

const events = list(
  text().refine((name) => EVENT_NAME.test(name), {
    error: ({ input }) => `Invalid enabled_events: ${String(input)} is not a valid event`,
  }),
).refine((names) => names.length > 0, { error: "Invalid enabled_events: at least one event is needed" });

function createEndpoint(
  { account, nowSeconds }: Context,
  params: {
    url: string;
    enabled_events: string[];
    description?: string | undefined;
    metadata?: Record<string, string> | undefined;
  },
): WebhookEndpoint {
  if (Object.keys(account.endpoints).length >= ENDPOINT_COUNT_MAX)
    throw conflicting(`You have reached the maximum of ${ENDPOINT_COUNT_MAX} test webhook endpoints.`);
  const secret = newId(account, "whsec", 32);
  const endpoint: WebhookEndpoint = {
    id: newId(account, "we"),
    object: "webhook_endpoint",
    api_version: null,
    application: null,
    created: nowSeconds,
    description: params.description ?? null,
    enabled_events: params.enabled_events,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    status: "enabled",
    url: params.url,
  };
  account.endpoints[endpoint.id] = endpoint;
  account.secrets[endpoint.id] = [secret];
  // The only answer that ever tells the secret.
  return { ...endpoint, secret };
}

/** A new secret for an endpoint. Until `forgetOldSecret` both sign, as Stripe does it for a day. */
export function rollSecret({ account }: Context, id: string): string {
  found(account.endpoints, "webhook_endpoint", id);
  const secret = newId(account, "whsec", 32);
  account.secrets[id] = [secret, ...(account.secrets[id] ?? []).slice(0, 1)];
  return secret;
}

export function forgetOldSecret({ account }: Context, id: string): void {
  found(account.endpoints, "webhook_endpoint", id);
  account.secrets[id] = (account.secrets[id] ?? []).slice(0, 1);
}

const plain = { description: unsettable().optional(), metadata: metadata.optional() };

export const endpointRoutes = [
  post(
    "/v1/webhook_endpoints",
    "webhook",
    paramsOf<Stripe.WebhookEndpointCreateParams>()({
      url,
      enabled_events: events,
      api_version: z.literal(API_VERSION).optional(),
      description: text().optional(),
      metadata: metadata.optional(),
    }),
    createEndpoint,
  ),
  get("/v1/webhook_endpoints", "webhook", z.strictObject(paging), ({ account }, params) =>
    pageOf("/v1/webhook_endpoints", account.endpoints, params, () => true),
  ),
  get("/v1/webhook_endpoints/:id", "webhook", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.endpoints, "webhook_endpoint", id),
  ),
  post(
    "/v1/webhook_endpoints/:id",
    "webhook",
    z.strictObject({ ...plain, url: url.optional(), enabled_events: events.optional(), disabled: flag.optional() }),
    ({ account }, params, { id }) => {
      const endpoint = found(account.endpoints, "webhook_endpoint", id);
      if (params.url !== undefined) endpoint.url = params.url;
      if (params.enabled_events !== undefined) endpoint.enabled_events = params.enabled_events;
      if (params.description !== undefined) endpoint.description = params.description;
      if (params.disabled !== undefined) endpoint.status = params.disabled ? "disabled" : "enabled";
      endpoint.metadata = mergedMetadata(endpoint.metadata, params.metadata);
      return endpoint;
    },
  ),
  remove("/v1/webhook_endpoints/:id", "webhook", z.strictObject({}), ({ account }, _, { id }) => {
    found(account.endpoints, "webhook_endpoint", id);
    delete account.endpoints[id];
    return { id, object: "webhook_endpoint", deleted: true };
  }),
];
