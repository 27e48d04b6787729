import { describe, test } from "vitest";
import { RECONCILE_FRESH_MS } from "../../src/domain/limits.ts";
import { differenceOf, type PaymentHere, type PaymentThere } from "../../src/domain/reconcile.ts";

const NOW_MS = 10_000_000;

function there(change: Partial<PaymentThere> = {}): PaymentThere {
  return {
    id: "pi_1",
    status: "succeeded",
    amountMinor: 1000,
    refundedMinor: 0,
    currency: "USD",
    createdAtMs: 0,
    ...change,
  };
}

function here(change: Partial<PaymentHere> = {}): PaymentHere {
  return { status: "COMPLETED", paidMinor: 1000, refundedMinor: 0, ...change };
}

describe("does", () => {
  test.for<[what: string, there: PaymentThere, here: PaymentHere | undefined, found: object | undefined]>([
    ["the same on both sides", there(), here(), undefined],
    ["nothing on either side", there({ status: "failed" }), here({ status: "FAILED", paidMinor: 0 }), undefined],
    ["an attempt nobody finished", there({ status: "open" }), undefined, undefined],
    [
      "money there for what is unpaid here",
      there(),
      here({ status: "PENDING" }),
      { kind: "PAID_THERE_ONLY", severity: "CRITICAL", theirsMinor: 1000 },
    ],
    [
      "money there for what expired here",
      there(),
      here({ status: "EXPIRED" }),
      { kind: "PAID_THERE_ONLY", severity: "CRITICAL" },
    ],
    ["money there that nobody here asked for", there(), undefined, { kind: "UNKNOWN_PAYMENT", severity: "CRITICAL" }],
    [
      "paid here, on its way there",
      there({ status: "processing" }),
      here(),
      { kind: "PAID_HERE_ONLY", severity: "CRITICAL", oursMinor: 1000, theirsMinor: 0 },
    ],
    [
      "another amount",
      there({ amountMinor: 900 }),
      here(),
      { kind: "AMOUNT_DIFFERS", severity: "WARNING", oursMinor: 1000, theirsMinor: 900 },
    ],
    [
      "a refund we did not hear of",
      there({ refundedMinor: 300 }),
      here(),
      { kind: "REFUND_DIFFERS", severity: "WARNING", oursMinor: 0, theirsMinor: 300 },
    ],
  ])("%s", ([, one, other, found], { expect }) => {
    const difference = differenceOf(one, other, NOW_MS);
    if (found === undefined) expect(difference).toBeUndefined();
    else expect(difference).toMatchObject({ paymentIntentId: "pi_1", currency: "USD", ...found });
  });
});

describe("holds", () => {
  test("what came in the last minutes may have its event on its way: it is told, and not as grave", ({ expect }) => {
    const severityAt = (ageMs: number) =>
      differenceOf(there({ createdAtMs: NOW_MS - ageMs }), here({ status: "PENDING" }), NOW_MS)?.severity;
    expect(severityAt(RECONCILE_FRESH_MS - 1)).toBe("INFO");
    expect(severityAt(RECONCILE_FRESH_MS)).toBe("CRITICAL");
  });
});
