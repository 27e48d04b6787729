import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { inject, vi } from "vitest";
import { tagOfCustomer, type Uuid } from "../../../src/domain/ids.ts";
import type { PaymentTerms } from "../../../src/domain/payments.ts";
import { runScheduled } from "../../../src/scheduled.ts";
import { withD1 } from "../d1.ts";
import { withSqlFault } from "../fault.ts";
import { ok } from "../sale.ts";
import { newWorld, type World } from "../world.ts";
import { type Book, emptyBook } from "./book.ts";
import { makeCatalog } from "./catalog.ts";
import { collect, collects, hear, hearAll, payNewestPage } from "./collecting.ts";
import { type Heard, type OwnFact, type Sold, type Stub, tell, tellUses, type Who } from "./commands.ts";
import { compare } from "./compare.ts";
import { diceOf } from "./dice.ts";
import { tellErase } from "./erasing.ts";
import type { Fact, Told } from "./facts.ts";
import { look, nextDueMs, nextTurnMs } from "./lives.ts";
import { happen } from "./reckoning.ts";
import { CUSTOMERS, START_MS, type Step, type Trouble } from "./script.ts";
import { openTill, type Till } from "./till.ts";
import { WEIGHTS } from "./weights.ts";
import { type Market, type UseFact, wishOf } from "./wishes.ts";

/** A simulated account: drives the engine through the steps of a seed, and keeps the list of facts. */

/** `backs`: how many payouts came back so far. */
export type Customer = Who & { id: string; facts: Fact[]; book: Book; backs: number };

export type Year = Market & {
  world: World;
  /** What the engine is told that the account sells. */
  sold: Sold;
  factInstead: (fact: OwnFact) => OwnFact;
  customers: Customer[];
  nowMs: number;
  /** Batches that D1 has not been given yet. */
  late: (() => Promise<void>)[];
  numbers: number;
  /** Of accounts that collect. */
  till: Till | undefined;
  payments: PaymentTerms | undefined;
  /** Webhooks that were refused: Stripe tries again. */
  refused: string[];
  commands: number;
  /** By its kind. */
  done: Record<string, number>;
};

function setClock(year: Pick<Year, "nowMs">, atMs: number): void {
  year.nowMs = Math.max(year.nowMs, atMs);
  vi.setSystemTime(year.nowMs);
}

/** What the engine is told instead of what is sold, or of what happens, so that it can be seen whether anybody notices. */
export type Lie = { sold?: (sold: Sold) => Sold; fact?: (fact: OwnFact) => OwnFact };

export async function openYear(seed: number, lie: Lie): Promise<Year> {
  vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
  const world = await newWorld();
  const catalog = makeCatalog(diceOf(seed));
  const { sold: soldInstead = (sold: Sold) => sold, fact: factInstead = (fact: OwnFact) => fact } = lie;
  const sold = soldInstead({ catalog, weights: WEIGHTS });
  const refundOverpayments = seed % 4 === 0;
  const { payingEach } = inject("years");
  const pays = payingEach > 0 && seed % payingEach === 0;
  const till = pays ? await openTill(world, seed, refundOverpayments) : undefined;
  const payments = till && { isOn: true, refundOverpayments };
  const customers: Customer[] = [];
  for (let place = 1; place <= CUSTOMERS; place += 1) {
    const reference = `customer-${place}`;
    const body = { customerReferenceId: reference, email: `${reference}@mail.test` };
    const { id } = await ok(world.call<{ id: string }>("POST", "/api/v1/client/customers", body));
    const tag = tagOfCustomer(id as Uuid);
    customers.push({
      id,
      tag,
      reference,
      eventIds: {},
      facts: [],
      backs: 0,
      book: emptyBook(catalog, START_MS, till !== undefined),
    });
  }
  const onSale = Object.fromEntries(catalog.map(({ key }) => [key, 1]));
  const nothing = { late: [], refused: [], numbers: 0, commands: 0, done: {} };
  return { world, catalog, sold, factInstead, onSale, customers, till, payments, nowMs: START_MS, ...nothing };
}

