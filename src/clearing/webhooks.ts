import { wishedRegion } from "../catalog/accounts.ts";
import { auditOnceStatement } from "../catalog/audit.ts";
import { customersNamed } from "../catalog/directory.ts";
import { erasedCustomer } from "../catalog/erased-names.ts";
import {
  claimEvent,
  forgetEvents,
  type KeptEvent,
  keepEvent,
  readKeptEvent,
  settleEvent,
  waitingEvents,
} from "../catalog/webhook-events.ts";
import { objectOf } from "../customer/object-of.ts";
import type { Uuid } from "../domain/ids.ts";
import {
  OBJECT_CALLS_AT_ONCE_MAX,
  WEBHOOK_ATTEMPTS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_RETRY_MS_MIN,
  WEBHOOKS_FORGOTTEN_MAX,
  WEBHOOKS_KEPT_MS,
  WEBHOOKS_PER_RUN_MAX,
} from "../domain/limits.ts";
import type { PaymentFact, ProviderFact } from "../domain/provider-fact.ts";
import type { Env } from "../env.ts";
import { type Opened, openConnection } from "../payments/connection.ts";
import { currentTerms, openProvider } from "../payments/open.ts";
import type { Metadata, Outcome, PaymentProvider } from "../payments/provider.ts";
import { type Told, toldBy } from "../payments/stripe-events.ts";
import { readEvent, type WebhookEvent } from "../payments/webhook.ts";
import { knowProviderCustomer } from "./provider-customers.ts";

/**
 * From a verified webhook to the customer's object that it is about. Kept first, then handled: what fails in between is taken up by the
 * cron, and what comes twice is kept once. Owns who is meant; leaves what follows to the object, which takes facts in any order.
 *
 * Whom: the customer that our own metadata name; where there are none, for what is about a customer itself, the one that holds the id
 * of Stripe's. A payment without our metadata is none of ours.
 */

/** Keeps an event and handles it unless it was here before; one whose last attempt failed is tried again at once. */
export async function takeWebhook(env: Env, accountId: string, event: WebhookEvent, nowMs: number): Promise<void> {
  const { eventId, type, createdAtMs, body } = event;
  const nextAttemptAtMs = nowMs + WEBHOOK_RETRY_MS_MIN;
  const kept = { accountId, eventId, type, createdAtMs, receivedAtMs: nowMs, nextAttemptAtMs, body };
  if (await keepEvent(env.DB, kept)) {
    await handleKept(env, { ...kept, state: "RECEIVED", attempts: 1 }, nowMs);
    return;
  }
  const before = await readKeptEvent(env.DB, accountId, eventId);
  if (before?.state === "FAILED" && before.nextAttemptAtMs !== undefined)
    await tryAgain(env, { ...before, nextAttemptAtMs: before.nextAttemptAtMs }, nowMs);
}

/** The cron's net: events whose handling failed or never ended, of all accounts, those that wait longest first. */
export async function takeUpWaiting(env: Env, nowMs: number): Promise<{ processed: number; failed: number }> {
  const waiting = await waitingEvents(env.DB, nowMs, WEBHOOKS_PER_RUN_MAX);
  const results: boolean[] = [];
  const queue = waiting.values();
  const work = async (): Promise<void> => {
    for (const event of queue) results.push(await tryAgain(env, event, nowMs));
  };
  await Promise.all(Array.from({ length: Math.min(waiting.length, OBJECT_CALLS_AT_ONCE_MAX) }, work));
  const processed = results.filter((isDone) => isDone).length;
  return { processed, failed: results.length - processed };
}

/** Forgets what has been done with for long. */
export function forgetOldWebhooks(env: Env, nowMs: number): Promise<number> {
  return forgetEvents(env.DB, nowMs - WEBHOOKS_KEPT_MS, WEBHOOKS_FORGOTTEN_MAX);
}

async function tryAgain(env: Env, event: KeptEvent & { nextAttemptAtMs: number }, nowMs: number): Promise<boolean> {
  // Ahead by more than handling takes: two who met at the same event do not both handle it.
  if (!(await claimEvent(env.DB, event, nowMs + delayMs(event.attempts + 1)))) return true;
  return handleKept(env, { ...event, attempts: event.attempts + 1 }, nowMs);
}

