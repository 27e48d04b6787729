import type { CustomerObject } from "../../../src/customer/object.ts";
import { decimalToE12 } from "../../../src/domain/amount.ts";
import { type CustomerTag, customerThingId } from "../../../src/domain/ids.ts";
import { invoiceNumber } from "../../../src/domain/invoice.ts";
import type { PaymentTerms } from "../../../src/domain/payments.ts";
import { creditPrice } from "./buying.ts";
import { DENOMINATION, E12_PER_E4, featureId, pinOf } from "./catalog.ts";
import type { BillRef, Catalog, Fact, Told } from "./facts.ts";
import { creditTerms, type Weighting } from "./weights.ts";

/** How the engine is told of a fact. */

export type Stub = DurableObjectStub<CustomerObject>;
/** `eventIds`: of uses, by their keys. */
export type Who = { tag: CustomerTag; reference: string; eventIds: Record<string, string> };

/** What was answered; undefined where it failed on our side, and nobody knows. */
export type Heard = { told: Told; isAccepted?: true } | undefined;

type Reply = { ok: true } | { ok: false; code: string };

const heardOf = (reply: Reply): Heard => {
  if (reply.ok) return { told: "done" };
  return reply.code === "quarantined" ? undefined : { told: "refused" };
};

const poolId = ({ tag }: Who, { pool }: { pool: number }) => customerThingId(tag, "creditPool", pool);
const subscriptionId = ({ tag }: Who, sub: number) => customerThingId(tag, "subscription", sub);
export const invoiceId = ({ tag }: Who, { sub, place }: BillRef) =>
  customerThingId(tag, "invoice", invoiceNumber(sub, place));

/** `payments`: what the account's settings say of its payment provider. */
export type Terms = Sold & { key: string; payments: PaymentTerms | undefined };

/** What calls bring along of what the account defines. */
export type Sold = { catalog: Catalog; weights: readonly Weighting[] };

/** What happens at the payment provider is told by the provider. */
export type OwnFact = Exclude<Fact, { kind: "collected" | "underWay" | "givenBack" | "payoutBack" | "bought" }>;

/** Tells it; the same `key` again tells the same again. */
export async function tell(
  stub: Stub,
  who: Who,
  fact: Exclude<OwnFact, { kind: "erase" }>,
  { catalog, weights, key, payments }: Terms,
): Promise<Heard> {
  const requestKey = { digest: key, bodyDigest: key };
  const asking = payments === undefined ? {} : { payments };
  const identity = { referenceId: who.reference };
  switch (fact.kind) {
    case "seen":
      await stub.overview();
      return { told: "done" };
    case "subscribe": {
      const { to, graceDays: gracePeriodDays } = fact;
      return heardOf(
        await stub.subscribe({ identity, pin: pinOf(catalog, to), gracePeriodDays, requestKey, ...asking }),
      );
    }
    case "use":
      return await tellUses(stub, who, [fact], weights).then(([heard]) => heard);
    case "correct": {
      const eventId = who.eventIds[fact.key] ?? customerThingId(who.tag, "event", 10_000_000);
      return heardOf(await stub.correct({ eventId, usageE12: decimalToE12(fact.units), requestKey }));
    }
    case "reserve":
    case "commit":
    case "release":
      return await tellReserving(stub, who, fact, { weights, key });
    case "makePool": {
      const rules = { denomination: DENOMINATION, hardLimit: fact.isHard, rolloverPolicy: "NONE" as const };
      return heardOf(await stub.makePool({ spec: { name: "Credits", currency: "USD", ...rules }, requestKey }));
    }
    case "buy": {
      const asked = { poolId: poolId(who, fact), creditsE4: decimalToE12(fact.credits) / E12_PER_E4 };
      const terms = payments ?? { isOn: false, refundOverpayments: false };
      return heardOf(await stub.purchase({ ...asked, price: creditPrice(fact.atMs), payments: terms, requestKey }));
    }
    case "grant": {
      const { credits, untilMs } = fact;
      const spec = { type: "MANUAL" as const, amountE4: decimalToE12(credits) / E12_PER_E4 };
      const until = untilMs === undefined ? {} : { expiresAtMs: untilMs };
      return heardOf(await stub.grantCredits({ poolId: poolId(who, fact), spec: { ...spec, ...until }, requestKey }));
    }
    case "deduct": {
      const amountE4 = decimalToE12(fact.credits) / E12_PER_E4;
      return heardOf(await stub.deductCredits({ poolId: poolId(who, fact), amountE4, requestKey }));
    }
    case "freeze":
      return heardOf(await stub.freezePool({ poolId: poolId(who, fact), requestKey }));
    case "unfreeze":
      return heardOf(await stub.unfreezePool({ poolId: poolId(who, fact), requestKey }));
    case "pay":
      return heardOf(await stub.payInvoice({ invoiceId: invoiceId(who, fact.bill), requestKey }));
    case "void": {
      const { bill, rebill } = fact;
      return heardOf(await stub.voidInvoice({ invoiceId: invoiceId(who, bill), rebill, requestKey }));
    }
    case "payout": {
      const { currency, cents, byRefund } = fact;
      const refund = byRefund && payments !== undefined ? { refund: payments } : {};
      return heardOf(await stub.payOut({ currency, amountMinor: Number(cents), requestKey, ...refund }));
    }
    default:
      return await tellSub(
        stub,
        { subscriptionId: subscriptionId(who, fact.sub), requestKey, ...asking },
        fact,
        catalog,
      );
  }
}

