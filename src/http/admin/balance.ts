import * as z from "zod";
import { erasedCustomer } from "../../catalog/erased-names.ts";
import { BalanceEntryWire, BalanceWire, balanceSum, CreatePayout, toWireBalanceEntry } from "../../contract/balance.ts";
import { CSV, csvFormat } from "../../contract/csv.ts";
import { BALANCE_COLUMNS } from "../../contract/ledger-csv.ts";
import { name, page, paged } from "../../contract/scalars.ts";
import type { PayoutCall } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { paymentTermsOf } from "../../domain/account.ts";
import type { Uuid } from "../../domain/ids.ts";
import { CSV_ROWS_PER_READ_MAX } from "../../domain/limits.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { BalanceEntryView } from "../../domain/views.ts";
import { unlessTold } from "../audited.ts";
import { csvAnswer, type RowPage } from "../csv.ts";
import { customerOf } from "../customer-of.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { requestKeyOf } from "../subscription-answer.ts";

/** The customer's money balance, for the operator: what it is, why, and what of it was paid out. */

const PATH = "/api/v1/monetization/customers/{id}/balance";
const Id = z.object({ id: name });
type Id = z.output<typeof Id>;
const Query = z.object({ ...csvFormat, ...page });

async function read(call: Call<Id, z.output<typeof Query>>): Promise<Answer> {
  const owner = await customerOf(call, call.params.id);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  if (call.query.format === "csv") {
    const first = await entriesFrom(call, owner.value.customerId);
    if (first === undefined) return { ok: false, code: "customer_not_found", given: call.params.id };
    return csvAnswer(`balance-${owner.value.customerId}`, BALANCE_COLUMNS, first);
  }
  const found = await object.balance(call.query);
  if (found === undefined) return { ok: false, code: "customer_not_found", given: call.params.id };
  return answer(200, {
    balances: found.balances.map(({ currency, amountMinor }) => ({
      currency,
      ...balanceSum("amount", amountMinor, currency),
    })),
    entries: paged(found.items.map(toWireBalanceEntry), found.total, call.query),
  });
}

/** The ledger from behind an entry on, page by page; undefined when there is no such customer. */
async function entriesFrom(
  call: Call,
  customerId: Uuid,
  after?: string,
): Promise<RowPage<BalanceEntryView> | undefined> {
  const object = objectOf(call.env, call.account.account.accountId, customerId);
  const page = { limit: CSV_ROWS_PER_READ_MAX, ...(after === undefined ? {} : { after }) };
  const rows = await object.balanceEntriesBehind(page);
  if (rows === undefined) return undefined;
  const last = rows.length === CSV_ROWS_PER_READ_MAX ? rows.at(-1)?.entryId : undefined;
  if (last === undefined) return { rows };
  const next = async () => {
    const behind = await entriesFrom(call, customerId, last);
    if (behind === undefined) throw new Error("a ledger broke off: its customer is gone");
    return behind;
  };
  return { rows, next };
}

/** Who was erased can be asked about no more, but what they are owed can be paid. */
async function payeeOf(call: Call, id: string): Promise<Reply<{ customerId: Uuid }>> {
  const owner = await customerOf(call, id);
  if (owner.ok) return owner;
  const erased = await erasedCustomer(call.env.DB, call.account.account.accountId, id);
  return erased === undefined ? owner : { ok: true, value: { customerId: erased as Uuid } };
}

async function payOut(call: Call<Id, unknown, z.output<typeof CreatePayout>>): Promise<Answer> {
  const owner = await payeeOf(call, call.params.id);
  if (!owner.ok) return owner;
  const { customerId } = owner.value;
  const { currency, amountMinor, reference, idempotencyKey, method } = call.body;
  const payout: PayoutCall = {
    currency,
    amountMinor,
    ...(reference === undefined ? {} : { reference }),
    ...(idempotencyKey === undefined ? {} : { key: idempotencyKey }),
    ...(method === "REFUND" ? { refund: paymentTermsOf(call.account.account) } : {}),
    ...requestKeyOf(call),
  };
  return commitAccount(call, async () => {
    const reply = await objectOf(call.env, call.account.account.accountId, customerId).payOut(payout);
    if (!reply.ok) return reply;
    const { entry, isRepeat } = reply.value;
    const before = { currency, ...balanceSum("balance", entry.balanceMinor - entry.amountMinor, currency) };
    const after = {
      currency,
      ...balanceSum("amount", entry.amountMinor, currency),
      ...balanceSum("balance", entry.balanceMinor, currency),
      ...(reference === undefined ? {} : { reference }),
      method,
      entryId: entry.entryId,
    };
    const told = { action: "balance.paid_out" as const, target: customerId, before, after };
    return {
      ok: true,
      status: isRepeat ? 200 : 201,
      data: toWireBalanceEntry(entry),
      replayed: reply.replayed === true,
      statements: [],
      audit: await unlessTold(call, isRepeat, told, { isOneOfMany: true }),
      version: "leave",
    };
  });
}

export const balanceRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Invoices",
    summary: "Read a customer's money balance and its ledger, newest entry first",
    description: `Above 0 the customer is owed money, which the next invoice takes first; below 0 they owe a debt, which the next invoice asks for: too small to be collected, or corrections that a void invoice took back. ${CSV} It holds the ledger.`,
    params: Id,
    query: Query,
    answers: { 200: BalanceWire },
    alsoAnswers: "text/csv",
    refuses: ["customer_not_found"],
    handle: read,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/payout`,
    scope: "admin",
    tag: "Invoices",
    summary: "Pay out a part of the balance",
    description:
      "By other ways, which is recorded, or with `method` REFUND through Stripe, on the newest payment of this customer that has so much left to give back: 409 where none has. Never more than they are owed: 409. While Stripe is away the refund waits; where Stripe refuses it, another entry puts the amount back.",
    params: Id,
    body: CreatePayout,
    examples: { body: { currency: "USD", amount: 12.5, reference: "SEPA 2027-03-02", idempotencyKey: "payout-17" } },
    answers: { 200: BalanceEntryWire, 201: BalanceEntryWire },
    refuses: ["customer_not_found", "state_conflict", "payments_off", "quarantined"],
    handle: payOut,
  }),
];
