import * as z from "zod";
import { GrantWire, toWireGrant } from "../../contract/credit-grant.ts";
import {
  BalanceQuery,
  BalanceWire,
  ExplainQuery,
  ExplainWire,
  toWireBalance,
  toWireExplained,
} from "../../contract/credit-history.ts";
import { PoolWire, toWirePool } from "../../contract/credit-pool.ts";
import { TransactionWire, toWireTransaction } from "../../contract/credit-transaction.ts";
import { idText, name, page, paged, pageOf } from "../../contract/scalars.ts";
import type { PageReply } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { CreditEntry } from "../../domain/credit.ts";
import { entryViewOf } from "../../domain/credit-views.ts";
import { type CustomerTag, tagOfCustomer } from "../../domain/ids.ts";
import { fromJsonText } from "../../domain/json-text.ts";
import type { RefusalCode, Reply } from "../../domain/refusal.ts";
import { readTimedText } from "../../domain/timed-text.ts";
import { customerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Pinned, type Route } from "../route.ts";

/** A customer's credits, for the Client API: from the customer's object, so they are never behind. */

const PATH = "/api/v1/client/credits";
const Ref = z.object({ ref: name });
const RefId = z.object({ ref: name, id: idText });
const Page = z.object(page);
type Page = z.output<typeof Page>;
const PINNED: Pinned = ["read", "purchase", "ingest"];
const REFUSES: readonly RefusalCode[] = ["customer_not_found", "thing_not_found", "other_customer", "quarantined"];

type CustomerStub = ReturnType<typeof objectOf>;

/** Asks the object of the customer that the path names. */
async function ask<T>(
  call: Call<{ ref: string }>,
  question: (object: CustomerStub) => Promise<Reply<T>>,
  toWire: (value: T, tag: CustomerTag) => unknown,
): Promise<Answer> {
  const { ref } = call.params;
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const reply = await question(objectOf(call.env, call.account.account.accountId, owner.value.customerId));
  if (reply.ok) return answer(200, toWire(reply.value, tagOfCustomer(owner.value.customerId)));
  return reply.code === "customer_not_found" ? { ...reply, given: ref } : reply;
}

/** The entry that decides comes as it is stored: to take it apart is the Worker's work, of which there are many. */
function balance(call: Call<z.output<typeof RefId>, z.output<typeof BalanceQuery>>): Promise<Answer> {
  const { id } = call.params;
  return ask(
    call,
    async (object): Promise<Reply<{ text: string; atMs: number }>> => {
      const reply = await object.balanceAt(id, call.query.at);
      return typeof reply === "string" ? { ok: true, value: readTimedText(reply) } : reply;
    },
    ({ text, atMs }, tag) => {
      const entry = text === "" ? undefined : entryViewOf(tag, fromJsonText<CreditEntry>(text));
      return toWireBalance(entry?.poolId ?? id.toLowerCase(), atMs, entry);
    },
  );
}

function askPage<T>(
  call: Call<{ ref: string }, Page>,
  question: (object: CustomerStub) => Promise<Reply<PageReply<T>>>,
  toItem: (item: T) => unknown,
): Promise<Answer> {
  return ask(call, question, ({ items, total }) => paged(items.map(toItem), total, call.query));
}

export const clientCreditRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/pools`,
    scope: "client",
    pinned: PINNED,
    tag: "Credits",
    summary: "List a customer's credit pools, newest first",
    params: Ref,
    query: Page,
    answers: { 200: pageOf(PoolWire) },
    refuses: ["customer_not_found", "other_customer", "quarantined"],
    handle: (call) => askPage(call, async (object) => object.pools(call.query), toWirePool),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/pools/{id}`,
    scope: "client",
    pinned: PINNED,
    tag: "Credits",
    summary: "Read a credit pool",
    params: RefId,
    answers: { 200: PoolWire },
    refuses: REFUSES,
    handle: (call) =>
      ask(
        call,
        async (object) => object.pool(call.params.id),
        ({ pool }) => toWirePool(pool),
      ),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/pools/{id}/transactions`,
    scope: "client",
    pinned: PINNED,
    tag: "Credits",
    summary: "List a pool's ledger, newest first",
    params: RefId,
    query: Page,
    answers: { 200: pageOf(TransactionWire) },
    refuses: REFUSES,
    handle: (call) =>
      askPage(call, async (object) => object.poolEntries(call.params.id, call.query), toWireTransaction),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/pools/{id}/grants`,
    scope: "client",
    pinned: PINNED,
    tag: "Credits",
    summary: "List a pool's grants, oldest first",
    params: RefId,
    query: Page,
    answers: { 200: pageOf(GrantWire) },
    refuses: REFUSES,
    handle: (call) => askPage(call, async (object) => object.poolGrants(call.params.id, call.query), toWireGrant),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/pools/{id}/balance`,
    scope: "client",
    pinned: PINNED,
    tag: "Credits",
    summary: "Tell what a pool had at an instant",
    description:
      "What the last transaction until then left, that instant included. Credits are gone at their `expiresAt`, whether or not anybody looked then.",
    params: RefId,
    query: BalanceQuery,
    isQuiet: true,
    answers: { 200: BalanceWire },
    refuses: REFUSES,
    handle: balance,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{ref}/pools/{id}/explain`,
    scope: "client",
    pinned: PINNED,
    tag: "Credits",
    summary: "Explain a pool's balance, grant by grant",
    description:
      "Each grant, oldest first, with what happened to it, in order, down to the events. A long ledger is read in parts: ask again with `nextCursor` for what happened later to the same grants.",
    params: RefId,
    query: ExplainQuery,
    answers: { 200: ExplainWire },
    refuses: REFUSES,
    handle: (call) => {
      const { limit, offset, cursor } = call.query;
      const { entry: afterEntry, leftE4 } = cursor ?? {};
      const asked = {
        ...{ limit, offset },
        ...(afterEntry === undefined ? {} : { afterEntry }),
        ...(leftE4 === undefined ? {} : { leftE4 }),
      };
      return ask(
        call,
        async (object) => object.explainPool(call.params.id, asked),
        (reply) => toWireExplained(reply, call.query),
      );
    },
  }),
];
