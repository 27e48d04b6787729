import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import type { CustomerView } from "../../src/domain/customer.ts";
import { type CustomerTag, customerId } from "../../src/domain/ids.ts";
import { COPY_CHARS_PER_STATEMENT_MAX } from "../../src/domain/limits.ts";
import { type InvoiceFilter, invoicePage } from "../../src/ledger/invoices.ts";
import { type Projection, projectionStatements } from "../../src/ledger/projections.ts";
import {
  type SubscriptionFilter,
  scheduledCancellationPage,
  scheduledChangePage,
  subscriptionPage,
  subscriptionsOfPlan,
  versionsHolding,
} from "../../src/ledger/subscriptions.ts";
import { dump, queryPlans } from "../support/d1.ts";
import { invoiceOf, newTag, planNamed, subscriptionOf } from "../support/views.ts";

/** Copies of subscriptions and invoices in D1, and the lists made of them. */

const PAGE = { limit: 50, offset: 0 };

type Owner = { accountId: string; tag: CustomerTag };

const newOwner = (accountId: string = crypto.randomUUID()): Owner => ({ accountId, tag: newTag() });

function viewOf({ tag }: Owner, more: Partial<CustomerView> = {}): CustomerView {
  return { customerId: customerId(tag), source: "MANUAL", createdAtMs: 1, modifiedAtMs: 1, ...more };
}

async function write({ accountId, tag }: Owner, ...projections: Projection[]): Promise<void> {
  await env.DB.batch(projectionStatements(env.DB, accountId, customerId(tag), projections));
}

/** An owner whose customer row is there, as the directory makes it. */
async function known(accountId?: string): Promise<Owner> {
  const owner = newOwner(accountId);
  await write(owner, { kind: "customer", view: viewOf(owner), rev: 1 });
  return owner;
}

type Made = { number: number; rev?: number };

function subscription(
  { tag }: Owner,
  { number, rev = 1 }: Made,
  more: Parameters<typeof subscriptionOf>[2] = {},
): Projection {
  return { kind: "subscription", view: subscriptionOf(tag, number, more), rev };
}

function invoice({ tag }: Owner, { number, rev = 1 }: Made, more: Parameters<typeof invoiceOf>[2] = {}): Projection {
  return { kind: "invoice", view: invoiceOf(tag, number, more), rev };
}

const scheduledFor = ({ tag }: Owner, planId: string, version: number, effectiveAtMs: number) => ({
  scheduled: {
    changeId: customerId(tag),
    type: "DOWNGRADE" as const,
    toPlan: planNamed(planId, version),
    effectiveAtMs,
    createdAtMs: 1,
  },
});

const endingAt = (effectiveAtMs: number) => ({
  cancel: { mode: "END_OF_PERIOD" as const, askedAtMs: 1, effectiveAtMs },
});

