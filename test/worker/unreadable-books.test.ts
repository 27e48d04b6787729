import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CustomerObject } from "../../src/customer/object.ts";
import type { LawChecked } from "../../src/domain/books.ts";
import { consume } from "../support/access.ts";
import { type Busy, burning, busy } from "../support/busy.ts";
import { booksOf, edit, type Law } from "../support/edited.ts";
import { sqlOf } from "../support/tables.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

/** Rows that somebody made unreadable: text where a number belongs, bodies that are none. The books answer, and name each. */

let world: World;

beforeEach(async () => {
  clockAt("2027-03-01T00:00:00Z");
  world = await newWorld();
});
afterAll(() => {
  vi.useRealTimers();
});

/** Every table whose rows the books read. */
const TABLES = [
  ...["credit_pools", "credit_grants", "credit_entries", "reservations", "events", "counters", "usage_segments"],
  ...["rollups", "subscriptions", "plan_pins", "invoices", "balance_entries", "mrr_spans"],
];

/** A cell: `at` is its place among the rows of its table, which are read in the order of their key. */
type Cell = { table: string; column: string; at: number; value: string | number };

function cellsOf(sql: SqlStorage, type: "TEXT" | "INTEGER"): Cell[] {
  return TABLES.flatMap((table) => {
    const columns = sql
      .exec<{ name: string; type: string }>("SELECT name, type FROM pragma_table_info(?)", table)
      .toArray();
    const rows = sql.exec<Record<string, string | number | null>>(`SELECT * FROM ${table}`).toArray();
    return rows.flatMap((row, at) =>
      columns.flatMap(({ name: column, type: its }) => {
        const value = row[column];
        return its !== type || value === null || value === undefined ? [] : [{ table, column, at, value }];
      }),
    );
  });
}

/** Undoes what was edited. */
class Undone extends Error {}

