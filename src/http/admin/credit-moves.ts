import * as z from "zod";
import { CreateGrant, GrantWire, grantSpecFrom, toWireGrant } from "../../contract/credit-grant.ts";
import {
  CreateDeduction,
  DescriptionQuery,
  TransactionWire,
  toWireTransaction,
} from "../../contract/credit-transaction.ts";
import { idText } from "../../contract/scalars.ts";
import type { EntryReply, GrantReply, Replayable } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { formatE4 } from "../../domain/credit-amount.ts";
import type { EntryView } from "../../domain/credit-views.ts";
import { commandOnGrant, grantTrail, unlessTold } from "../audited.ts";
import { bookPricesAt } from "../book-prices.ts";
import { ownerOf } from "../customer-of.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, type Call, defineRoute, type Route } from "../route.ts";
import { requestKeyOf } from "../subscription-answer.ts";

/** Credits that an operator moves by hand: into a pool, out of it, and back. */

const PATH = "/api/v1/monetization/credits";
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;

function grant(call: Call<unknown, unknown, z.output<typeof CreateGrant>>): Promise<Answer> | Answer {
  const { creditPoolId, subscriptionId, invoiceId } = call.body;
  const owner = ownerOf(call, "creditPool", creditPoolId);
  if (!owner.ok) return owner;
  const object = () => objectOf(call.env, call.account.account.accountId, owner.value);
  return commitAccount(call, async () => {
    const spec = grantSpecFrom(call.body);
    const grantCall = {
      poolId: creditPoolId,
      spec,
      ...(subscriptionId === undefined ? {} : { subscriptionId }),
      ...(invoiceId === undefined ? {} : { invoiceId }),
      ...requestKeyOf(call),
    };
    if (spec.type !== "PURCHASED" || spec.unitPriceE12 !== undefined)
      return granted(call, await object().grantCredits(grantCall));
    const found = await object().pool(creditPoolId);
    if (!found.ok) return found;
    const { pool, asOfMs } = found.value;
    const price = (await bookPricesAt(call, asOfMs))(pool.denomination, pool.currency);
    return granted(call, await object().grantCredits({ ...grantCall, ...(price === undefined ? {} : { price }) }));
  });
}

async function granted(call: Call, reply: Replayable<GrantReply>) {
  if (!reply.ok) return reply;
  const { grant: made, isRepeat, balanceE4 } = reply.value;
  const entry = {
    action: "credit_grant.created" as const,
    target: made.grantId,
    ...(balanceE4 === undefined ? {} : { before: poolBalance(made.poolId, balanceE4.before) }),
    after: { ...grantTrail(made), ...(balanceE4 === undefined ? {} : { balance: formatE4(balanceE4.after) }) },
  };
  return {
    ok: true as const,
    status: isRepeat ? 200 : 201,
    data: toWireGrant(made),
    replayed: reply.replayed === true,
    statements: [],
    audit: await unlessTold(call, isRepeat, entry),
    version: "leave" as const,
  };
}

/** What the trail keeps of a pool before credits were moved. */
function poolBalance(creditPoolId: string, balanceE4: bigint) {
  return { creditPoolId, balance: formatE4(balanceE4) };
}

/** What the trail keeps of a transaction. */
function entryTrail({ poolId, type, amountE4, balanceAfterE4, reversesId }: EntryView) {
  return {
    creditPoolId: poolId,
    transactionType: type,
    amount: formatE4(amountE4),
    balanceAfter: formatE4(balanceAfterE4),
    ...(reversesId === undefined ? {} : { reversedTransactionId: reversesId }),
  };
}

async function moved(
  call: Call,
  action: "credits.deducted" | "credits.reversed",
  status: number,
  reply: Replayable<EntryReply>,
) {
  if (!reply.ok) return reply;
  const { entry, isRepeat } = reply.value;
  const told = {
    action,
    target: entry.entryId,
    before: poolBalance(entry.poolId, entry.balanceBeforeE4),
    after: entryTrail(entry),
  };
  return {
    ok: true as const,
    status: isRepeat ? 200 : status,
    data: toWireTransaction(entry),
    replayed: reply.replayed === true,
    statements: [],
    audit: await unlessTold(call, isRepeat, told),
    version: "leave" as const,
  };
}

