import { type ApiAnswer, answerCall, refusalBody } from "./api.ts";
import { CONTROLS, ControlError, type Means } from "./control.ts";
import { deliver, type Send, sendByHttp, wait } from "./deliveries.ts";
import { faultFor } from "./faults.ts";
import { decodeForm } from "./form.ts";
import { checkoutPage, unknownPage } from "./page.ts";
import { StripeRefusal, unauthorised } from "./refusals.ts";
import { declineAtPage, expireWhatIsDue, payAtPage } from "./session-life.ts";
import {
  type Account,
  type Call,
  type Context,
  type Fault,
  newAccount,
  newId,
  type Session,
  shuffled,
} from "./state.ts";

/**
 * A stand-in for Stripe: `/v1/…` is its API, `/c/pay/…` its checkout page, `/_double/…` what tests do to it. It needs a
 * platform with `fetch` and no server of its own, so it runs in Node and inside a Worker's test alike.
 */

/** Keys that need no registration: each makes an account of its own when it is first used. */
const OWN_KEY = /^sk_test_double\w*$/;

/** What becomes of a request: an answer, a broken connection, or nothing ever. */
export type Outcome = { kind: "answer"; response: Response } | { kind: "broken" } | { kind: "silent" };

export type Double = {
  handle(request: Request): Promise<Outcome>;
  /** The same as a `fetch` that a client can be given: broken connections reject, silence ends with the request's signal. */
  fetch(request: Request): Promise<Response>;
  /** Expires what is due by now, as time does. */
  tick(): void;
  /** All it holds, for `createDouble`. */
  snapshot(): string;
  /** The same as it is, to be read only: writing all of it down takes long. */
  accounts(): readonly Account[];
};

export type DoubleOptions = {
  /** Equal seeds make equal ids. Without one they differ from run to run. */
  seed?: string | undefined;
  wallMs?: (() => number) | undefined;
  /** How webhooks leave; over HTTP unless told otherwise. */
  send?: Send | undefined;
  snapshot?: string | undefined;
};

type World = {
  seed: string;
  accounts: Record<string, Account>;
  wallMs: () => number;
  send: Send;
  /** Webhooks that are on their way by themselves, by account. */
  moving: Map<string, Set<Promise<void>>>;
};

export function createDouble(options: DoubleOptions = {}): Double {
  const world: World = {
    seed: options.seed ?? crypto.randomUUID(),
    accounts: restored(options.snapshot),
    wallMs: options.wallMs ?? Date.now,
    send: options.send ?? sendByHttp,
    moving: new Map(),
  };
  const handle = (request: Request) => route(world, request);
  return {
    handle,
    fetch: async (request) => {
      const outcome = await handle(request);
      if (outcome.kind === "answer") return outcome.response;
      if (outcome.kind === "silent")
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
      throw new TypeError("fetch failed");
    },
    tick: () => {
      for (const account of Object.values(world.accounts)) {
        expireWhatIsDue(contextOf(world, account, ""));
        void depart(world, account);
      }
    },
    snapshot: () => JSON.stringify(world.accounts),
    accounts: () => Object.values(world.accounts),
  };
}

function restored(snapshot: string | undefined): Record<string, Account> {
  const accounts: Record<string, Account> = snapshot === undefined ? {} : JSON.parse(snapshot);
  // What was on its way when the snapshot was taken is sent again: it may have arrived or not, as with Stripe.
  for (const { deliveries } of Object.values(accounts))
    for (const delivery of deliveries) if (delivery.state === "sending") delivery.state = "due";
  return accounts;
}

async function route(world: World, request: Request): Promise<Outcome> {
  const url = new URL(request.url);
  // Not `text()`: workerd warns of it for forms.
  const body = new TextDecoder().decode(await request.arrayBuffer());
  if (url.pathname.startsWith("/c/pay/")) return answer(await servePage(world, request.method, url, body));
  const key = keyOf(request.headers);
  const account = accountOf(world, key);
  if (account === undefined || key === undefined) {
    const refusal = unauthorised(key);
    return answer(json(refusal.status, refusalBody(refusal, { requestId: null })));
  }
  if (url.pathname.startsWith("/_double/"))
    return answer(await serveControl(world, account, request.method, url, body));
  return await serveApi(world, account, key, request, url, body);
}

function keyOf(headers: Headers): string | undefined {
  const [, scheme = "", value = ""] = /^(\w+) +(\S+)$/.exec(headers.get("Authorization") ?? "") ?? [];
  return scheme.toLowerCase() === "bearer" ? value : undefined;
}

function accountOf(world: World, key: string | undefined): Account | undefined {
  if (key === undefined) return undefined;
  const known = Object.values(world.accounts).find(({ keys }) => Object.hasOwn(keys, key));
  if (known !== undefined || !OWN_KEY.test(key)) return known;
  const account = newAccount(key, world.seed);
  world.accounts[account.id] = account;
  return account;
}

function contextOf(world: World, account: Account, origin: string, call: Partial<Context> = {}): Context {
  const nowSeconds = Math.floor((world.wallMs() + account.clockOffsetMs) / 1000);
  return { account, nowSeconds, origin, requestId: null, idempotencyKey: null, ...call };
}

