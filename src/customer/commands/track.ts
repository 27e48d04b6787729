import { costOf, modelIdentity } from "../../domain/cost.ts";
import type { Profile } from "../../domain/customer.ts";
import { eventKeyBytes } from "../../domain/digest.ts";
import { occurredAt, type Receipt, type StoredEvent, type TrackEvent } from "../../domain/event.ts";
import { customerThingId } from "../../domain/ids.ts";
import { DAY_MS, OTHER_PAIR, ROLLUP_PAIRS_PER_DAY_MAX } from "../../domain/limits.ts";
import type { Reply } from "../../domain/refusal.ts";
import { addSums, bucketOf, type RollupKey, type RollupSums, rollupKeyText } from "../../domain/rollup.ts";
import type { TrackCall, TrackResult } from "../calls.ts";
import { type Change, type Customer, commit, pairsOn, pairText } from "../image.ts";
import type { SizeGuard } from "../limits.ts";
import { replyText } from "../requests.ts";
import { findEventSeq, readEvent } from "../store.ts";

/**
 * Records events of this customer: each once for its key, for as long as keys are kept, which is for ever. A repeated key
 * answers the first receipt and changes nothing. Refuses `object_full`, and then nothing of the call is kept.
 */
export function track(customer: Customer, call: TrackCall, size: SizeGuard, nowMs: number): Reply<TrackResult[]> {
  const { image } = customer;
  if (!size.hasRoomForEvents()) return { ok: false, code: "object_full" };
  const keepMeta = size.hasRoomForMeta();

  const changes: Change[] = [];
  const profile = profileFor(image.state.profile, call, nowMs);
  if (profile !== undefined) changes.push({ kind: "profile", profile });

  const sums = new Map<string, { key: RollupKey; sums: RollupSums }>();
  const newPairs = new Map<number, Set<string>>();
  const seenInCall = new Map<string, Receipt>();
  const results: TrackResult[] = [];
  let seq = image.lastSeq;

  for (const event of call.events) {
    const keyDigest = eventKeyBytes(event.key);
    const earlier = seenInCall.get(event.key) ?? storedReceipt(customer, keyDigest);
    if (earlier !== undefined) {
      results.push({ status: "duplicate", receipt: earlier });
      continue;
    }
    seq += 1;
    const stored = decideEvent(event, call, { seq, nowMs, keepMeta, tag: image.owner.tag });
    const receipt = receiptOf(stored);
    seenInCall.set(event.key, receipt);
    results.push({ status: "accepted", receipt });
    changes.push({ kind: "event", event: stored, keyDigest });
    const key = rollupKeyOf(customer, stored, nowMs, newPairs);
    const keyText = rollupKeyText(key);
    const sum = sums.get(keyText);
    const added = sumsOf(stored);
    if (sum === undefined) sums.set(keyText, { key, sums: added });
    else addSums(sum.sums, added);
  }
  for (const sum of sums.values()) changes.push({ kind: "rollup", ...sum });

  const reply: Reply<TrackResult[]> = { ok: true, value: results };
  if (call.requestKey !== undefined)
    changes.push({ kind: "answered", ...call.requestKey, reply: replyText(reply), atMs: nowMs });
  size.willWrite(
    call.events.length,
    call.events.reduce((bytes, { key, meta }) => bytes + key.length + (meta?.length ?? 0), 0),
  );
  commit(customer, changes, nowMs);
  return reply;
}

/** A profile to write: the customer's first event makes one, and a name the directory learned since completes it. */
function profileFor(known: Profile | undefined, { identity }: TrackCall, nowMs: number): Profile | undefined {
  if (known === undefined)
    return { ...identity, source: "EVENT_AUTO_CREATED", createdAtMs: nowMs, modifiedAtMs: nowMs };
  const complete =
    (identity.referenceId === undefined || known.referenceId !== undefined) &&
    (identity.stripeCustomerId === undefined || known.stripeCustomerId !== undefined);
  return complete ? undefined : { ...identity, ...known, modifiedAtMs: nowMs };
}

