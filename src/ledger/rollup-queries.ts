import type { Figures } from "../domain/figures.ts";
import { DAY_MS, DAYS_BUILT_ATTEMPTS_MAX } from "../domain/limits.ts";
import { fromLimbs } from "../domain/rollup.ts";
import { type CutRange, cutRange, type TimeRange } from "../domain/time-range.ts";
import { buildDays, DIMENSIONS, type Dimension, holdsSomething, SUM_COLUMNS, unbuiltDays } from "./day-sums.ts";

/**
 * Exact sums over an account's rollups, of any ranges, whole or broken down. Closed days come from `rollup_days`, what is left of
 * a range from `rollups`; all of one question is one batch and so one moment. Every sum is taken over limbs and read as text
 * (docs/decisions/003-exact-sums.md). Order and pages are the caller's: limbs that were not carried over have no order in SQL.
 */

/** One sum: of which range of the question, of which member, in which currency. */
export type SumRow = { rangeIndex: number; provider: string; member: string; currency: string; figures: Figures };

export type Member = { provider: string; member: string };

export type SumsQuestion = {
  ranges: readonly TimeRange[];
  /** Undefined: only whole sums, by currency. */
  by: Dimension | undefined;
  /** Only these members; with many customers, the ones a chart shows. */
  members?: readonly Member[];
  /** Only how many events: every other sum is 0. */
  countsOnly?: true;
};

type Row = Record<(typeof SUM_COLUMNS)[number], string> & {
  range_index: number;
  provider: string;
  member: string;
  currency: string;
};

/** SUM and text for every summed column: what JavaScript reads loses no digit. */
const SUMS = SUM_COLUMNS.map((column) => `CAST(SUM(s.${column}) AS TEXT) AS ${column}`).join(", ");
const COUNTS = SUM_COLUMNS.map((column) =>
  column === "events" ? "CAST(SUM(s.events) AS TEXT) AS events" : `'0' AS ${column}`,
).join(", ");

type Asking = Pick<SumsQuestion, "by" | "members" | "countsOnly">;

/** The figures of one row of sums. */
export function figuresFromRow(row: Record<(typeof SUM_COLUMNS)[number], string>): Figures {
  return {
    events: Number(row.events),
    costUnknownEvents: Number(row.cost_unknown_events),
    inputTokens: BigInt(row.input_tokens),
    outputTokens: BigInt(row.output_tokens),
    usageE12: fromLimbs(row.usage_hi, row.usage_mid, row.usage_lo),
    costE12: fromLimbs(row.cost_hi, row.cost_mid, row.cost_lo),
    revenueE12: fromLimbs(row.revenue_hi, row.revenue_mid, row.revenue_lo),
  };
}

/**
 * Answers several questions at one moment. Usually one trip to D1: days that nobody asked for before are built first. A history
 * that changes faster than its days are built is read from the rollups themselves.
 */
export async function sumsOf(
  database: D1Database,
  accountId: string,
  questions: readonly SumsQuestion[],
  nowMs: number,
): Promise<SumRow[][]> {
  return (await sumsBeside(database, accountId, questions, nowMs, [])).sums;
}

/** The same, and what further statements answer: in the same trip, of the same moment. */
export async function sumsBeside(
  database: D1Database,
  accountId: string,
  questions: readonly SumsQuestion[],
  nowMs: number,
  further: readonly D1PreparedStatement[],
): Promise<{ sums: SumRow[][]; beside: D1Result<unknown>[] }> {
  const todayStartMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  for (let attempt = 0; attempt < DAYS_BUILT_ATTEMPTS_MAX; attempt += 1) {
    const asked = questions.map((question) => cut(question, todayStartMs));
    const span = daysSpan(asked.flat());
    if (span === undefined) break;
    const [unbuilt, ...results] = await database.batch<unknown>([
      unbuiltDays(database, accountId, span),
      ...further,
      ...statementsOf(database, accountId, questions, asked),
    ]);
    const days = ((unbuilt?.results ?? []) as { day: number }[]).map((row) => row.day);
    if (days.length === 0) return apart(questions, asked, further.length, results);
    await buildDays(database, accountId, days);
  }
  const whole = questions.map((question) => question.ranges.map((range) => ({ days: undefined, rest: [range] })));
  const statements = [...further, ...statementsOf(database, accountId, questions, whole)];
  return apart(questions, whole, further.length, statements.length === 0 ? [] : await database.batch(statements));
}

/** The answers of one batch: the first ones are those of further statements. */
function apart(
  questions: readonly SumsQuestion[],
  asked: readonly CutRange[][],
  further: number,
  results: readonly D1Result<unknown>[],
): { sums: SumRow[][]; beside: D1Result<unknown>[] } {
  return { sums: rowsOf(questions, asked, results.slice(further)), beside: results.slice(0, further) };
}

function cut(question: SumsQuestion, todayStartMs: number): CutRange[] {
  return question.ranges.map((range) => cutRange(range, todayStartMs));
}