describe("does", () => {
  test("what an object sends comes back as it was, to the last unit, with its customer", async ({ expect }) => {
    const owner = newOwner();
    const customer = viewOf(owner, {
      referenceId: "acme",
      stripeCustomerId: "cus_1",
      firstName: "Ada",
      lastName: "Lovelace",
      email: "a@b",
      phoneNumber: "1",
      address: "1 Main St",
      source: "STRIPE_IMPORTED",
      lastEventAtMs: 7,
      createdAtMs: 5,
      modifiedAtMs: 6,
      testClockId: crypto.randomUUID(),
    });
    const odd = `"quotes" \\ \u0001 \u2028 日本 😀 {"a":[1,null]} ${JSON.stringify("\ud800")}`;
    const plan = planNamed("p", 3, { name: odd, metadata: JSON.stringify({ odd }), price: 10n ** 30n + 1n });
    const held = subscriptionOf(owner.tag, 1, { plan, ...scheduledFor(owner, "q", 2, 1001), ...endingAt(1001) });
    const billed = invoiceOf(owner.tag, 9, {
      subscription: held,
      sequence: 7,
      seller: { name: odd },
      amountMinor: -Number.MAX_SAFE_INTEGER,
      lines: [
        {
          lineId: customerId(owner.tag),
          kind: "USAGE",
          description: odd,
          amountMinor: -Number.MAX_SAFE_INTEGER,
          periodStartMs: 1,
          periodEndMs: 2,
          plan: { planId: "p", version: 3 },
          usage: { segment: 1, featureId: "f", featureKey: odd, quantityE12: 10n ** 40n, lateE12: -1n },
        },
      ],
    });
    await write(
      owner,
      { kind: "customer", view: customer, nextDueAtMs: 99, rev: 1 },
      { kind: "subscription", view: held, rev: 2 },
      { kind: "invoice", view: billed, rev: 3 },
    );
    expect(await subscriptionPage(env.DB, owner.accountId, {}, PAGE)).toEqual({
      items: [{ customer, subscription: held }],
      total: 1,
    });
    expect(await invoicePage(env.DB, owner.accountId, {}, PAGE)).toEqual({
      items: [{ customer, invoice: billed }],
      total: 1,
    });
    const due = await env.DB.prepare("SELECT next_due_at_ms, test_clock_id FROM customers WHERE account_id = ?")
      .bind(owner.accountId)
      .first();
    expect(due).toEqual({ next_due_at_ms: 99, test_clock_id: customer.testClockId });
  });

  test("subscriptions are listed newest first, by status, plan and customer", async ({ expect }) => {
    const ada = await known();
    const grace = await known(ada.accountId);
    const [pro, free] = [crypto.randomUUID(), crypto.randomUUID()];
    await write(
      ada,
      subscription(ada, { number: 1 }, { plan: planNamed(pro) }),
      subscription(ada, { number: 3 }, { plan: planNamed(free), status: "CANCELLED" }),
      subscription(ada, { number: 5 }, { plan: planNamed(free), status: "SUSPENDED" }),
    );
    await write(
      grace,
      subscription(grace, { number: 2 }, { plan: planNamed(pro), status: "INCOMPLETE" }),
      subscription(grace, { number: 4 }, { plan: planNamed(free) }),
    );
    const listed = async (filter: SubscriptionFilter, page = PAGE) => {
      const { items, total } = await subscriptionPage(env.DB, ada.accountId, filter, page);
      return [items.map(({ subscription: { createdAtMs } }) => createdAtMs), total];
    };
    expect(await listed({})).toEqual([[5, 4, 3, 2, 1], 5]);
    expect(await listed({}, { limit: 2, offset: 1 })).toEqual([[4, 3], 5]);
    expect(await listed({}, { limit: 2, offset: 9 })).toEqual([[], 5]);
    expect(await listed({ status: "ACTIVE" })).toEqual([[4, 1], 2]);
    expect(await listed({ planId: free.toUpperCase() })).toEqual([[5, 4, 3], 3]);
    expect(await listed({ customerId: customerId(ada.tag) })).toEqual([[5, 3, 1], 3]);
    expect(await listed({ customerId: customerId(ada.tag), planId: free, status: "CANCELLED" })).toEqual([[3], 1]);
    expect(await listed({ planId: "nonsense" })).toEqual([[], 0]);
    expect((await subscriptionPage(env.DB, crypto.randomUUID(), {}, PAGE)).total).toBe(0);
  });

  test("what is scheduled is listed soonest first, and not what has ended", async ({ expect }) => {
    const ada = await known();
    await write(
      ada,
      subscription(ada, { number: 1 }, { ...scheduledFor(ada, "q", 1, 300), ...endingAt(10) }),
      subscription(ada, { number: 2 }, scheduledFor(ada, "q", 1, 200)),
      subscription(ada, { number: 3 }, endingAt(5)),
      subscription(ada, { number: 4 }),
      subscription(ada, { number: 5 }, { status: "CANCELLED", ...scheduledFor(ada, "q", 1, 1), ...endingAt(1) }),
      subscription(ada, { number: 6 }, { cancel: { mode: "IMMEDIATE", askedAtMs: 1, effectiveAtMs: 1 } }),
    );
    const numbers = ({ items, total }: Awaited<ReturnType<typeof scheduledChangePage>>) => [
      items.map((item) => item.subscription.createdAtMs),
      total,
    ];
    expect(numbers(await scheduledChangePage(env.DB, ada.accountId, PAGE))).toEqual([[2, 1], 2]);
    expect(numbers(await scheduledCancellationPage(env.DB, ada.accountId, PAGE))).toEqual([[3, 1], 2]);
    expect(numbers(await scheduledChangePage(env.DB, ada.accountId, { limit: 1, offset: 1 }))).toEqual([[1], 2]);
  });

  test("invoices are listed newest first, by status, by customer, and those that are due", async ({ expect }) => {
    const ada = await known();
    const grace = await known(ada.accountId);
    await write(
      ada,
      invoice(ada, { number: 1 }, { status: "PAID" }),
      invoice(ada, { number: 3 }, { status: "PAST_DUE" }),
      invoice(ada, { number: 5 }, { status: "VOID" }),
    );
    await write(grace, invoice(grace, { number: 2 }), invoice(grace, { number: 4 }, { status: "PENDING" }));
    const listed = async (filter: InvoiceFilter) => {
      const { items, total } = await invoicePage(env.DB, ada.accountId, filter, PAGE);
      return [items.map(({ invoice: { createdAtMs } }) => createdAtMs), total];
    };
    expect(await listed({})).toEqual([[5, 4, 3, 2, 1], 5]);
    expect(await listed({ status: "PENDING" })).toEqual([[4], 1]);
    expect(await listed({ onlyDue: true })).toEqual([[3, 2], 2]);
    expect(await listed({ onlyDue: false })).toEqual([[5, 4, 3, 2, 1], 5]);
    expect(await listed({ onlyDue: true, status: "PAID" })).toEqual([[], 0]);
    expect(await listed({ customerId: customerId(ada.tag).toUpperCase() })).toEqual([[5, 3, 1], 3]);
    expect(await listed({ customerId: customerId(ada.tag), onlyDue: true })).toEqual([[3], 1]);
  });

  test("an invoice shows its subscription as that is now, though its own copy is older", async ({ expect }) => {
    const ada = await known();
    const statusShown = async () => {
      const { items } = await invoicePage(env.DB, ada.accountId, {}, PAGE);
      return items[0]?.invoice.subscription?.status;
    };
    await write(ada, invoice(ada, { number: 1 }));
    expect(await statusShown()).toBe("ACTIVE");
    await write(ada, subscription(ada, { number: 1, rev: 2 }, { status: "SUSPENDED" }));
    expect(await statusShown()).toBe("SUSPENDED");
  });

  test("a plan's live subscribers are gone through by version, each once", async ({ expect }) => {
    const ada = await known();
    const planId = crypto.randomUUID();
    const versions = [1, 2, 1, 3, 2, 1];
    await write(
      ada,
      ...versions.map((version, index) =>
        subscription(ada, { number: index + 1 }, { plan: planNamed(planId, version) }),
      ),
      subscription(ada, { number: 7 }, { plan: planNamed(planId, 1), status: "CANCELLED" }),
      subscription(ada, { number: 8 }, { plan: planNamed(crypto.randomUUID(), 1) }),
    );
    const walk = async (limit: number, fromVersion?: number) => {
      const pages: number[][] = [];
      let cursor: string | undefined;
      do {
        const page = await subscriptionsOfPlan(env.DB, ada.accountId, planId, {
          exceptVersion: 3,
          limit,
          ...(fromVersion === undefined ? {} : { fromVersion }),
          ...(cursor === undefined ? {} : { cursor }),
        });
        pages.push(page.items.map((item) => item.subscription.createdAtMs));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return pages;
    };
    expect(await walk(50)).toEqual([[1, 3, 6, 2, 5]]);
    expect(await walk(2)).toEqual([[1, 3], [6, 2], [5]]);
    expect(await walk(2, 1)).toEqual([[1, 3], [6]]);
    expect(await walk(2, 3)).toEqual([[]]);
  });

  test("a feature is held by the versions that somebody has or will have", async ({ expect }) => {
    const ada = await known();
    const planId = crypto.randomUUID();
    const [chat, search] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const [version, features] of [
      [1, [chat, search]],
      [2, [chat]],
      [3, [chat, search]],
      [4, [search]],
    ] as const)
      await insertVersion(ada.accountId, planId, version, features);
    await write(
      ada,
      subscription(ada, { number: 1 }, { plan: planNamed(planId, 1) }),
      subscription(ada, { number: 2 }, { plan: planNamed(planId, 2), status: "CANCELLED" }),
      subscription(ada, { number: 3 }, { plan: planNamed("other", 1), ...scheduledFor(ada, planId, 3, 9) }),
    );
    const held = async (...ids: string[]) =>
      (await versionsHolding(env.DB, ada.accountId, ids)).map(
        ({ featureId, planKey, version }) => `${featureId === chat ? "chat" : "search"} ${planKey} ${version}`,
      );
    expect((await held(chat, search)).sort()).toEqual(["chat pro 1", "chat pro 3", "search pro 1", "search pro 3"]);
    expect(await held(crypto.randomUUID())).toEqual([]);
    await write(ada, subscription(ada, { number: 3, rev: 2 }, { plan: planNamed("other", 1) }));
    expect(await held(chat)).toEqual(["chat pro 1"]);
    expect(await versionsHolding(env.DB, crypto.randomUUID(), [chat])).toEqual([]);
  });
});

