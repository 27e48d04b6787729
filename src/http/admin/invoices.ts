import * as z from "zod";
import { CSV } from "../../contract/csv.ts";
import { InvoicesQuery, InvoiceWire, toWireInvoice, VoidQuery } from "../../contract/invoice.ts";
import { INVOICE_COLUMNS, LINE_COLUMNS, linesOf } from "../../contract/invoice-csv.ts";
import { CheckoutLinkWire } from "../../contract/payment.ts";
import { idText, paged, pageOf } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import { customerId, readCustomerThingId } from "../../domain/ids.ts";
import { CSV_ROWS_PER_READ_MAX } from "../../domain/limits.ts";
import type { RefusalCode } from "../../domain/refusal.ts";
import {
  type InvoiceFilter,
  type InvoicePlace,
  invoicePage,
  invoicesBehind,
  type ListedInvoice,
} from "../../ledger/invoices.ts";
import { commandOnInvoice, payByHand } from "../audited.ts";
import { pageFor } from "../client/payments.ts";
import { csvAnswer, type RowPage } from "../csv.ts";
import { ownerOf } from "../customer-of.ts";
import { answerOnce } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { answerOf, planStatusOf, requestKeyOf, toWireInvoiceReply } from "../subscription-answer.ts";

/** Invoices, for the operator. Lists are D1's copies, seconds behind at most; one invoice is its object's. */

const PATH = "/api/v1/monetization/billing/invoices";
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;

async function list(call: Call<unknown, z.output<typeof InvoicesQuery>>): Promise<Answer> {
  const { number: sequence, status, type, subscriptionId, onlyDue, start, end, format, rows } = call.query;
  const which = {
    ...(sequence === undefined ? {} : { sequence }),
    ...(status === undefined ? {} : { status }),
    ...(type === undefined ? {} : { type }),
    ...(start === undefined ? {} : { startMs: start }),
    ...(end === undefined ? {} : { endMs: end }),
    ...ownerOfAsked(call.query),
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    onlyDue,
  };
  if (format === "csv") {
    const first = await invoicesFrom(call, which);
    if (rows !== "lines") return csvAnswer("invoices", INVOICE_COLUMNS, first);
    return csvAnswer("invoice-lines", LINE_COLUMNS, withLines(first));
  }
  const { items, total } = await invoicePage(call.env.DB, call.account.account.accountId, which, call.query);
  const planStatus = planStatusOf(call);
  const shown = items.map(({ invoice, customer }) => toWireInvoice(invoice, customer, { planStatus }));
  return answer(200, paged(shown, total, call.query));
}

/** Whose invoices: who has a subscription is in its id, and a customer's are found in an index. An id of nobody finds nothing. */
function ownerOfAsked({ customerId: asked, subscriptionId }: z.output<typeof InvoicesQuery>): { customerId?: string } {
  if (asked !== undefined) return { customerId: asked };
  if (subscriptionId === undefined) return {};
  const of = readCustomerThingId(subscriptionId);
  return { customerId: of === undefined ? "" : customerId(of.tag) };
}

/** The list from behind an invoice on, page by page. */
async function invoicesFrom(call: Call, which: InvoiceFilter, after?: InvoicePlace): Promise<RowPage<ListedInvoice>> {
  const page = { limit: CSV_ROWS_PER_READ_MAX, ...(after === undefined ? {} : { after }) };
  const rows = await invoicesBehind(call.env.DB, call.account.account.accountId, which, page);
  const last = rows.length === CSV_ROWS_PER_READ_MAX ? rows.at(-1)?.invoice : undefined;
  return { rows, ...(last === undefined ? {} : { next: () => invoicesFrom(call, which, last) }) };
}

function withLines({ rows, next }: RowPage<ListedInvoice>): RowPage<ReturnType<typeof linesOf>[number]> {
  return { rows: linesOf(rows), ...(next === undefined ? {} : { next: async () => withLines(await next()) }) };
}

async function read(call: Call<Id>): Promise<Answer> {
  const { id } = call.params;
  const owner = ownerOf(call, "invoice", id);
  if (!owner.ok) return owner;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).invoice(id);
  return answerOf(call, owner.value, reply, 200, toWireInvoiceReply);
}

const PAID = "Paid already: nothing changes. One that is PENDING, VOID or CANCELLED cannot be paid: 409.";
const REFUSES: readonly RefusalCode[] = ["thing_not_found", "invoice_closed", "quarantined"];

export const invoiceRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Invoices",
    summary: "List invoices, newest first",
    description: `All conditions that are given must hold. ${CSV} \`rows=lines\` makes it a row for each line of an invoice.`,
    query: InvoicesQuery,
    answers: { 200: pageOf(InvoiceWire) },
    alsoAnswers: "text/csv",
    handle: list,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Invoices",
    summary: "Read an invoice",
    params: Id,
    answers: { 200: InvoiceWire },
    refuses: ["thing_not_found", "quarantined"],
    handle: read,
  }),
  defineRoute({
    method: "PATCH",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Invoices",
    summary: "Mark an invoice as paid",
    description: `The same as \`{id}/mark-paid\`, whatever the body says. ${PAID}`,
    params: Id,
    answers: { 200: InvoiceWire },
    refuses: REFUSES,
    handle: payByHand,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/mark-paid`,
    scope: "admin",
    tag: "Invoices",
    summary: "Mark an invoice as paid",
    description: PAID,
    params: Id,
    answers: { 200: InvoiceWire },
    refuses: REFUSES,
    handle: payByHand,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/void`,
    scope: "admin",
    tag: "Invoices",
    summary: "Make an unpaid invoice void",
    description: [
      "Nobody has to pay it any more: it suspends nobody, grants nothing, and credit that it took goes back. A first invoice takes its subscription with it.",
      "",
      "Its usage is not billed again, unless `rebill=true`: then it is on the next invoice. An invoice of which an unpaid adjustment gives a part back is 409.",
    ].join("\n"),
    params: Id,
    query: VoidQuery,
    answers: { 200: InvoiceWire },
    refuses: [...REFUSES, "state_conflict"],
    handle: (call) =>
      commandOnInvoice(call, {
        action: "invoice.voided",
        asked: { rebill: call.query.rebill },
        run: (object) =>
          object.voidInvoice({ invoiceId: call.params.id, rebill: call.query.rebill, ...requestKeyOf(call) }),
        toWire: toWireInvoiceReply,
      }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/checkout-link`,
    scope: "admin",
    tag: "Invoices",
    summary: "Get a page to pay an invoice on",
    description:
      "For one that is DUE or PAST_DUE. It has one page at a time: asked for again, the same one is answered while it is open. 503 while Stripe does not answer.",
    params: Id,
    answers: { 200: CheckoutLinkWire },
    refuses: [...REFUSES, "state_conflict", "payments_off", "payments_unavailable"],
    handle: (call) =>
      answerOnce(call, async () => {
        const owner = ownerOf(call, "invoice", call.params.id);
        return owner.ok ? pageFor(call, owner.value, { invoiceId: call.params.id }) : owner;
      }),
  }),
];
