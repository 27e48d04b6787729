import type { E12 } from "../domain/amount.ts";
import { type Draft, openDraft } from "../domain/book.ts";
import { type Cost, type CostTerms, costOf, modelIdentity } from "../domain/cost.ts";
import { type CreditTerms, type Weighing, weigh, weightInstant } from "../domain/credit-weight.ts";
import type { Identity, Profile } from "../domain/customer.ts";
import { eventKeyBytes } from "../domain/digest.ts";
import { servingSubscription } from "../domain/entitlement.ts";
import {
  type OtherMoney,
  occurredAt,
  type Receipt,
  receiptOf,
  type StoredEvent,
  type TrackEvent,
} from "../domain/event.ts";
import { customerThingId } from "../domain/ids.ts";
import { DAY_MS, HOUR_MS, ROLLUP_PAIRS_PER_DAY_MAX } from "../domain/limits.ts";
import { type Metering, meter } from "../domain/metering.ts";
import { sumByCurrency } from "../domain/money.ts";
import type { Reply } from "../domain/refusal.ts";
import {
  addSums,
  bucketOf,
  NO_SUMS,
  OTHER_PAIRS,
  pairText,
  type RollupKey,
  type RollupSums,
  rollupKeyText,
} from "../domain/rollup.ts";
import type { Hold } from "../domain/usage.ts";
import type { TrackCall, TrackResult } from "./calls.ts";
import { type Change, type Customer, pairsOn } from "./image.ts";
import { numberOf } from "./questions/billing.ts";
import { findEventSeq, readEvent, readRollup } from "./store.ts";

/**
 * How events become facts: costed, counted by the plan, summed. One recording is one commit, however many events it holds; they share
 * its draft, so that each is judged by what those before it used.
 */
export type Recording = {
  readonly customer: Customer;
  readonly draft: Draft;
  readonly nowMs: number;
  readonly changes: Change[];
  readonly sums: Map<string, { key: RollupKey; sums: RollupSums }>;
  readonly newPairs: Map<number, Set<string>>;
  readonly seen: Map<string, Receipt>;
  seq: number;
};

export function openRecording(customer: Customer, nowMs: number): Recording {
  return {
    customer,
    draft: openDraft(customer.image.book),
    nowMs,
    changes: [],
    sums: new Map(),
    newPairs: new Map(),
    seen: new Map(),
    seq: customer.image.lastSeq,
  };
}

/** Everything that was recorded, for one commit; nothing, where all of it was known before. */
export function changesOf({ changes, sums, draft }: Recording): Change[] {
  if (changes.length === 0) return [];
  return [
    ...changes,
    ...[...sums.values()].map((sum): Change => ({ kind: "rollup", ...sum })),
    { kind: "draft", draft },
  ];
}

/** The customer's first event makes a profile, and a name that the directory learned since completes it. */
export function introduce({ customer, changes, nowMs }: Recording, identity: Identity): void {
  const known = customer.image.state.profile;
  const profile = profileFor(known, identity, nowMs);
  if (profile !== known) changes.push({ kind: "profile", profile });
}

function profileFor(known: Profile | undefined, identity: Identity, nowMs: number): Profile {
  if (known === undefined)
    return { ...identity, source: "EVENT_AUTO_CREATED", createdAtMs: nowMs, modifiedAtMs: nowMs };
  const isComplete =
    (identity.referenceId === undefined || known.referenceId !== undefined) &&
    (identity.stripeCustomerId === undefined || known.stripeCustomerId !== undefined);
  return isComplete ? known : { ...identity, ...known, modifiedAtMs: nowMs };
}

/** The receipt that an event's key has already. */
export function storedReceipt(customer: Customer, keyDigest: Uint8Array): Receipt | undefined {
  const event = storedEvent(customer, keyDigest);
  return event === undefined ? undefined : receiptOf(event);
}

/** The event that a key was used for. */
export function storedEvent(customer: Customer, keyDigest: Uint8Array): StoredEvent | undefined {
  const seq = findEventSeq(customer.behind.stored, keyDigest);
  return seq === undefined ? undefined : eventAt(customer, seq);
}