type Reserving = Extract<Fact, { kind: "reserve" | "commit" | "release" }>;

async function tellReserving(
  stub: Stub,
  who: Who,
  fact: Reserving,
  { weights, key: digest }: Pick<Terms, "weights" | "key">,
): Promise<Heard> {
  const requestKey = { digest, bodyDigest: digest };
  const credits = creditTerms(weights);
  if (fact.kind === "reserve") {
    const { feature, seconds: ttlSeconds, model } = fact;
    const asked = { featureKey: feature, isEnabled: true, unitsE12: decimalToE12(fact.units), ttlSeconds };
    const reply = await stub.reserve({ ...asked, credits, requestKey, ...(model === undefined ? {} : { model }) });
    return reply.ok && reply.value.reservationId === undefined ? { told: "refused" } : heardOf(reply);
  }
  const reservationId = customerThingId(who.tag, "reservation", fact.hold);
  if (fact.kind === "release") return heardOf(await stub.releaseReservation({ reservationId, requestKey }));
  const { key, units } = fact;
  const events = [{ key, eventName: "use", usageE12: decimalToE12(units) }];
  const identity = { referenceId: who.reference };
  const track = { identity, terms: { currency: "USD" }, credits, events, requestKey };
  const reply = await stub.commitReservation({ reservationId, track });
  if (reply.ok && reply.value.outcome === "key_taken") return { told: "refused" };
  if (reply.ok) who.eventIds[key] = reply.value.receipt.eventId;
  return heardOf(reply);
}

type OnSub = Extract<
  Fact,
  { kind: "change" | "migrate" | "cancel" | "revert" | "dropScheduled" | "activate" | "grace" }
>;

async function tellSub(
  stub: Stub,
  call: { subscriptionId: string; requestKey: { digest: string; bodyDigest: string }; payments?: PaymentTerms },
  fact: OnSub,
  catalog: Catalog,
): Promise<Heard> {
  switch (fact.kind) {
    case "change":
      return heardOf(await stub.changePlan({ ...call, to: pinOf(catalog, fact.to), type: fact.type }));
    case "migrate": {
      const { subscriptionId: id } = call;
      const { to, when } = fact;
      const reply = await stub.migratePlan({ subscriptionId: id, to: pinOf(catalog, to), when, dryRun: false });
      return reply.ok && !reply.value.moved ? { told: "refused" } : heardOf(reply);
    }
    case "cancel":
      return heardOf(await stub.cancelSubscription({ ...call, mode: fact.mode }));
    case "revert":
      return heardOf(await stub.revertCancellation(call));
    case "dropScheduled":
      return heardOf(await stub.dropScheduledChange({ ...call, byCustomer: false }));
    case "activate":
      return heardOf(await stub.activateSubscription(call));
    case "grace":
      return heardOf(await stub.changeGrace({ ...call, gracePeriodDays: fact.days }));
    default:
      return fact satisfies never;
  }
}

type UseFact = Extract<Fact, { kind: "use" }>;

/** Several uses at once, as a batch of events. */
export async function tellUses(
  stub: Stub,
  who: Who,
  uses: readonly UseFact[],
  weights: Sold["weights"],
): Promise<Heard[]> {
  const reply = await stub.track({
    identity: { referenceId: who.reference },
    terms: { currency: "USD" },
    credits: creditTerms(weights),
    events: uses.map(({ key, feature, units, usedMs, wanted, model }) => ({
      key,
      eventName: "use",
      occurredAtMs: usedMs,
      featureId: featureId(feature),
      usageE12: decimalToE12(units),
      ...(wanted === undefined ? {} : { subscriptionId: subscriptionId(who, wanted) }),
      ...(model === undefined ? {} : { costInput: { model } }),
    })),
  });
  if (!reply.ok) return uses.map(() => (reply.code === "customer_erased" ? { told: "refused" } : undefined));
  return reply.value.map((result, index) => {
    // While nobody knows what is due, nothing is taken back: that is no answer for ever.
    if (result.status === "refused")
      return "why" in result.refusal && result.refusal.why.includes("(PENDING)") ? undefined : { told: "refused" };
    who.eventIds[uses[index]?.key ?? ""] = result.receipt.eventId;
    const isAccepted = result.receipt.unmeteredReason === "PENDING" ? { isAccepted: true as const } : {};
    return { told: result.status === "duplicate" ? "refused" : "done", ...isAccepted };
  });
}
