import type { CustomerView } from "../domain/customer.ts";
import {
  INVOICE_STATUSES,
  type InvoiceStatus,
  type InvoiceType,
  isNumbered,
  type Seller,
  taxOf,
} from "../domain/invoice.ts";
import { fromJsonText, jsonText } from "../domain/json-text.ts";
import type { InvoiceView, SubscriptionView } from "../domain/views.ts";
import { type CopyRow, countStatement, type Listing, pageStatement, rowTexts } from "./copies.ts";
import { customerFromRow } from "./customer-row.ts";

/**
 * Copies of invoices, which their customers' objects send, for lists and for what was billed; and what D1 alone can decide about
 * one: its number, for which there is one counter in an account, and who sold it, which the account's settings say. Both are given
 * in the batch that brings the copy, once, and read in the same batch, so that the object learns them.
 */

const BILLED_KINDS = ["BASE", "USAGE", "PRORATION", "CREDIT"] as const;

/**
 * What the lines of one kind come to. Lines of the credit balance name no plan and are not among them: they move money that was
 * counted when it was billed or given back.
 */
function billedMinor({ lines }: InvoiceView, of: (typeof BILLED_KINDS)[number]): number {
  return lines.reduce(
    (sum, { kind, plan, amountMinor }) => sum + (kind === of && plan !== undefined ? amountMinor : 0),
    0,
  );
}

/** What D1 gave an invoice. */
export type InvoiceFacts = { sequence?: number; seller?: Seller };

type InvoiceCopy = { view: InvoiceView; rev: number };

/** The statements that write these invoices of one customer, each over a lower rev only, and give those numbers that want one. */
export function invoiceStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  copies: readonly InvoiceCopy[],
): D1PreparedStatement[] {
  const rows = copies.map(({ view, rev }) => [
    view.invoiceId,
    // Of none: a purchase.
    view.subscription?.subscriptionId ?? "",
    view.status,
    view.type,
    view.currency,
    view.amountMinor - taxOf(view),
    taxOf(view),
    view.amountMinor,
    view.dueAtMs,
    view.createdAtMs,
    view.sequence ?? null,
    view.seller === undefined ? null : jsonText(view.seller),
    rev,
    view,
    ...BILLED_KINDS.map((kind) => billedMinor(view, kind)),
  ]);
  const named = copies.flatMap(({ view }) =>
    [...new Set(view.lines.flatMap(({ plan }) => plan?.planId ?? []))].map((planId) => [
      planId,
      view.dueAtMs,
      view.invoiceId,
    ]),
  );
  const written = rowTexts(rows).map((text) =>
    database
      .prepare(
        `INSERT INTO invoices (account_id, customer_id, invoice_id, subscription_id, status, type, currency, subtotal_minor,
           tax_minor, total_minor, due_at_ms, created_at_ms, sequence, seller, rev, body,
           base_minor, usage_minor, proration_minor, credit_minor)
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value -> 13,
           value ->> 14, value ->> 15, value ->> 16, value ->> 17
         FROM json_each(?3) WHERE true
         -- Of the id alone: a number that another invoice has fails here, and is not written over that one.
         ON CONFLICT (account_id, invoice_id) DO UPDATE SET status = excluded.status, type = excluded.type, currency = excluded.currency,
           subtotal_minor = excluded.subtotal_minor, tax_minor = excluded.tax_minor, total_minor = excluded.total_minor,
           due_at_ms = excluded.due_at_ms, created_at_ms = excluded.created_at_ms,
           -- What was given stays; what a rebuilt table lacks is what the object was told.
           sequence = COALESCE(sequence, excluded.sequence), seller = COALESCE(seller, excluded.seller),
           rev = excluded.rev, body = excluded.body, base_minor = excluded.base_minor,
           usage_minor = excluded.usage_minor, proration_minor = excluded.proration_minor,
           credit_minor = excluded.credit_minor
         WHERE excluded.rev > rev`,
      )
      .bind(accountId, customerId, text),
  );
  const sold = copies.filter(({ view }) => view.status !== "PENDING" && view.seller === undefined).map(idOf);
  const numbered = copies.filter(({ view }) => isNumbered(view) && view.sequence === undefined).map(idOf);
  return [
    ...written,
    ...(sold.length === 0 ? [] : [sellerStatement(database, accountId, sold)]),
    ...(named.length === 0 ? [] : [planHints(database, accountId, named)]),
    ...(numbered.length === 0 ? [] : [...numberStatements(database, accountId, numbered)]),
  ];
}

function idOf({ view }: InvoiceCopy): string {
  return view.invoiceId;
}

/**
 * Which plans an invoice names, by when it is due: where to look. Whoever reads looks at the invoice itself, so a row that is no
 * longer true says nothing wrong.
 */