/** Notes a fact; it is told whether that is what was heard. */
export function note(customer: Customer, fact: Fact, heard: Heard, isSure: boolean): Told {
  customer.facts.push(fact);
  const told = happen(customer.book, fact);
  if (isSure && heard?.told !== told) throw new Error(`${JSON.stringify(fact, text)} was ${heard?.told}, not ${told}`);
  return told;
}

const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

function countDone({ done }: Year, { kind }: Fact, told: Told): void {
  if (told === "done") done[kind] = (done[kind] ?? 0) + 1;
}

/** Does it amid some trouble; undefined where that came to nothing, or nobody knows. */
async function amid<T>(year: Year, stub: Stub, trouble: Trouble | undefined, work: () => Promise<T>) {
  switch (trouble?.kind) {
    case undefined:
      return await work();
    case "d1":
      return await withD1(trouble.how, async ({ delayed }) => {
        const result = await work();
        year.late.push(...delayed);
        return result;
      });
    case "stripe": {
      await year.till?.fail({ mode: trouble.how, times: trouble.times });
      return await work();
    }
    case "statement": {
      const { result } = await withSqlFault(stub, trouble.n, () => work().catch(() => undefined));
      if (result === undefined) await abortAllDurableObjects();
      return result;
    }
    case "abort": {
      const result = work().catch(() => undefined);
      await abortAllDurableObjects();
      return await result;
    }
    default:
      return trouble satisfies never;
  }
}

/** Tells facts of one instant to a customer's object. Who hears nothing asks again under the same key, until it is answered. */
async function tellAll(year: Year, customer: Customer, facts: readonly OwnFact[], trouble: Trouble | undefined) {
  const { world, sold, payments, factInstead } = year;
  const uses = facts.filter((fact): fact is UseFact => fact.kind === "use");
  if (uses.length > 0) {
    year.commands += uses.length;
    const send = () => tellUses(world.object(customer.id), customer, uses, sold.weights);
    let heard = await amid(year, world.object(customer.id), trouble, send);
    const isSure = heard?.every((one) => one !== undefined) === true;
    if (!isSure) heard = await send();
    // Whether those count that were taken while nobody knew is found out when somebody looks: now.
    if (heard?.some((one) => one?.isAccepted)) await world.object(customer.id).overview();
    for (const [index, fact] of uses.entries()) {
      const said = heard?.[index];
      countDone(year, fact, note(customer, said?.isAccepted ? { ...fact, isAccepted: true } : fact, said, isSure));
    }
    return;
  }
  for (const fact of facts) {
    year.numbers += 1;
    year.commands += 1;
    const key = `request-${year.numbers}`;
    const asked = factInstead(fact);
    const send = () =>
      asked.kind === "erase"
        ? tellErase(world, customer)
        : tell(world.object(customer.id), customer, asked, { ...sold, key, payments });
    const heard = await amid(year, world.object(customer.id), trouble, send);
    // A migration has no key: asked for again, there is nothing left to move.
    const isSure = heard !== undefined || fact.kind !== "migrate";
    const told = heard ?? (await send());
    // Whether one payment has so much left to give back is the engine's to say.
    const isRefused = fact.kind === "payout" && fact.byRefund && told?.told === "refused";
    // Whether another one is open, the money is there, or the provider, is the engine's to say.
    const isPurchase = fact.kind === "buy";
    const noted = note(
      customer,
      isRefused ? { kind: "seen", atMs: fact.atMs } : fact,
      told,
      isSure && !isRefused && !isPurchase,
    );
    if (isPurchase && noted === "refused" && told?.told !== noted)
      throw new Error(`a purchase was ${told?.told}, not refused`);
    countDone(year, fact, isRefused ? "refused" : noted);
    await hear(year, customer);
  }
}