async function serveApi(
  world: World,
  account: Account,
  key: string,
  request: Request,
  url: URL,
  body: string,
): Promise<Outcome> {
  const { headers, method } = request;
  const path = url.pathname;
  const idempotencyKey = headers.get("Idempotency-Key");
  const encoded = method === "POST" ? body : url.search.slice(1);
  const call: Call = { method, path, idempotencyKey, params: decodeForm(encoded), status: 0, replayed: false };
  account.calls.push(call);
  const fault = faultFor(account, method, path);
  if (fault?.mode === "refused") return { kind: "broken" };
  if (fault?.mode === "hang") return { kind: "silent" };
  const context = contextOf(world, account, url.origin, { requestId: newId(account, "req", 14), idempotencyKey });
  const failure = fault === undefined ? undefined : failureOf(fault);
  if (failure !== undefined) {
    call.status = failure.status;
    return answer(json(failure.status, refusalBody(failure, context)));
  }
  expireWhatIsDue(context);
  const nowMs = world.wallMs() + account.clockOffsetMs;
  const settled = async () => {
    if (account.delivery.early) await depart(world, account);
    if (fault?.mode === "slow") await wait(fault.ms);
  };
  const given = await answerCall({ account, apiKey: key, method, path, encoded, headers, context, nowMs }, settled);
  departSoon(world, account);
  if (fault?.mode === "lost") return { kind: "broken" };
  call.status = given.status;
  call.replayed = given.replayed;
  return answer(responseOf(given));
}

/** Faults that are answers by themselves. */
function failureOf({ mode }: Fault): StripeRefusal | undefined {
  if (mode === "error")
    return new StripeRefusal(500, { type: "api_error", message: "An unknown error occurred" }, false);
  if (mode === "busy") {
    const message =
      "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.";
    return new StripeRefusal(429, { type: "invalid_request_error", code: "rate_limit", message }, false);
  }
  return undefined;
}

async function serveControl(world: World, account: Account, method: string, url: URL, body: string): Promise<Response> {
  const [kind = "", id = "", ...verb] = url.pathname.slice("/_double/".length).split("/");
  const name = [kind, ...(id === "" ? [] : ["*"]), ...verb].join("/");
  const control = CONTROLS[`${method} ${name}`];
  if (control === undefined) return json(404, JSON.stringify({ error: { message: `No control ${method} ${name}` } }));
  const contextNow = () => contextOf(world, account, url.origin);
  const means: Means = {
    send: world.send,
    wallMs: world.wallMs,
    seed: world.seed,
    contextNow,
    idle: () => idle(world, account),
    tick: expireWhatIsDue,
  };
  try {
    expireWhatIsDue(contextNow());
    const result = await control(contextNow(), body === "" ? {} : JSON.parse(body), id, means);
    return json(200, JSON.stringify(result));
  } catch (error) {
    if (error instanceof StripeRefusal) return json(error.status, refusalBody(error, { requestId: null }));
    if (error instanceof ControlError) return json(400, JSON.stringify({ error: { message: error.message } }));
    throw error;
  } finally {
    departSoon(world, account);
  }
}

async function servePage(world: World, method: string, url: URL, body: string): Promise<Response> {
  const id = url.pathname.slice("/c/pay/".length);
  const account = Object.values(world.accounts).find(({ sessions }) => Object.hasOwn(sessions, id));
  const session = account?.sessions[id];
  if (account === undefined || session === undefined) return html(404, unknownPage());
  const context = contextOf(world, account, url.origin);
  expireWhatIsDue(context);
  try {
    if (method !== "POST" || session.status !== "open") return html(200, checkoutPage(account, session));
    if (new URLSearchParams(body).get("action") === "pay") {
      payAtPage(context, session, "pm_card_visa");
      return new Response(null, { status: 303, headers: { Location: successUrl(session) } });
    }
    return html(402, checkoutPage(account, session, declineAtPage(context, session, "generic_decline").message));
  } finally {
    departSoon(world, account);
  }
}

function successUrl({ id, success_url }: Session): string {
  return (success_url ?? "").replaceAll("{CHECKOUT_SESSION_ID}", id);
}

/** Sends what is to leave by itself and has not left yet. Resolves when all of it has arrived or failed. */
function depart(world: World, account: Account): Promise<void> {
  const { delayMs, retries, retryDelayMs, shuffleSeed } = account.delivery;
  const due = account.deliveries.filter(({ state }) => state === "due");
  for (const delivery of due) delivery.state = "sending";
  const inOrder = shuffleSeed === null ? due : shuffled(due, `${shuffleSeed}/${account.made}`);
  const how = { send: world.send, wallMs: world.wallMs, delayMs, retries, retryDelayMs };
  const run = async () => {
    const slow: Promise<void>[] = [];
    for (const delivery of inOrder) {
      const sent = deliver(account, delivery, how);
      // One after the other, but nobody waits for one that waits itself.
      if (delayMs + retries === 0) await sent;
      else slow.push(sent);
    }
    await Promise.all(slow);
  };
  return tracked(world, account, run());
}

/** The same, a moment later: the answer of the call that caused it goes first. */
function departSoon(world: World, account: Account): void {
  void tracked(
    world,
    account,
    wait(0).then(() => depart(world, account)),
  );
}

function tracked(world: World, account: Account, work: Promise<void>): Promise<void> {
  const moving = world.moving.get(account.id) ?? new Set();
  world.moving.set(account.id, moving);
  moving.add(work);
  return work.finally(() => moving.delete(work));
}

async function idle(world: World, account: Account): Promise<void> {
  const moving = world.moving.get(account.id);
  while (moving !== undefined && moving.size > 0) await Promise.all(moving);
}

function answer(response: Response): Outcome {
  return { kind: "answer", response };
}

function responseOf({ status, body, headers }: ApiAnswer): Response {
  return new Response(body, { status, headers });
}

function json(status: number, body: string): Response {
  return new Response(body, { status, headers: { "Content-Type": "application/json" } });
}

function html(status: number, body: string): Response {
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
    "Cache-Control": "no-store",
  };
  return new Response(body, { status, headers });
}