function delayMs(attempts: number): number {
  return Math.min(WEBHOOK_RETRY_MS_MIN * 2 ** (attempts - 1), WEBHOOK_RETRY_MS_MAX);
}

type Became =
  | { state: "HANDLED" | "IGNORED"; customerId?: Uuid; isErased?: boolean }
  | { state: "FAILED"; failure: string };

/** Handles an event and notes what became of it. Nothing is thrown: who sent it is told that it is kept, and it is. */
async function handleKept(env: Env, event: KeptEvent, nowMs: number): Promise<boolean> {
  let became: Became;
  try {
    became = await handle(env, event, nowMs);
  } catch (error) {
    became = { state: "FAILED", failure: error instanceof Error ? error.message : String(error) };
  }
  const isLast = event.attempts >= WEBHOOK_ATTEMPTS_MAX;
  const next = became.state === "FAILED" && !isLast ? { nextAttemptAtMs: nowMs + delayMs(event.attempts) } : {};
  const { accountId, eventId, type } = event;
  if (became.state === "FAILED") console.error(JSON.stringify({ at: "webhook", accountId, eventId, type, ...became }));
  try {
    await settleEvent(env.DB, event, { ...became, ...next });
  } catch (error) {
    // It stays as it was and is taken up once more, which changes nothing where it was handled.
    console.error(JSON.stringify({ at: "webhook", accountId, eventId, unsettled: String(error) }));
  }
  return became.state !== "FAILED";
}

const IGNORED: Became = { state: "IGNORED" };

async function handle(env: Env, { accountId, eventId, createdAtMs, body }: KeptEvent, nowMs: number): Promise<Became> {
  const told = toldBy(body);
  if (told === undefined) return IGNORED;
  const opened = await openConnection(env, accountId, nowMs);
  if (opened === "unavailable") return { state: "FAILED", failure: "the account's connection cannot be read" };
  if (typeof opened === "object" && !isOfMode(opened, body)) return IGNORED;
  const meant = await meantBy(env, accountId, told);
  if (!meant.ok) return { state: "FAILED", failure: `${meant.failure}: ${meant.message}` };
  if (meant.value === undefined) return IGNORED;
  const { customerId, fact, isErased = false } = meant.value;
  if (isErased && !isAboutPayment(fact)) return { state: "IGNORED", customerId, isErased };
  const fresh = await asItIsNow(env, accountId, fact);
  if (!fresh.ok) return { state: "FAILED", failure: `${fresh.failure}: ${fresh.message}` };
  const [payments, region] = await Promise.all([currentTerms(env, accountId), wishedRegion(env.DB, accountId)]);
  const reply = await objectOf(env, accountId, customerId, region).providerEvent({
    eventId,
    createdAtMs,
    fact: fresh.value,
    ...(payments === undefined ? {} : { payments }),
  });
  if (!reply.ok) return { state: "FAILED", failure: reply.code };
  const { providerCustomerId, payoutReturned } = reply.value;
  if (payoutReturned !== undefined) {
    const { entryId, ...after } = payoutReturned;
    const audit = { entryId, action: "balance.payout_returned" as const, target: customerId, after };
    const actor = { hint: "Stripe", ip: "", requestId: eventId };
    await auditOnceStatement(env.DB, accountId, audit, actor, nowMs).run();
  }
  if (providerCustomerId !== undefined && !isErased)
    await knowProviderCustomer(env, accountId, customerId, providerCustomerId, region);
  return { state: reply.value.outcome === "ignored" ? "IGNORED" : "HANDLED", customerId, isErased };
}

/** A test account hears of no real money, nor a live one of what is none. */
function isOfMode({ isTest }: Opened, body: string): boolean {
  return readEvent(body)?.isLive === !isTest;
}

/** `isErased`: nobody is known by that id any more, but what they owe can be paid, and is given back like anybody's. */
type Meant = { customerId: Uuid; fact: ProviderFact; isErased?: boolean };

