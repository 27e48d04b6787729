import type { Draft } from "../../src/domain/book.ts";
import { askForPage, noteTerms } from "../../src/domain/collect.ts";
import { refunded } from "../../src/domain/given-back.ts";
import { type Invoice, isUnpaid } from "../../src/domain/invoice.ts";
import { decideFact } from "../../src/domain/payment-facts.ts";
import { complete, expire, fail, pageEnded, pageMade, startProcessing } from "../../src/domain/payment-outcome.ts";
import { isOpenPayment, type Payment, type PaymentPast, type ProviderCall, turnOf } from "../../src/domain/payments.ts";
import { makePool } from "../../src/domain/pools.ts";
import type { ProviderFact } from "../../src/domain/provider-fact.ts";
import { decidePurchase } from "../../src/domain/purchase.ts";
import { openWorld, type World } from "./book.ts";

/**
 * One customer without an object, and a naive provider: what happens there becomes events, which are told in whatever order and
 * number, and answers, which come when the test lets them. One call is under way at a time, as in the object.
 */

type PageThere = {
  id: string;
  payment: number;
  amountMinor: number;
  status: "open" | "completed" | "expired";
  intent?: string;
};
type IntentThere = {
  id: string;
  payment: number;
  amountMinor: number;
  status: "succeeded" | "processing" | "failed";
  returnedMinor: number;
};

const CURRENCY = "USD";
const ORDER = ["expire", "profile", "charge", "page", "refund"];

type Answer = (draft: Draft, past: PaymentPast, nowMs: number) => void;

export type Collecting = ReturnType<typeof openCollecting>;

