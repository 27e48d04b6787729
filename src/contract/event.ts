import * as z from "zod";
import { e12ToNumber, formatE12 } from "../domain/amount.ts";
import { WEIGHT_MATCHES } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { Named } from "../domain/customer.ts";
import {
  type Burnt,
  type Receipt,
  receiptOf,
  type StoredEvent,
  type TrackEvent,
  UNMETERED_REASONS,
} from "../domain/event.ts";
import { BATCH_EVENTS_MAX, NAME_CHARS_MAX, TOKENS_MAX } from "../domain/limits.ts";
import { minorToE12 } from "../domain/money.ts";
import { decimal, decimalNotNegative, instant, instantText, metadata, name, text } from "./scalars.ts";

/** Events on the wire: what a caller reports, the receipt, and a stored event shown again. */

// A count below 0 says nothing of the parts of the input: one problem, told once.
const tokens = z.int().min(0, { abort: true }).max(TOKENS_MAX).optional();
/** A key that is blank counts as not sent. */
const key = text.max(NAME_CHARS_MAX).optional();

const tell = (description: string) => ({ description });

export const CostInputBody = z
  .object({
    model: text
      .max(NAME_CHARS_MAX)
      .optional()
      .meta(tell("As your provider calls it; `openai/gpt-4o-mini` and dated names are understood.")),
    modelProvider: text.max(NAME_CHARS_MAX).optional().meta(tell("Such as `openai`; without it all are searched.")),
    inputTokens: tokens.meta(tell("All input, cached parts included.")),
    outputTokens: tokens.meta(tell("All output.")),
    cacheReadTokens: tokens.meta(tell("The part of the input read from a cache, priced at its own rate.")),
    cacheWriteTokens: tokens.meta(tell("The part of the input written to a cache, priced at its own rate.")),
    costUnits: decimalNotNegative
      .optional()
      .meta(tell("Units other than tokens, at the account's own rate per unit; used where no tokens are.")),
  })
  .refine((cost) => (cost.cacheReadTokens ?? 0) + (cost.cacheWriteTokens ?? 0) <= (cost.inputTokens ?? 0), {
    message: "counts all input: cacheReadTokens and cacheWriteTokens are parts of it and cannot exceed it",
    path: ["inputTokens"],
  })
  .meta({ id: "CostInput" });

export const EventBody = z
  .object({
    eventName: name.meta(tell("What happened, in your words.")),
    eventIdempotencyKey: key.meta(
      tell("Your name for this request, unique per customer for ever; blank or absent: one is made up."),
    ),
    customerReferenceId: name.optional().meta(tell("Your id of the customer; an unknown one becomes a customer.")),
    stripeCustomerId: name.optional().meta(tell("The customer's id at Stripe; an unknown one becomes a customer.")),
    customerId: name.optional().meta(tell("The customer's id here; an unknown one is 404.")),
    featureKey: name.optional().meta(tell("What was used; an unknown key becomes a feature.")),
    featureId: name.optional().meta(tell("The feature's id, in place of its key; an unknown one is 404.")),
    usageUnits: decimal
      .optional()
      .meta(
        tell(
          "How much was used; absent: 0, so cost and revenue alone count. Below 0 only where the plan's rule accumulates (seats given back), and never more than is used.",
        ),
      ),
    occurredAt: instant
      .optional()
      .meta(tell("Default: now. More than 5 minutes ahead counts as 5 minutes ahead; never refused for its age.")),
    costAmount: decimalNotNegative
      .optional()
      .meta(tell("What it cost you, in the account's currency; absent: found from `costInput`.")),
    revenueAmount: decimal
      .optional()
      .meta(tell("What you charged for it elsewhere, in the account's currency: for margins, never on an invoice.")),
    costInput: CostInputBody.optional().meta(tell("What the cost is found from.")),
    flowId: text.max(NAME_CHARS_MAX).optional().meta(tell("Ties calls of one flow together; shown again.")),
    meta: metadata.optional().meta(tell("Anything of yours, up to 64 KB; shown again as `properties`.")),
    subscriptionId: text
      .max(NAME_CHARS_MAX)
      .optional()
      .meta(tell("Kept and shown again. One of the customer's live subscriptions that includes the feature serves.")),
    invoiceId: text.max(NAME_CHARS_MAX).optional().meta(tell("Kept and shown again.")),
    entitlementId: text.max(NAME_CHARS_MAX).optional().meta(tell("Kept and shown again.")),
  })
  .meta({ id: "Event" });

