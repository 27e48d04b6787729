import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { InvoiceView } from "../../../src/domain/views.ts";
import { runScheduled } from "../../../src/scheduled.ts";
import { sendWebhook } from "../stripe-here.ts";
import type { Bill } from "./book.ts";
import { invoiceId } from "./commands.ts";
import { mustBe } from "./compare.ts";
import type { Happened } from "./facts.ts";
import type { Step, WishKind } from "./script.ts";
import { entriesOf, grantOf, invoicesOf } from "./seeing.ts";
import type { Till } from "./till.ts";
import { type Customer, note, type Year } from "./world.ts";

/** Money through Stripe: what the customer and the bank do there, and what the engine hears of it. */

type Paying = Year & { till: Till };

/** Does this account collect? Every second or sixth does (`payingEach`). */
export function collects(year: Year): year is Paying {
  return year.till !== undefined;
}

/**
 * When money came is the engine's to say: a webhook may be late, an answer lost. So that is heard, and each time becomes a fact; what
 * follows from it is reckoned, and in the end all of it must be the money that is there.
 */
export async function hear(year: Year, customer: Customer): Promise<void> {
  if (year.till === undefined) return;
  const seen = new Map((await invoicesOf(year, customer)).map((one) => [String(one.invoiceId), one]));
  await hearOfPurchases(year, customer, seen);
  // A payment may bring a bill, and that be paid at once.
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const bill of customer.book.bills) {
      const fact = newsOf(bill, seen.get(invoiceId(customer, bill)));
      if (fact === undefined) continue;
      note(customer, { ...fact, atMs: year.nowMs }, undefined, false);
      isNew = true;
      break;
    }
  }
  await hearOfPayouts(year, customer);
}

/** Credits that were paid for since: each purchase has a bill of its own, of no subscription. */
async function hearOfPurchases(year: Year, customer: Customer, seen: ReadonlyMap<string, InvoiceView>): Promise<void> {
  const { book } = customer;
  const nextOf = () =>
    seen.get(invoiceId(customer, { sub: 0, place: book.bills.filter(({ sub }) => sub === 0).length + 1 }));
  for (let next = nextOf(); next !== undefined; next = nextOf()) {
    const came = await grantOf(year, customer, next.invoiceId);
    const fact = { kind: "bought", ...came, cents: BigInt(next.amountMinor) } as const;
    note(customer, { ...fact, atMs: year.nowMs }, { told: "done" }, true);
    year.done.bought = (year.done.bought ?? 0) + 1;
  }
}

/** Payouts by refunds that were refused at the provider, or failed there later, are in the balance again. */
async function hearOfPayouts(year: Year, customer: Customer): Promise<void> {
  if (Object.keys(customer.book.byRefund).length === 0) return;
  const entries = await entriesOf(year, customer);
  const backs = entries.filter(({ kind, amountMinor }) => kind === "PAYOUT" && amountMinor > 0);
  for (const { currency, amountMinor } of backs.slice(customer.backs)) {
    customer.backs += 1;
    note(customer, { kind: "payoutBack", currency, cents: BigInt(amountMinor), atMs: year.nowMs }, undefined, false);
  }
}

function newsOf(
  { sub, place, status, underWayMs, givenBack }: Bill,
  seen: InvoiceView | undefined,
): Happened | undefined {
  if (seen === undefined) return undefined;
  const bill = { sub, place };
  const isUnpaid = status === "DUE" || status === "PAST_DUE";
  const { processingUntilMs: untilMs, refundedMinor = 0 } = seen;
  if (isUnpaid && untilMs !== undefined && untilMs !== underWayMs) return { kind: "underWay", bill, untilMs };
  if (isUnpaid && seen.status === "PAID" && seen.paidBy === "STRIPE") return { kind: "collected", bill };
  const cents = BigInt(refundedMinor) - givenBack;
  return cents !== 0n ? { kind: "givenBack", bill, cents } : undefined;
}

/** Everybody is looked at, and what the engine has heard of their money is noted. */
export async function hearAll(year: Year): Promise<void> {
  for (const customer of year.customers) {
    note(customer, { kind: "seen", atMs: year.nowMs }, undefined, false);
    await hear(year, customer);
  }
}

const CARDS = ["pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail", "pm_usBankAccount_success"] as const;
const PAGE_METHODS = ["pm_card_visa", "pm_card_visa", "pm_card_mastercard"] as const;

type PayingWish = Extract<WishKind, "card" | "page" | "payPage" | "webhooks" | "atStripe">;

/** One step of a customer, his bank or the network. */
export async function collect(year: Paying, customer: Customer, step: Step & { wish: PayingWish }): Promise<void> {
  const { till, world, payments } = year;
  const { a, b, c, trouble } = step;
  if (trouble?.kind === "stripe") await till.fail({ mode: trouble.how, times: trouble.times });
  switch (step.wish) {
    case "card":
      if (payments === undefined) break;
      await world
        .object(customer.id)
        .setDefaultMethod({ payments, paymentMethodId: CARDS[a % CARDS.length] ?? "pm_card_visa" });
      break;
    case "page": {
      const unpaid = customer.book.bills.filter(({ status }) => status === "DUE" || status === "PAST_DUE");
      const bill = unpaid[a % Math.max(1, unpaid.length)];
      if (payments === undefined || bill === undefined) break;
      await world.object(customer.id).checkout({ payments, invoiceId: invoiceId(customer, bill) });
      break;
    }
    case "payPage": {
      const open = Object.values(till.account().sessions).filter(({ status }) => status === "open");
      const id = open[a % Math.max(1, open.length)]?.id;
      if (id === undefined) break;
      const paying =
        b % 5 === 0
          ? till.decline(id)
          : b % 5 === 1
            ? till.completeUnpaid(id)
            : till.pay(id, PAGE_METHODS[c % PAGE_METHODS.length]);
      // Its time may be over.
      await paying.catch(() => undefined);
      break;
    }
    case "webhooks":
      await deliver(year, { limit: 1 + (a % 6), copies: 1 + (b % 2), shuffleSeed: c });
      break;
    case "atStripe":
      await atTheBank(year, step);
      break;
    default:
      step.wish satisfies never;
  }
  await hearAll(year);
}

