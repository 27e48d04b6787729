import { invalid, missing } from "./refusals.ts";
import type { Context } from "./state.ts";

/** Stripe's lists: the newest first, in pages that begin after or end before an object; and its searches. */

const PAGE_DEFAULT = 10;

type Paging = {
  limit?: number | undefined;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
  created?:
    | { gt?: number | undefined; gte?: number | undefined; lt?: number | undefined; lte?: number | undefined }
    | undefined;
};

type Listed = { id: string; created?: number };

/** A page of a table whose rows stand in the order in which they were made. */
export function pageOf<T extends Listed>(
  url: string,
  table: Readonly<Record<string, T>>,
  { limit = PAGE_DEFAULT, starting_after, ending_before, created }: Paging,
  matches: (item: T) => boolean,
): object {
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = created ?? {};
  const inTime = ({ created: at = 0 }: Listed) => at > gt && at >= gte && at < lt && at <= lte;
  const newestFirst = Object.values(table).reverse();
  const placeOf = (id: string, param: string) => {
    const place = newestFirst.findIndex((item) => item.id === id);
    if (place < 0) throw missing("object", id, param);
    return place;
  };
  const from = starting_after === undefined ? 0 : placeOf(starting_after, "starting_after") + 1;
  const to = ending_before === undefined ? newestFirst.length : placeOf(ending_before, "ending_before");
  const all = newestFirst.slice(from, to).filter((item) => inTime(item) && matches(item));
  const data = ending_before === undefined ? all.slice(0, limit) : all.slice(-limit);
  return { object: "list", url, has_more: all.length > data.length, data };
}

type Clause = { field: string; key: string | null; operator: string; value: string; negated: boolean };

const CLAUSE =
  /^\s*(-?)(\w+)(?:\[(?:"([^"]*)"|'([^']*)')\])?\s*(:|~|<=|>=|<|>)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?\d+|null))/;

/** A search in Stripe's query language: clauses joined by AND or by OR, `-` before one that must not hold. */
export function searchOf<T extends Listed & object>(
  url: string,
  table: Readonly<Record<string, T>>,
  fields: readonly string[],
  params: { query: string; limit?: number | undefined; page?: string | undefined },
  { account, nowSeconds }: Context,
): object {
  const { clauses, joinedBy } = clausesOf(params.query, fields);
  // Search lags behind what was written: Stripe says up to a minute.
  const seen = ({ created = 0 }: Listed) => created <= nowSeconds - account.searchLagSeconds;
  const all = Object.values(table)
    .reverse()
    .filter(seen)
    .filter((item) => (joinedBy === "OR" ? clauses.some(holds(item)) : clauses.every(holds(item))));
  const from = params.page === undefined ? 0 : Number(params.page);
  if (!Number.isInteger(from) || from < 0) throw invalid(`Invalid page: ${params.page}`, { param: "page" });
  const to = from + (params.limit ?? PAGE_DEFAULT);
  const more = to < all.length;
  return {
    object: "search_result",
    url,
    has_more: more,
    next_page: more ? String(to) : null,
    data: all.slice(from, to),
  };
}

function clausesOf(query: string, fields: readonly string[]): { clauses: Clause[]; joinedBy: string | undefined } {
  const refuse = (why: string) =>
    invalid(`We were unable to parse your search query. ${why} Try using the format \`metadata["key"]:"value"\`.`, {
      param: "query",
    });
  const clauses: Clause[] = [];
  let joinedBy: string | undefined;
  let rest = query;
  for (;;) {
    const match = CLAUSE.exec(rest);
    if (match === null) throw refuse(`At: ${rest.slice(0, 40)}.`);
    const [whole, minus, field = "", inDouble, inSingle, operator = ":", double, single, bare] = match;
    if (!fields.includes(field))
      throw invalid(`Field \`${field}\` is an unsupported search field for resource.`, { param: "query" });
    const value = (double ?? single ?? bare ?? "").replace(/\\(.)/g, "$1");
    clauses.push({ field, key: inDouble ?? inSingle ?? null, operator, value, negated: minus === "-" });
    rest = rest.slice(whole.length);
    if (rest.trim() === "") return { clauses, joinedBy };
    const [joint, word = "AND"] = /^\s+(?:(AND|OR)\s+)?/i.exec(rest) ?? [];
    if (joint === undefined) throw refuse(`At: ${rest.slice(0, 40)}.`);
    if (joinedBy !== undefined && joinedBy !== word.toUpperCase()) throw refuse("AND and OR cannot be mixed.");
    joinedBy = word.toUpperCase();
    rest = rest.slice(joint.length);
  }
}

function holds(item: object): (clause: Clause) => boolean {
  return ({ field, key, operator, value, negated }) => {
    let actual: unknown = Reflect.get(item, field);
    if (key !== null) actual = (actual as Record<string, string> | null)?.[key];
    const plain = actual === undefined || actual === null ? "null" : String(actual);
    // Text is compared without regard to case, as Stripe's search does.
    const [one, other] = [plain.toLowerCase(), value.toLowerCase()];
    const result =
      operator === ":"
        ? one === other
        : operator === "~"
          ? one.includes(other)
          : operator === "<"
            ? Number(plain) < Number(value)
            : operator === ">"
              ? Number(plain) > Number(value)
              : operator === "<="
                ? Number(plain) <= Number(value)
                : Number(plain) >= Number(value);
    return result !== negated;
  };
}
