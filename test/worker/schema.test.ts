import { env } from "cloudflare:workers";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { getTableConfig, type SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, test } from "vitest";
import * as paymentTables from "../../src/catalog/payment-tables.ts";
import * as catalogTables from "../../src/catalog/tables.ts";
import * as ledgerTables from "../../src/ledger/tables.ts";

/** D1's tables as the migrations left them. */

type TableRow = { name: string; strict: number; wr: number };
type ColumnRow = { name: string; type: string; notnull: number; pk: number; dflt_value: string | null };
type IndexRow = { name: string; unique: number; origin: string };

const DRIZZLE = [catalogTables, paymentTables, ledgerTables]
  .flatMap((tables): unknown[] => Object.values(tables))
  .filter((value) => is(value, SQLiteTable));

/** A default as SQL writes it; drizzle knows it as a value of the domain. */
function defaultSql(column: SQLiteColumn): string | null {
  if (column.default === undefined) return null;
  const value: unknown = column.mapToDriverValue(column.default);
  return typeof value === "number" ? String(value) : `'${value}'`;
}

async function ownTables(): Promise<TableRow[]> {
  const { results } = await env.DB.prepare("PRAGMA table_list").all<TableRow & { schema: string; type: string }>();
  return results.filter(
    ({ name, schema, type }) => schema === "main" && type === "table" && !/^(sqlite_|_cf_|d1_migrations$)/.test(name),
  );
}

async function columnsOf(table: string): Promise<ColumnRow[]> {
  return (await env.DB.prepare(`PRAGMA table_info("${table}")`).all<ColumnRow>()).results;
}

/** The columns of each key and index of a table, in order, by the index's name. */
async function keysOf(table: string): Promise<Map<string, string[]>> {
  const primary = (await columnsOf(table)).filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const keys = new Map([[`${table} PRIMARY KEY`, primary.map(({ name }) => name)]]);
  const { results } = await env.DB.prepare(`PRAGMA index_list("${table}")`).all<IndexRow>();
  for (const { name, origin } of results) {
    if (origin === "pk") continue;
    const columns = await env.DB.prepare(`PRAGMA index_info("${name}")`).all<{ seqno: number; name: string }>();
    keys.set(
      name,
      columns.results.sort((a, b) => a.seqno - b.seqno).map((column) => column.name),
    );
  }
  return keys;
}

/** Keys that do not begin with the account, and why they need not. */
const EXCEPTIONS: Record<string, string> = {
  "api_keys PRIMARY KEY": "a caller shows nothing but the key: its digest leads to the account",
  "console_sessions PRIMARY KEY": "a browser shows nothing but the cookie: its digest leads to the account",
  "cron_runs PRIMARY KEY": "a run is the deployment's",
  cron_runs_by_time: "a run is the deployment's",
  "cron_cursors PRIMARY KEY": "a task is the deployment's",
  customers_by_due: "the cron wakes overdue customers of all accounts, those that wait longest first",
  accounts_by_slug: "a slug is part of a public address: one of each in a deployment",
  requests_by_age: "the cron deletes old answers of all accounts",
  object_health_quarantined: "/health counts those of all accounts",
  stripe_connections_to_reconcile: "the cron compares the books of all accounts, those that wait longest first",
  webhook_events_open: "the cron takes up webhooks of all accounts, those that wait longest first",
  webhook_events_to_forget: "the cron forgets old webhooks of all accounts",
};

describe("does", () => {
  test("drizzle sees the tables that the migrations made, column by column", async ({ expect }) => {
    expect(DRIZZLE.length).toBeGreaterThan(9);
    for (const table of DRIZZLE) {
      const name = getTableName(table);
      const { primaryKeys } = getTableConfig(table);
      const composite = primaryKeys[0]?.columns.map((column) => column.name) ?? [];
      const seen = Object.values(getTableColumns(table)).map((column) => ({
        table: name,
        name: column.name,
        type: column.getSQLType().toUpperCase(),
        notNull: column.notNull || column.primary || composite.includes(column.name),
        inKey: column.primary || composite.includes(column.name),
        default: defaultSql(column),
      }));
      const made = (await columnsOf(name)).map((column) => ({
        table: name,
        name: column.name,
        type: column.type,
        notNull: column.notnull === 1,
        inKey: column.pk > 0,
        default: column.dflt_value,
      }));
      expect(seen).toEqual(made);
      const primary = (await keysOf(name)).get(`${name} PRIMARY KEY`);
      if (composite.length > 0) expect(composite).toEqual(primary);
    }
  });
});

describe("holds", () => {
  test("every table is STRICT, and WITHOUT ROWID: keys are text", async ({ expect }) => {
    const own = await ownTables();
    expect(own.length).toBeGreaterThan(8);
    for (const { name, strict, wr } of own) expect({ name, strict, wr }).toEqual({ name, strict: 1, wr: 1 });
  });

  test("every key and index begins with the account, but those with a reason", async ({ expect }) => {
    const others: string[] = [];
    for (const { name } of await ownTables())
      for (const [key, columns] of await keysOf(name)) if (columns[0] !== "account_id") others.push(key);
    expect(others.sort()).toEqual(Object.keys(EXCEPTIONS).sort());
  });

  test("every table but the deployment's own names the account of each row", async ({ expect }) => {
    for (const { name } of await ownTables()) {
      if (name === "cron_runs" || name === "cron_cursors") continue;
      const account = (await columnsOf(name)).find((column) => column.name === "account_id");
      expect({ name, account: account?.type, notNull: account?.notnull }).toEqual({
        name,
        account: "TEXT",
        notNull: 1,
      });
    }
  });
});
