import { describe, test } from "vitest";
import { nextChargeAtMs, pageLines } from "../../src/domain/collect.ts";
import type { Invoice, InvoiceLine } from "../../src/domain/invoice.ts";
import type { ProviderFact } from "../../src/domain/provider-fact.ts";
import { invoiceText, ms, plan } from "../support/book.ts";
import { type Collecting, openCollecting } from "../support/collecting.ts";

const PRO = plan({ key: "pro", price: "20" });

/** Every order of some things. */
function orders<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((one, index) => orders(things.toSpliced(index, 1)).map((rest) => [one, ...rest]));
}

function unpaid(run: Collecting): Invoice {
  const [invoice] = run.unpaid();
  if (invoice === undefined) throw new Error("nothing is to be paid");
  return invoice;
}

describe("does", () => {
  // Charged once when it becomes due, again after 24 h and 72 h within grace.
  test.for([
    { graceDays: 3, failedAt: "2027-01-15T00:00", again: "2027-01-16" },
    { graceDays: 3, failedAt: "2027-01-15T23:59:59.999", again: "2027-01-16" },
    { graceDays: 3, failedAt: "2027-01-16T00:00", again: "2027-01-18" },
    { graceDays: 3, failedAt: "2027-01-18T00:00", again: undefined },
    { graceDays: 2, failedAt: "2027-01-16T00:00", again: undefined },
    { graceDays: 1, failedAt: "2027-01-15T00:00", again: "2027-01-16" },
    { graceDays: 0, failedAt: "2027-01-15T00:00", again: undefined },
    { graceDays: 400, failedAt: "2027-01-20T00:00", again: undefined },
    { graceDays: undefined, failedAt: "2027-01-15T00:00", again: undefined },
  ])("declined at $failedAt with $graceDays days of grace, it is charged again at $again", (row, { expect }) => {
    const dueAtMs = ms("2027-01-15");
    const grace = row.graceDays === undefined ? {} : { graceEndsAtMs: dueAtMs + row.graceDays * 86_400_000 };
    const again = nextChargeAtMs({ dueAtMs, ...grace } as Invoice, ms(row.failedAt));
    expect(again).toBe(row.again === undefined ? undefined : ms(row.again));
  });

  test("a page lists the invoice's lines, or one position where a line gives something back", ({ expect }) => {
    const line = (description: string, amountMinor: number) => ({ description, amountMinor }) as InvoiceLine;
    const invoice = { dueAtMs: ms("2027-01-15"), amountMinor: 1500 } as Invoice;
    const both = [line("Pro", 1000), line("Nothing", 0), line("Calls", 500)];
    expect(pageLines({ ...invoice, lines: both })).toEqual([
      { description: "Pro", amountMinor: 1000 },
      { description: "Calls", amountMinor: 500 },
    ]);
    expect(pageLines({ ...invoice, lines: [line("Pro", 2000), line("Credit", -500)] })).toEqual([
      { description: "Invoice of 2027-01-15", amountMinor: 1500 },
    ]);
    const taxLines = [{ name: "VAT", ratePercent: "20", amountMinor: 300 }];
    expect(pageLines({ ...invoice, amountMinor: 1800, lines: both, taxLines })).toContainEqual({
      description: "VAT",
      amountMinor: 300,
    });
  });
});

