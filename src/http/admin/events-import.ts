import Papa from "papaparse";
import * as z from "zod";
import { errorEnvelope } from "../../contract/errors.ts";
import type { ParsedEvent } from "../../contract/event.ts";
import { ImportResultWire, isImportField, setField } from "../../contract/import.ts";
import { parseEvent } from "../../contract/plain-event.ts";
import { dropNulls, name, queryBoolean } from "../../contract/scalars.ts";
import {
  BATCH_EVENTS_MAX,
  BODY_DEPTH_MAX,
  IMPORT_BODY_BYTES_MAX,
  IMPORT_CALLS_MAX,
  IMPORT_CHUNK_ROWS,
  IMPORT_ERRORS_SHOWN_MAX,
  IMPORT_ROWS_MAX,
} from "../../domain/limits.ts";
import type { FieldProblem, Refusal, Reply } from "../../domain/refusal.ts";
import { addressEvents, trackGroup } from "../client/events.ts";
import { problemsOf } from "../pipeline.ts";
import { commitAccount } from "../remembered.ts";
import { type Call, defineRoute, type Route } from "../route.ts";

/** History from a file, in parts: each row is an event with a key of its own, so any part may be sent any number of times. */

const Query = z
  .object({
    importId: name.meta({ description: "Names this import; rows' keys derive from it." }),
    offset: z
      .string()
      .regex(/^\d{1,12}$/, "must be a whole number")
      .transform(Number)
      .optional()
      .meta({ description: "Rows of the file before this part." }),
    meter: queryBoolean.optional().meta({
      description:
        "Count the rows by the customers' plans, as events are. Default false: history, for cost and revenue alone.",
    }),
  })
  .catchall(z.string());

type Mapping = { columns: { field: string; column: string }[]; constants: { field: string; value: string }[] };

/** `map.FIELD=COLUMN` and `set.FIELD=VALUE` of the query. */
function mappingOf(query: Record<string, unknown>): Reply<Mapping> {
  const mapping: Mapping = { columns: [], constants: [] };
  const fields: FieldProblem[] = [];
  for (const [key, value] of Object.entries(query)) {
    const [kind, field] = [key.slice(0, 4), key.slice(4)];
    if (kind !== "map." && kind !== "set.") continue;
    if (!isImportField(field)) fields.push({ path: key, message: "is no field of an event" });
    else if (kind === "map.") mapping.columns.push({ field, column: String(value) });
    else mapping.constants.push({ field, value: String(value) });
  }
  return fields.length > 0 ? { ok: false, code: "invalid", fields } : { ok: true, value: mapping };
}

/** A row as an event body, or why it is none. `line` counts from 1 in this part of the file; blank lines count, but are no rows. */
type Row = { line: number } & ({ body: unknown } | { problem: string });

function csvRows(text: string, mapping: Mapping): Reply<Row[]> {
  const parsed = Papa.parse<string[]>(text);
  // A quote that never ends swallows what follows: better an error by its line than a cell full of lost rows.
  const malformed = new Set(parsed.errors.filter(({ type }) => type === "Quotes").map(({ row }) => row));
  const lines = withLines(parsed.data).map((row, at) => ({ ...row, malformed: malformed.has(at) }));
  const [header, ...rows] = lines.filter(({ cells }) => cells.length > 1 || cells[0] !== "");
  if (header === undefined) return { ok: true, value: [] };
  const columns = [...mapping.columns];
  // A column that is called like a field is that field, unless the caller said otherwise.
  for (const column of header.cells)
    if (isImportField(column) && !columns.some(({ field }) => field === column))
      columns.push({ field: column, column });
  const missing = mapping.columns.filter(({ column }) => !header.cells.includes(column));
  if (missing.length > 0)
    return {
      ok: false,
      code: "invalid",
      fields: missing.map(({ field, column }) => ({
        path: `map.${field}`,
        message: `the file has no column ${column}`,
      })),
    };
  const places = columns.map(({ field, column }) => ({ field, at: header.cells.indexOf(column) }));
  return {
    ok: true,
    value: rows.map(({ cells, line, malformed }): Row => {
      if (malformed) return { line, problem: "has a quote that is never closed, or text after a closed one" };
      const body: Record<string, unknown> = {};
      for (const { field, value } of mapping.constants) setField(body, field, value);
      for (const { field, at } of places) setField(body, field, cells[at]);
      return { line, body };
    }),
  };
}

