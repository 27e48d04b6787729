import { describe, test } from "vitest";
import { errorEnvelope } from "../../src/contract/errors.ts";
import type { CreditPrice } from "../../src/domain/credit.ts";
import { freeCredits, holdCredits } from "../../src/domain/credit-holds.ts";
import { decideDeduct, decideReverse } from "../../src/domain/deductions.ts";
import { decideGrant, decideVoidGrant, expireGrants, refundPurchase } from "../../src/domain/grants.ts";
import { decideArchive, decideFreeze, decideLink, decideUnfreeze, decideUnlink } from "../../src/domain/pools.ts";
import { creditBook, credits, granted, ONE_EACH, units } from "../support/credit-core.ts";

type Core = ReturnType<typeof creditBook>;

const PRICE: CreditPrice = {
  priceId: "price",
  denomination: "AI",
  currency: "EUR",
  pricePerCreditE12: units(0.1),
  effectiveFromMs: 0,
};

function deduct(core: Core, pool: number, amount: number, key?: string) {
  const said = key === undefined ? {} : { key };
  return decideDeduct(
    core.draft(),
    { pool: core.pool(pool), amountE4: credits(amount), past: core.past, ...said },
    1_000,
  );
}

function reverse(core: Core, entry: number, amount?: number, nowMs = 2_000) {
  const found = core.entries()[entry - 1];
  if (found === undefined) throw new Error("there is no such entry");
  const part = amount === undefined ? {} : { amountE4: credits(amount) };
  return decideReverse(core.draft(), { pool: core.pool(found.pool), entry: found, past: core.past, ...part }, nowMs);
}

/** Holds so many credits for subscription 1. */
function hold(core: Core, amount: number): number {
  const use = { denomination: "AI", subscription: 1, unitsE12: units(amount), weight: ONE_EACH };
  return core.reserve({ subscription: 1, credits: granted(holdCredits(core.draft(), use)) });
}

function left(core: Core, grant: number): [remaining: number, held: number] {
  const { remainingE4, heldE4 } = core.grant(grant);
  return [Number(remainingE4) / 10_000, Number(heldE4) / 10_000];
}

function ledger(core: Core): string[] {
  return core
    .entries()
    .map(({ type, amountE4, balanceBeforeE4, balanceAfterE4 }) =>
      [type, ...[amountE4, balanceBeforeE4, balanceAfterE4].map((amount) => Number(amount) / 10_000)].join(" "),
    );
}

