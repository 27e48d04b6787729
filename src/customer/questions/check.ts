import { type CreditTerms, type Weighing, weigh } from "../../domain/credit-weight.ts";
import { type Verdict, verdictOf } from "../../domain/entitlement.ts";
import { jsonText } from "../../domain/json-text.ts";
import { type LeaseTerms, leaseMsOf } from "../../domain/lease.ts";
import type { Refusal, Reply } from "../../domain/refusal.ts";
import type { CheckCall, CheckReply } from "../calls.ts";
import type { Customer, WrittenVerdict } from "../image.ts";
import { numberOf } from "./billing.ts";

/** May this customer use this now? From memory alone. */
export function check(customer: Customer, call: CheckCall, nowMs: number): Reply<CheckReply> {
  const { profile } = customer.image.state;
  if (profile === undefined || profile.erased !== undefined) return unknownCustomer(customer);
  const verdict = verdictOf(customer.image.book, {
    featureKey: call.featureKey,
    isEnabled: call.isEnabled,
    weighing: weighedBy(call, nowMs),
    ...wantedBy(customer, call),
    ...(call.requestedE12 === undefined ? {} : { requestedE12: call.requestedE12 }),
  });
  return { ok: true, value: { verdict, asOfMs: nowMs } };
}

/** A question of nothing but a feature: no units, no model, whichever subscription serves. */
export type PlainQuestion = Pick<CheckCall, "featureKey" | "isEnabled" | "credits">;

/** The same for a plain question, as most are: remembered, as text too. */
export function plainCheck(customer: Customer, question: PlainQuestion, nowMs: number): Reply<WrittenVerdict> {
  const { profile } = customer.image.state;
  if (profile === undefined || profile.erased !== undefined) return unknownCustomer(customer);
  return { ok: true, value: remembered(customer, question, weighedBy(question, nowMs)) };
}

/**
 * The same, with how long it may be repeated: not past what falls due, and in a test clock's time, which moves by command alone, not at
 * all. Reservations that lapse only give back.
 */
export function leasedCheck(
  customer: Customer,
  question: PlainQuestion,
  boundMs: number,
  nowMs: number,
): Reply<WrittenVerdict & LeaseTerms> {
  const reply = plainCheck(customer, question, nowMs);
  if (!reply.ok) return reply;
  const { state, book, billingAtMs, paces } = customer.image;
  const leaseMs = leaseMsOf(book, reply.value.verdict, {
    boundMs,
    nowMs,
    nextDueAtMs: state.clock === undefined ? billingAtMs : nowMs,
    weighing: weighedBy(question, nowMs),
    paces,
  });
  return { ok: true, value: { ...reply.value, rev: state.rev, leaseMs } };
}

/** Different features that one customer asks about between two commits: made-up names must not fill the object's memory. */
const VERDICTS_CACHED_MAX = 1000;

/**
 * The answer to a plain question changes by a commit, or when another weight takes effect: it is worked out once for each. What
 * expires does so by a commit, before anything is asked.
 */
function remembered({ image }: Customer, { featureKey, isEnabled }: PlainQuestion, weighing: Weighing): WrittenVerdict {
  const { verdicts, state, book } = image;
  if (verdicts.rev !== state.rev || verdicts.byQuestion.size > VERDICTS_CACHED_MAX) {
    verdicts.byQuestion.clear();
    verdicts.rev = state.rev;
  }
  const question = isEnabled ? featureKey : `${featureKey}\n`;
  const known = verdicts.byQuestion.get(question);
  if (known !== undefined && isWeighedBy(known.verdict, weighing)) return known;
  const verdict = verdictOf(book, { featureKey, isEnabled, weighing });
  const written = { verdict, text: jsonText(verdict) };
  verdicts.byQuestion.set(question, written);
  return written;
}

/** Is the weight of an answer still the one in force? What a weight says never changes. */
function isWeighedBy({ credit }: Verdict, weighing: Weighing): boolean {
  return credit === undefined || weigh(weighing, credit.featureId).weightId === credit.weight.weightId;
}

/** By what a question is weighed: now. */
export function weighedBy(
  { credits: terms, model }: { credits?: CreditTerms; model?: string },
  atMs: number,
): Weighing {
  return { atMs, ...(terms === undefined ? {} : { terms }), ...(model === undefined ? {} : { model }) };
}

/** The subscription that shall serve, if the id names one of this customer. */
export function wantedBy(customer: Customer, { subscriptionId }: { subscriptionId?: string }): { wanted?: number } {
  const wanted = subscriptionId === undefined ? undefined : numberOf(customer, "subscription", subscriptionId);
  return wanted === undefined ? {} : { wanted };
}

/** Nobody registered or used anything under this id yet. */
export function unknownCustomer({ image }: Customer): Refusal {
  return { ok: false, code: "customer_not_found", given: image.owner.customerId };
}

/** What was asked for is given: the verdict says so, with what is used and left since. */
export function granted(after: Verdict): Verdict {
  const { denial: _, ...facts } = after;
  return { ...facts, allowed: true };
}
