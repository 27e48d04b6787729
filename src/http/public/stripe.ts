import * as z from "zod";
import { takeWebhook } from "../../clearing/webhooks.ts";
import { idText } from "../../contract/scalars.ts";
import { WEBHOOK_BODY_BYTES_MAX } from "../../domain/limits.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { openConnection } from "../../payments/connection.ts";
import { THANKS_PATH } from "../../payments/open.ts";
import { verifiedEvent, WEBHOOK_PATH } from "../../payments/webhook.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

const UNCONNECTED: Refusal = { ok: false, code: "webhook_refused", why: "unconnected" };

const ACCOUNT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An account that nobody has, one without a secret and one that is disconnected look the same from outside. */
async function ingest(call: Call<{ accountId: string }>): Promise<Answer> {
  const { accountId } = call.params;
  call.log.accountId = accountId;
  // What cannot be an account is not asked for: anybody may call this.
  if (!ACCOUNT_ID.test(accountId)) return UNCONNECTED;
  const nowMs = Date.now();
  const opened = await openConnection(call.env, accountId, nowMs);
  if (opened === "unavailable") return { ok: false, code: "catalog_unavailable" };
  if (typeof opened === "string" || opened.webhookSecrets.length === 0) return UNCONNECTED;
  const signature = call.request.headers.get("Stripe-Signature") ?? "";
  const event = await verifiedEvent(call.rawBody, signature, opened.webhookSecrets);
  if (typeof event === "string") return { ok: false, code: "webhook_refused", why: event };
  call.log.eventId = event.eventId;
  call.log.eventType = event.type;
  await takeWebhook(call.env, accountId, event, nowMs);
  return answer(200);
}

export const stripeInboxRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: `${WEBHOOK_PATH}/{accountId}`,
    scope: "public",
    tag: "Stripe",
    summary: "Take a webhook of Stripe",
    description: [
      "Called by Stripe alone. The signature over the raw body is checked against every webhook secret of the account; it may be five minutes old.",
      "",
      "A verified event is kept by its id before it is handled, and answered 200 whatever comes of it: types that mean nothing here are kept and marked ignored, what fails is tried again from here. While nothing can be kept it answers 503, and Stripe sends it again.",
    ].join("\n"),
    params: z.object({ accountId: idText }),
    rawBody: ["application/json"],
    bodyBytesMax: WEBHOOK_BODY_BYTES_MAX,
    answers: { 200: null },
    refuses: ["webhook_refused", "catalog_unavailable"],
    handle: ingest,
  }),
  defineRoute({
    method: "GET",
    path: THANKS_PATH,
    scope: "public",
    tag: "Stripe",
    summary: "The page after paying",
    description: "Where a payer goes after paying when the account's settings name no page of its own.",
    answers: { 200: "text/html" },
    handle: () =>
      new Response(THANKS, {
        headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "public, max-age=3600" },
      }),
  }),
];

const THANKS = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Thank you</title>
<style>body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1rem }</style>
<h1>Thank you</h1>
<p>The payment is on its way. You can close this page.</p>
</html>
`;
