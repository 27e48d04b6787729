import { describe, test } from "vitest";
import { type ChargeSpec, charge } from "../../src/domain/charge.ts";
import { freeCredits, holdCredits } from "../../src/domain/credit-holds.ts";
import { drawOrdersOf, openGrants } from "../../src/domain/draw-order.ts";
import { drawable } from "../../src/domain/drawable.ts";
import { decideVoidGrant, expireGrants } from "../../src/domain/grants.ts";
import { decideArchive, decideFreeze, decideLink } from "../../src/domain/pools.ts";
import { rollOver } from "../../src/domain/rollover.ts";
import { creditBook, credits, granted, ONE_EACH, units, weighing } from "../support/credit-core.ts";

type Core = ReturnType<typeof creditBook>;

const AI = { denomination: "AI", subscription: 1 };

function spend(core: Core, amount: number, spec: Partial<ChargeSpec> = {}, nowMs = 1_000) {
  return charge(core.draft(), { ...AI, unitsE12: units(amount), weight: ONE_EACH, ...spec }, nowMs);
}

function hold(core: Core, amount: number, subscription = 1): number {
  const use = { ...AI, subscription, unitsE12: units(amount), weight: ONE_EACH };
  return core.reserve({ subscription, credits: granted(holdCredits(core.draft(), use)) });
}

/** Commits a reservation by so many units. */
function commit(core: Core, reservation: number, amount: number, nowMs = 2_000) {
  const reply = spend(core, amount, { hold: core.hold(reservation) }, nowMs);
  if (reply.ok) core.end(reservation, "COMMITTED");
  return reply;
}

function link(core: Core, pool: number, subscription: number, drawPriority = 0, limit?: number): void {
  const drawLimit = limit === undefined ? {} : { drawLimitE4: credits(limit) };
  granted(decideLink(core.draft(), core.pool(pool), { subscription, drawPriority, ...drawLimit }, 0));
}

const found = (core: Core) => {
  const { sources, sumE4, isHard } = drawable(core.draft(), AI);
  return [sources.map(({ pool }) => pool.number), Number(sumE4) / 10_000, isHard];
};

describe("does", () => {
  test("a subscription draws from its linked pools by priority and age, then from unlinked ones, never from others'", ({
    expect,
  }) => {
    const core = creditBook();
    const [free, second, first, alsoFirst, others, gpu, archived] = Array.from({ length: 7 }, (_, at) =>
      core.makePool({ hardLimit: at === 4, denomination: at === 5 ? "GPU" : "AI" }),
    ) as [number, number, number, number, number, number, number];
    for (const pool of [free, second, first, alsoFirst, others, gpu, archived]) core.give(pool, 10);
    link(core, second, 1, 7);
    link(core, alsoFirst, 1, 2);
    link(core, first, 1, 2);
    link(core, others, 2);
    granted(decideArchive(core.draft(), core.pool(archived), 0));
    expect(found(core)).toEqual([[first, alsoFirst, second, free], 40, false]);
    expect(granted(spend(core, 25)).entries.map(({ pool, amountE4 }) => [pool, amountE4])).toEqual([
      [first, -credits(10)],
      [alsoFirst, -credits(10)],
      [second, -credits(5)],
    ]);
    core.commit();
  });

  test("what is held is nobody else's, and a draw limit counts what is drawn and held in the period", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 100);
    link(core, pool, 1, 0, 30);
    link(core, pool, 2);
    granted(spend(core, 5));
    const reservation = hold(core, 10);
    expect(found(core)).toEqual([[pool], 15, true]);
    expect(drawable(core.draft(), { ...AI, subscription: 2 }).sumE4).toBe(credits(85));
    granted(commit(core, reservation, 4));
    expect(found(core)).toEqual([[pool], 21, true]);
    // A limit that is lowered below what was drawn gives nothing, and takes nothing back.
    link(core, pool, 1, 0, 3);
    expect(found(core)).toEqual([[pool], 0, true]);
    core.commit();
  });

  test("a soft pool gives what it has, and the units beyond it are left to be billed", ({ expect }) => {
    const core = creditBook();
    core.give(core.makePool({ hardLimit: false }), 60);
    expect(granted(spend(core, 100))).toMatchObject({
      neededE4: credits(100),
      drawnE4: credits(60),
      coveredE12: units(60),
      balanceE4: 0n,
    });
    expect(granted(spend(core, 1))).toMatchObject({ drawnE4: 0n, coveredE12: 0n, entries: [] });
    core.commit();
  });

  test("without a pool nothing is drawn and nothing is covered", ({ expect }) => {
    expect(granted(spend(creditBook(), 5))).toEqual({
      neededE4: credits(5),
      drawnE4: 0n,
      coveredE12: 0n,
      worth: [],
      entries: [],
      balanceE4: 0n,
    });
  });

  test("an entry says the event, the units and the weight that made it", ({ expect }) => {
    const core = creditBook();
    const grant = core.give(core.makePool(), 10);
    const weight = { weightId: "w", ...weighing(2) };
    const said = { eventSeq: 7, occurredAtMs: 900, description: "chat", metadata: "{}" };
    expect(granted(spend(core, 3, { weight, ...said })).entries).toEqual([
      {
        number: 2,
        pool: 1,
        subscription: 1,
        type: "DEDUCTION",
        amountE4: -credits(6),
        balanceBeforeE4: credits(10),
        balanceAfterE4: credits(4),
        grant,
        draws: [{ grant, amountE4: credits(6) }],
        weight,
        unitsE12: units(3),
        ...said,
        atMs: 1_000,
      },
    ]);
  });

  test("worth is summed exactly by currency; credits without a price are worth nothing", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 1, { unitPriceE12: 1n, currency: "USD" });
    core.give(pool, 2, { unitPriceE12: units(0.1), currency: "EUR" });
    core.give(pool, 3);
    core.give(pool, 4, { unitPriceE12: units(0.2), currency: "USD" });
    expect(granted(spend(core, 10)).worth).toEqual([
      { currency: "USD", amountE16: 10_000n + 40_000n * units(0.2) },
      { currency: "EUR", amountE16: 20_000n * units(0.1) },
    ]);
  });

  test("a commit takes what was held, gives back what it does not need, and draws what it needs beyond", ({
    expect,
  }) => {
    const core = creditBook();
    const pool = core.makePool();
    const [soon, later] = [core.give(pool, 10, { expiresAtMs: 90_000 }), core.give(pool, 10)];
    const [less, more] = [hold(core, 8), hold(core, 4)];
    expect(granted(commit(core, less, 5)).entries.map(({ draws }) => draws)).toEqual([
      [{ grant: soon, amountE4: credits(5) }],
    ]);
    // Of the grant it held 2 and draws 3 more that are free: one draw.
    expect(granted(commit(core, more, 9)).entries.map(({ draws }) => draws)).toEqual([
      [
        { grant: soon, amountE4: credits(5) },
        { grant: later, amountE4: credits(4) },
      ],
    ]);
    expect(core.pool(pool)).toMatchObject({ balanceE4: credits(6), heldE4: 0n });
    core.commit();
  });
});