function deduct(call: Call<unknown, unknown, z.output<typeof CreateDeduction>>): Promise<Answer> | Answer {
  const { creditPoolId: poolId, amount: amountE4, description, idempotencyKey: key, metadata } = call.body;
  const owner = ownerOf(call, "creditPool", poolId);
  if (!owner.ok) return owner;
  const said = {
    ...(description === undefined ? {} : { description }),
    ...(key === undefined ? {} : { key }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  return commitAccount(call, async () => {
    const object = objectOf(call.env, call.account.account.accountId, owner.value);
    const reply = await object.deductCredits({ poolId, amountE4, ...said, ...requestKeyOf(call) });
    return moved(call, "credits.deducted", 201, reply);
  });
}

function reverse(call: Call<Id, z.output<typeof DescriptionQuery>>): Promise<Answer> | Answer {
  const owner = ownerOf(call, "creditEntry", call.params.id);
  if (!owner.ok) return owner;
  const { description } = call.query;
  return commitAccount(call, async () => {
    const object = objectOf(call.env, call.account.account.accountId, owner.value);
    const said = description === undefined ? {} : { description };
    const reply = await object.reverseEntry({ entryId: call.params.id, ...said, ...requestKeyOf(call) });
    return moved(call, "credits.reversed", 200, reply);
  });
}

export const creditMoveRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: `${PATH}/grants`,
    scope: "admin",
    tag: "Credits",
    summary: "Grant credits into a pool",
    description:
      "A grant revives a DEPLETED pool; a FROZEN one takes none: 409. Credits are drawn soonest expiry first, then free before PURCHASED ones, then oldest first. A currency without unitPrice: 400. The same idempotencyKey again: 200 with the grant that it made.",
    body: CreateGrant,
    examples: {
      body: {
        creditPoolId: "6c1f0e9a-7d42-8b34-8800-000000000001",
        amount: 1000,
        grantType: "PROMOTIONAL",
        description: "Welcome",
        idempotencyKey: "welcome-2027",
      },
    },
    answers: { 200: GrantWire, 201: GrantWire },
    refuses: ["thing_not_found", "state_conflict", "quarantined"],
    handle: grant,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/grants/{id}/void`,
    scope: "admin",
    tag: "Credits",
    summary: "Void a grant",
    description:
      "Takes what it still has; what reservations hold of it leaves when it comes back. Void already: nothing changes. A FROZEN pool: 409, unfreeze it first.",
    params: Id,
    answers: { 200: GrantWire },
    refuses: ["thing_not_found", "state_conflict", "quarantined"],
    handle: (call) =>
      commandOnGrant(call, {
        action: "credit_grant.voided",
        run: (object) => object.voidGrant({ grantId: call.params.id, ...requestKeyOf(call) }),
        toWire: (_, { grant: made }) => toWireGrant(made),
      }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/deductions`,
    scope: "admin",
    tag: "Credits",
    summary: "Take credits out of a pool",
    description:
      "Never below what reservations hold, and never below 0: 409. A FROZEN pool: 409. The same idempotencyKey again: 200 with the transaction that it made.",
    body: CreateDeduction,
    examples: {
      body: {
        creditPoolId: "6c1f0e9a-7d42-8b34-8800-000000000001",
        amount: 2.5,
        description: "Paid out by support",
        idempotencyKey: "support-4711",
      },
    },
    answers: { 200: TransactionWire, 201: TransactionWire },
    refuses: ["thing_not_found", "state_conflict", "credits_short", "quarantined"],
    handle: deduct,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/transactions/{id}/reverse`,
    scope: "admin",
    tag: "Credits",
    summary: "Give a deduction back",
    description:
      "To the grants that it came from; what comes back into an expired one expires again at once. A second time: 409, and so for transactions of other types.",
    params: Id,
    query: DescriptionQuery,
    answers: { 200: TransactionWire },
    refuses: ["thing_not_found", "state_conflict", "quarantined"],
    handle: reverse,
  }),
];