/** What the books say with another value in this cell; nothing where the table refuses it. */
function booksWith(
  object: CustomerObject,
  storage: DurableObjectStorage,
  { table, column, at }: Cell,
  value: string | number | null,
): readonly LawChecked[] {
  let laws: readonly LawChecked[] = [];
  try {
    storage.transactionSync(() => {
      const { sql } = storage;
      const key = sql
        .exec<{ name: string }>("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", table)
        .toArray()
        .map(({ name }) => name)
        .join(", ");
      const place = `(${key}) IN (SELECT ${key} FROM ${table} LIMIT 1 OFFSET ${at})`;
      try {
        sql.exec(`UPDATE ${table} SET ${column} = ? WHERE ${place}`, value);
      } catch {
        throw new Undone();
      }
      const reply = object.books();
      if (reply.ok) laws = reply.value.laws;
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw new Error(`${table}.${column} ${at} = ${value}`, { cause: error });
  }
  return laws;
}

/** Every place of a JSON text, as a path, and whether a number stands there, be it marked as a bigint. */
function pathsOf(value: unknown, path = "$"): { path: string; isNumber: boolean }[] {
  if (typeof value !== "object" || value === null)
    return [{ path, isNumber: typeof value === "number" || path.endsWith('"$bigint"') }];
  const inside = Array.isArray(value)
    ? value.map((item, index) => [`${path}[${index}]`, item] as const)
    : Object.entries(value).map(([field, item]) => [`${path}."${field}"`, item] as const);
  return [{ path, isNumber: false }, ...inside.flatMap(([at, item]) => pathsOf(item, at))];
}

/** So many rows of each table are tried with all of these, and each place inside a JSON text once. */
const ROWS_MAX = 1;
const TEXTS = ["x", "", "null", "{}", "1e400"];
const INTEGERS = [Number.MAX_SAFE_INTEGER, -1e15, -1, 0, null];
const VALUES = ["null", "{}", "1e300", "true", '{"$bigint":"x"}', '{"$bigint":7}'];

describe("does", () => {
  type Case = [what: string, sql: string, unread: string, named: (made: Busy) => Partial<Law["firstBreak"]>];

  test.for<Case>([
    [
      "a transaction with a word for an amount",
      `UPDATE credit_entries SET body = json_set(body, '$.amountE4."$bigint"', 'x') WHERE type = 'DEDUCTION'`,
      "1",
      ({ entry }) => ({
        kind: "credit transaction",
        id: entry,
        why: said("credit_entries", "Cannot convert x to a BigInt"),
      }),
    ],
    [
      "a transaction without an instant",
      "UPDATE credit_entries SET body = json_remove(body, '$.atMs') WHERE type = 'DEDUCTION'",
      "1",
      ({ entry }) => ({ kind: "credit transaction", id: entry, why: said("credit_entries", "atMs is no instant") }),
    ],
    [
      "a transaction whose draws are of no grant",
      "UPDATE credit_entries SET body = json_set(body, '$.draws[0].grant', 'x') WHERE type = 'DEDUCTION'",
      "1",
      ({ entry }) => ({
        kind: "credit transaction",
        id: entry,
        why: said("credit_entries", "draws[0].grant is no integer"),
      }),
    ],
    [
      "a grant whose body is empty",
      "UPDATE credit_grants SET body = '' WHERE number = 1",
      "1",
      ({ grant }) => ({ kind: "credit grant", id: grant, why: said("credit_grants", "") }),
    ],
    [
      "a pool whose body is a list",
      "UPDATE credit_pools SET body = '[]'",
      "1",
      ({ pool }) => ({ kind: "credit pool", id: pool, why: said("credit_pools", "is no object") }),
    ],
    [
      "a subscription that is another's",
      "UPDATE subscriptions SET body = json_set(body, '$.number', 7)",
      "1",
      () => ({ kind: "subscription", why: said("subscriptions", "its body says that it is number 7") }),
    ],
    [
      "an event with a word for its usage",
      "UPDATE events SET usage_e12 = 'x' WHERE seq = 2",
      "1",
      () => ({ kind: "event", why: said("events", "Cannot convert x to a BigInt") }),
    ],
    [
      "a plan version of no months",
      "UPDATE plan_pins SET body = json_set(body, '$.intervalMonths', 0)",
      "1",
      () => ({
        kind: "plan version",
        id: "1",
        why: expect.stringMatching(/^its row of plan_pins of .* cannot be read: intervalMonths/),
      }),
    ],
    [
      "a counter with a word in it",
      "UPDATE counters SET segment_late_e12 = 'x' WHERE feature_key = 'chat'",
      "1",
      () => ({ kind: "subscription", why: expect.stringContaining("its row of counters of chat cannot be read") }),
    ],
    [
      "sums of an instant that has no day",
      "UPDATE rollups SET bucket_start_ms = 9000000000000000",
      "2",
      () => ({ kind: "usage day", id: "9000000000000000", why: expect.stringMatching(/bucketStartMs is no instant$/) }),
    ],
  ])("%s is named", async ([, sql, unread, named], { expect }) => {
    const made = await busy(world);
    expect((await booksOf(world, "ada")).laws[0]).toMatchObject({ law: "rows_read", holds: true });
    await edit(world, made.id, sql);
    const { holds, laws } = await booksOf(world, "ada");
    const [read] = laws;
    expect(holds).toBe(false);
    expect(read).toMatchObject({ law: "rows_read", holds: false, firstBreak: named(made) });
    expect(Number(read?.right.value) - Number(read?.left.value)).toBe(Number(unread));
  });

  test("laws that a row which cannot be read has no part in are held as before", async ({ expect }) => {
    const { id } = await busy(world);
    await edit(world, id, "UPDATE credit_entries SET body = 'x' WHERE type = 'DEDUCTION'");
    const { laws } = await booksOf(world, "ada");
    const broken = ["grants_ledger", "ledger_chain", "pool_grants", "pool_totals", "rows_read"];
    expect(
      laws
        .filter(({ holds }) => !holds)
        .map(({ law }) => law)
        .sort(),
    ).toEqual(broken);
    expect(laws.map(({ law }) => law)).toEqual(
      expect.arrayContaining(["counter_events", "invoice_lines", "pool_held"]),
    );
  });
});

describe("holds", () => {
  /** Every body that an object reads when it wakes, made unreadable, and how it is mended. */
  const LIVE = ["credit_pools", "credit_grants", "subscriptions", "plan_pins", "mrr_spans"];

  test.for(LIVE)(
    "an object that wakes to %s that it cannot read answers its books alone, and goes on once they are mended",
    async (table, { expect }) => {
      const { id } = await busy(world);
      const wake = () => evictDurableObject(world.object(id));
      await edit(world, id, `UPDATE ${table} SET body = 'x' || body`);
      await wake();
      const { laws } = await booksOf(world, "ada");
      expect(laws[0]).toMatchObject({
        law: "rows_read",
        holds: false,
        firstBreak: { why: expect.stringMatching(`^its row of ${table} (of .* )?cannot be read`) },
      });
      const event = { customerReferenceId: "ada", featureKey: "chat", usageUnits: 7 };
      expect(await world.event(event)).toMatchObject({ status: 503 });
      expect(await consume(world, { usageUnits: 1 })).toMatchObject({ status: 503 });
      expect((await world.call("GET", "/api/v1/monetization/customers/ada/balance")).status).toBe(500);
      await edit(world, id, `UPDATE ${table} SET body = substr(body, 2)`);
      await wake();
      expect(await world.event(event)).toMatchObject({ status: 201 });
      const mended = await booksOf(world, "ada");
      expect(mended.holds).toBe(true);
      const chat = mended.laws.find(({ law, subject }) => law === "counter_events" && subject.name === "chat");
      expect(chat?.right.value).toBe("12");
    },
  );

  test.for([
    ["busy", "2027-03-01T00:00:00Z", busy],
    ["burning", "2030-03-05T10:00:00Z", burning],
  ] as const)(
    "whatever stands in any cell of a %s customer, the books answer, and words for numbers are found",
    async ([, begins, live], { expect }) => {
      clockAt(begins);
      const { id } = await live(world);
      await runInDurableObject(world.object(id), (object, { storage }) => {
        for (const cell of cellsOf(sqlOf(object), "INTEGER"))
          if (cell.at < ROWS_MAX) for (const value of INTEGERS) booksWith(object, storage, cell, value);
        const unfound: string[] = [];
        // Each place once, in whichever row has it first.
        const tried = new Set<string>();
        for (const cell of cellsOf(sqlOf(object), "TEXT")) {
          const isAmount = cell.column.endsWith("_e12");
          for (const text of cell.at < ROWS_MAX ? TEXTS : []) {
            const laws = booksWith(object, storage, cell, text);
            if (text === "x" && (isAmount || cell.column === "body") && holdsAll(laws)) unfound.push(cell.column);
          }
          if (!/^[{[]/.test(String(cell.value))) continue;
          for (const { path, isNumber } of pathsOf(JSON.parse(String(cell.value)))) {
            const place = `${cell.table}.${cell.column} ${path}`;
            if (tried.has(place)) continue;
            tried.add(place);
            const edited = (sql: string, ...more: string[]) =>
              sqlOf(object)
                .exec<{ text: string | null }>(`SELECT ${sql} AS text`, cell.value, path, ...more)
                .one().text;
            booksWith(object, storage, cell, edited("json_remove(?, ?)"));
            for (const json of VALUES) booksWith(object, storage, cell, edited("json_set(?, ?, json(?))", json));
            const laws = booksWith(object, storage, cell, edited("json_set(?, ?, ?)", "x"));
            if (isNumber && holdsAll(laws)) unfound.push(place);
          }
        }
        expect(unfound).toEqual([]);
        expect(tried.size).toBeGreaterThan(100);
        expect(object.books()).toMatchObject({ ok: true });
      });
      expect(await booksOf(world, "ada")).toMatchObject({ holds: true });
    },
  );
});

const said = (table: string, why: string) => expect.stringContaining(`its row of ${table} cannot be read: ${why}`);
const holdsAll = (laws: readonly LawChecked[]) => laws.length > 0 && laws.every(({ holds }) => holds);