async function meantBy(
  env: Env,
  accountId: string,
  { fact, metadata, providerCustomerId }: Told,
): Promise<Outcome<Meant | undefined>> {
  if (!isAboutPayment(fact)) {
    if (metadata.account === accountId || providerCustomerId === undefined)
      return ofMetadata(env, accountId, metadata, fact);
    return { ok: true, value: await holderOf(env, accountId, providerCustomerId, fact) };
  }
  if (metadata.account !== undefined) return ofMetadata(env, accountId, metadata, fact);
  // A dispute names its payment alone, as does a refund of others, and a charge may be made by older ways: what the payment carries is
  // asked for.
  if (fact.kind !== "disputed" && fact.kind !== "refunded" && fact.kind !== "refund_failed")
    return { ok: true, value: undefined };
  const provider = await openProvider(env, accountId);
  if (provider === "off") return { ok: true, value: undefined };
  if (provider === "unavailable") return { ok: false, failure: "away", message: "the provider's key cannot be opened" };
  const payment = await provider.retrieveCharge(fact.paymentIntentId);
  if (!payment.ok) return payment.failure === "not_found" ? { ok: true, value: undefined } : payment;
  const { metadata: its } = payment.value;
  const known = its.payment === undefined ? fact : { ...fact, payment: its.payment };
  return ofMetadata(env, accountId, its, known);
}

const ABOUT_CUSTOMERS: readonly Exclude<ProviderFact, PaymentFact>["kind"][] = [
  "setup_succeeded",
  "method_detached",
  "customer_changed",
  "customer_deleted",
];

function isAboutPayment(fact: ProviderFact): fact is PaymentFact {
  return !ABOUT_CUSTOMERS.some((kind) => kind === fact.kind);
}

/** Metadata of another account's are another's: one Stripe account may serve several. */
async function ofMetadata(
  env: Env,
  accountId: string,
  { account, customer }: Partial<Metadata>,
  fact: ProviderFact,
): Promise<Outcome<Meant | undefined>> {
  if (account !== accountId || customer === undefined) return { ok: true, value: undefined };
  const [known] = await customersNamed(env.DB, accountId, { customerId: customer });
  if (known !== undefined) return { ok: true, value: { customerId: known.customerId, fact } };
  const isErased = (await erasedCustomer(env.DB, accountId, customer)) === customer;
  return { ok: true, value: isErased ? { customerId: customer as Uuid, fact, isErased } : undefined };
}

async function holderOf(
  env: Env,
  accountId: string,
  stripeCustomerId: string,
  fact: ProviderFact,
): Promise<Meant | undefined> {
  const [known] = await customersNamed(env.DB, accountId, { stripeCustomerId });
  return known === undefined ? undefined : { customerId: known.customerId, fact };
}

/**
 * Name and e-mail as they are at Stripe now, and what was given back of a payment: of two changes whose events come in the wrong order
 * the later one holds, and a sum that was told before one of its refunds failed does not count that one again. Everything else that is
 * told only ever goes one way.
 */
async function asItIsNow(env: Env, accountId: string, fact: ProviderFact): Promise<Outcome<ProviderFact>> {
  if (fact.kind !== "customer_changed" && fact.kind !== "refunded") return { ok: true, value: fact };
  const provider = await openProvider(env, accountId);
  if (provider === "off") return { ok: true, value: fact };
  if (provider === "unavailable") return { ok: false, failure: "away", message: "the provider's key cannot be opened" };
  const now = fact.kind === "refunded" ? await refundedNow(provider, fact) : await customerNow(provider, fact);
  return !now.ok && now.failure === "not_found" ? { ok: true, value: fact } : now;
}

type Fact<Kind extends ProviderFact["kind"]> = Extract<ProviderFact, { kind: Kind }>;

async function refundedNow(provider: PaymentProvider, fact: Fact<"refunded">): Promise<Outcome<ProviderFact>> {
  const now = await provider.refundsOf(fact.paymentIntentId);
  if (!now.ok) return now;
  const refunds = now.value;
  const refundedMinorTotal = refunds.reduce((sum, one) => (one.hasFailed ? sum : sum + one.amountMinor), 0);
  return { ok: true, value: { ...fact, refundedMinorTotal, refunds } };
}

async function customerNow(provider: PaymentProvider, fact: Fact<"customer_changed">): Promise<Outcome<ProviderFact>> {
  const { kind, providerCustomerId } = fact;
  const now = await provider.retrieveCustomer(providerCustomerId);
  if (!now.ok) return now;
  const { name, email, isDeleted } = now.value;
  if (isDeleted) return { ok: true, value: { kind: "customer_deleted", providerCustomerId } };
  const said = { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
  return { ok: true, value: { kind, providerCustomerId, ...said } };
}