describe("does", () => {
  test("a grant fills the pool, a deduction takes from it, and each has its entry", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 100);
    granted(deduct(core, pool, 40.5));
    expect(ledger(core)).toEqual(["GRANT 100 0 100", "DEDUCTION -40.5 100 59.5"]);
    expect(core.pool(pool)).toMatchObject({
      balanceE4: credits(59.5),
      grantedE4: credits(100),
      consumedE4: credits(40.5),
    });
    core.commit();
  });

  test("bought credits without a price take the one in force, others have none", ({ expect }) => {
    const core = creditBook();
    const pool = core.pool(core.makePool({ currency: "USD" }));
    const give = (spec: Partial<Parameters<typeof decideGrant>[1]["spec"]>) => {
      const whole = { type: "PURCHASED" as const, amountE4: 1n, ...spec };
      const { grant } = granted(decideGrant(core.draft(), { pool, spec: whole, price: PRICE, past: core.past }, 0));
      return [grant.unitPriceE12, grant.currency];
    };
    expect(give({})).toEqual([units(0.1), "EUR"]);
    expect(give({ unitPriceE12: units(0.2) })).toEqual([units(0.2), "USD"]);
    expect(give({ unitPriceE12: 0n, currency: "GBP" })).toEqual([0n, "GBP"]);
    expect(give({ type: "PROMOTIONAL" })).toEqual([undefined, undefined]);
  });

  test("a frozen pool writes when it froze and thawed; freezing it again changes nothing", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 5);
    for (const turn of [decideFreeze, decideFreeze, decideUnfreeze, decideUnfreeze])
      granted(turn(core.draft(), core.pool(pool), 1_000));
    expect(ledger(core)).toEqual(["GRANT 5 0 5", "FREEZE 0 5 5", "UNFREEZE 0 5 5"]);
    expect(core.pool(pool).status).toBe("ACTIVE");
    core.commit();
  });

  test("an archived pool leaves the book with its grants, and answers as archived when it is archived again", ({
    expect,
  }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 5);
    core.commit();
    granted(decideArchive(core.draft(), core.pool(pool), 1_000));
    core.commit();
    expect([core.book.pools.size, core.book.grants.size, core.book.drawOrders.size]).toEqual([0, 0, 0]);
    expect(granted(decideArchive(core.draft(), core.pool(pool), 2_000))).toMatchObject({
      status: "ARCHIVED",
      balanceE4: credits(5),
      modifiedAtMs: 1_000,
    });
  });

  test("linking again changes the terms and keeps what is counted; unlinking what is not linked changes nothing", ({
    expect,
  }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 50);
    hold(core, 10);
    const terms = { subscription: 1, drawPriority: 3, drawLimitE4: credits(20) };
    // What was held before the link counts against its limit too.
    expect(granted(decideLink(core.draft(), core.pool(pool), terms, 0)).links).toEqual([
      { ...terms, drawnE4: 0n, drawnAfter: 1, heldE4: credits(10) },
    ]);
    expect(granted(decideLink(core.draft(), core.pool(pool), { subscription: 1, drawPriority: 0 }, 0)).links).toEqual([
      { subscription: 1, drawPriority: 0, drawnE4: 0n, drawnAfter: 1, heldE4: credits(10) },
    ]);
    expect(granted(decideUnlink(core.draft(), core.pool(pool), 2, 5)).modifiedAtMs).toBe(0);
    expect(granted(decideUnlink(core.draft(), core.pool(pool), 1, 5)).links).toEqual([]);
  });

  test("voiding takes what is free of a grant at once, and what is held when it is released", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 100);
    const reservation = hold(core, 30);
    granted(decideVoidGrant(core.draft(), { pool: core.pool(pool), grant: core.grant(grant) }, 1_000));
    expect(left(core, grant)).toEqual([30, 30]);
    granted(decideVoidGrant(core.draft(), { pool: core.pool(pool), grant: core.grant(grant) }, 2_000));
    freeCredits(core.draft(), core.end(reservation, "RELEASED"), 3_000);
    expect(left(core, grant)).toEqual([0, 0]);
    expect(ledger(core)).toEqual(["GRANT 100 0 100", "VOID -70 100 30", "VOID -30 30 0"]);
    expect(core.grant(grant).voidedAtMs).toBe(1_000);
    core.commit();
  });

  test("a reversal gives each part back to its grant, used-up ones too", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const [soon, later] = [core.give(pool, 10, { expiresAtMs: 9_000 }), core.give(pool, 10)];
    granted(deduct(core, pool, 15));
    core.commit();
    expect(core.book.grants.has(soon)).toBe(false);
    expect(granted(reverse(core, 3))).toMatchObject({
      type: "REVERSAL",
      amountE4: credits(15),
      reverses: 3,
      draws: [
        { grant: soon, amountE4: credits(10) },
        { grant: later, amountE4: credits(5) },
      ],
    });
    core.commit();
    expect([left(core, soon), left(core, later)]).toEqual([
      [10, 0],
      [10, 0],
    ]);
    expect(core.pool(pool)).toMatchObject({ balanceE4: credits(20), reversedE4: credits(15), consumedE4: credits(15) });
  });

  test("a part that is reversed goes back to what was drawn last, and the parts are the whole", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const [soon, later] = [core.give(pool, 10, { expiresAtMs: 9_000 }), core.give(pool, 10)];
    granted(deduct(core, pool, 15));
    granted(reverse(core, 3, 0.3333));
    expect([left(core, soon), left(core, later)]).toEqual([
      [0, 0],
      [5.3333, 0],
    ]);
    core.commit();
    granted(reverse(core, 3, 6.6667));
    granted(reverse(core, 3));
    expect([left(core, soon), left(core, later)]).toEqual([
      [10, 0],
      [10, 0],
    ]);
    core.commit();
  });

  test("a refund in part takes its share of what was bought", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 100, { type: "PURCHASED" });
    const spec = { pool: core.pool(pool), grant: core.grant(grant), share: { before: 0n, part: 1n, whole: 3n } };
    expect(refundPurchase(core.draft(), spec, 1_000)).toBe(credits(33.3333));
    expect(core.pool(pool)).toMatchObject({ voidedE4: credits(33.3333), balanceE4: credits(66.6667) });
    core.commit();
  });

  // What was held came back whole: refunded, and spent all the same.
  test("a refund in part takes what is held when it is released, and no more than it wants", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 100, { type: "PURCHASED" });
    const [first, second] = [hold(core, 60), hold(core, 30)];
    const refund = (part: bigint) =>
      refundPurchase(
        core.draft(),
        { pool: core.pool(pool), grant: core.grant(grant), share: { before: part - 1n, part: 1n, whole: 2n } },
        1_000,
      );
    expect(refund(1n)).toBe(credits(10));
    expect(left(core, grant)).toEqual([90, 90]);
    freeCredits(core.draft(), core.end(first, "RELEASED"), 2_000);
    expect(left(core, grant)).toEqual([50, 30]);
    freeCredits(core.draft(), core.end(second, "RELEASED"), 3_000);
    expect(left(core, grant)).toEqual([50, 0]);
    expect(ledger(core)).toEqual(["GRANT 100 0 100", "VOID -10 100 90", "VOID -40 90 50"]);
    core.commit();
  });
});