describe("refuses", () => {
  test("a charge that the pools do not cover, once one of them is hard", ({ expect }) => {
    const core = creditBook();
    core.give(core.makePool({ hardLimit: false }), 5);
    core.give(core.makePool({ hardLimit: true }), 4);
    expect(spend(core, 9.0001)).toEqual({
      ok: false,
      code: "credits_short",
      neededE4: credits(9.0001),
      availableE4: credits(9),
      frozen: false,
      kept: false,
    });
    expect(core.draft().creditEntries).toHaveLength(2);
    granted(spend(core, 9));
    core.commit();
  });

  test("a charge that would be covered if nothing were frozen, and says so", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 10);
    granted(decideFreeze(core.draft(), core.pool(pool), 0));
    expect(spend(core, 10)).toMatchObject({ code: "credits_short", availableE4: 0n, frozen: true });
    expect(spend(core, 11)).toMatchObject({ code: "credits_short", availableE4: 0n, frozen: false });
  });

  test("a reservation of more than can be drawn; without a hard pool it holds what is there", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 10);
    hold(core, 6);
    const use = { ...AI, unitsE12: units(5), weight: ONE_EACH };
    expect(holdCredits(core.draft(), use)).toMatchObject({ code: "credits_short", availableE4: credits(4) });
    const soft = creditBook();
    soft.give(soft.makePool({ hardLimit: false }), 3);
    expect(granted(holdCredits(soft.draft(), use))).toEqual([{ pool: 1, grant: 1, amountE4: credits(3) }]);
  });

  test("a commit beyond what it held that is not covered, and keeps the reservation", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 10);
    const reservation = hold(core, 6);
    expect(commit(core, reservation, 10.5)).toMatchObject({
      code: "credits_short",
      neededE4: credits(10.5),
      availableE4: credits(10),
    });
    expect(core.pool(pool)).toMatchObject({ balanceE4: credits(10), heldE4: credits(6) });
    granted(commit(core, reservation, 10));
    core.commit();
  });
});

