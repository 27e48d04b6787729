import { describe, test } from "vitest";
import { customersAfter } from "../../src/catalog/customers.ts";
import type { InvoiceFilter } from "../../src/ledger/invoices.ts";
import { invoicePage, invoicesBehind } from "../../src/ledger/invoices.ts";
import { type SubscriptionFilter, subscriptionPage } from "../../src/ledger/subscriptions.ts";
import { queryPlans } from "../support/d1.ts";

/** How the operator's lists find their rows, under each condition and all of them together. */

const PAGE = { limit: 50, offset: 99_950 };
const ACCOUNT = "a";

/** Every choice among these conditions, none and all of them included. */
function choices<T extends object>(conditions: T): Partial<T>[] {
  let chosen: Partial<T>[] = [{}];
  for (const [name, value] of Object.entries(conditions))
    chosen = [...chosen, ...chosen.map((one) => ({ ...one, [name]: value }))];
  return chosen;
}

type Conditions = { customerId?: string; planId?: string; type?: string; status?: string; onlyDue?: boolean };

/** The narrowest of the conditions that are given: one customer has few rows, a plan or a type more, a status most. */
function narrowest(filter: Conditions): string {
  if (filter.customerId !== undefined) return "by_customer";
  if (filter.planId !== undefined) return "by_plan";
  if (filter.type !== undefined) return "by_type";
  if (filter.status !== undefined) return "by_status";
  return filter.onlyDue ? "due" : "by_age";
}

const indexOf = (filter: Conditions) => new RegExp(`USING COVERING INDEX invoices_${narrowest(filter)} `);

const isNarrow = (filter: Conditions) => !["by_age", "due"].includes(narrowest(filter));

const isOrdering = (line: string) => line.startsWith("USE TEMP B-TREE");

describe("holds", () => {
  const conditions = { status: "DUE", type: "CREDIT", customerId: "c", onlyDue: true } satisfies InvoiceFilter;
  const ever: InvoiceFilter[] = choices(conditions);
  const invoices = [...ever, ...ever.map((filter) => ({ ...filter, startMs: 1, endMs: 2 }))];
  const subscriptions = choices<Required<SubscriptionFilter>>({ status: "ACTIVE", planId: "p", customerId: "c" });

  test.for(invoices)("invoices %o are counted and found in one index alone", async (filter, { expect }) => {
    const [counted, ...page] = await queryPlans((db) => invoicePage(db, ACCOUNT, filter, PAGE));
    const index = indexOf(filter);
    // Those of all customers, of any time and type, have been counted.
    const known = /^SEARCH invoice_counts USING PRIMARY KEY \(account_id=\? AND status=\?\)$/;
    const { status, onlyDue, ...narrower } = filter;
    // Two statuses in a range of instants are two short stretches of their index.
    const counts = narrowest(filter) === "due" ? /USING COVERING INDEX invoices_by_status / : index;
    expect(counted).toMatch(Object.keys(narrower).length === 0 ? known : counts);
    expect(page.find((line) => line.startsWith("SEARCH t"))).toMatch(index);
    // Only the page's own rows are put in order once more.
    expect(page.filter(isOrdering)).toHaveLength(1);
    expect(page.at(-1)).toMatch(/^USE TEMP B-TREE/);
    expect(page.filter((line) => line.startsWith("SCAN"))).toEqual(["SCAN page"]);
  });

  test("invoices of one subscription are looked for among its customer's", async ({ expect }) => {
    const filter = { customerId: "c", subscriptionId: "s" };
    const [counted, ...page] = await queryPlans((db) => invoicePage(db, ACCOUNT, filter, PAGE));
    const index = /USING INDEX invoices_by_customer \(account_id=\? AND customer_id=\?\)/;
    expect(counted).toMatch(index);
    expect(page.join("\n")).toMatch(index);
    expect(page.filter((line) => line.startsWith("SCAN"))).toEqual(["SCAN page"]);
  });

  test.for(invoices)("invoices %o go on behind one of them by the same index", async (filter, { expect }) => {
    const after = { createdAtMs: 1, invoiceId: "i" };
    const page = await queryPlans((db) => invoicesBehind(db, ACCOUNT, filter, { after, limit: 500 }));
    const found = page.find((line) => line.startsWith("SEARCH t"));
    expect(found).toMatch(indexOf(filter));
    expect(found).toContain("(created_at_ms,invoice_id)<(?,?)");
    expect(found?.includes("created_at_ms>?")).toBe("startMs" in filter);
    expect(page.filter(isOrdering)).toHaveLength(1);
    expect(page.filter((line) => line.startsWith("SCAN"))).toEqual(["SCAN page"]);
  });

  test.for(subscriptions)("subscriptions %o are counted and found in one index alone", async (filter, { expect }) => {
    const [counted, ...page] = await queryPlans((db) => subscriptionPage(db, ACCOUNT, filter, PAGE));
    const index = new RegExp(`USING COVERING INDEX subscriptions_${narrowest(filter)} `);
    expect(counted).toMatch(isNarrow(filter) ? index : /^SEARCH subscriptions USING COVERING INDEX/);
    expect(page.find((line) => line.startsWith("SEARCH t"))).toMatch(index);
    expect(page.filter(isOrdering)).toHaveLength(1);
    expect(page.filter((line) => line.startsWith("SCAN"))).toEqual(["SCAN page"]);
  });

  test("the walk through all customers, erased ones too, goes on by index", async ({ expect }) => {
    const plans = await queryPlans((db) => customersAfter(db, ACCOUNT, "c", 50));
    const searches = plans.filter((line) => /^S(EARCH|CAN) /.test(line));
    expect(searches).toEqual([
      expect.stringMatching(/^SEARCH customer_identities USING .*INDEX \S+ \(account_id=\? AND customer_id>\?\)$/),
      "SEARCH erased_names USING COVERING INDEX erased_names_by_customer (account_id=? AND customer_id>?)",
    ]);
    expect(plans.filter(isOrdering)).toEqual([]);
  });
});