export function eventAt({ behind, image }: Customer, seq: number): StoredEvent {
  const event = readEvent(behind.stored, image.owner.tag, seq);
  if (event === undefined) throw new Error("invariant broken: every key leads to its event");
  return event;
}

export type RecordOptions = {
  terms: CostTerms;
  credits?: CreditTerms;
  keepMeta: boolean;
  /** False: not to be metered. */
  isAsked?: boolean;
  /** The reservation that the event commits: its subscription serves. */
  hold?: Hold;
  /** Access was given for it now. */
  isGranted?: boolean;
};

/** What a call says of costs and weights. */
export function termsOf({ terms, credits }: TrackCall): Pick<RecordOptions, "terms" | "credits"> {
  return credits === undefined ? { terms } : { terms, credits };
}

/** By what an event's units are weighed: its model, else the one that they were reserved for, at its own time. */
export function weighingOf(
  { occurredAtMs, costInput }: Pick<TrackEvent, "occurredAtMs" | "costInput">,
  terms: CreditTerms | undefined,
  nowMs: number,
  hold?: Hold,
): Weighing {
  const atMs = weightInstant(occurredAtMs ?? nowMs, nowMs);
  const model = costInput?.model ?? hold?.model;
  if (terms === undefined) return { atMs };
  return model === undefined ? { terms, atMs } : { terms, atMs, model };
}

/** Records one event, unless its key was used, its units cannot be taken back, or a hard pool does not cover them. */
export function record(recording: Recording, event: TrackEvent, options: RecordOptions): TrackResult {
  const keyDigest = eventKeyBytes(event.key);
  const earlier = recording.seen.get(event.key) ?? storedReceipt(recording.customer, keyDigest);
  if (earlier !== undefined) return { status: "duplicate", receipt: earlier };
  const decided = decideEvent(recording, event, options);
  if (!decided.ok) return { status: "refused", refusal: decided };
  const receipt = receiptOf(decided.value);
  recording.seen.set(event.key, receipt);
  store(recording, decided.value, keyDigest);
  const isBeyond = receipt.overLimit !== undefined && !receipt.metered;
  return { status: isBeyond ? "over_limit" : "accepted", receipt };
}

/** Puts a decided event among the changes, and into its sum. */
export function store(recording: Recording, event: StoredEvent, keyDigest: Uint8Array): void {
  recording.seq = event.seq;
  recording.changes.push({ kind: "event", event, keyDigest });
  const key = rollupKeyOf(recording, event);
  addToSum(recording, key, sumsOf(event));
  addOther(recording, key, event.otherRevenue);
}

/** Adds money of another currency than the account's to a sum of its own, beside the one that `key` names. */
export function addOther(recording: Recording, key: RollupKey, other: OtherMoney | undefined): void {
  if (other === undefined || other.amountE12 === 0n) return;
  addToSum(recording, { ...key, currency: other.currency }, { ...NO_SUMS, revenueE12: other.amountE12 });
}

export function addToSum(recording: Recording, key: RollupKey, added: RollupSums): void {
  const text = rollupKeyText(key);
  const sum = recording.sums.get(text);
  if (sum === undefined) recording.sums.set(text, { key, sums: added });
  else addSums(sum.sums, added);
}

