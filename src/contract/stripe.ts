import * as z from "zod";
import type { StripeConnection } from "../domain/account.ts";
import { type KeptWebhook, WEBHOOK_STATES } from "../domain/webhook.ts";
import { instantText, webAddress } from "./scalars.ts";

/** An account's connection to Stripe on the wire. A key or secret that was given is never shown again, but for its last characters. */

const secretText = z.string().trim().min(1).max(255);

export const ConnectStripe = z
  .object({
    clientStripeApiKey: secretText.meta({
      description:
        "A secret or restricted key of Stripe. A test account takes test keys alone (`sk_test_…`, `rk_test_…`), a live account live ones.",
    }),
    webhookSecret: secretText
      .startsWith("whsec_")
      .optional()
      .meta({ description: "Of an endpoint that you made at Stripe yourself; else call webhook/register." }),
  })
  .meta({ id: "ConnectStripe" });

export const RegisterWebhook = z
  .object({
    baseUrl: webAddress.optional().meta({
      description:
        "Where Stripe reaches this server, if not at the address of this request: that of a tunnel, for example.",
    }),
  })
  .meta({ id: "RegisterStripeWebhook" });

const EXAMPLE = {
  connected: true,
  stripeApiKey: "sk_test_…Zq3f",
  stripeAccountId: "acct_1QXh8jB7WZ01zgkW",
  webhookSecret: "whsec_…9xB2",
  webhooks: [{ webhookSecret: "whsec_…9xB2", endpointId: "we_1QXhB7WZ01zgkW", createdAt: "2027-01-04T09:30:00.000Z" }],
  connectedAt: "2027-01-04T09:30:00.000Z",
};

export const ConnectionWire = z
  .object({
    connected: z.boolean().meta({ description: "A key is stored." }),
    stripeApiKey: z.string().optional(),
    stripeAccountId: z
      .string()
      .optional()
      .meta({ description: "Whose key it is; after disconnecting, whose it was, for customers still hold its ids." }),
    webhookSecret: z.string().optional().meta({ description: "The newest." }),
    webhooks: z
      .array(z.object({ webhookSecret: z.string(), endpointId: z.string().optional(), createdAt: z.iso.datetime() }))
      .meta({ description: "Secrets that webhooks may be signed with, newest first: two at most." }),
    connectedAt: z.iso.datetime().optional(),
  })
  .meta({ id: "StripeConnection", examples: [EXAMPLE] });

export function toWireConnection(connection: StripeConnection | undefined): z.input<typeof ConnectionWire> {
  if (connection === undefined) return { connected: false, webhooks: [] };
  const { sealedKey, keyHint, stripeAccountId, webhookSecrets, createdAtMs } = connection;
  const [newest] = webhookSecrets;
  return {
    connected: sealedKey !== undefined,
    ...(keyHint === undefined ? {} : { stripeApiKey: keyHint }),
    stripeAccountId,
    ...(newest === undefined ? {} : { webhookSecret: newest.hint }),
    webhooks: webhookSecrets.map(({ hint, endpointId, createdAtMs: madeAtMs }) => ({
      webhookSecret: hint,
      ...(endpointId === undefined ? {} : { endpointId }),
      createdAt: instantText(madeAtMs),
    })),
    connectedAt: instantText(createdAtMs),
  };
}

export const WebhookEventWire = z
  .object({
    eventId: z.string(),
    type: z.string(),
    state: z.enum(WEBHOOK_STATES).meta({
      description: "RECEIVED: being handled, or about to be again. IGNORED: kept, and of no meaning here.",
    }),
    customerId: z.string().optional(),
    createdAt: z.iso.datetime().meta({ description: "When it happened at Stripe." }),
    receivedAt: z.iso.datetime(),
    attempts: z.int(),
    nextAttemptAt: z.iso.datetime().optional(),
    failure: z.string().optional(),
  })
  .meta({ id: "StripeWebhookEvent" });

export function toWireEvent(event: KeptWebhook): z.input<typeof WebhookEventWire> {
  const { createdAtMs, receivedAtMs, nextAttemptAtMs, ...rest } = event;
  return {
    ...rest,
    createdAt: instantText(createdAtMs),
    receivedAt: instantText(receivedAtMs),
    ...(nextAttemptAtMs === undefined ? {} : { nextAttemptAt: instantText(nextAttemptAtMs) }),
  };
}