/** Who wants credits mostly pays at once; what becomes of the page is told later. */
export async function payNewestPage({ till }: Paying, { a, c }: Step): Promise<void> {
  const id = Object.values(till.account().sessions).findLast(({ status }) => status === "open")?.id;
  if (id !== undefined && c % 4 > 0) await till.pay(id, PAGE_METHODS[a % PAGE_METHODS.length]).catch(() => undefined);
}

/**
 * Bank debits come or do not; somebody gives money back in the dashboard, or his bank does not take it; holders take their money back and
 * win or lose.
 */
async function atTheBank(year: Paying, { a, b, c }: Step): Promise<void> {
  const { till } = year;
  const intents = Object.values(till.account().paymentIntents);
  const underWay = intents.filter(({ status }) => status === "processing");
  const debit = underWay[a % Math.max(1, underWay.length)];
  if (debit !== undefined) {
    await till.settle(debit.id, b % 3 === 0 ? "insufficient_funds" : null);
    return;
  }
  const paid = intents.filter(({ status }) => status === "succeeded");
  const intent = paid[a % Math.max(1, paid.length)];
  if (intent === undefined) return;
  // More than is left is refused there, and what is disputed. That it fails is told after it was made, or both later in any order.
  if (c % 3 < 2) {
    const amount = 1 + Math.floor(((b % 100) * intent.amount) / 130);
    const refund = await till.refund(intent.id, amount).catch(() => undefined);
    if (refund === undefined || c % 3 === 0) return;
    if (a % 3 > 0) await deliver(year, { copies: 1, shuffleSeed: b });
    await failOne(till, a);
  } else if (b % 3 > 0) await closeOne(till, b % 2 === 0 ? "won" : "lost");
  else await till.dispute(intent.id).catch(() => undefined);
}

/** Any refund, not only the newest, nor only of those that somebody asked for in the dashboard. */
async function failOne(till: Till, a: number): Promise<void> {
  const refunds = Object.values(till.account().refunds).filter(({ status }) => status === "succeeded");
  const refund = refunds[a % Math.max(1, refunds.length)];
  if (refund !== undefined) await till.failRefund(refund.id);
}

/** Answers whether there was a dispute that is not decided. */
async function closeOne(till: Till, status: "won" | "lost"): Promise<boolean> {
  const open = Object.values(till.account().disputes).find((dispute) => dispute.status === "needs_response");
  if (open !== undefined) await till.closeDispute(open.id, status);
  return open !== undefined;
}

type Wanted = { limit?: number; copies: number; shuffleSeed: number };

/** Hands webhooks over; what is not taken is sent again later, and what was heard is heard at once. */
async function deliver(year: Paying, wanted: Wanted): Promise<number> {
  const again = year.refused.splice(0);
  const taken = [...(again.length > 0 ? await year.till.take({ ids: again }) : []), ...(await year.till.take(wanted))];
  for (const webhook of taken) {
    const response = await sendWebhook(webhook);
    await response.arrayBuffer();
    if (response.status !== 200) year.refused.push(webhook.deliveryId);
    await hearAll(year);
  }
  return taken.length;
}

/** In the end everything arrives: calls that wait, webhooks that were held, and those that nobody could handle. */
export async function collectAll(year: Paying): Promise<void> {
  const { till, world, customers } = year;
  await till.heal();
  while (await closeOne(till, "won"));
  for (let round = 0; round < 12; round += 1) {
    for (const { id } of customers) await world.object(id).wake();
    await hearAll(year);
    const delivered = await deliver(year, { copies: 2, shuffleSeed: round });
    year.nowMs += 3_600_000;
    vi.setSystemTime(year.nowMs);
    for (const { id } of customers) await world.object(id).wake();
    await hearAll(year);
    await runScheduled(env, year.nowMs);
    await hearAll(year);
    if (delivered === 0 && year.refused.length === 0 && round > 3) break;
  }
  await compareMoney(year);
}

/** What is at Stripe is what is called paid: bills paid through it less what was given back, and what was paid too much and is there still. */
async function compareMoney(year: Paying): Promise<void> {
  const { till, customers } = year;
  const right: Record<string, number> = {};
  for (const customer of customers) {
    const add = (currency: string, minor: number) => {
      right[currency] = (right[currency] ?? 0) + minor;
    };
    for (const { currency, paidBy, cents, givenBack } of customer.book.bills)
      if (paidBy === "PROVIDER") add(currency, collectable(Number(cents), currency) - Number(givenBack));
    for (const [currency, cents] of Object.entries(customer.book.byRefund)) add(currency, -Number(cents));
    for (const { currency, overpaid } of await invoicesOf(year, customer))
      if (overpaid !== undefined) add(currency, overpaid.amountMinor - overpaid.refundedMinor);
  }
  const there = Object.entries(await till.money()).map(([currency, { held }]) => [currency.toUpperCase(), held]);
  const sorted = (money: unknown[][]) => money.filter(([, minor]) => minor !== 0).sort();
  mustBe("money at Stripe", sorted(there), sorted(Object.entries(right)));
}

/** Stripe takes no thousandths. */
function collectable(minor: number, currency: string): number {
  return currency === "KWD" ? Math.round(minor / 10) * 10 : minor;
}