export type ParsedEvent = z.output<typeof EventBody>;

export const EventBatchBody = z
  .object({
    events: z
      .array(z.unknown().meta({ description: "An Event; each is judged by itself." }))
      .min(1)
      .max(BATCH_EVENTS_MAX),
  })
  .meta({ id: "EventBatch" });

/** What metering says of an event, in receipts and in lists. */
const meteringWire = {
  metered: z.boolean().meta(tell("Counted by the customer's plan.")),
  meteredUnits: z.number().optional().meta(tell("Counted units, where they are not all of `usageUnits`.")),
  unmeteredReason: z.enum(UNMETERED_REASONS).optional().meta(tell("Why it is recorded but not counted.")),
  usageLimitExceeded: z
    .boolean()
    .optional()
    .meta(tell("The limit was reached before: units beyond it are neither counted nor billed. `message` has figures.")),
  late: z.boolean().optional().meta(tell("It occurred in a period that is closed; it counts in the current one.")),
  overshoot: z
    .boolean()
    .optional()
    .meta(tell("It is the one that passed the limit: it is taken whole, later ones not.")),
  revenueCurrency: z
    .string()
    .optional()
    .meta(
      tell(
        "Where the plan's currency is not the account's: such revenue stands in `otherCurrencies` of analytics, or in their sums where that currency has a rate.",
      ),
    ),
  creditsDeducted: z
    .number()
    .optional()
    .meta(
      tell("Where the plan's rule names credits: what the units burned; below 0 where a correction gave some back."),
    ),
  weightApplied: z.number().optional().meta(tell("Credits that a unit burned.")),
  weightId: z.string().optional().meta(tell("The weight that was in force; absent where the feature had none.")),
  weightMatch: z
    .enum(WEIGHT_MATCHES)
    .optional()
    .meta(tell("For feature and model, for the feature alone, or none: 1.")),
  remainingBalance: z.number().optional().meta(tell("What the feature's pools had after it, held credits included.")),
  corrects: z.uuid().optional().meta(tell("Of a correction: the event that it is about.")),
  creditAmount: z
    .number()
    .optional()
    .meta(tell("Of a correction: given back for a billed period, on the next invoice or in the credit balance.")),
  creditCurrency: z.string().optional(),
};

export const ReceiptWire = z
  .object({
    eventId: z.uuid(),
    customerId: z.uuid(),
    usageUnits: z.number(),
    ...meteringWire,
    message: z.string().optional(),
    costAmount: z
      .number()
      .optional()
      .meta({ description: "Absent when the cost is unknown: never 0 for want of a rate." }),
    costSource: z.enum(["given", "rule", "account", "catalog"]).optional(),
    revenueAmount: z
      .number()
      .optional()
      .meta(tell("What was sent, else the marginal price of the counted units under the plan's rule.")),
  })
  .meta({ id: "Receipt" });

export const BatchResultWire = z
  .object({
    results: z.array(
      z.object({
        index: z.int(),
        status: z.enum(["accepted", "duplicate", "over_limit", "rejected"]),
        receipt: ReceiptWire.optional(),
        error: z.object({ code: z.string(), message: z.string() }).loose().optional(),
      }),
    ),
    accepted: z.int(),
    duplicates: z.int(),
    overLimit: z.int(),
    rejected: z.int(),
  })
  .meta({ id: "BatchResult" });