describe("holds", () => {
  test("spends that each fit alone do not pass together, within one commit and after it", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    core.give(pool, 300);
    const replies = Array.from({ length: 1_000 }, (_, at) => {
      if (at % 7 === 0) core.commit();
      return spend(core, 1).ok;
    });
    core.commit();
    expect(replies.filter((ok) => ok)).toHaveLength(300);
    expect(core.pool(pool)).toMatchObject({ balanceE4: 0n, consumedE4: credits(300) });
  });

  test("a reservation is committed from its own grants after they were frozen, void, expired and rolled over", ({
    expect,
  }) => {
    const core = creditBook();
    const pool = core.makePool({ rolloverPolicy: "NONE" });
    const plan = { type: "PLAN_INCLUDED" as const, subscription: 1 };
    const grants = [
      core.give(pool, 10, { expiresAtMs: 1_500 }),
      core.give(pool, 10, { expiresAtMs: 5_000 }),
      core.give(pool, 10, { ...plan, expiresAtMs: 6_000 }),
    ];
    const reservation = hold(core, 30);
    core.commit();
    granted(decideVoidGrant(core.draft(), { pool: core.pool(pool), grant: core.grant(grants[1] ?? 0) }, 1_200));
    expireGrants(core.draft(), 1_500);
    rollOver(core.draft(), 1, 1_600);
    core.give(pool, 50);
    granted(decideFreeze(core.draft(), core.pool(pool), 1_700));
    core.commit();
    expect(core.pool(pool)).toMatchObject({ balanceE4: credits(80), heldE4: credits(30), expiredE4: 0n, voidedE4: 0n });
    expect(granted(commit(core, reservation, 30)).entries.map(({ draws }) => draws?.map(({ grant }) => grant))).toEqual(
      [grants],
    );
    core.commit();
    expect(core.pool(pool)).toMatchObject({ balanceE4: credits(50), consumedE4: credits(30) });
  });

  test("what is given back after an expiry goes to the grant it came from, and expires there", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    const old = core.give(pool, 10, { expiresAtMs: 1_500 });
    const reservation = hold(core, 6);
    expireGrants(core.draft(), 1_500);
    const renewed = core.give(pool, 10);
    core.commit();
    freeCredits(core.draft(), core.end(reservation, "RELEASED"), 2_000);
    core.commit();
    expect(core.grant(old).remainingE4).toBe(0n);
    expect(core.grant(renewed).remainingE4).toBe(credits(10));
    expect(core.pool(pool)).toMatchObject({ balanceE4: credits(10), heldE4: 0n, expiredE4: credits(10) });
  });

  test("what credits do not cover is billed and never owed: no pool is below 0, before or after a change", ({
    expect,
  }) => {
    const core = creditBook();
    const pool = core.makePool({ hardLimit: false });
    core.give(pool, 3);
    const first = granted(spend(core, 5));
    core.give(pool, 10);
    const second = granted(spend(core, 4));
    expect([first.coveredE12, second.coveredE12]).toEqual([units(3), units(4)]);
    expect(core.pool(pool).balanceE4).toBe(credits(6));
    core.commit();
  });

  test("the parts of a draw over many grants are the charge, and nothing is left between pool and ledger", ({
    expect,
  }) => {
    const core = creditBook();
    const pool = core.makePool();
    for (let at = 0; at < 30; at += 1) core.give(pool, 0.3333);
    const { entries, drawnE4, coveredE12 } = granted(spend(core, 3, { weight: weighing(1.1111) }));
    const parts = entries.flatMap(({ draws = [] }) => draws.map(({ amountE4 }) => amountE4));
    expect([drawnE4, coveredE12]).toEqual([credits(3.3333), units(3)]);
    expect(parts).toEqual([...Array(10).fill(credits(0.3333)), credits(0.0003)]);
    const left = [...core.draft().grants.values()].reduce((sum, { remainingE4 }) => sum + remainingE4, 0n);
    expect(core.pool(pool).balanceE4).toBe(left);
    core.commit();
  });

  test("a draw from a pool of 1,000 open grants touches those that it draws from, and no other", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    for (let at = 0; at < 1_000; at += 1) core.give(pool, 10, { expiresAtMs: 1_000_000 - at });
    core.commit();
    const asked = new Set<number>();
    const { grants } = core.book;
    const get = grants.get.bind(grants);
    const refuse = () => {
      throw new Error("all grants were gone through");
    };
    Object.assign(grants, {
      get: (number: number) => {
        asked.add(number);
        return get(number);
      },
      values: refuse,
      entries: refuse,
      forEach: refuse,
      [Symbol.iterator]: refuse,
    });
    // A draft over the book as it is now.
    core.commit();
    granted(spend(core, 15));
    core.commit();
    expect([...asked].sort((a, b) => a - b)).toEqual([999, 1_000]);
    const [next] = openGrants(core.book, pool);
    expect(next?.number).toBe(999);
  });

  test("the order that a book keeps is the one that its grants are sorted into anew", ({ expect }) => {
    const core = creditBook();
    const pool = core.makePool();
    for (let at = 0; at < 60; at += 1) {
      const type = at % 3 === 0 ? "PURCHASED" : "PROMOTIONAL";
      core.give(pool, 2, { type, ...(at % 4 === 0 ? {} : { expiresAtMs: 5_000 + ((at * 7) % 5) * 1_000 }) });
      if (at % 5 === 0) hold(core, 1);
      if (at % 2 === 0) granted(spend(core, 0.75));
      core.commit();
      expect(core.book.drawOrders).toEqual(drawOrdersOf(core.book.grants.values()));
    }
  });
});
