import { accountRoutes } from "./accounts.ts";
import { chargeRoutes } from "./charges.ts";
import { checkoutRoutes } from "./checkout.ts";
import { customerRoutes } from "./customers.ts";
import { disputeRoutes } from "./disputes.ts";
import { endpointRoutes } from "./endpoints.ts";
import { API_VERSION, eventRoutes } from "./events.ts";
import { expanded } from "./expand.ts";
import { decodeForm, type FormTree } from "./form.ts";
import { claimKey } from "./idempotency.ts";
import { readParams } from "./params.ts";
import { paymentIntentRoutes } from "./payment-intents.ts";
import { paymentMethodRoutes } from "./payment-methods.ts";
import { refundRoutes } from "./refunds.ts";
import { forbidden, StripeRefusal } from "./refusals.ts";
import type { Route } from "./route.ts";
import { setupIntentRoutes } from "./setups.ts";
import type { Account, Context } from "./state.ts";

/** One call of the API: found, allowed, claimed by its idempotency key, run, remembered. */

const ROUTES: readonly Route[] = [
  ...accountRoutes,
  ...customerRoutes,
  ...checkoutRoutes,
  ...paymentIntentRoutes,
  ...setupIntentRoutes,
  ...paymentMethodRoutes,
  ...chargeRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...endpointRoutes,
  ...eventRoutes,
];

export type ApiCall = {
  account: Account;
  apiKey: string;
  method: string;
  path: string;
  /** The encoded query of a GET or DELETE, the body of a POST. */
  encoded: string;
  headers: Headers;
  context: Context;
  nowMs: number;
};

export type ApiAnswer = { status: number; body: string; headers: Record<string, string>; replayed: boolean };

/**
 * Answers a call. `settled` runs between the effect and the moment from which its idempotency key answers: what takes time
 * there, a second request under the key sees as still in progress.
 */
export async function answerCall(call: ApiCall, settled: () => Promise<void>): Promise<ApiAnswer> {
  const { account, apiKey, context, headers, method, path, nowMs } = call;
  const key = method === "POST" ? context.idempotencyKey : null;
  const own = {
    "Content-Type": "application/json",
    "Request-Id": context.requestId ?? "",
    "Stripe-Version": headers.get("Stripe-Version") ?? API_VERSION,
    ...(key === null ? {} : { "Idempotency-Key": key, "Original-Request": context.requestId ?? "" }),
  };
  let claim: ReturnType<typeof claimKey> | undefined;
  try {
    const { route, id } = routeOf(method, path);
    assertAllowed(account, apiKey, route);
    const params = decodeForm(call.encoded);
    if (key !== null) claim = claimKey(account, apiKey, key, { route: path, params, nowMs });
    if (claim?.kind === "replay") {
      const { status, body, requestId } = claim.first;
      const replay = { "Idempotent-Replayed": "true", "Original-Request": requestId };
      return { status, body, headers: { ...own, ...replay }, replayed: true };
    }
    const result = route.run(context, readParams(route.params, params), { id });
    const body = JSON.stringify(expanded(account, result, pathsOf(params)), null, 2);
    await settled();
    claim?.done({ status: 200, body, requestId: context.requestId ?? "" });
    return { status: 200, body, headers: own, replayed: false };
  } catch (error) {
    if (!(error instanceof StripeRefusal)) {
      if (claim?.kind === "first") claim.done(null);
      throw error;
    }
    const body = refusalBody(error, context);
    if (error.begun) await settled();
    if (claim?.kind === "first")
      claim.done(error.begun ? { status: error.status, body, requestId: context.requestId ?? "" } : null);
    return { status: error.status, body, headers: own, replayed: false };
  }
}

/** What a refusal says on the wire. */
export function refusalBody({ body }: StripeRefusal, { requestId }: { requestId: string | null }): string {
  const more = {
    ...(body.code === undefined
      ? {}
      : { doc_url: `https://stripe.com/docs/error-codes/${body.code.replaceAll("_", "-")}` }),
    ...(requestId === null ? {} : { request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}` }),
  };
  return JSON.stringify({ error: { ...body, ...more } }, null, 2);
}

function pathsOf({ expand }: FormTree): string[] {
  if (expand === undefined) return [];
  return typeof expand === "string" ? [expand] : Object.values(expand).map(String);
}

function routeOf(method: string, path: string): { route: Route; id: string } {
  const parts = path.split("/");
  for (const route of ROUTES) {
    if (route.method !== method) continue;
    const wanted = route.path.split("/");
    if (wanted.length !== parts.length) continue;
    const place = wanted.indexOf(":id");
    if (wanted.every((part, index) => index === place || part === parts[index]))
      return { route, id: place < 0 ? "" : (parts[place] ?? "") };
  }
  throw new StripeRefusal(
    404,
    {
      type: "invalid_request_error",
      message: `Unrecognized request URL (${method}: ${path}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs.`,
    },
    false,
  );
}

/** A permission to write is one to read too. */
function assertAllowed(account: Account, apiKey: string, { method, permission }: Route): void {
  const allowed = account.keys[apiKey];
  if (allowed === null || allowed === undefined) return;
  const wanted = `${permission}_${method === "GET" ? "read" : "write"}`;
  if (!allowed.includes(wanted) && !allowed.includes(`${permission}_write`))
    throw forbidden(apiKey, account.id, wanted);
}
