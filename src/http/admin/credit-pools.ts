import * as z from "zod";
import { GrantWire, toWireGrant } from "../../contract/credit-grant.ts";
import {
  CreatePool,
  LinkQuery,
  PoolsQuery,
  PoolWire,
  poolSpecFrom,
  toWireListedPool,
  toWirePool,
} from "../../contract/credit-pool.ts";
import { TransactionWire, toWireTransaction } from "../../contract/credit-transaction.ts";
import { CSV, csvFormat } from "../../contract/csv.ts";
import { TRANSACTION_COLUMNS } from "../../contract/ledger-csv.ts";
import { idText, name, page, paged, pageOf } from "../../contract/scalars.ts";
import type { LedgerPage, PageReply, PoolReply } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { EntryView } from "../../domain/credit-views.ts";
import { CSV_ROWS_PER_READ_MAX } from "../../domain/limits.ts";
import type { RefusalCode, Reply } from "../../domain/refusal.ts";
import { poolCopyPage } from "../../ledger/pools.ts";
import { commandOnPool, poolTrail } from "../audited.ts";
import { csvAnswer, type RowPage } from "../csv.ts";
import { customerOf, ownerOf } from "../customer-of.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { requestKeyOf } from "../subscription-answer.ts";

/** Credit pools, for the operator. The list is D1's copies, seconds behind at most; one pool is its object's. */

const PATH = "/api/v1/monetization/credits/pools";
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;
const Link = z.object({ id: idText, subscriptionId: idText });
const Page = z.object(page);
type Page = z.output<typeof Page>;
const CsvPage = z.object({ ...csvFormat, ...page });

const REFUSES: readonly RefusalCode[] = ["thing_not_found", "state_conflict", "quarantined"];

const toWire = (_: Call, { pool }: PoolReply) => toWirePool(pool);

function poolCall(call: Call<Id>) {
  return { poolId: call.params.id, ...requestKeyOf(call) };
}

async function list(call: Call<unknown, z.output<typeof PoolsQuery>>): Promise<Answer> {
  const { status, customerId, low = false } = call.query;
  const which = {
    isLow: low,
    ...(status === undefined ? {} : { status }),
    ...(customerId === undefined ? {} : { customerId }),
  };
  const { items, total } = await poolCopyPage(call.env.DB, call.account.account.accountId, which, call.query);
  return answer(200, paged(items.map(toWireListedPool), total, call.query));
}

function create(call: Call<unknown, unknown, z.output<typeof CreatePool>>): Promise<Answer> {
  return commitAccount(call, async () => {
    const owner = await customerOf(call, call.body.customerId);
    if (!owner.ok) return owner;
    const { accountId, currency } = call.account.account;
    const object = objectOf(call.env, accountId, owner.value.customerId);
    const reply = await object.makePool({ spec: poolSpecFrom(call.body, currency), ...requestKeyOf(call) });
    if (!reply.ok) return reply;
    const { pool } = reply.value;
    const after = { customerId: owner.value.customerId, ...poolTrail(pool) };
    return {
      ok: true,
      status: 201,
      data: toWirePool(pool),
      replayed: reply.replayed === true,
      statements: [],
      audit: { action: "credit_pool.created", target: pool.poolId, after },
      version: "leave",
    };
  });
}

async function read(call: Call<Id>): Promise<Answer> {
  const owner = ownerOf(call, "creditPool", call.params.id);
  if (!owner.ok) return owner;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).pool(call.params.id);
  return reply.ok ? answer(200, toWirePool(reply.value.pool)) : reply;
}

async function listOfCustomer(call: Call<{ customerId: string }, Page>): Promise<Answer> {
  const owner = await customerOf(call, call.params.customerId);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  return pageOfReply(call, await object.pools(call.query), toWirePool);
}

/** A page that an object replied. */
export function pageOfReply<T>(
  call: Call<unknown, Page>,
  reply: Reply<PageReply<T>>,
  toItem: (item: T) => unknown,
): Answer {
  if (!reply.ok) return reply;
  return answer(200, paged(reply.value.items.map(toItem), reply.value.total, call.query));
}

async function listGrants(call: Call<Id, Page>): Promise<Answer> {
  const owner = ownerOf(call, "creditPool", call.params.id);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value);
  return pageOfReply(call, await object.poolGrants(call.params.id, call.query), toWireGrant);
}

async function listTransactions(call: Call<Id, z.output<typeof CsvPage>>): Promise<Answer> {
  const { id } = call.params;
  const owner = ownerOf(call, "creditPool", id);
  if (!owner.ok) return owner;
  const object = () => objectOf(call.env, call.account.account.accountId, owner.value);
  if (call.query.format !== "csv")
    return pageOfReply(call, await object().poolEntries(id, call.query), toWireTransaction);
  const read = (page: LedgerPage) => object().poolEntriesBehind(id, page);
  const first = await entriesFrom(read);
  return first.ok ? csvAnswer(`credit-transactions-${id}`, TRANSACTION_COLUMNS, first.value) : first;
}

