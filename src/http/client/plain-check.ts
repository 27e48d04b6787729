import type { Known } from "../../catalog/directory.ts";
import type { AccountSnapshot } from "../../catalog/snapshot.ts";
import { entitlementAt } from "../../contract/entitlement.ts";
import type { AskAlong } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { type Feature, stalenessMsOf } from "../../domain/account.ts";
import type { Denial } from "../../domain/entitlement.ts";
import { LEASE_TENDED_MS_MAX } from "../../domain/limits.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { type LeasedText, readTimedText } from "../../domain/timed-text.ts";
import { type Lease, type LeasedVerdict, leaseholder, leases, type Ticket } from "../../edge/leases.ts";
import { creditTermsOf } from "../credit-terms.ts";
import type { Call } from "../route.ts";
import { sayingOf } from "./sayings.ts";

/**
 * The question that is asked all the time: may this customer use this feature, and nothing more. Answered from a lease where there is
 * one that still counts; else the object's answer, a text, becomes the wire's without being read, and a lease where it may.
 */

/** `isFresh`: this once nobody wants an old answer. */
export type PlainCheck = { featureKey: string; record: boolean; isFresh: boolean };

/** `dataText`: JSON text of an Entitlement. */
export type Said = { ok: true; dataText: string; denial?: Denial };

/** A timer and the clock are each right to a millisecond. */
const TIMER_GRAIN_MS = 2;

type About = { customerId: Known["customerId"]; reference: string };

/** The feature's own switch, as this isolate knows it. What is unknown is in no plan anyway. */
export function isEnabled({ featuresByKey }: AccountSnapshot, featureKey: string): boolean {
  return featuresByKey.get(featureKey)?.isEnabled ?? true;
}

/** What answers, as the caller's account has its catalog now. A switch or a weight of another version is asked for anew. */
export async function checkPlainly(call: Call, about: About, asked: PlainCheck): Promise<Said | Refusal> {
  const { account } = call.account;
  const boundMs = stalenessMsOf(account);
  if (boundMs === 0) return askObject(call, about, asked);
  const { featureKey } = asked;
  const holder = leaseholder(account.accountId, about.customerId);
  const nowMs = Date.now();
  const lease = asked.isFresh ? undefined : leases.find(holder, featureKey, nowMs);
  if (lease !== undefined && lease.value.catalogVersion === account.catalogVersion) {
    if (asked.record) lease.served += 1;
    if (call.env.scope !== undefined) call.env.scope.source = "lease";
    // Ahead, and beside the answer: nobody waits for another's request.
    if (leases.takeRenewal(lease, nowMs)) call.waitUntil(renew(call, about, asked, boundMs));
    tendIfSteady(call, about, asked, boundMs, lease);
    return { ok: true, dataText: repeated(lease.value, about, featureKey) };
  }
  const ticket = leases.ask(holder, featureKey, nowMs);
  const said = await askForLease(call, about, asked, boundMs, ticket);
  const next = leases.peek(holder, featureKey, Date.now());
  if (next !== undefined) tendIfSteady(call, about, asked, boundMs, next);
  return said;
}

/** What a lease says. `note` counts it as said, by the lease that stands by then: to be called once it is. */
export type Repeat = { dataText: string; note: () => void };

/**
 * What a lease says that only has to be repeated, for a question that is written into the log of checks; undefined: the customer's object
 * is to be asked, now or ahead.
 */
export function repeatedPlainly(
  { account }: AccountSnapshot,
  about: About,
  featureKey: string,
  nowMs: number,
): Repeat | undefined {
  const boundMs = stalenessMsOf(account);
  if (boundMs === 0) return undefined;
  const holder = leaseholder(account.accountId, about.customerId);
  const lease = leases.findSettled(holder, featureKey, boundMs, nowMs);
  if (lease === undefined || lease.value.catalogVersion !== account.catalogVersion) return undefined;
  const note = (): void => {
    (leases.peek(holder, featureKey, nowMs) ?? lease).served += 1;
  };
  return { dataText: repeated(lease.value, about, featureKey), note };
}

function repeated(value: LeasedVerdict, about: About, featureKey: string): string {
  if (value.said?.reference !== about.reference) {
    const { text } = sayingOf(value.verdictText, featureKey, about);
    value.said = { reference: about.reference, text: entitlementAt(text, value.asOfMs, "lease") };
  }
  return value.said.text;
}