function storedReceipt(customer: Customer, keyDigest: Uint8Array): Receipt | undefined {
  const seq = findEventSeq(customer.sql, keyDigest);
  if (seq === undefined) return undefined;
  const event = readEvent(customer.sql, customer.image.owner.tag, seq);
  if (event === undefined) throw new Error("invariant broken: every key leads to its event");
  return receiptOf(event);
}

type Around = { seq: number; nowMs: number; keepMeta: boolean; tag: Customer["image"]["owner"]["tag"] };

function decideEvent(event: TrackEvent, { terms }: TrackCall, { seq, nowMs, keepMeta, tag }: Around): StoredEvent {
  const occurred = occurredAt(event.occurredAtMs, nowMs);
  const { costInput } = event;
  const cost = costOf(
    {
      ...(event.costAmountE12 === undefined ? {} : { costAmountE12: event.costAmountE12 }),
      ...(costInput === undefined ? {} : { costInput }),
      occurredAtMs: occurred.atMs,
    },
    terms,
  );
  const { provider, model } = costInput === undefined ? NO_MODEL : modelIdentity(costInput);
  return {
    eventId: customerThingId(tag, "event", seq),
    seq,
    key: event.key,
    eventName: event.eventName,
    occurredAtMs: occurred.atMs,
    ...(occurred.sentMs === undefined ? {} : { sentOccurredAtMs: occurred.sentMs }),
    receivedAtMs: nowMs,
    featureId: event.featureId ?? "",
    provider,
    model,
    currency: terms.currency,
    usageE12: event.usageE12 ?? 0n,
    ...(cost === null ? {} : { costE12: cost.amountE12, costSource: cost.source }),
    ...(event.revenueAmountE12 === undefined ? {} : { revenueE12: event.revenueAmountE12 }),
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
}

const NO_MODEL = { provider: "", model: "" };

/** The receipt of a stored event: what was known when it came, so a cost found out later is not on it. */
export function receiptOf(event: StoredEvent): Receipt {
  const costed = event.costE12 !== undefined && event.recostedAtMs === undefined;
  return {
    eventId: event.eventId,
    usageE12: event.usageE12,
    ...(costed && event.costE12 !== undefined ? { costE12: event.costE12 } : {}),
    ...(costed && event.costSource !== undefined ? { costSource: event.costSource } : {}),
    ...(event.revenueE12 === undefined ? {} : { revenueE12: event.revenueE12 }),
    metered: false,
    unmeteredReason: "NO_SUBSCRIPTION",
  };
}

/**
 * Where an event is summed. Beyond 200 pairs of feature and model on one day the pair is `(other)`: ids sent as names must not make
 * rows without end. The event itself keeps what was sent.
 */
function rollupKeyOf(
  customer: Customer,
  event: StoredEvent,
  nowMs: number,
  newPairs: Map<number, Set<string>>,
): RollupKey {
  const bucket = bucketOf(event.occurredAtMs, nowMs);
  const counted = pairsOn(customer, bucket.bucketStartMs);
  const dayKey = Math.floor(bucket.bucketStartMs / DAY_MS);
  const added = newPairs.get(dayKey) ?? new Set<string>();
  newPairs.set(dayKey, added);
  const pair = pairText(event);
  const fits = counted.has(pair) || added.has(pair) || counted.size + added.size < ROLLUP_PAIRS_PER_DAY_MAX;
  if (fits && !counted.has(pair)) added.add(pair);
  return {
    ...bucket,
    featureId: fits ? event.featureId : OTHER_PAIR,
    provider: fits ? event.provider : OTHER_PAIR,
    model: fits ? event.model : OTHER_PAIR,
    currency: event.currency,
  };
}

/** What an event adds to its rollup. */
export function sumsOf(event: StoredEvent): RollupSums {
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
