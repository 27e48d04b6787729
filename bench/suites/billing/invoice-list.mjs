import { customerId, customerThingId, tagFromBytes } from "../../../src/domain/ids.ts";
import { invoiceNumber } from "../../../src/domain/invoice.ts";
import { floorProbes } from "../../floors/floors.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { askDatabase, call, openAccount, openCustomer } from "../../harness/world.mjs";
import { getRequest } from "../../requests/makers.mjs";
import { openPlan } from "../platform/plans.mjs";

const CUSTOMERS = 1000;
const ROWS_PER_STATEMENT = 1000;
const MONTH_MS = 30 * 86_400_000;
const LIST = "GET invoices";
const DUE = "GET invoices, due";
const FLOOR = "floor: SELECT 1 on D1";

const COLUMNS = [
  "account_id, invoice_id, customer_id, subscription_id, status, type, currency, subtotal_minor, tax_minor, total_minor",
  "due_at_ms, created_at_ms, sequence, seller, body, rev",
].join(", ");

/** A page of an account's invoices among many, beside what D1 takes to answer nothing. */
export const invoiceListSection = {
  name: "invoice list",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Invoices");
    await fillInvoices(world, account, options.invoices);
    const path = "/api/v1/monetization/billing/invoices";
    const { pagination } = await call(world, account.key, "GET", path);
    if (pagination.total < options.invoices)
      throw new Error(`invoice list: counts ${pagination.total} of ${options.invoices} invoices`);
    const url = world.engine.addresses.engine;
    const probe = (name, asked) => ({
      name,
      instance: world.engine,
      job: { url, request: getRequest({ path: asked, headers: account.headers }) },
    });
    const figures = await interleave({
      client: world.client,
      probes: [
        floorProbes(world.floors).find(({ name }) => name === FLOOR),
        probe(LIST, path),
        probe(DUE, `${path}?onlyDue=true`),
      ],
      connections: 1,
      rounds: options.rounds,
      seconds: options.seconds,
    });
    const line = (measure, which) =>
      lineOver(figures, {
        name: `${which} of ${options.invoices.toLocaleString("en")} invoices: p50`,
        measure,
        floor: FLOOR,
        field: "p50",
        target: { atMost: 10 },
      });
    return {
      figures: figuresOf(figures, 1),
      lines: [line(LIST, "the newest 50"), line(DUE, "the newest 50 due")],
    };
  },
};

/**
 * Invoices straight into D1: one that a real customer got, again and again, for many customers over many months. The oldest are paid,
 * one in twenty is due.
 */
async function fillInvoices(world, account, count) {
  const { accountId } = account;
  const planId = await openPlan(world, account, { key: "billed", price: 10 });
  await openCustomer(world, account, "billed");
  await call(world, account.key, "POST", "/api/v1/client/subscriptions", { customerReferenceId: "billed", planId });
  const tags = Array.from({ length: CUSTOMERS }, () => tagFromBytes(crypto.getRandomValues(new Uint8Array(8))));
  const nowMs = Date.now();
  await askDatabase(world, [
    {
      sql: `INSERT INTO customers (account_id, customer_id, reference_id, source, created_at_ms, modified_at_ms)
        SELECT ?1, value, 'billed-' || key, 'MANUAL', ?3, ?3 FROM json_each(?2)`,
      values: [accountId, JSON.stringify(tags.map(customerId)), nowMs],
    },
  ]);
  for (let from = 0; from < count; from += ROWS_PER_STATEMENT) {
    const rows = Array.from({ length: Math.min(ROWS_PER_STATEMENT, count - from) }, (_, at) => {
      const index = from + at;
      const tag = tags[index % CUSTOMERS];
      const place = Math.floor(index / CUSTOMERS) + 1;
      const id = customerThingId(tag, "invoice", invoiceNumber(1, place));
      return [id, customerId(tag), customerThingId(tag, "subscription", 1), index % 20 === 0 ? "DUE" : "PAID", index];
    });
    await askDatabase(world, [
      {
        sql: `INSERT INTO invoices (${COLUMNS})
          SELECT i.account_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, i.type, i.currency, i.subtotal_minor,
            i.tax_minor, i.total_minor, i.due_at_ms, CAST(?3 AS INTEGER) + (value ->> 4), (value ->> 4) + 2, i.seller,
            json_set(i.body, '$.invoiceId', value ->> 0, '$.status', value ->> 3), 1
          FROM json_each(?2) CROSS JOIN (SELECT * FROM invoices WHERE account_id = ?1 LIMIT 1) i`,
        values: [accountId, JSON.stringify(rows), nowMs - MONTH_MS],
      },
    ]);
  }
}
