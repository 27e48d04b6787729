import { formatDecimal, formatE12 } from "./amount.ts";
import { formatE4 } from "./credit-amount.ts";
import { type CustomerTag, customerThingId, type IdKind } from "./ids.ts";

/**
 * Rows as the customer they are about may read them: fields in camel case, JSON texts opened, instants in ISO 8601, exact amounts as
 * decimal text, numbers of the customer's things as their ids. By the units that names of columns and fields end in, so that a new
 * column is told without a word here. Amounts of money stay integers of the currency's smallest unit (`…Minor`).
 */

type Row = Record<string, unknown>;

/** Columns and fields that hold JSON text. What the caller wrote is theirs, and left as it is. */
const OPENED: Readonly<Record<string, "ours" | "theirs">> = {
  profile: "ours",
  body: "ours",
  detail: "ours",
  credits: "ours",
  scopes: "theirs",
  before: "theirs",
  after: "theirs",
  meta: "theirs",
  metadata: "theirs",
};

/** Fields that hold the number of a thing: under which name its id is told, and of which kind it is. */
const NUMBERS: Readonly<Record<string, readonly [name: string, kind: IdKind]>> = {
  subscription: ["subscriptionId", "subscription"],
  invoice: ["invoiceId", "invoice"],
  pool: ["creditPoolId", "creditPool"],
  grant: ["creditGrantId", "creditGrant"],
  reverses: ["reversedTransactionId", "creditEntry"],
  eventSeq: ["eventId", "event"],
  correctionSeq: ["correctionId", "event"],
  corrects: ["correctedEventId", "event"],
};

/** `record` names what it is; with `kind`, the row's own number (`number` or `seq`) is told as an id too. */
export function exportRecord(tag: CustomerTag, record: string, row: Row, kind?: IdKind): Row {
  const number = row.number ?? row.seq;
  return {
    record,
    ...(kind !== undefined && typeof number === "number" ? { id: customerThingId(tag, kind, number) } : {}),
    ...fieldsOf(tag, row),
  };
}

function fieldsOf(tag: CustomerTag, row: Row): Row {
  const told: Row = {};
  for (const [column, value] of Object.entries(row)) {
    if (value === null || value === undefined) continue;
    const field = column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const opened = OPENED[field];
    if (opened === undefined || typeof value !== "string") {
      const [name, shown] = toldAs(tag, field, value);
      told[name] = shown;
    } else told[field] = opened === "theirs" ? JSON.parse(value) : openedAs(tag, JSON.parse(value, readBigint));
  }
  return told;
}

/** As `jsonText` wrote them. */
function readBigint(_: string, value: unknown): unknown {
  const marked = value as { $bigint?: unknown } | null;
  return typeof marked === "object" && typeof marked?.$bigint === "string" ? BigInt(marked.$bigint) : value;
}

function toldAs(tag: CustomerTag, field: string, value: unknown): readonly [name: string, value: unknown] {
  const numbered = NUMBERS[field];
  if (numbered !== undefined && typeof value === "number")
    return [numbered[0], customerThingId(tag, numbered[1], value)];
  if (typeof value === "number" && /(?:At|Start|End|clock|^at)Ms$/.test(field))
    return [field.slice(0, -"Ms".length), new Date(value).toISOString()];
  if (typeof value === "bigint" || typeof value === "string") {
    if (field.endsWith("E12")) return [field.slice(0, -"E12".length), formatE12(BigInt(value))];
    if (field.endsWith("E4")) return [field.slice(0, -"E4".length), formatE4(BigInt(value))];
    if (field.endsWith("E24")) return [field.slice(0, -"E24".length), formatDecimal(BigInt(value), 24)];
  }
  return [field, openedAs(tag, value)];
}

/** Decimals without a unit in their name are exact to twelve places. */
function openedAs(tag: CustomerTag, value: unknown): unknown {
  if (typeof value === "bigint") return formatE12(value);
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? value.map((item) => openedAs(tag, item)) : fieldsOf(tag, value as Row);
}
