import type { Draft } from "../../domain/book.ts";
import type { Pool } from "../../domain/credit.ts";
import { entryViewOf, grantViewOf, poolViewOf } from "../../domain/credit-views.ts";
import { decideDeduct, decideReverse } from "../../domain/deductions.ts";
import { decideGrant, decideVoidGrant } from "../../domain/grants.ts";
import * as pools from "../../domain/pools.ts";
import type { Reply } from "../../domain/refusal.ts";
import type {
  DeductCall,
  EntryReply,
  GrantCall,
  GrantReply,
  LinkPoolCall,
  MakePoolCall,
  PoolCall,
  PoolReply,
  ReverseCall,
  UnlinkPoolCall,
  VoidGrantCall,
} from "../calls.ts";
import { creditPast, readEntry } from "../credit-store.ts";
import { decideOnBook, notFound } from "../decide.ts";
import type { Customer } from "../image.ts";
import { invoiceOf, numberOf, subscriptionOf } from "../questions/billing.ts";
import { unknownCustomer } from "../questions/check.ts";
import { grantOf, poolAt, poolOf } from "../questions/credits.ts";

/** Commands on credits, for the operator. What events burn is `commands/track.ts`, what plans give is the lifecycle's. */

/** Makes an empty pool. Refuses `customer_not_found` for who is not registered. */
export function makePool(customer: Customer, call: MakePoolCall, nowMs: number): Reply<PoolReply> {
  return decideOnBook(customer, call, nowMs, (draft) =>
    customer.image.state.profile === undefined
      ? unknownCustomer(customer)
      : replied(customer, pools.makePool(draft, call.spec, nowMs), nowMs),
  );
}

function replied({ image }: Customer, pool: Pool, nowMs: number): Reply<PoolReply> {
  return { ok: true, value: { pool: poolViewOf(image.owner.tag, pool), asOfMs: nowMs } };
}

function onPool(
  customer: Customer,
  call: PoolCall,
  nowMs: number,
  decide: (draft: Draft, pool: Pool) => Reply<Pool>,
): Reply<PoolReply> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = poolOf(customer, call.poolId);
    if (!found.ok) return found;
    const decided = decide(draft, found.value);
    return decided.ok ? replied(customer, decided.value, nowMs) : decided;
  });
}

/** Lets a live subscription draw from the pool; see `decideLink`. */
export function linkPool(customer: Customer, call: LinkPoolCall, nowMs: number): Reply<PoolReply> {
  return onPool(customer, call, nowMs, (draft, pool) => {
    const found = subscriptionOf(customer, call.subscriptionId);
    if (!found.ok) return found;
    const { number, status } = found.value;
    if (status === "CANCELLED") return { ok: false, code: "subscription_ended" };
    const { drawPriority, drawLimitE4 } = call;
    const limit = drawLimitE4 === undefined ? {} : { drawLimitE4 };
    return pools.decideLink(draft, pool, { subscription: number, drawPriority, ...limit }, nowMs);
  });
}

export function unlinkPool(customer: Customer, call: UnlinkPoolCall, nowMs: number): Reply<PoolReply> {
  return onPool(customer, call, nowMs, (draft, pool) => {
    const found = subscriptionOf(customer, call.subscriptionId);
    return found.ok ? pools.decideUnlink(draft, pool, found.value.number, nowMs) : found;
  });
}

export function freezePool(customer: Customer, call: PoolCall, nowMs: number): Reply<PoolReply> {
  return onPool(customer, call, nowMs, (draft, pool) => pools.decideFreeze(draft, pool, nowMs));
}

export function unfreezePool(customer: Customer, call: PoolCall, nowMs: number): Reply<PoolReply> {
  return onPool(customer, call, nowMs, (draft, pool) => pools.decideUnfreeze(draft, pool, nowMs));
}

export function archivePool(customer: Customer, call: PoolCall, nowMs: number): Reply<PoolReply> {
  return onPool(customer, call, nowMs, (draft, pool) => pools.decideArchive(draft, pool, nowMs));
}