export function openCollecting(start: string, { refunds = false }: { refunds?: boolean } = {}) {
  const world: World = openWorld(start);
  const { book, all } = world;
  const pages = new Map<string, PageThere>();
  const intents = new Map<string, IntentThere>();
  /** Every event there ever was. */
  const facts: ProviderFact[] = [];
  /** Those that wait for what they are about, as the object keeps them. */
  let waiting: ProviderFact[] = [];
  const calls: ProviderCall[] = [];
  let answer: Answer | undefined;
  let card: "good" | "bad" | "slow" = "good";
  let ids = 0;

  const past: PaymentPast = {
    payment: (number) => all.payments.get(number),
    paymentWithPage: (pageId) => [...all.payments.values()].find((one) => one.pageId === pageId),
    paymentWithIntent: (id) => [...all.payments.values()].find((one) => one.paymentIntentId === id),
    invoice: (number) => all.invoices.get(number),
    pool: (number) => book.pools.get(number),
    grant: (number) => all.grants.get(number),
  };

  function decide(work: Answer): void {
    world.run((draft) => {
      work(draft, past, world.now());
      const known = [...draft.payments.written.values()].map(({ paymentIntentId }) => paymentIntentId);
      const ready = waiting.filter((fact) => "paymentIntentId" in fact && known.includes(fact.paymentIntentId));
      waiting = waiting.filter((fact) => !ready.includes(fact));
      for (const fact of ready) decideFact(draft, past, fact, world.now());
      return { ok: true, value: undefined };
    });
    take();
  }

  /** What decisions want of the provider, each once. */
  function take(): void {
    for (const call of all.calls.splice(0))
      if (!calls.some((one) => one.op === call.op && one.payment === call.payment)) calls.push(call);
  }

  function intent(payment: Payment, status: IntentThere["status"]): IntentThere {
    ids += 1;
    const { number, amountMinor } = payment;
    const made = { id: `pi_${ids}`, payment: number, amountMinor, status, returnedMinor: 0 };
    intents.set(made.id, made);
    if (status !== "processing") tellOf(made);
    return made;
  }

  function tellOf({ id: paymentIntentId, payment, amountMinor, status }: IntentThere): void {
    if (status === "succeeded")
      facts.push({ kind: "charge_succeeded", paymentIntentId, payment, amountMinor, currency: CURRENCY });
    if (status === "failed") facts.push({ kind: "charge_failed", paymentIntentId, payment, declineReason: "no" });
  }

  function next(): ProviderCall | undefined {
    return calls
      .filter(({ op, payment }) => {
        const there = book.payments.get(payment);
        return !((op === "page" || op === "charge") && there !== undefined && turnOf(book, there) === "later");
      })
      .sort((a, b) => ORDER.indexOf(a.op) - ORDER.indexOf(b.op) || a.payment - b.payment)[0];
  }

  /** What the provider does with a call, and what it will answer. */
  function done({ op }: ProviderCall, payment: Payment): Answer {
    if (op === "refund") {
      const there = intents.get(payment.paymentIntentId ?? "");
      if (there === undefined) return () => undefined;
      const amountMinor = (payment.overpaidMinor ?? 0) - there.returnedMinor;
      if (amountMinor > 0) giveBack(there, amountMinor);
      const refundedMinorTotal = there.returnedMinor;
      return (draft, known, nowMs) => refunded(draft, known, payment, { refundedMinorTotal }, nowMs);
    }
    if (!isOpenPayment(payment)) return () => undefined;
    if (op === "expire") {
      const page = pageOf(payment.pageId);
      if (page.status === "open") expirePage(page);
      const state = stateOf(page);
      return (draft, known, nowMs) => pageEnded(draft, known, payment, state, nowMs);
    }
    if (payment.isClosing || turnOf(book, payment) === "never")
      return (draft, known, nowMs) => expire(draft, known, payment, nowMs);
    if (op === "page") {
      ids += 1;
      const page: PageThere = {
        id: `cs_${ids}`,
        payment: payment.number,
        amountMinor: payment.amountMinor,
        status: "open",
      };
      pages.set(page.id, page);
      const state = stateOf(page);
      return (draft, known, nowMs) => pageMade(draft, known, payment, state, nowMs);
    }
    const status = card === "good" ? "succeeded" : card === "bad" ? "failed" : "processing";
    const { id: paymentIntentId, amountMinor } = intent(payment, status);
    const paid = { paymentIntentId, amountMinor, currency: CURRENCY };
    if (status === "succeeded") return (draft, known, nowMs) => complete(draft, known, payment, paid, nowMs);
    if (status === "processing") return (draft, known, nowMs) => startProcessing(draft, known, payment, paid, nowMs);
    return (draft, known, nowMs) => fail(draft, known, payment, { paymentIntentId }, nowMs);
  }

  function pageOf(id = ""): PageThere {
    const page = pages.get(id);
    if (page === undefined) throw new Error(`no page ${id}`);
    return page;
  }

  function stateOf({ id, status, intent: paymentIntentId }: PageThere) {
    const there = intents.get(paymentIntentId ?? "");
    return {
      id,
      status,
      isPaid: there?.status === "succeeded",
      isProcessing: there?.status === "processing",
      expiresAtMs: Number.MAX_SAFE_INTEGER,
      url: `https://pay.test/${id}`,
      ...(paymentIntentId === undefined ? {} : { paymentIntentId }),
    };
  }

  function expirePage(page: PageThere): void {
    page.status = "expired";
    facts.push({ kind: "page_expired", pageId: page.id, payment: page.payment });
  }

  function giveBack(there: IntentThere, amountMinor: number): void {
    there.returnedMinor += amountMinor;
    const { id: paymentIntentId, returnedMinor: refundedMinorTotal } = there;
    facts.push({ kind: "refunded", paymentIntentId, refundedMinorTotal, currency: CURRENCY });
  }

  const collecting = {
    world,
    pages,
    intents,
    facts,
    terms(isOn = true) {
      decide((draft) => noteTerms(draft, { isOn, refundOverpayments: refunds }));
    },
    /** From now on charges come to this; without one no method is saved. */
    card(kind: "good" | "bad" | "slow" | undefined) {
      card = kind ?? "good";
      decide((draft) => {
        const { defaultMethodId: _, ...payer } = draft.payer.get();
        draft.payer.put(kind === undefined ? payer : { ...payer, defaultMethodId: "pm" });
      });
    },
    unpaid(): Invoice[] {
      return [...book.invoices.values()].filter(isUnpaid);
    },
    ask(invoice: Invoice) {
      decide((draft, _, nowMs) => askForPage(draft, draft.invoices.get(invoice.number) ?? invoice, nowMs, nowMs));
    },
    /** Buys credits at 0.10 each, in a pool that is made when first needed. */
    buy(credits: number) {
      world.run((draft) => {
        const spec = {
          name: "P",
          denomination: "AI",
          hardLimit: true,
          rolloverPolicy: "NONE",
          currency: CURRENCY,
        } as const;
        const pool = draft.pools.get(1) ?? makePool(draft, spec, world.now());
        const { terms } = draft.payer.get();
        const price = {
          priceId: "p",
          denomination: "AI",
          currency: CURRENCY,
          pricePerCreditE12: 100_000_000_000n,
          effectiveFromMs: 0,
        };
        const asked = { pool, creditsE4: BigInt(credits) * 10_000n, price, terms, wallMs: world.now() };
        return decidePurchase(draft, asked, world.now());
      });
      take();
    },
    /** Sends the next call, if none is under way. */
    send(): boolean {
      take();
      const call = answer === undefined ? next() : undefined;
      const payment = call === undefined ? undefined : all.payments.get(call.payment);
      if (call === undefined || payment === undefined) return false;
      const told = done(call, payment);
      answer = (draft, known, nowMs) => {
        calls.splice(calls.indexOf(call), 1);
        told(draft, known, nowMs);
      };
      return true;
    },
    /** The answer to the call that is under way arrives. */
    hear(): boolean {
      const told = answer;
      answer = undefined;
      if (told !== undefined) decide(told);
      return told !== undefined;
    },
    /** All calls and their answers. */
    flush() {
      for (let steps = 0; collecting.hear() || collecting.send(); steps += 1)
        if (steps > 1000) throw new Error("calls come to no end");
    },
    payment(number: number): Payment {
      const found = all.payments.get(number);
      if (found === undefined) throw new Error(`no payment ${number}`);
      return found;
    },
    /** What was paid for credits and not given back. */
    boughtMinor: () =>
      [...all.invoices.values()]
        .filter(({ subscription, overpaid }) => subscription === 0 && overpaid === undefined)
        .reduce((sum, { amountMinor, refundedMinor = 0 }) => sum + amountMinor - refundedMinor, 0),
    openPages: () => [...pages.values()].filter(({ status }) => status === "open"),
    /** The customer completes a page. */
    completePage(page: PageThere, status: "succeeded" | "processing") {
      const payment = all.payments.get(page.payment);
      if (page.status !== "open" || payment === undefined) return;
      page.status = "completed";
      page.intent = intent(payment, status).id;
      collecting.tellPage(page);
    },
    tellPage({ id: pageId, payment, intent: paymentIntentId = "" }: PageThere) {
      const there = intents.get(paymentIntentId);
      const isPaid = there?.status === "succeeded";
      const isProcessing = there?.status === "processing";
      if (there?.status === "failed") facts.push({ kind: "page_failed", pageId, payment, declineReason: "no" });
      else facts.push({ kind: "page_completed", pageId, payment, isPaid, isProcessing, paymentIntentId });
    },
    /** Money that was on its way comes, or does not. */
    arrive(there: IntentThere, comes: boolean) {
      if (there.status !== "processing") return;
      there.status = comes ? "succeeded" : "failed";
      tellOf(there);
      for (const page of pages.values()) if (page.intent === there.id) collecting.tellPage(page);
    },
    giveBack(there: IntentThere, amountMinor: number) {
      if (there.status !== "succeeded" || amountMinor <= 0) return;
      giveBack(there, Math.min(amountMinor, there.amountMinor - there.returnedMinor));
    },
    expirePage(page: PageThere) {
      if (page.status === "open") expirePage(page);
    },
    tell(fact: ProviderFact) {
      decide((draft, known, nowMs) => {
        if (decideFact(draft, known, fact, nowMs).outcome === "waits") waiting.push(fact);
      });
    },
    /** Money that is at the provider. */
    moneyMinor: () =>
      [...intents.values()]
        .filter(({ status }) => status === "succeeded")
        .reduce((sum, { amountMinor, returnedMinor }) => sum + amountMinor - returnedMinor, 0),
    /** Money that invoices say came through the provider and is still there. */
    calledPaidMinor: () =>
      [...all.invoices.values()].reduce((sum, { paidBy, amountMinor, refundedMinor = 0, overpaid }) => {
        const over = overpaid === undefined ? 0 : overpaid.amountMinor - overpaid.refundedMinor;
        return sum + (paidBy === "STRIPE" ? amountMinor - refundedMinor : 0) + over;
      }, 0),
  };
  collecting.terms();
  return collecting;
}