function decideEvent(recording: Recording, event: TrackEvent, options: RecordOptions): Reply<StoredEvent> {
  const { customer, draft, nowMs } = recording;
  const { terms, keepMeta, hold, isGranted, isAsked, credits } = options;
  const { image } = customer;
  const occurred = occurredAt(event.occurredAtMs, nowMs);
  const { costInput } = event;
  const featureId = hold?.featureId ?? event.featureId;
  const wanted = hold?.subscription ?? wantedNumber(customer, event.subscriptionId);
  const serving = servingSubscription(draft, { featureId: featureId ?? "" }, wanted);
  const cost = costOf(
    {
      ...(event.costAmountE12 === undefined ? {} : { costAmountE12: event.costAmountE12 }),
      ...(costInput === undefined ? {} : { costInput }),
      ...(event.usageE12 === undefined ? {} : { usageE12: event.usageE12 }),
      occurredAtMs: occurred.atMs,
    },
    terms,
    typeof serving === "string" ? undefined : serving.rule.value.cost,
  );
  const isPending = image.state.quarantinedAtMs !== undefined;
  const burns = isPending || (typeof serving !== "string" && serving.rule.denomination !== undefined);
  // What was reserved is charged when it is committed, whenever it is said to have been used.
  const weighed = hold === undefined ? event : { ...event, occurredAtMs: nowMs };
  const weight = burns ? weigh(weighingOf(weighed, credits, nowMs, hold), featureId ?? "") : undefined;
  const seq = recording.seq + 1;
  const metering = meter(
    draft,
    serving,
    {
      featureId,
      usageE12: event.usageE12,
      occurredAtMs: occurred.atMs,
      seq,
      ...(weight === undefined ? {} : { weight }),
      ...(hold === undefined ? {} : { hold }),
      ...(isGranted === undefined ? {} : { isGranted }),
      ...(isAsked === undefined ? {} : { isAsked }),
      isPending,
    },
    nowMs,
  );
  if (!metering.ok) return metering;
  const { provider, model } = costInput === undefined ? NO_MODEL : modelIdentity(costInput);
  const waits = "unmeteredReason" in metering.value && metering.value.unmeteredReason === "PENDING";
  const value: StoredEvent = {
    eventId: customerThingId(image.owner.tag, "event", seq),
    seq,
    key: event.key,
    eventName: event.eventName,
    occurredAtMs: occurred.atMs,
    ...(occurred.sentMs === undefined ? {} : { sentOccurredAtMs: occurred.sentMs }),
    receivedAtMs: nowMs,
    featureId: featureId ?? "",
    provider,
    model,
    currency: terms.currency,
    usageE12: event.usageE12 ?? 0n,
    ...costFields(cost),
    ...countedFields(metering.value, terms.currency, event.revenueAmountE12),
    ...(waits && weight !== undefined && weight.match !== "NONE" ? { pendingWeight: weight } : {}),
    ...(costInput?.inputTokens === undefined ? {} : { inputTokens: costInput.inputTokens }),
    ...(costInput?.outputTokens === undefined ? {} : { outputTokens: costInput.outputTokens }),
    ...(costInput?.cacheReadTokens === undefined ? {} : { cacheReadTokens: costInput.cacheReadTokens }),
    ...(costInput?.cacheWriteTokens === undefined ? {} : { cacheWriteTokens: costInput.cacheWriteTokens }),
    ...(costInput?.costUnitsE12 === undefined ? {} : { costUnitsE12: costInput.costUnitsE12 }),
    ...(event.flowId === undefined ? {} : { flowId: event.flowId }),
    ...(event.subscriptionId === undefined ? {} : { subscriptionId: event.subscriptionId }),
    ...(event.invoiceId === undefined ? {} : { invoiceId: event.invoiceId }),
    ...(event.entitlementId === undefined ? {} : { entitlementId: event.entitlementId }),
    ...(event.meta === undefined || !keepMeta ? {} : { meta: event.meta }),
  };
  return { ok: true, value };
}

const NO_MODEL = { provider: "", model: "" };

function wantedNumber(customer: Customer, subscriptionId: string | undefined): number | undefined {
  return subscriptionId === undefined ? undefined : numberOf(customer, "subscription", subscriptionId);
}

function costFields(cost: Cost | null): Partial<StoredEvent> {
  if (cost === null) return {};
  const { amountE12: costE12, source: costSource, perUnitE12 } = cost;
  return { costE12, costSource, ...(perUnitE12 === undefined ? {} : { costPerUnitE12: perUnitE12 }) };
}

type CountedFields = Pick<
  StoredEvent,
  "counted" | "unmeteredReason" | "overLimit" | "burnt" | "revenueE12" | "isRevenueGiven" | "otherRevenue"
>;