/** Puts credits into a pool; see `decideGrant`. Subscription and invoice, where they are named, are the customer's. */
export function grantCredits(customer: Customer, call: GrantCall, nowMs: number): Reply<GrantReply> {
  const { poolId, spec, subscriptionId, invoiceId, price } = call;
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = poolOf(customer, poolId);
    if (!found.ok) return found;
    const subscription = subscriptionId === undefined ? undefined : subscriptionOf(customer, subscriptionId);
    if (subscription?.ok === false) return subscription;
    const invoice = invoiceId === undefined ? undefined : invoiceOf(customer, invoiceId);
    if (invoice?.ok === false) return invoice;
    const decided = decideGrant(
      draft,
      {
        pool: found.value,
        spec: {
          ...spec,
          ...(subscription === undefined ? {} : { subscription: subscription.value.number }),
          ...(invoice === undefined ? {} : { invoice: invoice.value.number }),
        },
        ...(price === undefined ? {} : { price }),
        past: creditPast(customer.sql),
      },
      nowMs,
    );
    if (!decided.ok) return decided;
    const { grant, isRepeat } = decided.value;
    const { number, balanceE4: before } = found.value;
    const balanceE4 = { before, after: draft.pools.get(number)?.balanceE4 ?? before };
    const view = grantViewOf(customer.image.owner.tag, grant);
    return { ok: true, value: isRepeat ? { grant: view, isRepeat } : { grant: view, isRepeat, balanceE4 } };
  });
}

/** Takes back what a grant still has; see `decideVoidGrant`. */
export function voidGrant(customer: Customer, call: VoidGrantCall, nowMs: number): Reply<GrantReply> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = grantOf(customer, call.grantId);
    if (!found.ok) return found;
    const said = call.description === undefined ? {} : { description: call.description };
    const pool = poolAt(customer, found.value.pool);
    const decided = decideVoidGrant(draft, { pool, grant: found.value, ...said }, nowMs);
    if (!decided.ok) return decided;
    return { ok: true, value: { grant: grantViewOf(customer.image.owner.tag, decided.value), isRepeat: false } };
  });
}

/** Takes credits out of a pool; see `decideDeduct`. */
export function deductCredits(customer: Customer, call: DeductCall, nowMs: number): Reply<EntryReply> {
  const { poolId, amountE4, description, key, metadata } = call;
  return decideOnBook(customer, call, nowMs, (draft) => {
    const found = poolOf(customer, poolId);
    if (!found.ok) return found;
    const said = {
      ...(description === undefined ? {} : { description }),
      ...(key === undefined ? {} : { key }),
      ...(metadata === undefined ? {} : { metadata }),
    };
    const past = creditPast(customer.sql);
    const decided = decideDeduct(draft, { pool: found.value, amountE4, past, ...said }, nowMs);
    if (!decided.ok) return decided;
    const { entry, isRepeat } = decided.value;
    return { ok: true, value: { entry: entryViewOf(customer.image.owner.tag, entry), isRepeat } };
  });
}

/** Gives a deduction back to its grants; see `decideReverse`. */
export function reverseEntry(customer: Customer, call: ReverseCall, nowMs: number): Reply<EntryReply> {
  return decideOnBook(customer, call, nowMs, (draft) => {
    const number = numberOf(customer, "creditEntry", call.entryId);
    const entry = number === undefined ? undefined : readEntry(customer.sql, number);
    if (entry === undefined) return notFound("credit transaction", call.entryId);
    const said = call.description === undefined ? {} : { description: call.description };
    const pool = poolAt(customer, entry.pool);
    const decided = decideReverse(draft, { pool, entry, past: creditPast(customer.sql), ...said }, nowMs);
    if (!decided.ok) return decided;
    return { ok: true, value: { entry: entryViewOf(customer.image.owner.tag, decided.value), isRepeat: false } };
  });
}
