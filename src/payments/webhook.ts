import type Stripe from "stripe";
import { WEBHOOK_AGE_SECONDS_MAX } from "../domain/limits.ts";
import { stripePackage } from "./stripe-client.ts";

/** Webhooks as they come in: is it Stripe who speaks, and what event is it. What it says is read by `stripe-events.ts`. */

/** Where webhooks come in, before the account's id. */
export const WEBHOOK_PATH = "/public/stripe/ingest/webhook";

/** An event of Stripe's, verified or kept. `body`: the JSON text as it came. */
export type WebhookEvent = { eventId: string; type: string; createdAtMs: number; isLive: boolean; body: string };

/**
 * The event in a body that one of these secrets signed within the last minutes. Every secret is tried: while one is replaced, two are valid.
 */
export async function verifiedEvent(
  body: Uint8Array,
  signature: string,
  secrets: readonly string[],
): Promise<WebhookEvent | "signature" | "no_event"> {
  const { webhooks, errors } = await stripePackage();
  const verifier = webhooks.signature;
  if (verifier === null) throw new Error("Stripe's package verifies signatures");
  for (const secret of secrets) {
    try {
      await verifier.verifyHeaderAsync(body, signature, secret, WEBHOOK_AGE_SECONDS_MAX);
      return readEvent(new TextDecoder().decode(body)) ?? "no_event";
    } catch (error) {
      if (!(error instanceof errors.StripeSignatureVerificationError)) throw error;
    }
  }
  return "signature";
}

/** The event in a body that was verified; undefined when it is none. */
export function readEvent(body: string): WebhookEvent | undefined {
  const event = parsed(body);
  if (typeof event?.id !== "string" || typeof event.type !== "string") return undefined;
  const { id, type, created, livemode } = event;
  return { eventId: id, type, createdAtMs: Number(created) * 1000, isLive: livemode === true, body };
}

/** What happened to what; the caller knows that the body is an event. */
export function eventOf(body: string): Stripe.Event | undefined {
  return parsed(body) as Stripe.Event | undefined;
}

function parsed(body: string): Partial<Stripe.Event> | undefined {
  try {
    return JSON.parse(body) as Partial<Stripe.Event>;
  } catch {
    return undefined;
  }
}
