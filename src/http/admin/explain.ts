import * as z from "zod";
import { customersAfter } from "../../catalog/customers.ts";
import {
  BillingVerifiedWire,
  ExplainedInvoiceWire,
  toWireDifference,
  toWireExplained,
} from "../../contract/explain.ts";
import { idText } from "../../contract/scalars.ts";
import { callEach, objectOf } from "../../customer/object-of.ts";
import { REPLAY_INVOICES_MAX, WALK_CUSTOMERS_DEFAULT } from "../../domain/limits.ts";
import type { ReplayDifference } from "../../domain/replay.ts";
import { ownerOf } from "../customer-of.ts";
import { answerOnce } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route, type Success } from "../route.ts";
import { answerOf, planStatusOf } from "../subscription-answer.ts";
import { WalkBody } from "./ops.ts";

/** Why is an invoice what it is, and do all of them still come to the same? */

const Verify = z.object(WalkBody).meta({ id: "VerifyBilling" });

async function explain(call: Call<{ id: string }>): Promise<Answer> {
  const { id } = call.params;
  const owner = ownerOf(call, "invoice", id);
  if (!owner.ok) return owner;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).explainInvoice(id);
  return answerOf(call, owner.value, reply, 200, (_, explained) => toWireExplained(explained, planStatusOf(call)));
}

type Replayed = {
  invoices: number;
  notRecounted: number;
  differing: { invoiceId: string; difference: ReplayDifference }[];
};

/** Replays all invoices of one customer, some at a time: others are answered in between. */
async function replayAll(object: ReturnType<typeof objectOf>): Promise<Replayed> {
  const all: Replayed = { invoices: 0, notRecounted: 0, differing: [] };
  for (let after: number | undefined = 0; after !== undefined; ) {
    const reply: Awaited<ReturnType<typeof object.replayInvoices>> = await object.replayInvoices({
      after,
      limit: REPLAY_INVOICES_MAX,
    });
    // Whom the directory alone knows has no invoices yet.
    if (!reply.ok) return all;
    all.invoices += reply.value.checked;
    all.notRecounted += reply.value.notRecounted ?? 0;
    all.differing.push(...reply.value.differing);
    after = reply.value.next;
  }
  return all;
}

async function verify(call: Call<unknown, unknown, z.output<typeof Verify>>): Promise<Success> {
  const { accountId } = call.account.account;
  const { cursor = "", limit = WALK_CUSTOMERS_DEFAULT } = call.body;
  const { ids, nextCursor } = await customersAfter(call.env.DB, accountId, cursor, limit);
  const owners = ids.map((customerId) => ({ accountId, customerId }));
  const replies = await callEach(call.env, owners, replayAll);
  const told = ids.map((customerId, at) => ({ customerId, reply: replies[at] }));
  const done = told.flatMap(({ customerId, reply }) =>
    reply?.status === "fulfilled" ? [{ customerId, ...reply.value }] : [],
  );
  return answer(200, {
    customers: ids.length,
    invoices: done.reduce((sum, { invoices }) => sum + invoices, 0),
    notRecounted: done.reduce((sum, { notRecounted }) => sum + notRecounted, 0),
    differing: done.flatMap(({ customerId, differing }) =>
      differing.map(({ invoiceId, difference }) => ({
        customerId,
        invoiceId,
        firstDifference: toWireDifference(difference),
      })),
    ),
    unfinished: told.filter(({ reply }) => reply?.status !== "fulfilled").map(({ customerId }) => customerId),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  });
}

const BILLING = "/api/v1/monetization/billing";

export const explainRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${BILLING}/invoices/{id}/explain`,
    scope: "admin",
    tag: "Invoices",
    summary: "Explain an invoice, line by line",
    description:
      "Each item with its formula, the plan version and the rule behind it, and the events that were counted: how many, the first and the last, and what credits paid for. `replay` makes the invoice again from what is stored now, down to its events, and says whether it matches, or the first difference.",
    params: z.object({ id: idText }),
    answers: { 200: ExplainedInvoiceWire },
    refuses: ["thing_not_found", "quarantined"],
    handle: explain,
  }),
  defineRoute({
    method: "POST",
    path: `${BILLING}/verify`,
    scope: "admin",
    tag: "Invoices",
    summary: "Make the invoices of all customers again, a page of customers at a time",
    description:
      "Answers only those that differ from what is stored behind them, and how many match though the events of a line were too many to be counted again. Repeat with nextCursor until there is none. Nothing is changed.",
    body: Verify,
    examples: { body: { limit: 100 } },
    answers: { 200: BillingVerifiedWire },
    handle: (call) => answerOnce(call, () => verify(call)),
  }),
];