function planHints(
  database: D1Database,
  accountId: string,
  named: readonly (string | number)[][],
): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO invoice_plans (account_id, plan_id, due_at_ms, invoice_id)
       SELECT ?1, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING`,
    )
    .bind(accountId, JSON.stringify(named));
}

/**
 * Freezes who sold when it became due, which may be a while ago: while D1 was away, or nobody asked for the customer, the settings may have
 * changed. The account's own name where its settings say no other. Instants of a test clock say nothing of when settings changed: there
 * it is who sells now.
 */
function sellerStatement(database: D1Database, accountId: string, ids: readonly string[]): D1PreparedStatement {
  return database
    .prepare(
      `UPDATE invoices SET seller = (
         SELECT json_set(COALESCE(said.seller, '{}'), '$.name', COALESCE(said.seller ->> '$.name', said.name))
         FROM (
           SELECT until_ms, name, seller FROM account_sellers
           WHERE account_id = ?1 AND until_ms > invoices.due_at_ms AND NOT EXISTS (
             SELECT 1 FROM customers c
             WHERE c.account_id = ?1 AND c.customer_id = invoices.customer_id AND c.test_clock_id IS NOT NULL
           )
           UNION ALL
           SELECT NULL, name, settings -> '$.seller' FROM accounts WHERE account_id = ?1
         ) said
         ORDER BY said.until_ms IS NULL, said.until_ms LIMIT 1
       )
       WHERE account_id = ?1 AND seller IS NULL AND invoice_id IN (SELECT value FROM json_each(?2))`,
    )
    .bind(accountId, JSON.stringify(ids));
}

/**
 * The next numbers of the account, in the order in which the invoices became due, and a note of the last one. One that has its number
 * keeps it. Copies that are missing, because they were lost, have numbers too: the note knows of them.
 */
function numberStatements(
  database: D1Database,
  accountId: string,
  ids: readonly string[],
): [D1PreparedStatement, D1PreparedStatement] {
  return [
    database
      .prepare(
        `WITH last AS MATERIALIZED (
           SELECT MAX(
             COALESCE((SELECT MAX(sequence) FROM invoices WHERE account_id = ?1 AND sequence IS NOT NULL), 0),
             COALESCE((SELECT sequence FROM invoice_last_numbers WHERE account_id = ?1), 0)
           ) AS n
         ),
         wanting AS MATERIALIZED (
           SELECT i.invoice_id, ROW_NUMBER() OVER (ORDER BY i.due_at_ms, i.invoice_id) AS place FROM json_each(?2) j
           CROSS JOIN invoices i ON i.account_id = ?1 AND i.invoice_id = j.value WHERE i.sequence IS NULL
         )
         UPDATE invoices SET sequence = last.n + wanting.place FROM wanting CROSS JOIN last
         WHERE invoices.account_id = ?1 AND invoices.invoice_id = wanting.invoice_id`,
      )
      .bind(accountId, JSON.stringify(ids)),
    database
      .prepare(
        `INSERT INTO invoice_last_numbers (account_id, sequence)
         SELECT account_id, MAX(sequence) FROM invoices WHERE account_id = ? AND sequence IS NOT NULL GROUP BY account_id
         ON CONFLICT DO UPDATE SET sequence = excluded.sequence WHERE excluded.sequence > sequence`,
      )
      .bind(accountId),
  ];
}

/** What D1 gave these invoices; the last of a batch that may have given it. */
export function invoiceFactsStatement(
  database: D1Database,
  accountId: string,
  ids: readonly string[],
): D1PreparedStatement {
  return database
    .prepare(
      `SELECT invoice_id, sequence, seller FROM invoices
       WHERE account_id = ? AND invoice_id IN (SELECT value FROM json_each(?))`,
    )
    .bind(accountId, JSON.stringify(ids));
}

type FactsRow = { invoice_id: string; sequence: number | null; seller: string | null };

/** What that statement answered, by invoice. */
export function invoiceFacts(rows: readonly unknown[]): Map<string, InvoiceFacts> {
  return new Map((rows as FactsRow[]).map((row) => [row.invoice_id, factsOf(row)]));
}

function factsOf({ sequence, seller }: Pick<FactsRow, "sequence" | "seller">): InvoiceFacts {
  return {
    ...(sequence === null ? {} : { sequence }),
    ...(seller === null ? {} : { seller: JSON.parse(seller) as Seller }),
  };
}

/** An invoice with its customer. */
export type ListedInvoice = { customer: CustomerView; invoice: InvoiceView };

/**
 * Which invoices; all conditions must hold. `onlyDue`: those that wait for their money, DUE and PAST_DUE. `startMs`, `endMs`: made in
 * `[startMs, endMs)`.
 */
export type InvoiceFilter = {
  /** The number of one, without its prefix. */
  sequence?: number;
  status?: InvoiceStatus;
  type?: InvoiceType;
  customerId?: string;
  /** Asked for with its customer, along whose index it is found. */
  subscriptionId?: string;
  onlyDue?: boolean;
  startMs?: number;
  endMs?: number;
};

/** The invoice behind which a page begins. */
export type InvoicePlace = { createdAtMs: number; invoiceId: string };

function listingOf(filter: InvoiceFilter, after?: InvoicePlace): Listing {
  const { sequence, status, type, customerId, subscriptionId, onlyDue = false, startMs, endMs } = filter;
  // Of one customer fewest are looked through, then of one type, then of one status: the signs keep SQLite from the other indexes.
  const typeColumn = customerId === undefined ? "type" : "+type";
  const statusColumn = type === undefined ? "status" : "+status";
  const asked = [
    ["sequence = ?", sequence],
    [`${statusColumn} = ?`, status],
    [`${typeColumn} = ?`, type],
    ["customer_id = ?", customerId?.toLowerCase()],
    ["subscription_id = ?", subscriptionId?.toLowerCase()],
    ["created_at_ms >= ?", startMs],
    // The invoice behind which a page begins was made before it, too; two upper bounds would cost the index the closer one.
    ["created_at_ms < ?", after === undefined ? endMs : undefined],
  ] as const;
  const given = asked.flatMap(([term, value]) => (value === undefined ? [] : [{ term, value }]));
  return {
    table: "invoices",
    index: subscriptionId === undefined ? undefined : "invoices_by_customer",
    id: "invoice_id",
    terms: [
      ...given.map(({ term }) => term),
      // As the partial index says it, or SQLite would not see that it fits.
      ...(onlyDue ? [`${statusColumn} IN ('DUE', 'PAST_DUE')`] : []),
      ...(after === undefined ? [] : ["(created_at_ms, invoice_id) < (?, ?)"]),
    ],
    bound: [...given.map(({ value }) => value), ...(after === undefined ? [] : [after.createdAtMs, after.invoiceId])],
    order: ["created_at_ms DESC", "invoice_id DESC"],
    // An invoice keeps the subscription as it was when the invoice last changed; shown is what it is now.
    also: `t.sequence, t.seller,
      (SELECT s.body FROM subscriptions s WHERE s.account_id = t.account_id AND s.subscription_id = t.subscription_id)
      AS subscription_body`,
  };
}

type InvoiceRow = CopyRow & FactsRow & { subscription_body: string | null };

function listed(row: InvoiceRow): ListedInvoice {
  const invoice = { ...fromJsonText<InvoiceView>(row.body), ...factsOf(row) };
  const subscription =
    row.subscription_body === null ? undefined : fromJsonText<SubscriptionView>(row.subscription_body);
  return {
    customer: customerFromRow(row),
    invoice: { ...invoice, ...(subscription === undefined ? {} : { subscription }) },
  };
}

/** An account's invoices are known by their statuses (`migrations/0019_invoice_counts.sql`); what is narrower is counted. */
function invoiceCountStatement(
  database: D1Database,
  accountId: string,
  { status, onlyDue = false, ...narrower }: InvoiceFilter,
  listing: Listing,
): D1PreparedStatement {
  if (Object.values(narrower).some((value) => value !== undefined)) return countStatement(database, accountId, listing);
  const asked = INVOICE_STATUSES.filter(
    (one) => (status === undefined || one === status) && (!onlyDue || one === "DUE" || one === "PAST_DUE"),
  );
  return database
    .prepare(
      `SELECT COALESCE(SUM(n), 0) AS n FROM invoice_counts
       WHERE account_id = ? AND status IN (${asked.map(() => "?").join(", ")})`,
    )
    .bind(accountId, ...asked);
}

/** A page of an account's invoices, newest first. */
export async function invoicePage(
  database: D1Database,
  accountId: string,
  filter: InvoiceFilter,
  page: { limit: number; offset: number },
): Promise<{ items: ListedInvoice[]; total: number }> {
  const listing = listingOf(filter);
  const [counted, rows] = await database.batch<unknown>([
    invoiceCountStatement(database, accountId, filter, listing),
    pageStatement(database, accountId, listing, page),
  ]);
  return {
    items: ((rows?.results ?? []) as InvoiceRow[]).map(listed),
    total: ((counted?.results ?? []) as { n: number }[])[0]?.n ?? 0,
  };
}

/**
 * The same list behind an invoice, for whoever goes through all of it: an invoice that is made meanwhile shifts nothing, and the last
 * page costs what the first does.
 */
export async function invoicesBehind(
  database: D1Database,
  accountId: string,
  filter: InvoiceFilter,
  { after, limit }: { after?: InvoicePlace; limit: number },
): Promise<ListedInvoice[]> {
  const listing = listingOf(filter, after);
  const { results } = await pageStatement(database, accountId, listing, { limit, offset: 0 }).all<InvoiceRow>();
  return results.map(listed);
}