describe("holds", () => {
  // Webhooks come in any order, doubled, and before the answer to the call that caused them.
  test("a page that is paid, in every order of its events, each told twice, before and after its answer", ({
    expect,
  }) => {
    const ends = new Set<string>();
    for (const early of [false, true]) {
      const events = (run: Collecting): ProviderFact[] => [...run.facts, ...run.facts];
      const count = orders([0, 1, 2, 3]).length;
      for (let index = 0; index < count; index += 1) {
        const run = openCollecting("2027-01-15");
        run.world.subscribe(PRO);
        run.ask(unpaid(run));
        run.send();
        if (!early) run.hear();
        const [page] = run.openPages();
        if (page === undefined) throw new Error("no page was made");
        run.completePage(page, "succeeded");
        for (const fact of orders(events(run))[index] ?? []) run.tell(fact);
        run.flush();
        const [invoice] = run.world.all.invoices.values();
        if (invoice === undefined) throw new Error("no invoice was made");
        ends.add(`${invoiceText(invoice)} by ${invoice.paidBy}, overpaid ${invoice.overpaid?.amountMinor ?? 0}`);
        expect(run.calledPaidMinor()).toBe(2000);
      }
    }
    expect([...ends]).toEqual(["IN_ADVANCE_INITIAL PAID 20.00 = base 20.00 by STRIPE, overpaid 0"]);
  });

  test("a debit that takes days and fails or comes, in every order of its events", ({ expect }) => {
    for (const comes of [true, false]) {
      const ends = new Set<string>();
      for (let index = 0; index < 6; index += 1) {
        const run = openCollecting("2027-01-15");
        run.world.subscribe(PRO);
        run.ask(unpaid(run));
        run.flush();
        const [page] = run.openPages();
        if (page === undefined) throw new Error("no page was made");
        run.completePage(page, "processing");
        const [intent] = run.intents.values();
        if (intent === undefined) throw new Error("nothing was paid");
        run.arrive(intent, comes);
        for (const fact of orders(run.facts)[index] ?? []) run.tell(fact);
        const [invoice] = run.world.all.invoices.values();
        ends.add(`${invoice?.status} ${invoice?.isProcessing ?? "not processing"}`);
        run.flush();
        expect(run.openPages()).toHaveLength(comes ? 0 : 1);
      }
      expect([...ends]).toEqual([comes ? "PAID not processing" : "DUE not processing"]);
    }
  });

  test("refunds told in any order come to the largest sum, and a lost dispute adds no more than came", ({ expect }) => {
    for (let index = 0; index < 24; index += 1) {
      const run = openCollecting("2027-01-15");
      run.card("good");
      run.world.subscribe(PRO);
      run.flush();
      const [intent] = run.intents.values();
      if (intent === undefined) throw new Error("nothing was charged");
      const { id: paymentIntentId } = intent;
      const refund = (refundedMinorTotal: number): ProviderFact => ({
        kind: "refunded",
        paymentIntentId,
        refundedMinorTotal,
        currency: "USD",
      });
      const dispute = (state: "open" | "lost"): ProviderFact => ({
        kind: "disputed",
        paymentIntentId,
        disputeId: "dp",
        state,
        amountMinor: 1700,
        currency: "USD",
      });
      for (const fact of orders([refund(300), refund(500), dispute("open"), dispute("lost")])[index] ?? [])
        run.tell(fact);
      const [invoice] = run.world.all.invoices.values();
      expect(invoice).toMatchObject({ status: "PAID", amountMinor: 2000, refundedMinor: 2000 });
    }
  });

  test("refunds of which one failed come to what the others gave back, in whatever order that is told", ({
    expect,
  }) => {
    const refund = (refundId: string, amountMinor: number, hasFailed = false) => {
      return { refundId, amountMinor, hasFailed, isAsked: false };
    };
    for (let index = 0; index < 24; index += 1) {
      const run = openCollecting("2027-01-15");
      run.card("good");
      run.world.subscribe(PRO);
      run.flush();
      const [{ id: paymentIntentId = "" } = {}] = run.intents.values();
      const sum = (...refunds: ReturnType<typeof refund>[]): ProviderFact => ({
        kind: "refunded",
        paymentIntentId,
        refundedMinorTotal: refunds.reduce((total, one) => (one.hasFailed ? total : total + one.amountMinor), 0),
        refunds,
        currency: "USD",
      });
      const facts: ProviderFact[] = [
        sum(refund("a", 800)),
        sum(refund("a", 800, true)),
        sum(refund("a", 800, true), refund("b", 500)),
        { kind: "refund_failed", paymentIntentId, ...refund("a", 800), currency: "USD" },
      ];
      const told = orders(facts)[index] ?? [];
      for (const fact of told) run.tell(fact);
      const [invoice] = run.world.all.invoices.values();
      expect(invoice, JSON.stringify(told)).toMatchObject({ status: "PAID", refundedMinor: 500 });
    }
  });

  test("a refund of money that came twice under one attempt, told before the second money, is none of the first", ({
    expect,
  }) => {
    const run = openCollecting("2027-01-15");
    run.card("good");
    run.world.subscribe(PRO);
    run.flush();
    const second = { paymentIntentId: "pi_second", payment: 1, currency: "USD" };
    run.tell({ kind: "refunded", ...second, refundedMinorTotal: 2000 });
    run.tell({ kind: "charge_succeeded", ...second, amountMinor: 2000 });
    const [invoice] = run.world.all.invoices.values();
    expect(invoice).toMatchObject({ status: "PAID", overpaid: { amountMinor: 2000, state: "REFUNDED" } });
    expect(invoice).not.toHaveProperty("refundedMinor");
  });

  test("money for a void invoice is overpaid and revives nothing", ({ expect }) => {
    const run = openCollecting("2027-01-15");
    run.world.subscribe(PRO);
    const invoice = unpaid(run);
    run.ask(invoice);
    run.flush();
    const [page] = run.openPages();
    if (page === undefined) throw new Error("no page was made");
    run.completePage(page, "succeeded");
    run.world.void(invoice.number);
    run.flush();
    expect(run.world.invoice(invoice.number)).toMatchObject({
      status: "CANCELLED",
      overpaid: { amountMinor: 2000, refundedMinor: 0, state: "OPEN" },
    });
    expect(run.world.all.subscriptions.get(1)?.status).toBe("CANCELLED");
  });
});
