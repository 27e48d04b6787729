import { describe, test } from "vitest";
import type { BalanceEntry } from "../../src/domain/book.ts";
import { auditBalance } from "../../src/domain/books.ts";

function ledger(...moves: readonly [kind: BalanceEntry["kind"], amountMinor: number][]): BalanceEntry[] {
  let balanceMinor = 0;
  return moves.map(([kind, amountMinor], index) => {
    balanceMinor += amountMinor;
    return { number: index + 1, currency: "USD", kind, amountMinor, balanceMinor, atMs: index };
  });
}

describe("does", () => {
  test("a small debt that is carried over, and paid in parts, breaks no law", ({ expect }) => {
    expect(auditBalance("USD", ledger(["CARRIED", -7], ["CORRECTION", 2], ["APPLIED", 5]))).toMatchObject({
      holds: true,
      left: "0",
    });
    expect(auditBalance("USD", ledger(["CARRIED", -7], ["APPLIED", 7], ["VOIDED", -7]))).toMatchObject({
      holds: true,
      left: "-7",
    });
  });

  test("what a void invoice takes back of corrections is owed, also where it was spent long ago, and comes back with the invoice that asks for it", ({
    expect,
  }) => {
    const spent = ledger(["CORRECTION", 7], ["APPLIED", -7], ["CORRECTION", -7]);
    expect(auditBalance("USD", spent)).toMatchObject({ holds: true, left: "-7" });
    const asked = ledger(["CORRECTION", 7], ["APPLIED", -7], ["CORRECTION", -7], ["APPLIED", 7], ["VOIDED", -7]);
    expect(auditBalance("USD", asked)).toMatchObject({ holds: true, left: "-7" });
    const more = ledger(["CORRECTION", 7], ["APPLIED", -7], ["CORRECTION", -7], ["VOIDED", -1]);
    expect(auditBalance("USD", more)).toMatchObject({ holds: false, brokenBy: { number: 4 } });
  });
});

describe("holds", () => {
  test("nothing else takes a money balance below 0", ({ expect }) => {
    for (const kind of ["PAYOUT", "APPLIED"] as const)
      expect(auditBalance("USD", ledger(["CORRECTION", 5], [kind, -6])), kind).toMatchObject({
        holds: false,
        brokenBy: { kind: "balanceEntry", number: 2 },
      });
  });
});