/** Rows with the line each begins on: quoted cells may hold line breaks of their own. */
function withLines(rows: readonly string[][]): { cells: string[]; line: number }[] {
  let next = 1;
  return rows.map((cells) => {
    const line = next;
    next += 1;
    for (const cell of cells) if (cell.includes("\n")) next += cell.split("\n").length - 1;
    return { cells, line };
  });
}

function ndjsonRows(text: string, mapping: Mapping): Row[] {
  return text.split("\n").flatMap((written, at): Row[] => {
    if (written.trim() === "") return [];
    const line = at + 1;
    let value: unknown;
    try {
      value = JSON.parse(written);
    } catch {
      return [{ line, problem: "is not valid JSON" }];
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return [{ line, problem: "is not a JSON object" }];
    if (!dropNulls(value)) return [{ line, problem: `is nested deeper than ${BODY_DEPTH_MAX}` }];
    const fields = value as Record<string, unknown>;
    const body: Record<string, unknown> = { ...fields };
    for (const { field, value: constant } of mapping.constants) setField(body, field, constant);
    for (const { field, column } of mapping.columns)
      setField(body, field, Object.hasOwn(fields, column) ? fields[column] : undefined);
    if (!mapping.columns.some(({ field }) => field === "occurredAt")) setField(body, "occurredAt", body.occurredAt);
    return [{ line, body }];
  });
}

async function importPart(call: Call<unknown, z.output<typeof Query>, unknown>) {
  const mapping = mappingOf(call.query);
  if (!mapping.ok) return mapping;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(call.rawBody);
  } catch {
    return { ok: false as const, code: "malformed_json" as const };
  }
  const isCsv = (call.request.headers.get("Content-Type") ?? "").toLowerCase().includes("csv");
  const rows: Reply<Row[]> = isCsv
    ? csvRows(text, mapping.value)
    : { ok: true, value: ndjsonRows(text, mapping.value) };
  if (!rows.ok) return rows;
  if (rows.value.length > IMPORT_ROWS_MAX)
    return { ok: false as const, code: "import_too_large" as const, rowsMax: IMPORT_ROWS_MAX };

  const offset = call.query.offset ?? 0;
  const lineOf = (index: number) => offset + (rows.value[index]?.line ?? 0);
  const tally = { accepted: 0, duplicates: 0, rejected: 0 };
  const errors: { line: number; message: string }[] = [];
  const reject = (index: number, message: string) => {
    tally.rejected += 1;
    if (errors.length < IMPORT_ERRORS_SHOWN_MAX) errors.push({ line: lineOf(index), message });
  };
  // A request may make only so many calls: a part with a customer in every row is answered for its first rows, and goes on there.
  let calls = 0;
  let done = 0;
  while (done < rows.value.length && calls <= IMPORT_CALLS_MAX - IMPORT_CHUNK_ROWS) {
    const chunk = rows.value.slice(done, done + IMPORT_CHUNK_ROWS);
    calls += await importChunk(call, chunk, done, offset, tally, reject);
    done += chunk.length;
  }
  Object.assign(call.log, tally);
  errors.sort((a, b) => a.line - b.line);
  const { importId } = call.query;
  return {
    ok: true as const,
    // The effect is in the customers' objects, row by row and each once; what is written here is who did it, and the answer.
    statements: [],
    audit: { action: "events.imported" as const, target: importId, after: { offset, ...tally } },
    status: 200,
    data: { ...tally, nextOffset: offset + done, errors },
    version: "leave" as const,
  };
}

