import { divideRounded } from "./amount.ts";
import { assert } from "./assert.ts";
import type { Book, Draft } from "./book.ts";
import type { CreditPrice, E4, Grant, Pool } from "./credit.ts";
import { addGrant, type CreditPast, closedPool, freeOf, grantOf, lesser, takeOut } from "./credit-ledger.ts";
import { openGrants } from "./draw-order.ts";
import { currentPool } from "./pools.ts";
import { invalid, type Reply } from "./refusal.ts";

/**
 * Credits coming into a pool, and what is left of them going out unspent. Leaves a plan's credits to `plan-credits.ts`, spending to
 * `charge.ts`.
 *
 * Laws: a grant's terms never change; what is held of it outlives its expiry and its being voided, and leaves when it comes back.
 */

export type GrantSpec = Pick<Grant, "type" | "amountE4"> &
  Partial<
    Pick<
      Grant,
      "subscription" | "invoice" | "unitPriceE12" | "currency" | "expiresAtMs" | "description" | "metadata" | "key"
    >
  >;

/**
 * Puts credits into a pool. A key that was used in this pool answers the grant that it made. PURCHASED ones without a price of their
 * own take `price`, the one in force. Refuses `state_conflict` unless the pool is ACTIVE, `invalid` for a currency without a price
 * and for credits that would be gone already.
 */
export function decideGrant(
  draft: Draft,
  { pool, spec, price, past }: { pool: Pool; spec: GrantSpec; price?: CreditPrice; past: CreditPast },
  nowMs: number,
): Reply<{ grant: Grant; isRepeat: boolean }> {
  const there = currentPool(draft, pool);
  const first = spec.key === undefined ? undefined : grantWithKey(draft, past, there.number, spec.key);
  if (first !== undefined) return { ok: true, value: { grant: first, isRepeat: true } };
  if (there.status !== "ACTIVE") return closedPool(there);
  if (spec.currency !== undefined && spec.unitPriceE12 === undefined)
    return invalid("currency", "belongs to a unitPrice: send both, or neither");
  if (spec.expiresAtMs !== undefined && spec.expiresAtMs <= nowMs)
    return invalid("expiresAt", "has passed: the credits would be gone already");
  const grant = addGrant(draft, { ...spec, ...unitPrice(there, spec, price), pool: there.number, createdAtMs: nowMs });
  return { ok: true, value: { grant, isRepeat: false } };
}

function grantWithKey(draft: Draft, past: CreditPast, pool: number, key: string): Grant | undefined {
  for (const grant of draft.grants.written.values()) if (grant.pool === pool && grant.key === key) return grant;
  const found = past.grantWithKey(pool, key);
  return found === undefined ? undefined : (draft.grants.get(found.number) ?? found);
}

function unitPrice(
  { currency: poolCurrency }: Pool,
  { type, unitPriceE12, currency = poolCurrency }: GrantSpec,
  price: CreditPrice | undefined,
): Pick<Grant, "unitPriceE12" | "currency"> {
  if (unitPriceE12 !== undefined) return { unitPriceE12, ...(currency === undefined ? {} : { currency }) };
  if (type !== "PURCHASED" || price === undefined) return {};
  return { unitPriceE12: price.pricePerCreditE12, currency: price.currency };
}

/**
 * Takes what a grant still has, by hand; what is held of it leaves when it comes back. Done already: nothing changes. Refuses
 * `state_conflict` unless the pool is ACTIVE: a frozen one is debited by nobody.
 */
export function decideVoidGrant(
  draft: Draft,
  { pool, grant, description }: { pool: Pool; grant: Grant; description?: string },
  nowMs: number,
): Reply<Grant> {
  const there = currentPool(draft, pool);
  const current = draft.grants.get(grant.number) ?? grant;
  const isFrozen = there.status === "FROZEN" && current.voidedAtMs === undefined;
  if (there.status === "ARCHIVED" || isFrozen) return closedPool(there);
  return { ok: true, value: voidGrant(draft, current, nowMs, description) };
}

/** The same of any pool that is not archived: what was given for a subscription or a payment goes with it, frozen or not. */
export function voidGrant(draft: Draft, grant: Grant, atMs: number, description?: string): Grant {
  if (grant.voidedAtMs !== undefined) return grant;
  draft.grants.put({ ...grant, voidedAtMs: atMs });
  const said = description === undefined ? {} : { description };
  takeOut(draft, grant.number, { type: "VOID", amountE4: freeOf(grant), ...said }, atMs);
  return grantOf(draft, grant.number);
}

/** Money of a purchase that is given back: so much of the whole, after so much that was given back before. */
export type RefundShare = { before: bigint; part: bigint; whole: bigint };

/**
 * The money of a purchase, or `share` of it, was given back: the grant loses the same share of what was bought, at most what it has
 * left; what is held of that leaves when it comes back. All of it: the grant is void. Answers how many credits left the pool at once; none
 * of an ARCHIVED one.
 */
export function refundPurchase(
  draft: Draft,
  { pool, grant, share }: { pool: Pool; grant: Grant; share: RefundShare },
  nowMs: number,
): E4 {
  const { before, part, whole } = share;
  assert(before >= 0n && part > 0n && before + part <= whole, "refunds are shares of what was paid");
  if (currentPool(draft, pool).status === "ARCHIVED") return 0n;
  const there = draft.grants.get(grant.number) ?? grant;
  const freeE4 = freeOf(there);
  if (before + part === whole) {
    voidGrant(draft, there, nowMs, "Refunded");
    return there.voidedAtMs === undefined ? freeE4 : 0n;
  }
  // Each is the difference of two sums, so that many small ones come to what one large one does.
  const upTo = (money: bigint): E4 => divideRounded(there.amountE4 * money, whole);
  const shareE4 = upTo(before + part) - upTo(before);
  const amountE4 = lesser(freeE4, shareE4);
  const owedE4 = lesser(there.heldE4, (there.owedE4 ?? 0n) + shareE4 - amountE4);
  if (owedE4 > 0n) draft.grants.put({ ...there, owedE4 });
  takeOut(draft, there.number, { type: "VOID", amountE4, description: "Refunded in part" }, nowMs);
  return amountE4;
}

/** The earliest instant at which credits expire, in any pool; undefined when none ever will. */
export function nextExpiryAtMs(book: Pick<Book | Draft, "pools" | "grants" | "drawOrders">): number | undefined {
  let earliest: number | undefined;
  for (const { number, status } of book.pools.values()) {
    if (status === "ARCHIVED") continue;
    // The first one that is drawn from is the first one to expire.
    const [next] = openGrants(book, number);
    if (next?.expiresAtMs !== undefined && (earliest === undefined || next.expiresAtMs < earliest))
      earliest = next.expiresAtMs;
  }
  return earliest;
}

/** Expires whatever is due at or before `atMs`; what is held waits until it comes back. Returns how many grants that were. */
export function expireGrants(draft: Draft, atMs: number): number {
  let expired = 0;
  for (const { number, status } of draft.pools.values()) {
    if (status === "ARCHIVED") continue;
    for (const grant of openGrants(draft, number)) {
      if (grant.expiresAtMs === undefined || grant.expiresAtMs > atMs) break;
      takeOut(draft, grant.number, { type: "EXPIRATION", amountE4: freeOf(grant) }, grant.expiresAtMs);
      expired += 1;
    }
  }
  return expired;
}