export const StoredEventWire = z
  .object({
    id: z.uuid(),
    eventIdempotencyKey: z.string(),
    eventName: z.string(),
    eventType: z.enum(["CLIENT_TRACKED", "CORRECTION"]),
    occurredAt: z.iso.datetime(),
    sentOccurredAt: z.iso.datetime().optional(),
    createdAt: z.iso.datetime(),
    customerId: z.uuid(),
    customerReferenceId: z.string().optional(),
    featureId: z.string().optional(),
    featureKey: z.string().optional(),
    usageUnits: z.number(),
    ...meteringWire,
    correctionReason: z.string().optional(),
    costAmount: z.number().optional(),
    costSource: z.string().optional(),
    costFoundAt: z.iso.datetime().optional().meta({ description: "When a cost that was unknown at first was found." }),
    revenueAmount: z.number().optional(),
    currency: z.string(),
    model: z.string().optional(),
    modelProvider: z.string().optional(),
    inputTokens: z.int().optional(),
    outputTokens: z.int().optional(),
    cacheReadTokens: z.int().optional(),
    cacheWriteTokens: z.int().optional(),
    costUnits: z.number().optional(),
    flowId: z.string().optional(),
    subscriptionId: z.string().optional(),
    invoiceId: z.string().optional(),
    entitlementId: z.string().optional(),
    properties: z.record(z.string(), z.unknown()).optional().meta({ description: "The event's meta." }),
  })
  .meta({ id: "StoredEvent" });

/** Whom an event names. */
export function namedBy(event: ParsedEvent): Named {
  return {
    ...(event.customerReferenceId === undefined ? {} : { referenceId: event.customerReferenceId }),
    ...(event.stripeCustomerId === undefined ? {} : { stripeCustomerId: event.stripeCustomerId }),
    ...(event.customerId === undefined ? {} : { customerId: event.customerId }),
  };
}

/** A parsed event as the command the object takes. `featureId` is resolved, `key` is never blank. */
export function toTrackEvent(event: ParsedEvent, key: string, featureId: string | undefined): TrackEvent {
  const cost = event.costInput;
  const track: TrackEvent = { key, eventName: event.eventName };
  // Assigned one by one: this runs a thousand times in a batch, and spreading optional fields is several times slower.
  if (event.occurredAt !== undefined) track.occurredAtMs = event.occurredAt;
  if (featureId !== undefined) track.featureId = featureId;
  if (event.usageUnits !== undefined) track.usageE12 = event.usageUnits;
  if (event.costAmount !== undefined) track.costAmountE12 = event.costAmount;
  if (event.revenueAmount !== undefined) track.revenueAmountE12 = event.revenueAmount;
  if (event.flowId !== undefined) track.flowId = event.flowId;
  if (event.meta !== undefined) track.meta = event.meta;
  if (event.subscriptionId !== undefined) track.subscriptionId = event.subscriptionId;
  if (event.invoiceId !== undefined) track.invoiceId = event.invoiceId;
  if (event.entitlementId !== undefined) track.entitlementId = event.entitlementId;
  if (cost !== undefined) {
    const input: NonNullable<TrackEvent["costInput"]> = {};
    if (cost.model !== undefined) input.model = cost.model;
    if (cost.modelProvider !== undefined) input.modelProvider = cost.modelProvider;
    if (cost.inputTokens !== undefined) input.inputTokens = cost.inputTokens;
    if (cost.outputTokens !== undefined) input.outputTokens = cost.outputTokens;
    if (cost.cacheReadTokens !== undefined) input.cacheReadTokens = cost.cacheReadTokens;
    if (cost.cacheWriteTokens !== undefined) input.cacheWriteTokens = cost.cacheWriteTokens;
    if (cost.costUnits !== undefined) input.costUnitsE12 = cost.costUnits;
    track.costInput = input;
  }
  return track;
}

export function toWireReceipt(receipt: Receipt, customerId: string): z.input<typeof ReceiptWire> {
  return {
    eventId: receipt.eventId,
    customerId,
    usageUnits: e12ToNumber(receipt.usageE12),
    ...toWireMetering(receipt),
    ...(receipt.overLimit === undefined ? {} : { message: overLimitSentence(receipt, receipt.overLimit) }),
    ...(receipt.costE12 === undefined ? {} : { costAmount: e12ToNumber(receipt.costE12) }),
    ...(receipt.costSource === undefined ? {} : { costSource: receipt.costSource }),
    ...(receipt.revenueE12 === undefined ? {} : { revenueAmount: e12ToNumber(receipt.revenueE12) }),
  };
}

type Metering = Omit<Receipt, "eventId" | "usageE12" | "costE12" | "costSource" | "revenueE12">;

