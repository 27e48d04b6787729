import * as z from "zod";
import { IMPORT_ERRORS_SHOWN_MAX } from "../domain/limits.ts";
import { parseInstant } from "./scalars.ts";

/** Rows of a file as event bodies: which column is which field, and what a cell means. */

export const ImportResultWire = z
  .object({
    accepted: z.int(),
    duplicates: z.int(),
    rejected: z.int(),
    nextOffset: z.int().meta({ description: "Send the next part with this offset." }),
    errors: z
      .array(z.object({ line: z.int(), message: z.string() }))
      .meta({ description: `The first ${IMPORT_ERRORS_SHOWN_MAX} rejected rows, by line of the file.` }),
  })
  .meta({ id: "ImportResult" });

/** Fields of the event body that a column or a constant may fill. */
const FIELDS = new Set([
  "eventName",
  "eventIdempotencyKey",
  "customerReferenceId",
  "stripeCustomerId",
  "customerId",
  "featureKey",
  "featureId",
  "usageUnits",
  "occurredAt",
  "costAmount",
  "revenueAmount",
  "flowId",
  "subscriptionId",
  "invoiceId",
  "entitlementId",
  "costInput.model",
  "costInput.modelProvider",
  "costInput.inputTokens",
  "costInput.outputTokens",
  "costInput.cacheReadTokens",
  "costInput.cacheWriteTokens",
  "costInput.costUnits",
]);

export function isImportField(field: string): boolean {
  return FIELDS.has(field) || /^meta\.[^.]+$/.test(field);
}

const COUNT_FIELDS = /Tokens$/;

/** Puts a cell into an event body. An empty cell leaves the field out. Numbers stay text, which the event schema reads exactly. */
export function setField(body: Record<string, unknown>, field: string, cell: unknown): void {
  if (cell === undefined || cell === null || cell === "") return;
  const dot = field.indexOf(".");
  const value = cellValue(field, cell);
  if (dot === -1) {
    body[field] = value;
    return;
  }
  const group = field.slice(0, dot);
  const inner = body[group] ?? {};
  // Where a row has something else in this place, the event schema refuses the row with its own sentence.
  if (typeof inner !== "object" || Array.isArray(inner)) return;
  body[group] = { ...inner, [field.slice(dot + 1)]: value };
}

function cellValue(field: string, cell: unknown): unknown {
  if (field === "occurredAt") return instantOfCell(cell);
  if (typeof cell !== "string") return cell;
  if (COUNT_FIELDS.test(field) && /^\s*\d+\s*$/.test(cell)) return Number(cell);
  return field.startsWith("meta.") ? cell : cell.trim();
}

const SPACED = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/;
/** Epoch numbers below this are seconds: as milliseconds it would be April 1970. */
const EPOCH_MS_MIN = 10_000_000_000;

/** A time as files write it → ISO 8601; anything else is left for the event schema to refuse with its own sentence. */
function instantOfCell(cell: unknown): unknown {
  const text = typeof cell === "number" ? String(cell) : typeof cell === "string" ? cell.trim() : cell;
  if (typeof text !== "string") return cell;
  if (/^-?\d+(?:\.\d+)?$/.test(text)) {
    const number = Number(text);
    const atMs = Math.abs(number) < EPOCH_MS_MIN ? Math.trunc(number * 1000) : Math.trunc(number);
    return Math.abs(atMs) > 8.64e15 ? text : new Date(atMs).toISOString();
  }
  const spaced = SPACED.exec(text);
  const iso = spaced === null ? text : `${spaced[1]}T${spaced[2]}Z`;
  return parseInstant(iso) === undefined ? text : iso;
}
