import { type E12, E12_SCALE, numberToE12, parseDecimal } from "../domain/amount.ts";
import { cachedPartsFit } from "../domain/cost.ts";
import { NAME_CHARS_MAX, TOKENS_MAX } from "../domain/limits.ts";
import { EventBody, type ParsedEvent } from "./event.ts";
import { isName, isText, metadataText, parseInstant } from "./scalars.ts";

/**
 * Reads an event's body as `EventBody` does, fifteen times faster where nothing is wrong with it: on Workers a schema cannot
 * compile itself, and a thousand events come at once. The schema stays the judge: whatever is not plainly right here is read
 * again by it, and a test holds that both read the same.
 */
export function parseEvent(body: unknown): ReturnType<typeof EventBody.safeParse> {
  const plain = readPlain(body);
  return plain === undefined ? EventBody.safeParse(body) : { success: true, data: plain };
}

const NAMES = ["customerReferenceId", "stripeCustomerId", "customerId", "featureKey", "featureId"] as const;
const TEXTS = ["eventIdempotencyKey", "flowId", "subscriptionId", "invoiceId", "entitlementId"] as const;
const MODEL_TEXTS = ["model", "modelProvider"] as const;
const TOKEN_COUNTS = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"] as const;

/** The parsed event, or undefined when the schema must look. */
export function readPlain(body: unknown): ParsedEvent | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const sent = body as Record<string, unknown>;
  const { eventName, occurredAt, usageUnits, costAmount, revenueAmount, costInput, meta } = sent;
  if (typeof eventName !== "string" || !isName(eventName)) return undefined;
  const event: ParsedEvent = { eventName };
  for (const field of NAMES) {
    const value = sent[field];
    if (value === undefined) continue;
    if (typeof value !== "string" || !isName(value)) return undefined;
    event[field] = value;
  }
  for (const field of TEXTS) {
    const value = sent[field];
    if (value === undefined) continue;
    if (typeof value !== "string" || !isText(value, NAME_CHARS_MAX)) return undefined;
    event[field] = value;
  }
  if (occurredAt !== undefined) {
    const atMs = typeof occurredAt === "string" && occurredAt.length <= 64 ? parseInstant(occurredAt) : undefined;
    if (atMs === undefined) return undefined;
    event.occurredAt = atMs;
  }
  if (usageUnits !== undefined) {
    const units = readDecimal(usageUnits);
    if (units === undefined) return undefined;
    event.usageUnits = units;
  }
  if (costAmount !== undefined) {
    const amount = readDecimal(costAmount);
    if (amount === undefined || amount < 0n) return undefined;
    event.costAmount = amount;
  }
  if (revenueAmount !== undefined) {
    const amount = readDecimal(revenueAmount);
    if (amount === undefined) return undefined;
    event.revenueAmount = amount;
  }
  if (costInput !== undefined) {
    const cost = readCostInput(costInput);
    if (cost === undefined) return undefined;
    event.costInput = cost;
  }
  if (meta !== undefined) {
    if (typeof meta !== "object" || meta === null || Array.isArray(meta)) return undefined;
    const written = metadataText(meta);
    if ("problem" in written) return undefined;
    event.meta = written.text;
  }
  return event;
}

function readDecimal(value: unknown): E12 | undefined {
  if (typeof value === "number") return bigintOnly(numberToE12(value));
  if (typeof value === "string" && value.length <= 64) return bigintOnly(parseDecimal(value.trim(), E12_SCALE, false));
  return undefined;
}

function bigintOnly(value: bigint | string): E12 | undefined {
  return typeof value === "bigint" ? value : undefined;
}

function readCostInput(value: unknown): NonNullable<ParsedEvent["costInput"]> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const sent = value as Record<string, unknown>;
  const cost: NonNullable<ParsedEvent["costInput"]> = {};
  for (const field of MODEL_TEXTS) {
    const text = sent[field];
    if (text === undefined) continue;
    if (typeof text !== "string" || !isText(text, NAME_CHARS_MAX)) return undefined;
    cost[field] = text;
  }
  const counts: { [field in (typeof TOKEN_COUNTS)[number]]?: number } = {};
  for (const field of TOKEN_COUNTS) {
    const count = sent[field];
    if (count === undefined) continue;
    if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 0 || count > TOKENS_MAX) return undefined;
    counts[field] = count;
  }
  if (!cachedPartsFit(counts)) return undefined;
  if (sent.costUnits !== undefined) {
    const units = readDecimal(sent.costUnits);
    if (units === undefined || units < 0n) return undefined;
    cost.costUnits = units;
  }
  return Object.assign(cost, counts);
}