describe("refuses", () => {
  test("grants, deductions and voiding of a frozen pool; what is void already stays so", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const [grant, gone] = [core.give(pool, 5), core.give(pool, 5)];
    const voided = (number: number) =>
      decideVoidGrant(core.draft(), { pool: core.pool(pool), grant: core.grant(number) }, 0);
    granted(voided(gone));
    granted(decideFreeze(core.draft(), core.pool(pool), 0));
    const spec = { type: "MANUAL" as const, amountE4: 1n };
    expect(decideGrant(core.draft(), { pool: core.pool(pool), spec, past: core.past }, 0)).toMatchObject({
      code: "state_conflict",
      why: "The credit pool is FROZEN: unfreeze it first.",
    });
    expect(deduct(core, pool, 1)).toMatchObject({ code: "state_conflict" });
    expect(voided(grant)).toMatchObject({ code: "state_conflict" });
    expect(granted(voided(gone)).number).toBe(gone);
    expect([left(core, grant), left(core, gone)]).toEqual([
      [5, 0],
      [0, 0],
    ]);
  });

  test("whatever would change an archived pool", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 5, { type: "PURCHASED", expiresAtMs: 500 });
    granted(deduct(core, pool, 1));
    granted(decideArchive(core.draft(), core.pool(pool), 0));
    core.commit();
    const there = { pool: core.pool(pool), grant: core.grant(grant) };
    const spec = { type: "MANUAL" as const, amountE4: 1n };
    const draft = core.draft();
    const replies = [
      decideGrant(draft, { ...there, spec, past: core.past }, 0),
      deduct(core, pool, 1),
      reverse(core, 2),
      decideVoidGrant(draft, there, 0),
      decideFreeze(draft, there.pool, 0),
      decideUnfreeze(draft, there.pool, 0),
      decideLink(draft, there.pool, { subscription: 1, drawPriority: 0 }, 0),
      decideUnlink(draft, there.pool, 1, 0),
    ];
    expect(replies.map((reply) => (reply.ok ? "ok" : reply.code))).toEqual(replies.map(() => "state_conflict"));
    expect(refundPurchase(draft, { ...there, share: { before: 0n, part: 1n, whole: 1n } }, 0)).toBe(0n);
    expect(expireGrants(draft, 1_000)).toBe(0);
  });

  test("archiving while a reservation holds credits", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 5);
    const reservation = hold(core, 1);
    expect(decideArchive(core.draft(), core.pool(pool), 0)).toMatchObject({ code: "state_conflict" });
    freeCredits(core.draft(), core.end(reservation, "LAPSED"), 0);
    granted(decideArchive(core.draft(), core.pool(pool), 0));
  });

  test("a currency without a price, and credits that would be gone already", ({ expect }) => {
    const core = creditBook();
    const pool = core.pool(core.makePool());
    const give = (spec: object) =>
      decideGrant(core.draft(), { pool, spec: { type: "MANUAL", amountE4: 1n, ...spec }, past: core.past }, 1_000);
    expect(give({ currency: "USD" })).toMatchObject({ code: "invalid", fields: [{ path: "currency" }] });
    expect(give({ expiresAtMs: 1_000 })).toMatchObject({ code: "invalid", fields: [{ path: "expiresAt" }] });
    granted(give({ expiresAtMs: 1_001 }));
  });

  test("a deduction below 0, or of what is held; the sentence begins as clients know it", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 10);
    hold(core, 4);
    const refused = deduct(core, pool, 6.0001);
    if (refused.ok) throw new Error("it was not refused");
    expect(refused).toMatchObject({ code: "credits_short", neededE4: credits(6.0001), availableE4: credits(6) });
    expect(errorEnvelope(refused)).toMatchObject({
      status: 409,
      body: {
        error: { code: "insufficient_credits", message: expect.stringMatching(/^Credit pool depleted: 6\.0001 /) },
      },
    });
    granted(deduct(core, pool, 6));
    core.commit();
  });

  test("reversing what is no deduction, or more than is left of one", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 10);
    granted(deduct(core, pool, 5));
    expect(reverse(core, 1)).toMatchObject({ code: "state_conflict" });
    granted(reverse(core, 2, 3));
    expect(reverse(core, 2, 2.0001)).toMatchObject({ code: "state_conflict" });
  });
});

