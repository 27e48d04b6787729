import * as z from "zod";
import {
  connectionStatement,
  hasStripeCustomers,
  readConnection,
  secretsStatement,
} from "../../catalog/stripe-connections.ts";
import { eventPage } from "../../catalog/webhook-events.ts";
import { page, paged, pageOf } from "../../contract/scalars.ts";
import {
  ConnectionWire,
  ConnectStripe,
  RegisterWebhook,
  toWireConnection,
  toWireEvent,
  WebhookEventWire,
} from "../../contract/stripe.ts";
import { providerKeyProblem, type StripeConnection, secretHint, type WebhookSecret } from "../../domain/account.ts";
import { sha256Hex } from "../../domain/digest.ts";
import { DAY_MS, WEBHOOK_SECRETS_MAX } from "../../domain/limits.ts";
import { invalid, type Refusal, type Reply } from "../../domain/refusal.ts";
import { WEBHOOK_STATES } from "../../domain/webhook.ts";
import { forgetConnection } from "../../payments/connection.ts";
import { type Keyring, open, readKeyring, seal } from "../../payments/keyring.ts";
import { openProvider, providerOf } from "../../payments/open.ts";
import type { Failed, PaymentProvider } from "../../payments/provider.ts";
import { HANDLED_EVENTS } from "../../payments/stripe-events.ts";
import { WEBHOOK_PATH } from "../../payments/webhook.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

const PATH = "/api/v1/data/stripe/api";

function keyring({ env }: Call): Reply<Keyring> {
  const read = readKeyring(env.ENCRYPTION_KEYS);
  return typeof read === "string" ? { ok: false, code: "sealing_unset", problem: read } : { ok: true, value: read };
}

/** What the trail keeps of a connection. */
function trail(connection: StripeConnection | undefined) {
  const { connected, stripeApiKey, stripeAccountId, webhooks } = toWireConnection(connection);
  return {
    connected,
    stripeApiKey,
    stripeAccountId,
    webhookSecrets: webhooks.map(({ webhookSecret }) => webhookSecret),
  };
}

/** Isolates believe an opened key for seconds; the one that wrote reads again at once. */
async function afterwards(call: Call, work: Promise<Answer>): Promise<Answer> {
  const answered = await work;
  forgetConnection(call.account.account.accountId);
  return answered;
}

type Connect = Call<unknown, unknown, z.output<typeof ConnectStripe>>;

function connect(call: Connect): Promise<Answer> {
  const { accountId, mode } = call.account.account;
  const { clientStripeApiKey: key, webhookSecret } = call.body;
  const origin = new URL(call.request.url).origin;
  const work = commitAccount(call, async (nowMs) => {
    const ring = keyring(call);
    if (!ring.ok) return ring;
    const problem = providerKeyProblem(key, mode);
    if (problem !== undefined) return invalid("clientStripeApiKey", problem);
    const provider = await providerOf(call.env, key, { connection: { origin }, isTest: mode === "test" });
    const theirs = await provider.account();
    if (!theirs.ok) return keyRefused(theirs);
    const before = (await readConnection(call.env.DB, accountId))?.connection;
    const isSame = before?.stripeAccountId === theirs.value.id;
    if (before !== undefined && !isSame && (await hasStripeCustomers(call.env.DB, accountId)))
      return {
        ok: false,
        code: "state_conflict",
        why: `Customers hold ids of the Stripe account ${before.stripeAccountId}, and this key is of ${theirs.value.id}, which does not know them.`,
      };
    // Endpoints of another Stripe account go on signing by secrets of theirs: from now on those are a stranger's.
    const secrets = isSame ? before.webhookSecrets : [];
    const connection: StripeConnection = {
      accountId,
      sealedKey: await seal(ring.value, key, accountId),
      keyHint: secretHint(key),
      stripeAccountId: theirs.value.id,
      origin,
      webhookSecrets:
        webhookSecret === undefined
          ? secrets
          : await withSecret(ring.value, accountId, secrets, { secret: webhookSecret, nowMs }),
      endpointsMade: before?.endpointsMade ?? 0,
      createdAtMs: before?.createdAtMs ?? nowMs,
      modifiedAtMs: nowMs,
    };
    return {
      ok: true,
      version: "guard",
      statements: [connectionStatement(call.env.DB, connection, nowMs + DAY_MS)],
      audit: { action: "stripe.connected", target: theirs.value.id, before: trail(before), after: trail(connection) },
      status: 201,
      data: toWireConnection(connection),
    };
  });
  return afterwards(call, work);
}

