import { describe, test } from "vitest";
import type { BalanceEntry } from "../../src/domain/book.ts";
import { auditBalance } from "../../src/domain/books.ts";
import { auditBurns } from "../../src/domain/burn-books.ts";
import { auditRows } from "../../src/domain/row-books.ts";

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

  test.for<[string, [seq: number, drawnE4: bigint][], [eventSeq: number, amountE4: bigint][], number | undefined]>([
    [
      "an event of two pools, and a correction of it",
      [
        [2, 7n],
        [5, -3n],
      ],
      [
        [2, -4n],
        [2, -3n],
        [5, 3n],
      ],
      undefined,
    ],
    [
      "events that burned nothing, as nothing was there",
      [
        [1, 0n],
        [3, 0n],
      ],
      [],
      undefined,
    ],
    [
      "an event that is gone, before those that are there",
      [[4, 1n]],
      [
        [2, -9n],
        [4, -1n],
      ],
      2,
    ],
    [
      "an event that is gone, behind those that are there",
      [[4, 1n]],
      [
        [4, -1n],
        [8, -9n],
        [9, -9n],
      ],
      8,
    ],
    [
      "two events whose faults make one sum",
      [
        [4, 1n],
        [5, 3n],
      ],
      [
        [4, -2n],
        [5, -2n],
      ],
      4,
    ],
  ])("what events burned and the ledger took is compared: %s", ([, events, entries, first], { expect }) => {
    const audit = auditBurns(entries.map(([eventSeq, amountE4]) => ({ eventSeq, amountE4 })));
    for (const [seq, drawnE4] of events) audit.event(seq, drawnE4);
    const { holds, brokenBy } = audit.verdict();
    expect([holds, brokenBy?.number]).toEqual([first === undefined, first]);
  });

  test("rows that are gone are told of the first kind that lacks one, and all are counted", ({ expect }) => {
    const whole = { kind: "event", there: 5, numbered: 5 } as const;
    expect(auditRows([whole])).toMatchObject({ holds: true, left: "5", right: "5" });
    const lacking = { kind: "creditGrant", there: 1, numbered: 3, gone: 2 } as const;
    expect(auditRows([whole, lacking, { ...lacking, kind: "payment" }])).toMatchObject({
      holds: false,
      left: "7",
      right: "11",
      brokenBy: { kind: "creditGrant", number: 2, why: "is gone: 3 were made, 1 are there" },
    });
  });
});