/** Asks for the next lease beside this one, which goes on. */
async function renew(call: Call, about: About, asked: PlainCheck, boundMs: number): Promise<void> {
  try {
    const holder = leaseholder(call.account.account.accountId, about.customerId);
    const ticket = leases.askAhead(holder, asked.featureKey, Date.now());
    // The check that set it off is counted by the lease that answered it.
    if (ticket !== undefined) await askForLease(call, about, { ...asked, record: false }, boundMs, ticket);
  } catch (failure) {
    // The lease ends by itself, and whoever asks then hears what is wrong.
    console.error(JSON.stringify({ at: "lease", requestId: call.requestId, failure: String(failure) }));
  }
}

function tendIfSteady(call: Call, about: About, asked: PlainCheck, boundMs: number, lease: Lease<LeasedVerdict>): void {
  if (leases.takeTending(lease, boundMs, Date.now())) call.waitUntil(tend(call, about, asked, boundMs, lease));
}

/** Asks ahead for as long as the question comes steadily, so that whoever comes once in a bound does not wait each time. */
async function tend(
  call: Call,
  about: About,
  asked: PlainCheck,
  boundMs: number,
  first: Lease<LeasedVerdict>,
): Promise<void> {
  const { accountId, catalogVersion } = call.account.account;
  const holder = leaseholder(accountId, about.customerId);
  const endMs = Date.now() + LEASE_TENDED_MS_MAX;
  for (let nowMs = Date.now(); nowMs < endMs; nowMs = Date.now()) {
    const lease = leases.peek(holder, asked.featureKey, nowMs);
    // By what the account has defined since, another request asks.
    if (lease === undefined || lease.value.catalogVersion !== catalogVersion) break;
    const waitMs = leases.nextAskMs(lease, boundMs, nowMs);
    if (waitMs === undefined || nowMs + waitMs > endMs) break;
    if (waitMs === 0) {
      await renew(call, about, asked, boundMs);
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    // A clock that was set back is none to go by.
    if (Date.now() < nowMs + waitMs - TIMER_GRAIN_MS) break;
  }
  leases.endTending(first);
}

async function askForLease(
  call: Call,
  about: About,
  asked: PlainCheck,
  boundMs: number,
  ticket: Ticket,
): Promise<Said | Refusal> {
  const { catalogVersion } = call.account.account;
  const reply = await plainCheck(call, about, asked, boundMs, ticket.served);
  if (typeof reply !== "string") return reply;
  const { text: verdictText, atMs, lease } = readTimedText(reply);
  // An object of a release before says nothing of leases.
  if (lease !== undefined) leases.keep(ticket, lease, { verdictText, asOfMs: atMs, catalogVersion });
  return saidByObject(verdictText, atMs, asked.featureKey, about);
}

async function askObject(call: Call, about: About, asked: PlainCheck): Promise<Said | Refusal> {
  const reply = await plainCheck(call, about, asked);
  if (typeof reply !== "string") return reply;
  const { text, atMs } = readTimedText(reply);
  return saidByObject(text, atMs, asked.featureKey, about);
}

function plainCheck(
  { env, account }: Call,
  { customerId }: About,
  { featureKey, record }: PlainCheck,
  boundMs?: number,
  served?: number,
) {
  const { credits } = creditTermsOf(account, featureKey);
  const object = objectOf(env, account.account.accountId, customerId);
  return object.plainCheck(featureKey, isEnabled(account, featureKey), record, credits, boundMs, served);
}

function saidByObject(verdictText: string, atMs: number, featureKey: string, about: About): Said {
  const { text, denial } = sayingOf(verdictText, featureKey, about);
  const dataText = entitlementAt(text, atMs, "object");
  return denial === undefined ? { ok: true, dataText } : { ok: true, dataText, denial };
}

/** A question that a write takes along, and the ticket for its answer. */
export type Along = { ask: AskAlong; ticket: Ticket };

/** What a write that uses a feature shall bring along: its new answer, where it is asked for here and may be repeated. */
export function askAlong(
  { account }: AccountSnapshot,
  customerId: Known["customerId"],
  feature: Pick<Feature, "key" | "isEnabled"> | undefined,
): Along | undefined {
  const boundMs = stalenessMsOf(account);
  if (boundMs === 0 || feature === undefined) return undefined;
  const ticket = leases.askAlong(leaseholder(account.accountId, customerId), feature.key, Date.now());
  if (ticket === undefined) return undefined;
  const { served } = ticket;
  return { ask: { featureKey: feature.key, isEnabled: feature.isEnabled, boundMs, served }, ticket };
}

/** Keeps what a write brought along. */
export function keepAlong(
  { account }: AccountSnapshot,
  along: Along | undefined,
  brought: LeasedText | undefined,
): void {
  if (along === undefined || brought === undefined) return;
  const { text: verdictText, atMs: asOfMs, lease } = readTimedText(brought);
  const { catalogVersion } = account;
  if (lease !== undefined) leases.keep(along.ticket, lease, { verdictText, asOfMs, catalogVersion });
}