/** What metering says of an event, and its revenue: what the caller charged, else the price; in the account's currency, or beside it. */
export function countedFields(metering: Metering, currency: string, givenE12: E12 | undefined): CountedFields {
  const over = metering.overLimit === undefined ? {} : { overLimit: metering.overLimit };
  const given = givenE12 === undefined ? {} : { revenueE12: givenE12 };
  if (!("counted" in metering)) {
    const { unmeteredReason } = metering;
    // Found out later whether there is anything to count: until then it must be known whose figure the revenue is.
    const isGiven = unmeteredReason === "PENDING" && givenE12 !== undefined;
    return {
      ...over,
      ...given,
      ...(unmeteredReason === "NO_SUBSCRIPTION" ? {} : { unmeteredReason }),
      ...(isGiven ? { isRevenueGiven: true } : {}),
    };
  }
  const { counted, priceE12: amountE12, worth = [], burnt } = metering;
  const facts = { ...over, counted, ...(burnt === undefined ? {} : { burnt }) };
  if (givenE12 !== undefined) return { ...facts, revenueE12: givenE12, isRevenueGiven: true };
  return { ...facts, ...moneyFields(sumByCurrency([{ amountE12, currency: metering.currency }, ...worth]), currency) };
}

/** Revenue in the account's currency is summed; of other money, the plan's before that of credits, one kind is kept on the event. */
export function moneyFields(
  revenues: readonly OtherMoney[],
  currency: string,
): Pick<StoredEvent, "revenueE12" | "otherRevenue"> {
  const own = revenues.find((revenue) => revenue.currency === currency);
  // Beside revenue of the account's currency, none of another says nothing.
  const other = revenues.find((one) => one.currency !== currency && (own === undefined || one.amountE12 !== 0n));
  return {
    ...(own === undefined ? {} : { revenueE12: own.amountE12 }),
    ...(other === undefined ? {} : { otherRevenue: other }),
  };
}

/**
 * Where an event is summed. Beyond 200 pairs of feature and model on one day the pair is `(other)`: ids sent as names must not make
 * rows without end. The event itself keeps what was sent.
 */
function rollupKeyOf({ customer, newPairs, nowMs }: Recording, event: StoredEvent): RollupKey {
  const bucket = bucketOf(event.occurredAtMs, nowMs);
  const counted = pairsOn(customer, bucket.bucketStartMs);
  const dayKey = Math.floor(bucket.bucketStartMs / DAY_MS);
  const added = newPairs.get(dayKey) ?? new Set<string>();
  newPairs.set(dayKey, added);
  const pair = pairText(event);
  const fits = counted.has(pair) || added.has(pair) || counted.size + added.size < ROLLUP_PAIRS_PER_DAY_MAX;
  if (fits && !counted.has(pair)) added.add(pair);
  const { featureId, provider, model } = fits ? event : OTHER_PAIRS;
  return { ...bucket, featureId, provider, model, currency: event.currency };
}

/** The rollup that an event was summed in: its hour's while that stands, also when the hour should be part of a day by now. */
export function countedIn(customer: Customer, event: StoredEvent): RollupKey {
  const { occurredAtMs } = event;
  const hourStartMs = Math.floor(occurredAtMs / HOUR_MS) * HOUR_MS;
  const dayStartMs = Math.floor(occurredAtMs / DAY_MS) * DAY_MS;
  const { featureId, provider, model } = pairsOn(customer, dayStartMs).has(pairText(event)) ? event : OTHER_PAIRS;
  const names = { featureId, provider, model, currency: event.currency };
  const hour: RollupKey = { bucketStartMs: hourStartMs, spanMs: HOUR_MS, ...names };
  return (readRollup(customer.sql, hour)?.events ?? 0) > 0
    ? hour
    : { bucketStartMs: dayStartMs, spanMs: DAY_MS, ...names };
}

/** What an event adds to its rollup. */
function sumsOf(event: StoredEvent): RollupSums {
  return {
    events: 1,
    costUnknownEvents: event.costE12 === undefined ? 1 : 0,
    inputTokens: event.inputTokens ?? 0,
    outputTokens: event.outputTokens ?? 0,
    usageE12: event.usageE12,
    costE12: event.costE12 ?? 0n,
    revenueE12: event.revenueE12 ?? 0n,
  };
}
