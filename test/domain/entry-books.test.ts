import { describe, test } from "vitest";
import type { CreditEntry, Grant, Pool } from "../../src/domain/credit.ts";
import { auditTypes } from "../../src/domain/entry-books.ts";

/** What left a grant unused: EXPIRATION or VOID, as what had become of the grant says. Instants are small numbers. */

const AT_MS = 100;
const [LIVE, ENDED] = [1, 2];
const ENDS = new Map([
  [LIVE, undefined],
  [ENDED, 50],
]);

type Left = "EXPIRATION" | "VOID";

function told(type: Left, grant: Partial<Grant>) {
  const amounts = { amountE4: -7n, balanceBeforeE4: 7n, balanceAfterE4: 0n };
  const entry: CreditEntry = { ...amounts, number: 4, pool: 1, type, grant: 9, atMs: AT_MS };
  // Nothing else of it is looked at.
  const audit = auditTypes({ number: 1, name: "AI", status: "ACTIVE" } as Pool, { ends: ENDS });
  audit.entry(entry);
  audit.grant({
    number: 9,
    pool: 1,
    type: "MANUAL",
    amountE4: 7n,
    remainingE4: 0n,
    heldE4: 0n,
    createdAtMs: 0,
    ...grant,
  });
  return audit.verdicts()[0];
}

describe("holds", () => {
  test.for<[string, Partial<Grant>, Left]>([
    ["that was void before", { voidedAtMs: 99 }, "VOID"],
    ["that was void before it was over", { voidedAtMs: 99, expiresAtMs: 100 }, "VOID"],
    ["that was over", { expiresAtMs: 100 }, "EXPIRATION"],
    ["that was over before it was void", { expiresAtMs: 100, voidedAtMs: 101 }, "EXPIRATION"],
    ["of a plan that goes on", { type: "PLAN_INCLUDED", subscription: LIVE }, "EXPIRATION"],
    ["that was carried over, of a plan that goes on", { type: "ROLLOVER", subscription: LIVE }, "EXPIRATION"],
    ["of a plan that ended", { type: "PLAN_INCLUDED", subscription: ENDED }, "VOID"],
    ["of a plan that ended, and over", { type: "ROLLOVER", subscription: ENDED, expiresAtMs: 9 }, "EXPIRATION"],
    ["that was bought and refunded in part", { type: "PURCHASED", expiresAtMs: 101 }, "VOID"],
    ["that was bought and is over", { type: "PURCHASED", expiresAtMs: 100 }, "EXPIRATION"],
  ])("what leaves a grant %s is of one type alone", ([, grant, type], { expect }) => {
    expect(told(type, grant)).toMatchObject({ holds: true, left: "1", right: "1" });
    const other = type === "VOID" ? "EXPIRATION" : "VOID";
    expect(told(other, grant)).toMatchObject({
      holds: false,
      left: "0",
      brokenBy: { kind: "creditEntry", number: 4, why: expect.stringMatching(`^is ${other}, and `) },
    });
  });

  test("nothing leaves a grant that is neither void nor over", ({ expect }) => {
    for (const type of ["EXPIRATION", "VOID"] as const) expect(told(type, {}), type).toMatchObject({ holds: false });
  });

  test.for<[string, Partial<Grant>]>([
    ["void at that very instant, and over", { voidedAtMs: 100, expiresAtMs: 100 }],
    ["of a subscription that nobody can read", { type: "PLAN_INCLUDED", subscription: 3 }],
  ])("what leaves a grant %s may be either", ([, grant], { expect }) => {
    for (const type of ["EXPIRATION", "VOID"] as const) expect(told(type, grant), type).toMatchObject({ holds: true });
  });
});
