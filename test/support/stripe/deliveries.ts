import { type Account, type Delivery, found, shuffled } from "./state.ts";

/** Webhooks on their way: signed by the endpoint's secrets, sent, tried again, or handed to a test. */

const ANSWER_MS_MAX = 20_000;

/** A webhook as it goes over the wire. */
export type SignedWebhook = {
  deliveryId: string;
  eventId: string;
  eventType: string;
  url: string;
  body: string;
  headers: Record<string, string>;
};

/** Sends a webhook; answers the status, 0 where nobody answered. */
export type Send = (webhook: SignedWebhook) => Promise<number>;

/** Sends over HTTP. */
export async function sendByHttp({ url, body, headers }: SignedWebhook): Promise<number> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await fetch(url, { method: "POST", body, headers, signal, redirect: "manual" });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

/** The webhook of a delivery, signed now; undefined when its endpoint is gone. */
export async function signedWebhook(
  account: Account,
  { id, eventId, eventType, endpointId, url }: Delivery,
  wallMs: number,
): Promise<SignedWebhook | undefined> {
  if (!Object.hasOwn(account.endpoints, endpointId)) return undefined;
  const body = JSON.stringify(found(account.events, "event", eventId), null, 2);
  const seconds = Math.floor(wallMs / 1000);
  const signatures = await Promise.all(
    (account.secrets[endpointId] ?? []).map((secret) => hmacHex(secret, `${seconds}.${body}`)),
  );
  return {
    deliveryId: id,
    eventId,
    eventType,
    url,
    body,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Stripe-Signature": [`t=${seconds}`, ...signatures.map((signature) => `v1=${signature}`)].join(),
      "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    },
  };
}

async function hmacHex(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", key, encoder.encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends one delivery, with the attempts that it is allowed. */
export async function deliver(
  account: Account,
  delivery: Delivery,
  how: { send: Send; wallMs: () => number; delayMs: number; retries: number; retryDelayMs: number },
): Promise<void> {
  delivery.state = "sending";
  if (how.delayMs > 0) await wait(how.delayMs);
  for (let attempt = 0; attempt <= how.retries; attempt++) {
    if (attempt > 0) await wait(how.retryDelayMs);
    const webhook = await signedWebhook(account, delivery, how.wallMs());
    if (webhook === undefined) break;
    const status = await how.send(webhook);
    delivery.attempts.push(status);
    if (status >= 200 && status < 300) {
      noteDelivered(account, delivery);
      return;
    }
  }
  delivery.state = "failed";
}

/** A webhook has reached its endpoint. */
export function noteDelivered(account: Account, delivery: Delivery): void {
  if (delivery.state === "delivered") return;
  delivery.state = "delivered";
  const event = account.events[delivery.eventId];
  if (event !== undefined) event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
}

/** Which deliveries a test asks for, and in what order. */
export type Wanted = {
  states?: readonly Delivery["state"][] | undefined;
  /** Ids of deliveries or of events. */
  ids?: readonly string[] | undefined;
  types?: readonly string[] | undefined;
  shuffleSeed?: number | undefined;
  copies?: number | undefined;
  limit?: number | undefined;
};

/** The deliveries that are wanted, each as often as wanted. With `ids`: in any state, and in the order of `ids`. */
export function chosen(account: Account, wanted: Wanted): Delivery[] {
  const { ids, types, copies = 1, limit = Infinity, states = ["held"] } = wanted;
  const known =
    ids === undefined
      ? account.deliveries.filter(({ state }) => states.includes(state))
      : ids.flatMap((id) => account.deliveries.filter((delivery) => delivery.id === id || delivery.eventId === id));
  const some = known.filter(({ eventType }) => types?.includes(eventType) ?? true).slice(0, limit);
  const all = Array.from({ length: copies }, () => some).flat();
  return wanted.shuffleSeed === undefined ? all : shuffled(all, `${wanted.shuffleSeed}`);
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
