import * as z from "zod";
import { InvoiceWire, toWireInvoice, UpcomingQuery } from "../../contract/invoice.ts";
import { idText, name, page, paged, pageOf } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import { payByHand } from "../audited.ts";
import { customerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { answerOf, planStatusOf } from "../subscription-answer.ts";

/** Invoices, for the Client API: from the customer's object, so they are never behind. The operator's are `admin/invoices.ts`. */

const PATH = "/api/v1/client/billing/invoices";
const Ref = z.object({ ref: name });
type Ref = z.output<typeof Ref>;

async function listInvoices(call: Call<Ref, z.output<z.ZodObject<typeof page>>>): Promise<Answer> {
  const owner = await customerOf(call, call.params.ref);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  const found = await object.invoices(call.query);
  if (found === undefined) return { ok: false, code: "customer_not_found", given: call.params.ref };
  const planStatus = planStatusOf(call);
  const items = found.items.map((view) => toWireInvoice(view, found.customer, { planStatus }));
  return answer(200, paged(items, found.total, call.query));
}

async function readUpcoming(call: Call<Ref, z.output<typeof UpcomingQuery>>): Promise<Answer> {
  const owner = await customerOf(call, call.params.ref);
  if (!owner.ok) return owner;
  const { customerId } = owner.value;
  const object = objectOf(call.env, call.account.account.accountId, customerId);
  const reply = await object.upcoming(call.query.subscriptionId);
  return answerOf(call, customerId, reply, 200, (_, { customer, invoice }) =>
    toWireInvoice(invoice, customer, { planStatus: planStatusOf(call), isDraft: true }),
  );
}

export const clientInvoiceRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}`,
    scope: "client",
    tag: "Invoices",
    summary: "List a customer's invoices, newest first",
    params: Ref,
    query: z.object(page),
    answers: { 200: pageOf(InvoiceWire) },
    refuses: ["customer_not_found", "quarantined"],
    handle: listInvoices,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/upcoming`,
    scope: "client",
    tag: "Invoices",
    summary: "See what would be billed if the period ended now",
    description:
      "What the period will end with if nothing more is used and all that is due is paid in time: an invoice in the usual shape with the status DRAFT. Nothing is stored, and its id leads nowhere. Of the newest subscription with an open period, unless `subscriptionId` names another; 404 where no period is open.",
    params: Ref,
    query: UpcomingQuery,
    answers: { 200: InvoiceWire },
    refuses: ["customer_not_found", "thing_not_found", "quarantined"],
    handle: readUpcoming,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/mark-paid`,
    scope: "client",
    tag: "Invoices",
    summary: "Mark an invoice as paid",
    description:
      "For money that came by other ways. Paying a first invoice starts the subscription's first period; paying the last one past due ends a suspension. Paid already: nothing changes.",
    params: z.object({ id: idText }),
    answers: { 200: InvoiceWire },
    refuses: ["thing_not_found", "invoice_closed", "quarantined"],
    handle: payByHand,
  }),
];
