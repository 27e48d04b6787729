import * as z from "zod";
import { idText } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { InvoiceDocument } from "../../domain/invoice-document.ts";
import { printedInvoice } from "../../domain/printed-invoice.ts";
import { ownerOf } from "../customer-of.ts";
import { invoicePageAnswer, invoicePdfAnswer } from "../invoice-paper.ts";
import { type Answer, type Call, defineRoute, type Pinned, type Route } from "../route.ts";

/** An invoice on paper, for the operator and for the customer whose it is. */

const PATHS = ["/api/v1/monetization/billing/invoices/{id}", "/api/v1/client/billing/invoices/{id}"] as const;
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;

const READERS: Pinned = ["read", "purchase"];

async function paper(call: Call<Id>, print: (document: InvoiceDocument) => Promise<Response>): Promise<Answer> {
  const { id } = call.params;
  const owner = ownerOf(call, "invoice", id);
  if (!owner.ok) return owner;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).invoice(id);
  return reply.ok ? print(printedInvoice(reply.value.invoice, reply.value.customer)) : reply;
}

const FROZEN =
  "Seller, buyer and terms are printed as they were when the invoice became due, and its lines sum to its total. The same invoice is the same file, byte by byte.";

export const invoicePaperRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${PATHS[0]}/pdf`,
    aliases: [`${PATHS[1]}/pdf`],
    scope: "client",
    pinned: READERS,
    tag: "Invoices",
    summary: "Print an invoice as PDF",
    description: `A4. ${FROZEN} A character that no font here has is printed as its code point, \`[U+1F600]\`.`,
    params: Id,
    answers: { 200: "application/pdf" },
    refuses: ["thing_not_found", "quarantined", "other_customer"],
    handle: (call) => paper(call, (document) => invoicePdfAnswer(call.env, document)),
  }),
  defineRoute({
    method: "GET",
    path: `${PATHS[0]}/html`,
    aliases: [`${PATHS[1]}/html`],
    scope: "client",
    pinned: READERS,
    tag: "Invoices",
    summary: "Show an invoice as a page",
    description: `One file without scripts, which prints on A4. ${FROZEN}`,
    params: Id,
    answers: { 200: "text/html" },
    refuses: ["thing_not_found", "quarantined", "other_customer"],
    handle: (call) => paper(call, invoicePageAnswer),
  }),
];