async function insertVersion(
  accountId: string,
  planId: string,
  version: number,
  featureIds: readonly string[],
): Promise<void> {
  const rules = featureIds.map((featureId) => ({ featureId, featureKey: featureId, isEnabled: true, value: {} }));
  await env.DB.prepare(
    `INSERT INTO plan_versions (account_id, plan_id, version, key, name, price, currency, interval_months, billing_timing,
       rules, created_at_ms)
     VALUES (?, ?, CAST(? AS INTEGER), 'pro', 'Pro', '0', 'USD', 1, 'IN_ADVANCE', ?, 1)`,
  )
    .bind(accountId, planId, version, JSON.stringify(rules))
    .run();
}

describe("holds", () => {
  test("copies never go backwards, come twice or late as they may", async ({ expect }) => {
    const ada = await known();
    const now = [
      subscription(ada, { number: 1, rev: 5 }, { status: "SUSPENDED" }),
      invoice(ada, { number: 1, rev: 5 }, { status: "PAST_DUE" }),
      { kind: "customer", view: viewOf(ada), nextDueAtMs: 50, rev: 5 } as const,
    ];
    await write(ada, ...now);
    const tables = ["subscriptions", "invoices", "customers"];
    const rows = () => Promise.all(tables.map((table) => dump(table, ada.accountId)));
    const before = await rows();
    await write(ada, ...now);
    await write(ada, subscription(ada, { number: 1, rev: 4 }), invoice(ada, { number: 1, rev: 5 }), {
      kind: "customer",
      view: viewOf(ada, { testClockId: "c" }),
      nextDueAtMs: 40,
      rev: 4,
    });
    expect(await rows()).toEqual(before);
    await write(
      ada,
      subscription(ada, { number: 1, rev: 6 }, { status: "CANCELLED" }),
      invoice(ada, { number: 1, rev: 6 }, { status: "PAID" }),
      { kind: "customer", view: viewOf(ada), rev: 6 },
    );
    const { items } = await subscriptionPage(env.DB, ada.accountId, { status: "CANCELLED" }, PAGE);
    expect(items).toHaveLength(1);
    expect((await invoicePage(env.DB, ada.accountId, { status: "PAID" }, PAGE)).total).toBe(1);
    expect(
      await env.DB.prepare("SELECT next_due_at_ms AS due FROM customers WHERE account_id = ?")
        .bind(ada.accountId)
        .first("due"),
    ).toBeNull();
  });

  test("many of one flush share a statement; large ones stand in several, none beyond what D1 takes", async ({
    expect,
  }) => {
    const ada = await known();
    const few = Array.from({ length: 200 }, (_, index) => subscription(ada, { number: index + 1 }));
    expect(projectionStatements(env.DB, ada.accountId, customerId(ada.tag), few)).toHaveLength(1);
    // Two plans' metadata at their longest, of characters that JSON escapes and UTF-8 writes in three bytes.
    const metadata = (letter: string) => JSON.stringify({ said: letter.repeat(20_000) });
    const large = Array.from({ length: 40 }, (_, index) =>
      invoice(
        ada,
        { number: index + 1 },
        { subscription: subscriptionOf(ada.tag, 1, { plan: planNamed("p", 1, { metadata: metadata('日"') }) }) },
      ),
    );
    const statements = projectionStatements(env.DB, ada.accountId, customerId(ada.tag), large);
    expect(statements.length).toBeGreaterThan(5);
    await env.DB.batch(statements);
    const { items, total } = await invoicePage(env.DB, ada.accountId, {}, PAGE);
    expect(total).toBe(40);
    expect(items[0]?.invoice.subscription?.plan.metadata).toBe(metadata('日"'));
  });

  test("one that is longer than a statement should be is sent alone", async ({ expect }) => {
    const ada = await known();
    const description = "x".repeat(COPY_CHARS_PER_STATEMENT_MAX);
    const line = {
      lineId: customerId(ada.tag),
      kind: "BASE" as const,
      description,
      amountMinor: 0,
      periodStartMs: 0,
      periodEndMs: 1,
    };
    const copies = [
      invoice(ada, { number: 1 }),
      invoice(ada, { number: 2 }, { lines: [line, line] }),
      invoice(ada, { number: 3 }),
    ];
    // The number of statements: a D1 statement cannot be shown by a failing assertion. Three more give sellers and numbers.
    expect(projectionStatements(env.DB, ada.accountId, customerId(ada.tag), copies).length).toBe(6);
    await write(ada, ...copies);
    expect((await invoicePage(env.DB, ada.accountId, {}, PAGE)).total).toBe(3);
  });

  test("each list finds and counts its rows in one index alone, however many others there are", async ({ expect }) => {
    const { accountId } = await known();
    type Lists = [index: string, terms: string, list: (database: D1Database) => Promise<unknown>];
    const lists: readonly Lists[] = [
      ["subscriptions_by_age", "", (db) => subscriptionPage(db, accountId, {}, PAGE)],
      ["subscriptions_by_status", " AND status=?", (db) => subscriptionPage(db, accountId, { status: "ACTIVE" }, PAGE)],
      ["subscriptions_by_plan", " AND plan_id=?", (db) => subscriptionPage(db, accountId, { planId: "p" }, PAGE)],
      [
        "subscriptions_by_customer",
        " AND customer_id=?",
        (db) => subscriptionPage(db, accountId, { customerId: "c" }, PAGE),
      ],
      ["subscriptions_changing", " AND scheduled_effective_at_ms>?", (db) => scheduledChangePage(db, accountId, PAGE)],
      ["subscriptions_ending", " AND cancel_effective_at_ms>?", (db) => scheduledCancellationPage(db, accountId, PAGE)],
      ["invoices_by_age", "", (db) => invoicePage(db, accountId, {}, PAGE)],
      ["invoices_by_status", " AND status=?", (db) => invoicePage(db, accountId, { status: "PAID" }, PAGE)],
      ["invoices_by_customer", " AND customer_id=?", (db) => invoicePage(db, accountId, { customerId: "c" }, PAGE)],
      ["invoices_due", "", (db) => invoicePage(db, accountId, { onlyDue: true }, PAGE)],
    ];
    for (const [index, terms, list] of lists) {
      const [table, id] = index.startsWith("invoices")
        ? ["invoices", "invoice_id"]
        : ["subscriptions", "subscription_id"];
      const [counted, ...page] = await queryPlans(list);
      // How many invoices an account has of each status is known, not counted.
      const isKnown = table === "invoices" && index !== "invoices_by_customer";
      expect(counted).toMatch(
        isKnown
          ? /^SEARCH invoice_counts USING PRIMARY KEY/
          : new RegExp(`^SEARCH ${table} USING COVERING INDEX ${table}_`),
      );
      // The page itself comes in order from the index; only its own rows are put in order once more.
      expect(page, index).toEqual([
        "MATERIALIZE page",
        `SEARCH t USING COVERING INDEX ${index} (account_id=?${terms})`,
        "SCAN page",
        `SEARCH t USING PRIMARY KEY (account_id=? AND ${id}=?)`,
        "SEARCH c USING PRIMARY KEY (account_id=? AND customer_id=?)",
        ...(table === "invoices"
          ? [
              expect.stringMatching(/^CORRELATED SCALAR SUBQUERY/),
              "SEARCH s USING PRIMARY KEY (account_id=? AND subscription_id=?)",
            ]
          : []),
        "USE TEMP B-TREE FOR ORDER BY",
      ]);
    }
  });

  test("the list says how many invoices there are, however they come, change and go", async ({ expect }) => {
    const ada = await known();
    const bob = await known(ada.accountId);
    const totals = async () => {
      const total = async (filter: Parameters<typeof invoicePage>[2]) =>
        (await invoicePage(env.DB, ada.accountId, filter, PAGE)).total;
      return [await total({}), await total({ onlyDue: true }), await total({ status: "PAID" })];
    };
    expect(await totals()).toEqual([0, 0, 0]);
    await write(ada, invoice(ada, { number: 1 }), invoice(ada, { number: 2 }, { status: "PAID" }));
    await write(bob, invoice(bob, { number: 1 }, { status: "PAST_DUE" }));
    expect(await totals()).toEqual([3, 2, 1]);
    // The same again changes nothing.
    await write(ada, invoice(ada, { number: 1 }), invoice(ada, { number: 2 }, { status: "PAID" }));
    expect(await totals()).toEqual([3, 2, 1]);
    await write(ada, invoice(ada, { number: 1, rev: 99 }, { status: "PAID" }));
    expect(await totals()).toEqual([3, 1, 2]);
    expect((await invoicePage(env.DB, ada.accountId, { onlyDue: true, status: "PAID" }, PAGE)).total).toBe(0);
    await env.DB.prepare("DELETE FROM invoices WHERE account_id = ? AND status = 'PAID'").bind(ada.accountId).run();
    expect(await totals()).toEqual([1, 1, 0]);
  });

  test("a plan's subscribers and a version's are found by plan and version", async ({ expect }) => {
    const { accountId } = await known();
    const walk = (more: { fromVersion?: number }) =>
      queryPlans((db) => subscriptionsOfPlan(db, accountId, "p", { exceptVersion: 2, limit: 5, ...more }));
    const live = "SEARCH t USING COVERING INDEX subscriptions_live (account_id=? AND plan_id=? AND";
    expect(await walk({})).toContain(`${live} (plan_version,subscription_id)>(?,?))`);
    expect(await walk({ fromVersion: 1 })).toContain(`${live} plan_version=? AND subscription_id>?)`);
    const held = await queryPlans((db) => versionsHolding(db, accountId, ["f"]));
    expect(held.filter((line) => / [st] USING/.test(line))).toEqual([
      "SEARCH s USING COVERING INDEX subscriptions_live (account_id=? AND plan_id=? AND plan_version=?)",
      "SEARCH s USING COVERING INDEX subscriptions_changing (account_id=? AND scheduled_effective_at_ms>?)",
    ]);
  });
});
