import * as z from "zod";
import { customerPage } from "../../catalog/customers.ts";
import {
  CustomerItemWire,
  CustomerWire,
  OperatorChangeCustomer,
  OperatorCreateCustomer,
  toWireCustomerItem,
} from "../../contract/customer.ts";
import { name, paged, pageOf, searchedPage } from "../../contract/scalars.ts";
import { changeCustomer, createCustomer, readCustomer } from "../client/customers.ts";
import { answer, defineRoute, type Route } from "../route.ts";

/** Customers, for the operator: the same commands as the Client API's, a search, and `referenceId` in every answer. */

const PATH = "/api/v1/monetization/customers";
const Id = z.object({ id: name });

export const customerRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Customers",
    summary: "List or search customers, newest first",
    description:
      "`search` is looked for in name, email, reference and Stripe id, letters A to Z in upper or lower case alike; a whole customer id finds that customer. Subscriptions are not in the list; reading a customer shows them.",
    query: z.object(searchedPage),
    answers: { 200: pageOf(CustomerItemWire) },
    handle: async (call) => {
      const { accountId } = call.account.account;
      const { items, total } = await customerPage(call.env.DB, accountId, call.query.search, call.query);
      return answer(
        200,
        paged(
          items.map((view) => toWireCustomerItem(view, true)),
          total,
          call.query,
        ),
      );
    },
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Customers",
    summary: "Register a customer",
    description: "As in the Client API: one that an event made is completed, not refused.",
    body: OperatorCreateCustomer,
    examples: { body: { customerReferenceId: "acme", email: "ada@acme.test", firstName: "Ada", lastName: "Lovelace" } },
    answers: { 201: CustomerWire },
    refuses: [
      "customer_erased",
      "thing_not_found",
      "identity_taken",
      "identities_differ",
      "state_conflict",
      "request_conflict",
    ],
    handle: (call) => createCustomer(call, true),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Customers",
    summary: "Read a customer",
    description: "`id` is the customer's id; its reference or Stripe id does too.",
    params: Id,
    answers: { 200: CustomerWire },
    refuses: ["customer_not_found"],
    handle: (call) => readCustomer(call, call.params.id, true),
  }),
  defineRoute({
    method: "PATCH",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Customers",
    summary: "Change what is said of a customer",
    description:
      "Fields that are given are set. A reference or Stripe id can be added where there is none, and never changed.",
    params: Id,
    body: OperatorChangeCustomer,
    examples: { body: { lastName: "Lovelace", referenceId: "acme" } },
    answers: { 200: CustomerWire },
    refuses: ["customer_erased", "customer_not_found", "identity_fixed", "identity_taken", "request_conflict"],
    handle: (call) => changeCustomer(call, call.params.id, true),
  }),
];