/** From the first to the last closed day of all ranges; undefined when none has a closed day. */
function daysSpan(cuts: readonly CutRange[]): TimeRange | undefined {
  const days = cuts.flatMap(({ days }) => (days === undefined ? [] : [days]));
  if (days.length === 0) return undefined;
  return {
    startMs: days.reduce((least, { startMs }) => Math.min(least, startMs), Number.POSITIVE_INFINITY),
    endMs: days.reduce((most, { endMs }) => Math.max(most, endMs), Number.NEGATIVE_INFINITY),
  };
}

/** A piece of a range, as `json_each` gives it to SQL: [index of the range, start, end]. */
type Piece = [number, number, number];

function piecesOf(cuts: readonly CutRange[]): { days: Piece[]; rest: Piece[] } {
  const days: Piece[] = [];
  const rest: Piece[] = [];
  for (const [index, range] of cuts.entries()) {
    if (range.days !== undefined) days.push([index, range.days.startMs, range.days.endMs]);
    for (const { startMs, endMs } of range.rest) rest.push([index, startMs, endMs]);
  }
  return { days, rest };
}

function statementsOf(
  database: D1Database,
  accountId: string,
  questions: readonly SumsQuestion[],
  asked: readonly CutRange[][],
): D1PreparedStatement[] {
  return questions.flatMap((question, index) => {
    const { days, rest } = piecesOf(asked[index] ?? []);
    return [
      ...(days.length === 0 ? [] : [statement(database, accountId, daySumsSql(question), days, question.members)]),
      ...(rest.length === 0 ? [] : [statement(database, accountId, hourSumsSql(question), rest, question.members)]),
    ];
  });
}

function statement(
  database: D1Database,
  accountId: string,
  sql: string,
  pieces: Piece[],
  members: readonly Member[] | undefined,
): D1PreparedStatement {
  const bound = [accountId, JSON.stringify(pieces)];
  if (members !== undefined) bound.push(JSON.stringify(members.map(({ provider, member }) => [provider, member])));
  return database.prepare(sql).bind(...bound);
}

/** Materialised, so that a piece's JSON is read once and not for every row it covers. */
const PIECES = `WITH piece AS MATERIALIZED (
    SELECT value ->> 0 AS range_index, value ->> 1 AS start_ms, value ->> 2 AS end_ms FROM json_each(?2))`;
const MEMBERS = "(SELECT value ->> 0, value ->> 1 FROM json_each(?3))";

/** Sums over closed days. Exported so that a test proves its index. */
export function daySumsSql({ by, members, countsOnly }: Asking): string {
  // Whole sums from the dimension with the fewest rows.
  const names = by === undefined ? "'' AS provider, '' AS member" : "s.provider, s.member";
  return `${PIECES} SELECT piece.range_index, ${names}, s.currency, ${countsOnly ? COUNTS : SUMS}
    FROM piece CROSS JOIN rollup_days s ON s.account_id = ?1 AND s.dimension = '${by ?? "model"}'
      AND s.day_start_ms >= piece.start_ms AND s.day_start_ms < piece.end_ms
    ${members === undefined ? "" : `WHERE (s.provider, s.member) IN ${MEMBERS}`}
    GROUP BY piece.range_index, ${by === undefined ? "" : "s.provider, s.member, "}s.currency`;
}

/** Sums over hours and days that are not closed or not whole. Exported so that a test proves its index. */
export function hourSumsSql({ by, members, countsOnly }: Asking): string {
  const { provider, member } = by === undefined ? { provider: "''", member: "''" } : DIMENSIONS[by];
  return `${PIECES} SELECT piece.range_index, ${provider} AS provider, ${member} AS member, s.currency, ${countsOnly ? COUNTS : SUMS}
    FROM piece CROSS JOIN rollups s ON s.account_id = ?1
      AND s.bucket_start_ms >= piece.start_ms AND s.bucket_start_ms < piece.end_ms
    WHERE ${holdsSomething("s.")} ${members === undefined ? "" : `AND (${provider}, ${member}) IN ${MEMBERS}`}
    GROUP BY piece.range_index, ${provider === "provider" ? "s.provider, " : ""}${by === undefined ? "" : `s.${member}, `}s.currency`;
}

/** Puts days and the rest of each question together again. */
function rowsOf(
  questions: readonly SumsQuestion[],
  asked: readonly CutRange[][],
  results: readonly D1Result<unknown>[],
): SumRow[][] {
  let next = 0;
  return questions.map((_, index) => {
    const { days, rest } = piecesOf(asked[index] ?? []);
    const parts = (days.length === 0 ? 0 : 1) + (rest.length === 0 ? 0 : 1);
    const rows = results.slice(next, next + parts).flatMap(({ results }) => results as Row[]);
    next += parts;
    return rows.map((row) => ({
      rangeIndex: row.range_index,
      provider: row.provider,
      member: row.member,
      currency: row.currency,
      figures: figuresFromRow(row),
    }));
  });
}
