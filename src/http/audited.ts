import { type Audit, type AuditAction, hasEntry } from "../catalog/audit.ts";
import { sumFields } from "../contract/scalars.ts";
import type { GrantReply, InvoiceReply, PoolReply, Replayable, SubscriptionReply } from "../customer/calls.ts";
import { objectOf } from "../customer/object-of.ts";
import { formatE4 } from "../domain/credit-amount.ts";
import type { GrantView, PoolView } from "../domain/credit-views.ts";
import { minorToE12 } from "../domain/money.ts";
import type { Reply } from "../domain/refusal.ts";
import type { InvoiceView, SubscriptionView } from "../domain/views.ts";
import { ownerOf } from "./customer-of.ts";
import { commitAccount } from "./remembered.ts";
import type { Answer, Call } from "./route.ts";
import { refusalOf, requestKeyOf, toWireInvoiceReply } from "./subscription-answer.ts";

/**
 * What is done by hand to a customer's subscriptions, invoices and credits: the effect is the object's, and the trail says who did it. The
 * entry is written with the answer, after the effect; under an Idempotency-Key a repeat makes up for one that was lost in between.
 */

type CustomerStub = ReturnType<typeof objectOf>;

/** `toWire`: the answer. `asked`: what of the request the entry keeps, since the thing does not show it afterwards. */
type Command<T> = {
  action: AuditAction;
  asked?: Record<string, unknown>;
  run: (object: CustomerStub) => Promise<Replayable<T>>;
  /** Asked where nothing changed: is it so because somebody did the same by hand before? Then that has to be in the trail. */
  foundDone?: (call: Call, value: T) => Promise<boolean>;
  toWire: (call: Call, value: T) => unknown;
};

/** `trail`: what an entry keeps of the thing; nothing personal, since entries stay for ever. */
type Kind<T> = {
  name: "subscription" | "invoice" | "creditPool" | "creditGrant";
  read: (object: CustomerStub, id: string) => Promise<Reply<T>>;
  trail: (value: T) => Record<string, unknown>;
};

function commandOn<T>(call: Call<{ id: string }>, kind: Kind<T>, command: Command<T>): Promise<Answer> | Answer {
  const { id } = call.params;
  const owner = ownerOf(call, kind.name, id);
  if (!owner.ok) return owner;
  const object = () => objectOf(call.env, call.account.account.accountId, owner.value);
  return commitAccount(call, async () => {
    const found = await kind.read(object(), id);
    if (!found.ok) return found;
    const reply = await command.run(object());
    if (!reply.ok) return refusalOf(call, owner.value, reply);
    const [before, after] = [kind.trail(found.value), kind.trail(reply.value)];
    const entry = { action: command.action, target: id.toLowerCase(), after: { ...after, ...command.asked } };
    const changed = JSON.stringify(before) !== JSON.stringify(after);
    const replayed = reply.replayed === true;
    let audit: Audit | readonly Audit[] = [];
    // A replayed reply is of a command whose entry was lost: what was before it is not known any more.
    if (replayed) audit = entry;
    else if (changed) audit = { ...entry, before };
    else if (await command.foundDone?.(call, reply.value)) audit = await unlessTold(call, true, entry);
    const data = command.toWire(call, reply.value);
    return { ok: true, status: 200, data, replayed, statements: [], audit, version: "leave" };
  });
}

/**
 * The entry of what a command did, or found done under the caller's own key (`isRepeat`): then it is written only where it is not there,
 * since D1 may have failed between the effect and its entry. `isOneOfMany`: its target has others like it, so that the outcome tells them
 * apart.
 */
export async function unlessTold(
  call: Call,
  isRepeat: boolean,
  entry: Audit,
  { isOneOfMany = false } = {},
): Promise<Audit | readonly Audit[]> {
  if (!isRepeat) return entry;
  const { action, target, after } = entry;
  const like = isOneOfMany ? { action, target, after } : { action, target };
  return (await hasEntry(call.env.DB, call.account.account.accountId, like)) ? [] : entry;
}

