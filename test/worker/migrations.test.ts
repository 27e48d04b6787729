import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, test } from "vitest";

/** Databases of earlier releases, with what was in them, under the migrations that came since. */

/** The last migration of the release in which customers had no subscriptions yet. */
const BEFORE_SUBSCRIPTIONS = "0006_plans.sql";

/** A row of every table that the later migrations touch or lean on, as that release wrote them. */
const ROWS: [table: string, row: Record<string, string | number | null>][] = [
  ["accounts", { account_id: "a", name: "Old", mode: "test", currency: "USD", created_at_ms: 1, modified_at_ms: 1 }],
  [
    "customers",
    {
      account_id: "a",
      customer_id: "c1",
      reference_id: "ada",
      source: "MANUAL",
      created_at_ms: 1,
      modified_at_ms: 2,
      rev: 7,
    },
  ],
  [
    "customers",
    { account_id: "a", customer_id: "c2", source: "EVENT_AUTO_CREATED", created_at_ms: 3, modified_at_ms: 3, rev: 1 },
  ],
  ["customer_identities", { account_id: "a", kind: "reference", value: "ada", customer_id: "c1" }],
  ["features", { account_id: "a", feature_id: "f", key: "chat", name: "Chat", created_at_ms: 1, modified_at_ms: 1 }],
  [
    "plans",
    {
      account_id: "a",
      plan_id: "p",
      key: "pro",
      name: "Pro",
      description: "For teams.",
      price: "49.5",
      currency: "USD",
      interval_months: 1,
      billing_timing: "IN_ADVANCE",
      status: "ACTIVE",
      version: 1,
      created_at_ms: 1,
      modified_at_ms: 1,
    },
  ],
];

/** The last migration of the release in which nothing summed up what invoices bill. */
const BEFORE_BILLED = "0011_credit_pools.sql";

/** An invoice as that release copied it. */
function oldInvoice(invoiceId: string, lines: object[]): (string | number)[] {
  const body = JSON.stringify({ invoiceId, lines });
  return ["a", invoiceId, "c1", "s", "DUE", "REGULAR", "USD", 900, 7, 7, body, 1];
}

const PRO = { planId: "p", version: 1 };
const INVOICES = [
  oldInvoice("i1", [
    { kind: "BASE", amountMinor: 1000, plan: PRO },
    { kind: "USAGE", amountMinor: 30, plan: PRO },
    { kind: "USAGE", amountMinor: 12, plan: { planId: "q", version: 2 } },
    { kind: "PRORATION", amountMinor: -40, plan: PRO },
    { kind: "CREDIT", amountMinor: -2, plan: PRO },
    // From the credit balance: it names no plan.
    { kind: "CREDIT", amountMinor: -100 },
  ]),
  oldInvoice("i2", []),
];

/** What customers have since: nothing is due, nobody lives by a clock, has a tax id, or was erased. */
const ADDED = { next_due_at_ms: null, test_clock_id: null, tax_id: null, erased_at_ms: null };

async function rowsOf(table: string): Promise<Record<string, unknown>[]> {
  return (await env.OLD_DB.prepare(`SELECT * FROM ${table}`).all()).results;
}

describe("holds", () => {
  test("what an earlier release wrote is there after the migrations, nobody is overdue or in a test clock, and what was billed is known", async ({
    expect,
  }) => {
    const since = env.TEST_MIGRATIONS.findIndex(({ name }) => name === BEFORE_SUBSCRIPTIONS) + 1;
    expect(since).toBe(6);
    await applyD1Migrations(env.OLD_DB, env.TEST_MIGRATIONS.slice(0, since));
    for (const [table, row] of ROWS) {
      const columns = Object.keys(row);
      await env.OLD_DB.prepare(
        `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      )
        .bind(...Object.values(row))
        .run();
    }
    const before = new Map<string, Record<string, unknown>[]>();
    for (const [table] of ROWS) before.set(table, await rowsOf(table));
    const billed = env.TEST_MIGRATIONS.findIndex(({ name }) => name === BEFORE_BILLED) + 1;
    expect(billed).toBe(11);
    await applyD1Migrations(env.OLD_DB, env.TEST_MIGRATIONS.slice(0, billed));
    for (const table of ["subscriptions", "invoices", "test_clocks", "cron_cursors"])
      expect(await rowsOf(table), table).toEqual([]);
    for (const row of INVOICES)
      await env.OLD_DB.prepare(
        `INSERT INTO invoices (account_id, invoice_id, customer_id, subscription_id, status, type, currency, amount_minor,
           due_at_ms, created_at_ms, body, rev) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
        .bind(...row)
        .run();
    await applyD1Migrations(env.OLD_DB, env.TEST_MIGRATIONS);
    for (const [table, rows] of before) {
      const added = table === "customers" ? ADDED : {};
      expect(await rowsOf(table), table).toEqual(rows.map((row) => ({ ...row, ...added })));
    }
    expect(await rowsOf("invoices")).toMatchObject([
      { invoice_id: "i1", base_minor: 1000, usage_minor: 42, proration_minor: -40, credit_minor: -2 },
      { invoice_id: "i2", base_minor: 0, usage_minor: 0, proration_minor: 0, credit_minor: 0 },
    ]);
    expect(await rowsOf("invoice_plans")).toEqual([
      { account_id: "a", plan_id: "p", due_at_ms: 7, invoice_id: "i1" },
      { account_id: "a", plan_id: "q", due_at_ms: 7, invoice_id: "i1" },
    ]);
    // And again, as each start does: nothing is left to apply.
    await applyD1Migrations(env.OLD_DB, env.TEST_MIGRATIONS);
    expect(await rowsOf("customers")).toHaveLength(2);
  });
});
