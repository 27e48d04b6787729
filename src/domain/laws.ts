import { assert } from "./assert.ts";
import type { Book, Draft } from "./book.ts";
import { mayLeave } from "./books.ts";
import { assertCredits } from "./credit-laws.ts";
import { sumOfLines, taxOf } from "./invoice.ts";
import { assertMrrSpan } from "./mrr.ts";

/**
 * The laws of the book, held against everything that a draft writes before it is committed. A broken one throws: nothing is kept and
 * the caller gets a 500, in production too.
 */
export function assertDraft(book: Book, draft: Draft): void {
  for (const { status, isOpen, period, activatedAtMs, invoiceCount, number } of draft.subscriptions.written.values()) {
    assert(
      isOpen ? status === "ACTIVE" || status === "SUSPENDED" : status !== "ACTIVE",
      "ACTIVE has an open period, INCOMPLETE and CANCELLED have none",
    );
    assert(period.startMs < period.endMs, "a period ends after it starts");
    assert(status !== "ACTIVE" || activatedAtMs !== undefined, "what is ACTIVE was activated");
    assert((book.subscriptions.get(number)?.invoiceCount ?? 0) <= invoiceCount, "a place among invoices is taken once");
  }
  for (const subscription of draft.subscriptions.written.values())
    assertMrrSpan(draft.mrrSpans, draft.pins, subscription);
  for (const invoice of draft.invoices.written.values()) {
    const { number, status, lines, amountMinor, type } = invoice;
    assert(
      sumOfLines(lines) + taxOf(invoice) === amountMinor,
      "an invoice's amount is the sum of its lines and their tax",
    );
    assert(type === "CREDIT" ? amountMinor < 0 : amountMinor >= 0, "only credit is negative");
    const before = book.invoices.get(number);
    assert(
      before === undefined || before.status === "PENDING" || before.amountMinor === amountMinor,
      "what is due does not change its amount",
    );
    assert(status !== "PENDING" || lines.length === 0, "a PENDING invoice has no lines yet");
  }
  for (const { usedE12, billableE12, usedAtStartE12, billableAtStartE12 } of draft.counters.written.values()) {
    assert(
      usedE12 >= 0n && billableE12 >= 0n && billableE12 <= usedE12,
      "billable units are used ones, and neither is below 0",
    );
    assert(usedAtStartE12 >= 0n && billableAtStartE12 >= 0n, "a period starts from what was used before");
  }
  for (const { fromE12, toE12, takenBackE12 } of draft.segments.written.values())
    assert(
      takenBackE12 >= 0n && (takenBackE12 === 0n || takenBackE12 <= toE12 - fromE12),
      "no more is taken back than was billed",
    );
  const balances = new Map(book.balances);
  for (const entry of draft.balanceEntries) {
    const { currency, amountMinor, balanceMinor } = entry;
    assert((balances.get(currency) ?? 0) + amountMinor === balanceMinor, "a balance is the sum of its entries");
    assert(mayLeave(entry), "only a debt takes a balance below 0");
    balances.set(currency, balanceMinor);
  }
  assertCredits(book, draft);
}
