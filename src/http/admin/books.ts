import * as z from "zod";
import { customersAfter } from "../../catalog/customers.ts";
import { BooksWire, toWireBooks, toWireLaw, VerifiedWire } from "../../contract/books.ts";
import { name } from "../../contract/scalars.ts";
import { callEach, objectOf } from "../../customer/object-of.ts";
import { WALK_CUSTOMERS_DEFAULT } from "../../domain/limits.ts";
import { customerOf } from "../customer-of.ts";
import { answerOnce } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route, type Success } from "../route.ts";
import { WalkBody } from "./ops.ts";

/** Do the books add up? Of one customer, or of an account. */

const Verify = z.object(WalkBody).meta({ id: "VerifyBooks" });

async function readBooks(call: Call<{ id: string }>): Promise<Answer> {
  const owner = await customerOf(call, call.params.id);
  if (!owner.ok) return owner;
  const { customerId } = owner.value;
  const reply = await objectOf(call.env, call.account.account.accountId, customerId).books();
  return reply.ok ? answer(200, toWireBooks(customerId, reply.value)) : reply;
}

async function verify(call: Call<unknown, unknown, z.output<typeof Verify>>): Promise<Success> {
  const { accountId } = call.account.account;
  const { cursor = "", limit = WALK_CUSTOMERS_DEFAULT } = call.body;
  const { ids, nextCursor } = await customersAfter(call.env.DB, accountId, cursor, limit);
  const owners = ids.map((customerId) => ({ accountId, customerId }));
  const replies = await callEach(call.env, owners, async (object) => object.books());
  const told = ids.map((customerId, at) => ({ customerId, reply: replies[at] }));
  const checked = told.flatMap(({ customerId, reply }) =>
    reply?.status === "fulfilled" && reply.value.ok ? [{ customerId, laws: reply.value.value.laws }] : [],
  );
  return answer(200, {
    customers: ids.length,
    laws: checked.reduce((sum, { laws }) => sum + laws.length, 0),
    broken: checked
      .map(({ customerId, laws }) => ({ customerId, laws: laws.filter(({ holds }) => !holds).map(toWireLaw) }))
      .filter(({ laws }) => laws.length > 0),
    // Whom the directory alone knows has no books yet.
    unfinished: told.filter(({ reply }) => reply?.status !== "fulfilled").map(({ customerId }) => customerId),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  });
}

export const booksRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/monetization/customers/{id}/books",
    scope: "admin",
    tag: "Customers",
    summary: "Check a customer's books",
    description:
      "The conservation laws, held now against all that was ever written: pools against their ledger and their grants, counters against their events, invoices against their lines, the money balance against its entries, spans of monthly revenue against their subscriptions. Each law with both sides, as exact decimals, and the first thing that breaks it. A row that cannot be read breaks rows_read, which names it, and is left out of the other laws. Costs what the customer's history is long.",
    params: z.object({ id: name }),
    answers: { 200: BooksWire },
    refuses: ["customer_not_found"],
    handle: readBooks,
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/monetization/books/verify",
    scope: "admin",
    tag: "Customers",
    summary: "Check the books of all customers, a page at a time",
    description:
      "Answers only the laws that are broken. Repeat with nextCursor until there is none. Nothing is changed.",
    body: Verify,
    examples: { body: { limit: 100 } },
    answers: { 200: VerifiedWire },
    handle: (call) => answerOnce(call, () => verify(call)),
  }),
];
