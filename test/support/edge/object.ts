import { applyDraft } from "../../../src/customer/book-store.ts";
import { type BlockWish, closeBlock, decideBlock, type GrantedBlock, takePart } from "../../../src/domain/block.ts";
import { blockIdOf, isSignedBy, readHandedOutId } from "../../../src/domain/block-id.ts";
import { type Draft, openDraft } from "../../../src/domain/book.ts";
import { followInvoices } from "../../../src/domain/collect.ts";
import type { Grant } from "../../../src/domain/credit.ts";
import { type Weighing, weigh } from "../../../src/domain/credit-weight.ts";
import { nextBillingAtMs, nextDueAtMs, settleDues } from "../../../src/domain/due.ts";
import { servingSubscription, verdictOf } from "../../../src/domain/entitlement.ts";
import { decideGrant } from "../../../src/domain/grants.ts";
import { type CustomerTag, readCustomerThingId, tagFromBytes } from "../../../src/domain/ids.ts";
import { isUnpaid } from "../../../src/domain/invoice.ts";
import { assertDraft } from "../../../src/domain/laws.ts";
import { leaseMsOf } from "../../../src/domain/lease.ts";
import { meter } from "../../../src/domain/metering.ts";
import { newPaces, notePaces } from "../../../src/domain/pace.ts";
import { decidePay } from "../../../src/domain/payment.ts";
import { decidePlanChange } from "../../../src/domain/plan-change.ts";
import { makePool } from "../../../src/domain/pools.ts";
import { decideRelease, decideReserve } from "../../../src/domain/reservation.ts";
import { decideCancel, decideSubscribe } from "../../../src/domain/subscribe.ts";
import type { PlanPin, Subscription } from "../../../src/domain/subscription.ts";
import type { Hold } from "../../../src/domain/usage.ts";
import { emptyBook, plan } from "../book.ts";
import { granted } from "../credit-core.ts";
import { openWeights, type Weights } from "./weights.ts";

/**
 * The object of one customer without a platform: the rules decide on its book, and what is decided is durable at once. It restates the
 * commands around them as shortly as they can be said.
 */

export const TAG: CustomerTag = tagFromBytes(new Uint8Array(8).fill(0x57));
const FEATURE = { featureKey: "api", isEnabled: true };

export type Ended =
  | { outcome: "committed" | "repeated"; seq: number; countedE12: bigint }
  | { outcome: "released" }
  | { outcome: "refused"; why: string };

export type Offer = { limitE12?: bigint; creditsPerUnitE12?: bigint; creditsE4?: bigint };

/** A rule that the object forgets, so that it can be seen whether anybody notices: what falls due, or weights to come, when it lends. */
export type Forgotten = "dues" | "weights";

/** A plan of the offer. `api` is limited, or burns credits, or both. */
function planOf(key: string, { limitE12, creditsPerUnitE12 }: Offer): PlanPin {
  const api = {
    model: "included",
    resetMode: "reset",
    ...(limitE12 === undefined ? {} : { maxUsage: limitE12 }),
  } as const;
  const pin = plan({ key, price: "10", timing: "IN_ARREARS", api });
  if (creditsPerUnitE12 === undefined) return pin;
  return { ...pin, rules: pin.rules.map((rule) => ({ ...rule, denomination: "AI" })) };
}

