import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import type { ExpectStatic } from "vitest";
import { commit } from "../../../src/customer/commit.ts";
import { openCustomer, ownerOf } from "../../../src/customer/image.ts";
import { openDraft } from "../../../src/domain/book.ts";
import { decideCarry } from "../../../src/domain/payment.ts";
import { type Invoice, type InvoiceItem, ok, type Page, type Subscription } from "../sale.ts";
import { newWorld } from "../world.ts";
import { instantOf, money, subscriptionText, substanceOf } from "./texts.ts";

/** The customer of a story, on a test clock in an account of her own: what is asked of the API about her, and how time goes by. */

/** Every plan prices the feature `api`; `tiers` are `[up to, price per unit, flat fee]`. */
export type PlanOf = {
  price?: number;
  months?: number;
  arrears?: true;
  currency?: string;
  perUnit?: number;
  accumulate?: true;
  tiers?: readonly (readonly [upTo: number | "inf", pricePerUnit: number, flatFee?: number])[];
  /** Units of `api` draw the customer's credits before they are billed. */
  burnsCredits?: true;
};

export type Ask = <T = unknown>(method: string, path: string, body?: unknown) => Promise<T>;
export type Heroine = Awaited<ReturnType<typeof openStory>>;

type Thing = { id: string };
type Pool = Thing & { balance: number };
type Owner = Thing & { subscriptions: Subscription[]; creditBalance: { currency: string; amount: number }[] };
type Explained = { items: { formula: string }[]; replay: { matches: boolean; firstDifference?: unknown } };
type TimedItem = InvoiceItem & { createdAt?: string; modifiedAt?: string };

export const CLIENT = "/api/v1/client";
export const ADMIN = "/api/v1/monetization";
const CLOCKS = "/api/v1/test-clocks";

const instantText = (atMs: number): string => new Date(atMs).toISOString();

function pricingOf({ perUnit, tiers, accumulate }: PlanOf): unknown {
  const reset_mode = accumulate ? "accumulate" : "reset";
  if (tiers !== undefined) {
    const steps = tiers.map(([up_to, price_per_unit, flat_fee]) => ({ up_to, price_per_unit, flat_fee }));
    return { pricing: { model: "graduated", reset_mode, tiers: steps } };
  }
  return perUnit === undefined ? {} : { pricing: { model: "usage", price_per_unit: perUnit, reset_mode } };
}

/** Sells the plans. Returns the ids of plans by key, and of the feature. */
async function openShop(
  ask: Ask,
  plans: Record<string, PlanOf>,
): Promise<{ ids: Map<string, string>; featureId: string }> {
  const { id: featureId } = await ask<Thing>("POST", `${ADMIN}/features`, { key: "api" });
  const isBurning = Object.values(plans).some(({ burnsCredits }) => burnsCredits);
  const model = isBurning
    ? await ask<Thing>("POST", `${ADMIN}/credits/models`, { name: "AI", denomination: "AI" })
    : undefined;
  const ids = new Map<string, string>();
  for (const [key, plan] of Object.entries(plans)) {
    const { price: priceAmount = 0, months: intervalMonths = 1, currency } = plan;
    const billingTiming = plan.arrears ? "IN_ARREARS" : "IN_ADVANCE";
    const body = { key, name: key, description: key, priceAmount, intervalMonths, billingTiming, currency };
    const { id: planId } = await ask<Thing>("POST", `${ADMIN}/plans`, body);
    const creditModelId = plan.burnsCredits ? model?.id : undefined;
    await ask("POST", `${ADMIN}/rules/plan-features`, { planId, featureId, value: pricingOf(plan), creditModelId });
    await ask("PATCH", `${ADMIN}/plans/${planId}`, { status: "ACTIVE" });
    ids.set(key, planId);
  }
  return { ids, featureId };
}