/** Time passes; alarms ring on the way, unless they are lost: then they never will. */
async function passTime(year: Year, toMs: number, isAlarmLost: boolean): Promise<void> {
  const { world, customers } = year;
  for (const customer of customers) {
    for (let rings = 0; rings < 4; rings += 1) {
      const dueMs = nextDueMs(customer.book);
      if (dueMs === undefined || dueMs > toMs) break;
      const stub = world.object(customer.id);
      const alarmMs = await runInDurableObject(stub, async (_, { storage }) => {
        const setMs = await storage.getAlarm();
        if (isAlarmLost && setMs !== null && setMs <= toMs) await storage.deleteAlarm();
        return setMs;
      });
      if (isAlarmLost || alarmMs === null || alarmMs > toMs) break;
      setClock(year, alarmMs);
      await runDurableObjectAlarm(world.object(customer.id));
      note(customer, { kind: "seen", atMs: year.nowMs }, undefined, false);
      await hear(year, customer);
    }
  }
  setClock(year, toMs);
}

/** The cron is the net: who is overdue in D1 is not any more. */
async function runCron(year: Year): Promise<void> {
  await runScheduled(env, year.nowMs);
  const overdue = await env.DB.prepare(
    "SELECT customer_id FROM customers WHERE account_id = ? AND next_due_at_ms <= CAST(? AS INTEGER)",
  )
    .bind(year.world.accountId, year.nowMs - 300_000)
    .all();
  if (overdue.results.length > 0) throw new Error(`the cron left ${JSON.stringify(overdue.results)} overdue`);
}

async function evict(stub: Stub): Promise<void> {
  await stub.view();
  await evictDurableObject(stub);
}

export async function liveStep(year: Year, step: Step): Promise<void> {
  const customer = year.customers[step.who];
  if (customer === undefined) throw new Error("a step is somebody's");
  const dueMs = nextTurnMs(customer.book);
  const isBeside = step.beside !== undefined && dueMs !== undefined && dueMs > year.nowMs && dueMs <= step.atMs;
  await passTime(year, isBeside ? dueMs + (step.beside ?? 0) : step.atMs, step.isAlarmLost);
  const stub = year.world.object(customer.id);
  switch (step.wish) {
    case "evict":
      await evict(stub);
      break;
    case "abort":
      await abortAllDurableObjects();
      break;
    case "cron":
      await runCron(year);
      // Who is woken makes the calls that wait, and webhooks that nobody could take are taken up.
      await hearAll(year);
      break;
    case "publish": {
      const plan = year.catalog[step.a % year.catalog.length];
      if (plan !== undefined) year.onSale[plan.key] = Math.min(plan.versions.length, (year.onSale[plan.key] ?? 1) + 1);
      break;
    }
    case "compare":
      break;
    case "card":
    case "page":
    case "payPage":
    case "webhooks":
    case "atStripe":
      if (collects(year)) await collect(year, customer, { ...step, wish: step.wish });
      break;
    default: {
      // What there is now, not what there was when somebody looked last.
      const isDue = (nextTurnMs(customer.book) ?? Number.POSITIVE_INFINITY) <= year.nowMs;
      const seen = isDue ? structuredClone(customer.book) : customer.book;
      look(seen, year.nowMs);
      const number = () => {
        year.numbers += 1;
        return year.numbers;
      };
      const asked = wishOf(seen, year, step, number).map((one): OwnFact => ({ ...one, atMs: year.nowMs }));
      await tellAll(year, customer, asked, step.trouble);
      if (step.wish === "buy" && collects(year)) await payNewestPage(year, step);
    }
  }
  if (year.late.length > 0 && step.c % 2 === 0)
    for (const apply of year.late.splice(0)) await apply().catch(() => undefined);
  if (step.wish === "compare" || step.wish === "cron" || step.trouble !== undefined)
    for (const one of year.customers) {
      note(one, { kind: "seen", atMs: year.nowMs }, undefined, false);
      await compare(year, one, one.book);
    }
}