function toWireMetering(said: Metering): Pick<z.input<typeof ReceiptWire>, keyof typeof meteringWire> {
  const { credited } = said;
  return {
    metered: said.metered,
    ...(said.meteredE12 === undefined ? {} : { meteredUnits: e12ToNumber(said.meteredE12) }),
    ...(said.unmeteredReason === undefined ? {} : { unmeteredReason: said.unmeteredReason }),
    ...(said.overLimit === undefined ? {} : { usageLimitExceeded: true }),
    ...(said.late === undefined ? {} : { late: said.late }),
    ...(said.overshoot === undefined ? {} : { overshoot: said.overshoot }),
    ...(said.revenueCurrency === undefined ? {} : { revenueCurrency: said.revenueCurrency }),
    ...(said.burnt === undefined ? {} : toWireBurnt(said.burnt)),
    ...(said.corrects === undefined ? {} : { corrects: said.corrects }),
    ...(credited === undefined
      ? {}
      : {
          creditAmount: e12ToNumber(minorToE12(credited.amountMinor, credited.currency)),
          creditCurrency: credited.currency,
        }),
  };
}

function toWireBurnt({ drawnE4, balanceE4, weight }: Burnt) {
  return {
    creditsDeducted: e4ToNumber(drawnE4),
    weightApplied: e12ToNumber(weight.creditsPerUnitE12),
    ...(weight.weightId === undefined ? {} : { weightId: weight.weightId }),
    weightMatch: weight.match,
    remainingBalance: e4ToNumber(balanceE4),
  };
}

function overLimitSentence({ metered, meteredE12 }: Receipt, { usedE12, limitE12 }: NonNullable<Receipt["overLimit"]>) {
  const reached = `The limit of ${formatE12(limitE12)} is reached (${formatE12(usedE12)} used):`;
  return metered && meteredE12 !== undefined
    ? `${reached} ${formatE12(meteredE12)} of these units are counted, the rest is neither counted nor billed.`
    : `${reached} this event is recorded with its cost, but neither counted nor billed.`;
}

/** What a stored event does not know itself: names that belong to the directory and the catalog. */
export type EventNames = { customerId: string; customerReferenceId?: string; featureKey?: string };

export function toWireEvent(event: StoredEvent, names: EventNames): z.input<typeof StoredEventWire> {
  const { customerReferenceId, featureKey } = names;
  const shown = ["flowId", "subscriptionId", "invoiceId", "entitlementId"] as const;
  const counts = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"] as const;
  // As it is known now: a receipt says for ever what was known then.
  const { receiptReason: _, ...now } = event;
  const said = receiptOf(now);
  return {
    id: event.eventId,
    eventIdempotencyKey: event.key,
    eventName: event.eventName,
    eventType: event.correction === undefined ? "CLIENT_TRACKED" : "CORRECTION",
    occurredAt: instantText(event.occurredAtMs),
    ...(event.sentOccurredAtMs === undefined ? {} : { sentOccurredAt: instantText(event.sentOccurredAtMs) }),
    createdAt: instantText(event.receivedAtMs),
    customerId: names.customerId,
    ...(customerReferenceId === undefined ? {} : { customerReferenceId }),
    ...(event.featureId === "" ? {} : { featureId: event.featureId }),
    ...(featureKey === undefined ? {} : { featureKey }),
    usageUnits: e12ToNumber(event.usageE12),
    ...toWireMetering(said),
    ...(event.correction?.reason === undefined ? {} : { correctionReason: event.correction.reason }),
    ...(event.costE12 === undefined ? {} : { costAmount: e12ToNumber(event.costE12) }),
    ...(event.costSource === undefined ? {} : { costSource: event.costSource }),
    ...(event.recostedAtMs === undefined ? {} : { costFoundAt: instantText(event.recostedAtMs) }),
    ...(said.revenueE12 === undefined ? {} : { revenueAmount: e12ToNumber(said.revenueE12) }),
    currency: event.currency,
    ...(event.model === "" ? {} : { model: event.model }),
    ...(event.provider === "" ? {} : { modelProvider: event.provider }),
    ...Object.fromEntries(counts.flatMap((field) => (event[field] === undefined ? [] : [[field, event[field]]]))),
    ...(event.costUnitsE12 === undefined ? {} : { costUnits: e12ToNumber(event.costUnitsE12) }),
    ...Object.fromEntries(shown.flatMap((field) => (event[field] === undefined ? [] : [[field, event[field]]]))),
    ...(event.meta === undefined ? {} : { properties: JSON.parse(event.meta) as Record<string, unknown> }),
  };
}