export async function openStory(expect: ExpectStatic, plans: Record<string, PlanOf>, start: string) {
  const world = await newWorld();
  const ask: Ask = (method, path, body) => ok(world.call(method, path, body));
  const shop = await openShop(ask, plans);
  let nowMs = instantOf(start);
  const { id: clock } = await ask<Thing>("POST", CLOCKS, { frozenTime: instantText(nowMs) });
  const ada = { email: "ada@mail.test", customerReferenceId: "ada", testClockId: clock };
  const { id: customerId } = await ask<Thing>("POST", `${CLIENT}/customers`, ada);

  /** `#1`, `#2` …: invoices in the order in which they were seen first. */
  const places = new Map<string, string>();
  let substances = new Map<string, string>();
  let known = new Map<string, string>();
  let poolId: string | undefined;

  async function advance(toMs: number): Promise<void> {
    if (toMs === nowMs) return;
    await ask("POST", `${CLOCKS}/${clock}/advance`, { frozenTime: instantText(toMs) });
    nowMs = toMs;
  }

  const owner = () => ask<Owner>("GET", `${CLIENT}/customers/ada`);
  const subscriptionOf = (id: string) => ask<Subscription>("GET", `${ADMIN}/subscriptions/${id}`);

  /** All invoices in the order of their making. */
  async function invoices(): Promise<Invoice[]> {
    return (await ask<Page<Invoice>>("GET", `${CLIENT}/billing/invoices/ada?limit=200`)).items.reverse();
  }

  /** Goes over the end of a period: the invoice that it brings is the one that was upcoming a millisecond before. */
  async function renew(id: string, endMs: number): Promise<void> {
    await advance(Math.max(nowMs, endMs - 1));
    if ((await subscriptionOf(id)).status !== "ACTIVE") return advance(endMs);
    const path = `${CLIENT}/billing/invoices/ada/upcoming?subscriptionId=${id}`;
    const upcoming = await ask<Invoice>("GET", path);
    await advance(endMs);
    // Grace that ends in the very instant of the period suspends first: who does not pay in time is asked for less than who does.
    if ((await subscriptionOf(id)).status === "SUSPENDED") return;
    const came = (await invoices()).filter(
      ({ type, status, dueDate, subscription }) =>
        type === "REGULAR" && status !== "PENDING" && subscription.id === id && Date.parse(dueDate) === endMs,
    );
    const facts = ({ amount, currency, type, periodStart, periodEnd, dueDate, items }: Invoice) => ({
      ...{ amount, currency, type, periodStart, periodEnd, dueDate },
      items: items.map(({ id: _, invoiceId: __, createdAt: ___, modifiedAt: ____, ...item }: TimedItem) => item),
    });
    if (upcoming.items.length > 0 || came.length > 0)
      expect(came.map(facts), "the invoice that comes is the one that was upcoming").toEqual([facts(upcoming)]);
  }

  return {
    ask,
    customerId,
    nowMs: () => nowMs,
    featureId: shop.featureId,
    planId(key: string): string {
      const id = shop.ids.get(key);
      if (id === undefined) throw new Error(`no plan ${key} in this story`);
      return id;
    },
    /** The newest subscription. */
    async subscription(): Promise<Subscription> {
      const [newest] = (await owner()).subscriptions;
      if (newest === undefined) throw new Error("nobody has subscribed yet");
      return newest;
    },
    /** The invoice `#n`, or all that are unpaid. */
    async named(place?: string): Promise<Invoice[]> {
      const all = await invoices();
      const found = all.filter(({ id, status }) =>
        place === undefined ? status === "DUE" || status === "PAST_DUE" : places.get(id) === place,
      );
      if (found.length === 0) throw new Error(`no invoice ${place ?? "to be paid"}`);
      return found;
    },
    /**
     * The invoice `#n`, the only one that is unpaid, is too small to be collected. What collects says so from inside, not a caller: so
     * this is decided in her object, which then forgets what it knew.
     */
    async carry(place: string): Promise<void> {
      const [{ id: invoiceId } = { id: "" }] = await this.named(place);
      const object = world.object(customerId);
      await runInDurableObject(object, (_, { storage, id }) => {
        const customer = openCustomer(storage, ownerOf(id.name), () => Date.now());
        const { image } = customer;
        const [unpaid, ...others] = [...image.book.invoices.values()].filter(({ status }) => status === "DUE");
        if (unpaid === undefined || others.length > 0) throw new Error(`${place} ${invoiceId} is not the only one`);
        const draft = openDraft(image.book);
        const carried = decideCarry(draft, unpaid, nowMs);
        if (!carried.ok) throw new Error(`409: ${JSON.stringify(carried)}`);
        commit(customer, [{ kind: "draft", draft }], nowMs);
      });
      await evictDurableObject(object);
    },
    /** The pool that holds her credits, made when it is needed first. */
    async pool(): Promise<string> {
      const body = { name: "Credits", denomination: "AI", currency: "USD", customerId };
      poolId ??= (await ask<Pool>("POST", `${ADMIN}/credits/pools`, body)).id;
      return poolId;
    },
    /** Goes to an instant, and looks at what is upcoming just before each period ends on the way. */
    async goTo(toMs: number): Promise<void> {
      for (;;) {
        const ends = (await owner()).subscriptions
          .filter(({ status }) => status === "ACTIVE")
          .map(({ id, currentPeriodEnd }) => ({ id, endMs: Date.parse(currentPeriodEnd) }))
          .filter(({ endMs }) => endMs > nowMs && endMs <= toMs)
          .toSorted((a, b) => a.endMs - b.endMs);
        const [next] = ends;
        if (next === undefined) break;
        await renew(next.id, next.endMs);
      }
      await advance(toMs);
    },
    /** Everything that is not as it was when it was last looked at, in words. */
    async changes(): Promise<string[]> {
      const { subscriptions, creditBalance } = await owner();
      const told: string[] = [];
      const [seen, made] = [new Map<string, string>(), new Map<string, string>()];
      const note = (about: string, text: string, say = text): void => {
        seen.set(about, text);
        if (known.get(about) !== text) told.push(say);
      };
      for (const invoice of await invoices()) {
        const { id, number, status } = invoice;
        const place = places.get(id) ?? `#${places.size + 1}`;
        places.set(id, place);
        const { kind, rest } = substanceOf(invoice);
        const head = number === undefined ? place : `${place} ${number}`;
        made.set(id, rest);
        const isSame = substances.get(id) === rest;
        note(id, `${head} ${status} ${rest}`, `${head} ${isSame ? status : `${kind} ${status} ${rest}`}`);
      }
      for (const one of subscriptions.toReversed()) note(one.id, subscriptionText(one));
      const owed = creditBalance.map(({ amount, currency }) => `${money(amount, currency)} ${currency}`);
      note("balance", `balance ${owed.length === 0 ? "0" : owed.join(", ")}`);
      if (poolId !== undefined) {
        const { balance } = await ask<Pool>("GET", `${ADMIN}/credits/pools/${poolId}`);
        note("credits", `credits ${balance}`);
      }
      [known, substances] = [seen, made];
      return told;
    },
    /** What must be true wherever a story ends. */
    async end(): Promise<void> {
      const all = await invoices();
      for (const { id, items } of all) {
        const explained = await ask<Explained>("GET", `${ADMIN}/billing/invoices/${id}/explain`);
        expect(explained.replay, `${places.get(id)} is made again from what is stored`).toEqual({ matches: true });
        expect(explained.items.filter(({ formula }) => formula !== "")).toHaveLength(items.length);
      }
      const numbers = all.flatMap(({ number = [] }) => number).toSorted();
      expect(numbers).toEqual(numbers.map((_, index) => `INV-${String(index + 1).padStart(6, "0")}`));
      const { laws } = await ask<{ laws: { holds: boolean }[] }>("GET", `${ADMIN}/customers/ada/books`);
      expect(laws.filter(({ holds }) => !holds)).toEqual([]);
    },
  };
}