/** The newest first, two at most; one that is known already stays where it is. */
async function withSecret(
  ring: Keyring,
  accountId: string,
  known: readonly WebhookSecret[],
  { secret, endpointId, nowMs }: { secret: string; endpointId?: string; nowMs: number },
): Promise<readonly WebhookSecret[]> {
  for (const { sealed } of known) if ((await open(ring, sealed, accountId)) === secret) return known;
  const added = {
    sealed: await seal(ring, secret, accountId),
    hint: secretHint(secret),
    ...(endpointId === undefined ? {} : { endpointId }),
    createdAtMs: nowMs,
  };
  return [added, ...known].slice(0, WEBHOOK_SECRETS_MAX);
}

/** Why a key could not be taken. */
function keyRefused(failed: Failed): Refusal {
  if (isAway(failed)) return { ok: false, code: "payments_unavailable" };
  return invalid("clientStripeApiKey", `is not taken by Stripe: ${failed.message}`);
}

function isAway({ failure }: Failed): boolean {
  return failure === "away" || failure === "rate_limited";
}

function disconnect(call: Call): Promise<Answer> {
  const { accountId } = call.account.account;
  const work = commitAccount(call, async (nowMs) => {
    const before = (await readConnection(call.env.DB, accountId))?.connection;
    if (before?.sealedKey === undefined) return { ok: true, version: "leave", statements: [], audit: [], status: 200 };
    const provider = await openProvider(call.env, accountId);
    if (typeof provider === "object") await removeEndpoints(provider, before.webhookSecrets);
    const { sealedKey: _, keyHint: __, ...rest } = before;
    const connection: StripeConnection = { ...rest, webhookSecrets: [], modifiedAtMs: nowMs };
    return {
      ok: true,
      version: "guard",
      statements: [connectionStatement(call.env.DB, connection, null)],
      audit: {
        action: "stripe.disconnected",
        target: before.stripeAccountId,
        before: trail(before),
        after: trail(connection),
      },
      status: 200,
    };
  });
  return afterwards(call, work);
}

/** What cannot be removed now sends to a door that is closed, until Stripe gives up: it stands in nobody's way. */
async function removeEndpoints(provider: PaymentProvider, secrets: readonly WebhookSecret[]): Promise<void> {
  for (const { endpointId } of secrets) if (endpointId !== undefined) await provider.deleteWebhook(endpointId);
}

type Register = Call<unknown, unknown, z.output<typeof RegisterWebhook>>;