/** Imports a few thousand rows. Returns how many objects were called. */
async function importChunk(
  call: Call<unknown, z.output<typeof Query>, unknown>,
  rows: readonly Row[],
  from: number,
  offset: number,
  tally: { accepted: number; duplicates: number },
  reject: (index: number, message: string) => void,
): Promise<number> {
  const good: { index: number; event: ParsedEvent }[] = [];
  for (const [at, row] of rows.entries()) {
    const index = from + at;
    if ("problem" in row) {
      reject(index, row.problem);
      continue;
    }
    const parsed = parseEvent(row.body);
    if (parsed.success) good.push({ index, event: parsed.data });
    else
      reject(
        index,
        problemsOf(parsed.error)
          .map(({ path, message }) => `${path}: ${message}`)
          .join("; "),
      );
  }
  const addressed = await addressEvents(
    call,
    good.map(({ event }) => event),
    (at) => `${call.query.importId}:${offset + (good[at]?.index ?? 0) + 1}`,
  );
  const byCustomer = Map.groupBy(
    good.flatMap(({ index }, at) => {
      const reply = addressed[at];
      if (reply?.ok) return [{ index, ...reply.value }];
      reject(index, reply === undefined ? "was not read" : sentenceOf(reply));
      return [];
    }),
    ({ customer }) => customer.customerId,
  );
  // The request's own Idempotency-Key has no meaning here: every row has a key.
  const { requestKey: _, ...keyless } = call;
  let calls = 0;
  await Promise.all(
    [...byCustomer.values()].map(async (group) => {
      for (let start = 0; start < group.length; start += BATCH_EVENTS_MAX) {
        const part = group.slice(start, start + BATCH_EVENTS_MAX);
        const [first] = part;
        if (first === undefined) return;
        calls += 1;
        const events = part.map(({ event }) => event);
        const reply = await trackGroup(keyless, first.customer, events, call.query.meter === true);
        for (const [at, { index }] of part.entries()) {
          const result = reply !== "failed" && reply.ok ? reply.value[at] : undefined;
          if (reply === "failed") reject(index, "something went wrong on our side; send the part again");
          else if (!reply.ok) reject(index, sentenceOf(reply));
          else if (result?.status === "refused") reject(index, sentenceOf(result.refusal));
          else if (result?.status === "duplicate") tally.duplicates += 1;
          else tally.accepted += 1;
        }
      }
    }),
  );
  return calls;
}

function sentenceOf(refusal: Refusal): string {
  const { error } = errorEnvelope(refusal).body;
  return String(error.detail ?? error.message);
}

export const importRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/events/import",
    scope: "admin",
    tag: "Events",
    summary: "Import a part of a file of events",
    description: `\`text/csv\` with a header line, or \`application/x-ndjson\` with an event body per line; at most 8 MB and ${IMPORT_ROWS_MAX.toLocaleString("en")} rows a part. Blank lines are not rows.

\`map.FIELD=COLUMN\` takes an event field from a column (a column named like a field needs no mapping), \`set.FIELD=VALUE\` sets a constant; fields are those of an event's body, with a dot for inner ones (\`costInput.model\`, \`meta.region\`). Times may also be \`YYYY-MM-DD hh:mm:ss[.f]\` (UTC), epoch seconds or milliseconds. Row n of the file (from 1) has the key \`importId:n\` unless \`eventIdempotencyKey\` is mapped: the same part again is all duplicates. Go on at \`nextOffset\`: a part with very many customers may be answered before its end.`,
    query: Query,
    rawBody: ["text/csv", "application/x-ndjson"],
    bodyBytesMax: IMPORT_BODY_BYTES_MAX,
    answers: { 200: ImportResultWire },
    refuses: ["import_too_large", "malformed_json", "media_type"],
    handle: (call) => commitAccount(call, () => importPart(call)),
  }),
];