/** A ledger from behind an entry on, page by page. What is refused once the file has begun breaks it off. */
async function entriesFrom(
  read: (page: LedgerPage) => Promise<Reply<{ items: EntryView[] }>>,
  after?: string,
): Promise<Reply<RowPage<EntryView>>> {
  const reply = await read({ limit: CSV_ROWS_PER_READ_MAX, ...(after === undefined ? {} : { after }) });
  if (!reply.ok) return reply;
  const { items } = reply.value;
  const last = items.length === CSV_ROWS_PER_READ_MAX ? items.at(-1)?.entryId : undefined;
  if (last === undefined) return { ok: true, value: { rows: items } };
  const next = async () => {
    const behind = await entriesFrom(read, last);
    if (!behind.ok) throw new Error(`a ledger broke off: ${behind.code}`);
    return behind.value;
  };
  return { ok: true, value: { rows: items, next } };
}

export const creditPoolRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Credits",
    summary: "List credit pools, newest first",
    description:
      "Archived ones too. All conditions that are given must hold. `low=true`: only those that are nearly dry, that is, refuse at 0 and have less than a tenth left of what they were ever given, what reservations hold included.",
    query: PoolsQuery,
    answers: { 200: pageOf(PoolWire) },
    handle: list,
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Credits",
    summary: "Make a credit pool for a customer",
    description:
      "It is empty, and every subscription of the customer draws from it until it is linked to some. Plans make the pools that they fill by themselves.",
    body: CreatePool,
    examples: {
      body: {
        name: "AI credits",
        denomination: "AI_CREDITS",
        customerId: "6c1f0e9a-7d42-8b34-8000-000000000000",
        hardLimit: true,
      },
    },
    answers: { 201: PoolWire },
    refuses: ["customer_not_found", "quarantined"],
    handle: create,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/customer/{customerId}`,
    scope: "admin",
    tag: "Credits",
    summary: "List a customer's credit pools, newest first",
    params: z.object({ customerId: name }),
    query: Page,
    answers: { 200: pageOf(PoolWire) },
    refuses: ["customer_not_found", "quarantined"],
    handle: listOfCustomer,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Credits",
    summary: "Read a credit pool",
    description: "Law: totalGranted + totalReversed = balance + totalConsumed + totalExpired + totalVoided.",
    params: Id,
    answers: { 200: PoolWire },
    refuses: ["thing_not_found", "quarantined"],
    handle: read,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}/grants`,
    scope: "admin",
    tag: "Credits",
    summary: "List a pool's grants, oldest first",
    params: Id,
    query: Page,
    answers: { 200: pageOf(GrantWire) },
    refuses: ["thing_not_found", "quarantined"],
    handle: listGrants,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}/transactions`,
    scope: "admin",
    tag: "Credits",
    summary: "List a pool's ledger, newest first",
    description: CSV,
    params: Id,
    query: CsvPage,
    answers: { 200: pageOf(TransactionWire) },
    alsoAnswers: "text/csv",
    refuses: ["thing_not_found", "quarantined"],
    handle: listTransactions,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/freeze`,
    scope: "admin",
    tag: "Credits",
    summary: "Freeze a credit pool",
    description: "Every debit is refused from now on; expiry goes on. Frozen already: nothing changes.",
    params: Id,
    answers: { 200: PoolWire },
    refuses: REFUSES,
    handle: (call) =>
      commandOnPool(call, {
        action: "credit_pool.frozen",
        run: (object) => object.freezePool(poolCall(call)),
        toWire,
      }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/unfreeze`,
    scope: "admin",
    tag: "Credits",
    summary: "Unfreeze a credit pool",
    description: "Not frozen: nothing changes.",
    params: Id,
    answers: { 200: PoolWire },
    refuses: REFUSES,
    handle: (call) =>
      commandOnPool(call, {
        action: "credit_pool.unfrozen",
        run: (object) => object.unfreezePool(poolCall(call)),
        toWire,
      }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/archive`,
    scope: "admin",
    tag: "Credits",
    summary: "Archive a credit pool for ever",
    description:
      "It can be read, and nothing of it changes any more; what is in it stays there. While reservations hold credits of it: 409.",
    params: Id,
    answers: { 200: PoolWire },
    refuses: REFUSES,
    handle: (call) =>
      commandOnPool(call, {
        action: "credit_pool.archived",
        run: (object) => object.archivePool(poolCall(call)),
        toWire,
      }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/subscriptions/{subscriptionId}`,
    scope: "admin",
    tag: "Credits",
    summary: "Let a subscription draw from a pool",
    description:
      "A pool with links is drawn from by those subscriptions alone, lower drawPriority first. Linked already: it gets the new terms and keeps what it has drawn.",
    params: Link,
    query: LinkQuery,
    answers: { 200: PoolWire },
    refuses: [...REFUSES, "subscription_ended"],
    handle: (call) => {
      const { drawPriority, drawLimit } = call.query;
      const { subscriptionId } = call.params;
      const terms = { subscriptionId, drawPriority, ...(drawLimit === undefined ? {} : { drawLimitE4: drawLimit }) };
      return commandOnPool(call, {
        action: "credit_pool.linked",
        run: (object) => object.linkPool({ ...poolCall(call), ...terms }),
        toWire,
      });
    },
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}/subscriptions/{subscriptionId}`,
    scope: "admin",
    tag: "Credits",
    summary: "End a subscription's link to a pool",
    description: "Not linked: nothing changes.",
    params: Link,
    answers: { 200: PoolWire },
    refuses: REFUSES,
    handle: (call) =>
      commandOnPool(call, {
        action: "credit_pool.unlinked",
        run: (object) => object.unlinkPool({ ...poolCall(call), subscriptionId: call.params.subscriptionId }),
        toWire,
      }),
  }),
];