/** What the trail keeps of a subscription. */
export function subscriptionTrail({ plan, scheduled, cancel, status, gracePeriodDays }: SubscriptionView) {
  return {
    planKey: plan.key,
    planVersion: plan.version,
    status,
    gracePeriodDays,
    ...(cancel === undefined ? {} : { cancelMode: cancel.mode }),
    ...(scheduled === undefined ? {} : { scheduled: `${scheduled.type} ${scheduled.toPlan.key}` }),
  };
}

/** What the trail keeps of an invoice, its amount as answers write it. */
function invoiceTrail({ status, amountMinor, currency, subscription }: InvoiceView) {
  const amount = sumFields("amount", minorToE12(amountMinor, currency));
  const of = subscription === undefined ? {} : { subscriptionId: subscription.subscriptionId };
  return { ...of, status, ...amount, currency };
}

/** A command on the subscription that the path names. */
export function commandOnSubscription(
  call: Call<{ id: string }>,
  command: Command<SubscriptionReply>,
): Promise<Answer> | Answer {
  return commandOn(
    call,
    {
      name: "subscription",
      read: (object, id) => object.subscription(id),
      trail: ({ subscription }) => subscriptionTrail(subscription),
    },
    command,
  );
}

/** A command on the invoice that the path names. */
export function commandOnInvoice(call: Call<{ id: string }>, command: Command<InvoiceReply>): Promise<Answer> | Answer {
  return commandOn(
    call,
    { name: "invoice", read: (object, id) => object.invoice(id), trail: ({ invoice }) => invoiceTrail(invoice) },
    command,
  );
}

/**
 * Marks the invoice that the path names as paid, by whichever API: it moves money. Where it is paid already nothing changes; was that by
 * hand, the trail may lack it, since D1 can fail between effect and entry and nobody has to send a key.
 */
export function payByHand(call: Call<{ id: string }>): Promise<Answer> | Answer {
  return commandOnInvoice(call, {
    action: "invoice.paid",
    run: (object) => object.payInvoice({ invoiceId: call.params.id, ...requestKeyOf(call) }),
    foundDone: wasPaidByHand,
    toWire: toWireInvoiceReply,
  });
}

/** Not by settling its subscription, which has an entry of its own. */
async function wasPaidByHand(call: Call, { invoice }: InvoiceReply): Promise<boolean> {
  const { paidBy, type, subscription } = invoice;
  if (paidBy !== "MANUAL") return false;
  if (type !== "IN_ADVANCE_INITIAL" || subscription === undefined) return true;
  const settled = { action: "subscription.activated" as const, target: subscription.subscriptionId };
  return !(await hasEntry(call.env.DB, call.account.account.accountId, settled));
}

/** What the trail keeps of a pool. */
export function poolTrail({ name, denomination, status, balanceE4, links }: PoolView) {
  return {
    name,
    denomination,
    status: status === "DEPLETED" ? "ACTIVE" : status,
    balance: formatE4(balanceE4),
    subscriptions: links.map(({ subscriptionId, drawPriority, drawLimitE4 }) => ({
      subscriptionId,
      drawPriority,
      ...(drawLimitE4 === undefined ? {} : { drawLimit: formatE4(drawLimitE4) }),
    })),
  };
}

/** What the trail keeps of a grant. */
export function grantTrail({ poolId, type, amountE4, remainingE4, voidedAtMs }: GrantView) {
  return {
    creditPoolId: poolId,
    grantType: type,
    amount: formatE4(amountE4),
    remaining: formatE4(remainingE4),
    isVoid: voidedAtMs !== undefined,
  };
}

/** A command on the pool that the path names. */
export function commandOnPool<P extends { id: string }>(
  call: Call<P>,
  command: Command<PoolReply>,
): Promise<Answer> | Answer {
  return commandOn(
    call,
    { name: "creditPool", read: (object, id) => object.pool(id), trail: ({ pool }) => poolTrail(pool) },
    command,
  );
}

/** A command on the grant that the path names. */
export function commandOnGrant(call: Call<{ id: string }>, command: Command<GrantReply>): Promise<Answer> | Answer {
  return commandOn(
    call,
    { name: "creditGrant", read: (object, id) => object.grant(id), trail: ({ grant }) => grantTrail(grant) },
    command,
  );
}