function register(call: Register): Promise<Answer> {
  const { accountId } = call.account.account;
  const origin = new URL(call.body.baseUrl ?? call.request.url).origin;
  const url = `${origin}${WEBHOOK_PATH}/${accountId}`;
  const work = commitAccount(call, async (nowMs) => {
    const ring = keyring(call);
    if (!ring.ok) return ring;
    const before = (await readConnection(call.env.DB, accountId))?.connection;
    const provider = await openProvider(call.env, accountId);
    if (provider === "unavailable") return { ok: false, code: "payments_unavailable" };
    if (provider === "off" || before === undefined)
      return { ok: false, code: "state_conflict", why: `Stripe is not connected: POST ${PATH} stores its key.` };
    const endpointsMade = before.endpointsMade + 1;
    // Asked again after a crash it is the same endpoint, and tells its secret again.
    const idempotencyKey = `tanso_${accountId}_webhook_${endpointsMade}_${sha256Hex(url).slice(0, 12)}`;
    const made = await provider.registerWebhook({ url, events: HANDLED_EVENTS, idempotencyKey });
    if (!made.ok)
      return isAway(made)
        ? { ok: false, code: "payments_unavailable" }
        : { ok: false, code: "state_conflict", why: `Stripe refused to make the endpoint: ${made.message}` };
    const { id: endpointId, secret } = made.value;
    const secrets = await withSecret(ring.value, accountId, before.webhookSecrets, { secret, endpointId, nowMs });
    // What it replaces for good is removed at Stripe too, or each event would come once more with each call.
    await removeEndpoints(provider, before.webhookSecrets.slice(WEBHOOK_SECRETS_MAX - 1));
    const changed = { webhookSecrets: secrets, endpointsMade, origin, modifiedAtMs: nowMs };
    const connection = { ...before, ...changed };
    return {
      ok: true,
      version: "guard",
      statements: [secretsStatement(call.env.DB, accountId, changed)],
      audit: {
        action: "stripe.webhook_registered",
        target: endpointId,
        before: trail(before),
        after: { ...trail(connection), url },
      },
      status: 201,
      data: toWireConnection(connection),
    };
  });
  return afterwards(call, work);
}

export const stripeRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Stripe",
    summary: "Read the connection to Stripe, its key and secrets masked",
    answers: { 200: ConnectionWire },
    handle: async (call) =>
      answer(200, toWireConnection((await readConnection(call.env.DB, call.account.account.accountId))?.connection)),
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Stripe",
    summary: "Connect Stripe: store a key",
    description: [
      "The key is tried before it is taken, kept encrypted, and never shown again. Another key of the same Stripe account replaces it; a key of another one is refused (409) while customers hold ids of the old one.",
      "",
      "Payments are collected once the setting `stripeMode` is PAYMENT_PASS_THROUGH, and heard of once a webhook endpoint is there: `POST /api/v1/data/stripe/webhook/register`.",
    ].join("\n"),
    body: ConnectStripe,
    examples: { body: { clientStripeApiKey: "sk_test_4eC39HqLyjWDarjtT1zdp7dc" } },
    answers: { 201: ConnectionWire },
    refuses: ["sealing_unset", "payments_unavailable", "state_conflict", "request_conflict"],
    handle: connect,
  }),
  defineRoute({
    method: "DELETE",
    path: PATH,
    scope: "admin",
    tag: "Stripe",
    summary: "Disconnect Stripe: forget key and secrets",
    description:
      "Endpoints that were made by webhook/register are removed at Stripe. Customers keep their Stripe ids, so that a key of the same Stripe account can be stored again. Where nothing is connected nothing happens.",
    answers: { 200: null },
    refuses: ["state_conflict", "request_conflict"],
    handle: disconnect,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/data/stripe/webhook/register",
    scope: "admin",
    tag: "Stripe",
    summary: "Make the webhook endpoint at Stripe",
    description: [
      `For exactly the events that mean something here: ${HANDLED_EVENTS.map((type) => `\`${type}\``).join(", ")}.`,
      "",
      "Called again it makes another endpoint with another secret. The one before stays valid beside it until the next call, so that nothing on its way is lost; what comes by both is handled once.",
    ].join("\n"),
    body: RegisterWebhook,
    examples: { body: {} },
    answers: { 201: ConnectionWire },
    refuses: ["sealing_unset", "payments_unavailable", "state_conflict", "request_conflict"],
    handle: register,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/data/stripe/webhook/events",
    scope: "admin",
    tag: "Stripe",
    summary: "List what Stripe sent, and what became of it, newest first",
    query: z.object({ ...page, state: z.enum(WEBHOOK_STATES).optional() }),
    answers: { 200: pageOf(WebhookEventWire) },
    handle: async (call) => {
      const { state, ...which } = call.query;
      const { items, total } = await eventPage(call.env.DB, call.account.account.accountId, state, which);
      return answer(200, paged(items.map(toWireEvent), total, which));
    },
  }),
];