describe("holds", () => {
  test("a key answers its first grant and its first deduction, in the same commit, later, and when it is used up", ({
    expect,
  }) => {
    const core = creditBook();
    const [pool, other] = [core.makePool(), core.makePool()];
    const grant = core.give(pool, 10, { key: "k" });
    expect(core.give(pool, 99, { key: "k" })).toBe(grant);
    // Keys are spaces of each pool, and of grants and deductions.
    expect(core.give(other, 10, { key: "k" })).not.toBe(grant);
    const first = granted(deduct(core, pool, 10, "k"));
    expect(first.isRepeat).toBe(false);
    expect(granted(deduct(core, pool, 10, "k"))).toEqual({ entry: first.entry, isRepeat: true });
    core.commit();
    expect(core.book.grants.has(grant)).toBe(false);
    expect(core.give(pool, 99, { key: "k" })).toBe(grant);
    expect(granted(deduct(core, pool, 10, "k"))).toEqual({ entry: first.entry, isRepeat: true });
    granted(decideFreeze(core.draft(), core.pool(pool), 0));
    expect(core.give(pool, 99, { key: "k" })).toBe(grant);
  });

  test("a deduction is reversed once, and its grants get back what they gave", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const grant = core.give(pool, 10);
    granted(deduct(core, pool, 10));
    core.commit();
    granted(reverse(core, 2));
    expect(reverse(core, 2)).toMatchObject({ code: "state_conflict", why: "The deduction was reversed already." });
    core.commit();
    expect(reverse(core, 2)).toMatchObject({ code: "state_conflict" });
    expect(left(core, grant)).toEqual([10, 0]);
  });

  test("what a reversal gives back to an expired or void grant leaves it at once, and is seen to", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const expiring = core.give(pool, 10, { expiresAtMs: 1_500 });
    const voided = core.give(pool, 10);
    granted(deduct(core, pool, 20));
    granted(decideVoidGrant(core.draft(), { pool: core.pool(pool), grant: core.grant(voided) }, 1_600));
    core.commit();
    granted(reverse(core, 3));
    expect(ledger(core).slice(3)).toEqual(["REVERSAL 20 0 20", "EXPIRATION -10 20 10", "VOID -10 10 0"]);
    expect([left(core, expiring), left(core, voided)]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    core.commit();
  });

  test("a dispute and a refund of one purchase together take no more than it still holds", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const [bought, other] = [core.give(pool, 100, { type: "PURCHASED" }), core.give(pool, 50)];
    granted(deduct(core, pool, 80));
    const whole = { before: 0n, part: 1n, whole: 1n };
    const refund = () =>
      refundPurchase(core.draft(), { pool: core.pool(pool), grant: core.grant(bought), share: whole }, 0);
    expect([refund(), refund()]).toEqual([credits(70), 0n]);
    expect([left(core, bought), left(core, other)]).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(core.pool(pool)).toMatchObject({ balanceE4: 0n, voidedE4: credits(70), consumedE4: credits(80) });
    core.commit();
  });

  test("the laws find a balance that is not its grants, an entry that does not chain, and a hold of nobody", ({
    expect,
  }) => {
    const broken = (spoil: (core: Core) => void): (() => void) => {
      const core = creditBook();
      const pool = core.makePool();
      core.give(pool, 10);
      core.commit();
      granted(deduct(core, pool, 1));
      spoil(core);
      return () => core.commit();
    };
    expect(broken(() => undefined)).not.toThrow();
    expect(broken((core) => core.draft().pools.put({ ...core.pool(1), balanceE4: 1n }))).toThrow(/last entry/);
    expect(broken((core) => core.draft().pools.put({ ...core.pool(1), consumedE4: 0n }))).toThrow(
      /granted \+ reversed/,
    );
    expect(broken((core) => core.draft().grants.put({ ...core.grant(1), remainingE4: 1n }))).toThrow(/its grants have/);
    expect(broken((core) => core.draft().grants.put({ ...core.grant(1), heldE4: 1n }))).toThrow(/reservations hold/);
    expect(broken((core) => core.draft().grants.put({ ...core.grant(1), remainingE4: credits(11) }))).toThrow(/amount/);
    expect(
      broken((core) => {
        const last = core.draft().creditEntries.at(-1);
        if (last !== undefined) core.draft().creditEntries.push({ ...last, number: last.number + 1 });
        core.draft().last.creditEntry += 1;
      }),
    ).toThrow(/chain/);
  });
});