export function openObject(
  offer: Offer,
  now: () => number,
  secretOf: () => string,
  { weights = openWeights(offer.creditsPerUnitE12), forgotten }: { weights?: Weights; forgotten?: Forgotten } = {},
) {
  const book = emptyBook();
  const holds = new Map<number, Hold>();
  const parts = new Map<string, Hold>();
  const grants = new Map<number, Grant>();
  const counted = new Map<number, bigint>();
  const { creditsPerUnitE12 } = offer;
  let paces = newPaces();
  let rev = 0;
  let seq = 0;
  let lastMs = 0;

  /** Never before what was decided last, however its clock is set. */
  const clock = (): number => Math.max(lastMs, now());

  function commitDraft(draft: Draft, nowMs: number): void {
    assertDraft(book, draft);
    notePaces(paces, book, draft, nowMs);
    for (const [number, hold] of draft.holds.written) {
      holds.set(number, hold);
      if (hold.part !== undefined) parts.set(`${hold.part.block}/${hold.part.sequence}`, hold);
    }
    for (const [number, grant] of draft.grants.written) grants.set(number, grant);
    applyDraft(book, draft);
    rev += 1;
    lastMs = nowMs;
  }

  /** One turn: what fell due, then the work, which says whether anything of its draft is kept. */
  function turn<T>(work: (draft: Draft, nowMs: number) => { value: T; keep: boolean }): T {
    const nowMs = clock();
    const due = nextDueAtMs(book);
    if (due !== undefined && due <= nowMs) {
      const settled = openDraft(book);
      if (settleDues(settled, nowMs) > 0 || settled.holds.written.size > 0) commitDraft(settled, nowMs);
    }
    const draft = openDraft(book);
    const { value, keep } = work(draft, nowMs);
    if (keep) commitDraft(draft, nowMs);
    return value;
  }

  function weighing(atMs: number): Weighing {
    if (creditsPerUnitE12 === undefined) return { atMs };
    const known = weights.all.filter(({ effectiveFromMs }) => forgotten !== "weights" || effectiveFromMs <= atMs);
    return { atMs, terms: { weights: { "f-api": known } } };
  }

  const untilMs = (): number | undefined => (forgotten === "dues" ? undefined : nextBillingAtMs(book));

  const question = (nowMs: number) => ({ ...FEATURE, weighing: weighing(nowMs) });

  function lentTo(draft: Draft, wish: BlockWish, nowMs: number): GrantedBlock | undefined {
    const terms = { secret: secretOf(), openCount: book.holds.size, untilMs: untilMs() };
    return decideBlock(draft, question(nowMs), wish, terms, nowMs);
  }

  function close(draft: Draft, { closed }: BlockWish, nowMs: number): void {
    for (const { block, ...rest } of closed) {
      const hold = draft.holds.get(block);
      if (hold !== undefined) closeBlock(draft, hold, rest, nowMs);
    }
  }

  function holdOf(draft: Draft, id: string, nowMs: number): Hold | "LAPSED" | "unknown" {
    const handedOut = readHandedOutId(id);
    if (handedOut === undefined) return holds.get(readCustomerThingId(id)?.number ?? 0) ?? "unknown";
    const block = holds.get(handedOut.block);
    if (block?.block === undefined || !isSignedBy(handedOut, block.block.secret)) return "unknown";
    return parts.get(`${block.number}/${handedOut.sequence}`) ?? takePart(draft, block, handedOut, nowMs);
  }

  function record(draft: Draft, unitsE12: bigint, nowMs: number, hold?: Hold) {
    const serving = servingSubscription(draft, { featureId: "f-api" }, hold?.subscription);
    const more = hold === undefined ? {} : { hold };
    const weight = weigh(weighing(nowMs), "f-api");
    const event = {
      featureId: "f-api",
      usageE12: unitsE12,
      occurredAtMs: nowMs,
      seq: seq + 1,
      weight,
      isGranted: true,
    };
    const reply = meter(draft, serving, { ...event, ...more }, nowMs);
    if (!reply.ok) return reply;
    seq += 1;
    counted.set(seq, "counted" in reply.value ? reply.value.counted.unitsE12 : 0n);
    return { ok: true as const, value: seq };
  }

  function only(): Subscription {
    const [subscription] = book.subscriptions.values();
    if (subscription === undefined) throw new Error("the model's customer has one subscription");
    return subscription;
  }

  const object = {
    book,
    grants,
    now: clock,
    rev: () => rev,
    /** Memory is lost; what was decided is not. */
    restart: () => {
      paces = newPaces();
    },
    check(boundMs: number): { rev: number; allowed: boolean; leaseMs: number } {
      return turn((draft, nowMs) => {
        const verdict = verdictOf(draft, question(nowMs));
        const leaseMs = leaseMsOf(book, verdict, {
          boundMs,
          nowMs,
          nextDueAtMs: untilMs(),
          weighing: weighing(nowMs),
          paces,
        });
        return { value: { rev, allowed: verdict.allowed, leaseMs }, keep: false };
      });
    },
    reserve(asked: { unitsE12: bigint; ttlSeconds: number; wish?: BlockWish }) {
      return turn((draft, nowMs) => {
        if (asked.wish !== undefined) close(draft, asked.wish, nowMs);
        const { unitsE12: requestedE12, ttlSeconds } = asked;
        const holding = { ttlSeconds, openCount: book.holds.size };
        const reply = decideReserve(draft, { ...question(nowMs), requestedE12 }, holding, nowMs);
        const hold = reply.ok ? reply.value.hold : undefined;
        const block = hold === undefined || asked.wish === undefined ? undefined : lentTo(draft, asked.wish, nowMs);
        const made = hold && { id: blockIdOf(TAG, hold.number) as string, expiresAtMs: hold.expiresAtMs };
        return { value: { made, block }, keep: draft.holds.written.size > 0 };
      });
    },
    lend(wish: BlockWish): GrantedBlock | undefined {
      return turn((draft, nowMs) => {
        close(draft, wish, nowMs);
        return { value: lentTo(draft, wish, nowMs), keep: draft.holds.written.size > 0 };
      });
    },
    commit(id: string, unitsE12: bigint): Ended {
      return turn<Ended>((draft, nowMs) => {
        const hold = holdOf(draft, id, nowMs);
        if (typeof hold === "string") return { value: { outcome: "refused", why: hold }, keep: false };
        if (hold.status === "COMMITTED" && hold.eventSeq !== undefined) {
          const countedE12 = counted.get(hold.eventSeq) ?? 0n;
          return { value: { outcome: "repeated", seq: hold.eventSeq, countedE12 }, keep: false };
        }
        if (hold.status !== "HELD") return { value: { outcome: "refused", why: hold.status }, keep: false };
        const recorded = record(draft, unitsE12, nowMs, hold);
        if (!recorded.ok) return { value: { outcome: "refused", why: recorded.code }, keep: false };
        draft.holds.put({ ...hold, status: "COMMITTED", eventSeq: recorded.value });
        const countedE12 = counted.get(recorded.value) ?? 0n;
        return { value: { outcome: "committed", seq: recorded.value, countedE12 }, keep: true };
      });
    },
    release(id: string): Ended {
      return turn<Ended>((draft, nowMs) => {
        const hold = holdOf(draft, id, nowMs);
        if (typeof hold === "string") return { value: { outcome: "refused", why: hold }, keep: false };
        const reply = decideRelease(draft, hold, nowMs);
        if (!reply.ok) return { value: { outcome: "refused", why: hold.status }, keep: false };
        return { value: { outcome: "released" }, keep: draft.holds.written.size > 0 };
      });
    },
    /** Units that were used: those asked for, or none. */
    consume(unitsE12: bigint): bigint {
      return turn((draft, nowMs) => {
        const { allowed } = verdictOf(draft, { ...question(nowMs), requestedE12: unitsE12 });
        if (!allowed) return { value: 0n, keep: false };
        const recorded = granted(record(draft, unitsE12, nowMs));
        return { value: counted.get(recorded) ?? 0n, keep: true };
      });
    },
    /** Changes by hand; each answers the commit number that it left. */
    upgrade(limitE12: bigint): number {
      turn((draft, nowMs) => {
        const pin = planOf(`to-${limitE12}`, { ...offer, limitE12 });
        const reply = decidePlanChange(draft, only(), { to: pin, type: "UPGRADE" }, nowMs);
        followInvoices(draft, nowMs);
        return { value: granted(reply), keep: true };
      });
      return rev;
    },
    grant(amountE4: bigint): number {
      turn((draft, nowMs) => {
        const [pool] = draft.pools.values();
        const none = () => undefined;
        const past = { grant: none, grantWithKey: none, deductionWithKey: none, reversalsOf: () => [] };
        if (pool !== undefined) granted(decideGrant(draft, { pool, spec: { type: "MANUAL", amountE4 }, past }, nowMs));
        return { value: undefined, keep: true };
      });
      return rev;
    },
    /** What is unpaid is paid: who had lost access has it again. */
    pay(): number {
      turn((draft, nowMs) => {
        const unpaid = [...draft.invoices.values()].filter(isUnpaid);
        for (const invoice of unpaid) granted(decidePay(draft, invoice, nowMs));
        return { value: undefined, keep: unpaid.length > 0 };
      });
      return rev;
    },
    isSuspended: (): boolean => [...book.subscriptions.values()].some(({ status }) => status === "SUSPENDED"),
    cancel(): number {
      turn((draft, nowMs) => {
        const live = [...draft.subscriptions.values()].find(({ status }) => status !== "CANCELLED");
        if (live !== undefined) decideCancel(draft, live, "IMMEDIATE", nowMs);
        followInvoices(draft, nowMs);
        return { value: undefined, keep: live !== undefined };
      });
      return rev;
    },
  };

  turn((draft, nowMs) => {
    granted(decideSubscribe(draft, { pin: planOf("pro", offer), gracePeriodDays: 3 }, nowMs));
    if (creditsPerUnitE12 !== undefined)
      makePool(draft, { name: "Pool", denomination: "AI", hardLimit: true, rolloverPolicy: "NONE" }, nowMs);
    return { value: undefined, keep: true };
  });
  if (offer.creditsE4 !== undefined) object.grant(offer.creditsE4);
  return object;
}

export type ObjectModel = ReturnType<typeof openObject>;
