import type { Known } from "../../catalog/directory.ts";
import type { AccountSnapshot } from "../../catalog/snapshot.ts";
import { entitlementAt } from "../../contract/entitlement.ts";
import type { AskAlong } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { type Feature, stalenessMsOf } from "../../domain/account.ts";
import type { Denial } from "../../domain/entitlement.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { type LeasedText, readTimedText } from "../../domain/timed-text.ts";
import { type LeasedVerdict, leaseholder, leases, type Ticket } from "../../edge/leases.ts";
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
  const holder = leaseholder(account.accountId, about.customerId);
  const nowMs = Date.now();
  const lease = asked.isFresh ? undefined : leases.find(holder, asked.featureKey, nowMs);
  if (lease !== undefined && lease.value.catalogVersion === account.catalogVersion) {
    if (asked.record) lease.served += 1;
    if (call.env.scope !== undefined) call.env.scope.source = "lease";
    // Ahead, and beside the answer: nobody waits for another's request.
    if (leases.takeRenewal(lease, nowMs)) call.waitUntil(renew(call, about, asked, boundMs, nowMs));
    return { ok: true, dataText: repeated(lease.value, about, asked.featureKey) };
  }
  return askForLease(call, about, asked, boundMs, nowMs);
}

/**
 * What a lease says that only has to be repeated, for a question that is written into the log of checks; undefined: the customer's object
 * is to be asked, now or ahead.
 */
export function repeatedPlainly(
  { account }: AccountSnapshot,
  about: About,
  featureKey: string,
  nowMs: number,
): string | undefined {
  const lease =
    stalenessMsOf(account) === 0
      ? undefined
      : leases.find(leaseholder(account.accountId, about.customerId), featureKey, nowMs);
  if (lease === undefined || lease.value.catalogVersion !== account.catalogVersion) return undefined;
  if (leases.wantsRenewal(lease, nowMs)) return undefined;
  lease.served += 1;
  return repeated(lease.value, about, featureKey);
}

function repeated(value: LeasedVerdict, about: About, featureKey: string): string {
  if (value.said?.reference !== about.reference) {
    const { text } = sayingOf(value.verdictText, featureKey, about);
    value.said = { reference: about.reference, text: entitlementAt(text, value.asOfMs, "lease") };
  }
  return value.said.text;
}

async function renew(call: Call, about: About, asked: PlainCheck, boundMs: number, nowMs: number): Promise<void> {
  try {
    // The check that set it off is counted by the lease that answered it.
    await askForLease(call, about, { ...asked, record: false }, boundMs, nowMs);
  } catch (failure) {
    // The lease ends by itself, and whoever asks then hears what is wrong.
    console.error(JSON.stringify({ at: "lease", requestId: call.requestId, failure: String(failure) }));
  }
}

async function askForLease(
  call: Call,
  about: About,
  asked: PlainCheck,
  boundMs: number,
  nowMs: number,
): Promise<Said | Refusal> {
  const { accountId, catalogVersion } = call.account.account;
  const ticket = leases.ask(leaseholder(accountId, about.customerId), asked.featureKey, nowMs);
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
  return ticket && { ask: { featureKey: feature.key, isEnabled: feature.isEnabled, boundMs }, ticket };
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
