import { describe, test } from "vitest";
import { type BlockWish, closeBlock, decideBlock, type GrantedBlock, takePart } from "../../src/domain/block.ts";
import { blockIdOf, handedOutId, isSignedBy, readHandedOutId, signerOf } from "../../src/domain/block-id.ts";
import { openDraft } from "../../src/domain/book.ts";
import { tagFromBytes } from "../../src/domain/ids.ts";
import { BLOCK_SHARE, BLOCK_USE_MS } from "../../src/domain/limits.ts";
import { dropBlocks, handOut, keepBlock, openBlocks } from "../../src/edge/blocks.ts";
import { units } from "../support/credit-core.ts";
import { TAG as OBJECT_TAG, openObject } from "../support/edge/object.ts";

/** Blocks where they are decided and where they are kept; together with everything around them they are tested by schedules. */

const TAG = tagFromBytes(new Uint8Array(8).fill(1));
const KEY = { customer: "acme/ada", tag: TAG, featureKey: "api" };
const SECRET = "00112233445566778899aabbccddeeff";
const NOON = Date.UTC(2030, 2, 5, 12);

const object = (limit: number, now = () => NOON) => openObject({ limitE12: units(limit) }, now, () => SECRET);
const wish = (wanted: number, each = 1, closed: BlockWish["closed"] = []): BlockWish => ({
  unitsE12: units(wanted),
  eachE12: units(each),
  closed,
});

/** An isolate that reserved so often within an instant, each time asking an object that lends what it is told to. */
function reserving(lend: (wish: BlockWish) => GrantedBlock | undefined) {
  const blocks = openBlocks();
  return {
    blocks,
    reserve(nowMs = NOON, ttlSeconds = 60, amount = 1): "block" | "object" {
      const { handed, ask } = handOut(blocks, KEY, { unitsE12: units(amount), ttlSeconds }, nowMs);
      if (ask !== undefined) keepBlock(ask, lend(ask.wish));
      return handed === undefined ? "object" : "block";
    },
  };
}

describe("does", () => {
  test("a block is what is wished for, in whole reservations, as far as a twentieth of what is left goes", ({
    expect,
  }) => {
    const lent = (limit: number, asked: BlockWish) => {
      const block = object(limit).lend(asked);
      return block === undefined ? 0 : Number(block.unitsE12 / units(1));
    };
    expect(lent(10_000, wish(100))).toBe(100);
    expect(lent(10_000, wish(103, 5))).toBe(100);
    expect(lent(1000, wish(100))).toBe(1000 / BLOCK_SHARE);
    expect(lent(1000, wish(100, 12))).toBe(48);
    expect(lent(1000, wish(100, 13))).toBe(0);
    expect(lent(79, wish(100))).toBe(0);
    expect(lent(80, wish(100))).toBe(4);
  });

  test("further blocks share the twentieth, and what one gives back is there for the next", ({ expect }) => {
    const one = object(1000);
    const first = one.lend(wish(30));
    expect(first?.unitsE12).toBe(units(30));
    expect(one.lend(wish(30))?.unitsE12).toBe(units(20));
    expect(one.lend(wish(30))).toBeUndefined();
    const back = { block: first?.block ?? 0, unitsE12: units(25), creditsE4: 0n };
    expect(one.lend(wish(30, 1, [back]))?.unitsE12).toBe(units(25));
  });

  test("credits that roundings leave in an empty block are free again", ({ expect }) => {
    // A third of a credit each: four units together hold 1.3333, and apart take 1.3332.
    const offer = { creditsPerUnitE12: units(1) / 3n, creditsE4: 10_000_000n };
    const one = openObject(
      offer,
      () => NOON,
      () => SECRET,
    );
    const block = one.lend(wish(4));
    expect(block?.creditsE4).toBe(13_333n);
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      const part = { sequence, unitsE12: units(1), expiresAtMs: NOON + 60_000 };
      const id = handedOutId(blockIdOf(OBJECT_TAG, block?.block ?? 0), part, signerOf(SECRET));
      expect(one.commit(id, units(1)).outcome).toBe("committed");
    }
    expect([...one.book.pools.values()].map(({ heldE4, consumedE4 }) => [heldE4, consumedE4])).toEqual([[0n, 13_332n]]);
    expect(one.book.holds.size).toBe(0);
  });

  test("who reserves often is lent a block, and hands out of it until it is empty or over", ({ expect }) => {
    const one = object(100_000);
    const isolate = reserving((asked) => one.lend(asked));
    expect([1, 2, 3, 4, 5].map(() => isolate.reserve())).toEqual(["object", "object", "object", "block", "block"]);
    // Ahead of the end of it another one comes.
    for (let n = 0; n < 20; n += 1) expect(isolate.reserve()).toBe("block");
    expect(isolate.reserve(NOON + BLOCK_USE_MS - 1)).toBe("block");
    expect(isolate.reserve(NOON, 61)).toBe("object");
    expect(isolate.reserve(NOON, 60, 1000)).toBe("object");
    expect(isolate.reserve(NOON - 1)).toBe("object");
  });

  test("whoever comes now and then is asked for each time", ({ expect }) => {
    const isolate = reserving(() => {
      throw new Error("nobody should ask");
    });
    for (let n = 0; n < 20; n += 1) expect(isolate.reserve(NOON + n * BLOCK_USE_MS)).toBe("object");
  });
});

describe("refuses", () => {
  test("an id that is none, or that its block's secret did not sign", ({ expect }) => {
    const part = { sequence: 7, unitsE12: units(2.5), expiresAtMs: NOON };
    const id = handedOutId(blockIdOf(TAG, 12), part, signerOf(SECRET));
    expect(id.length).toBeLessThanOrEqual(200);
    const read = readHandedOutId(id.toUpperCase());
    expect(read).toMatchObject({ tag: TAG, block: 12, ...part });
    expect(read && isSignedBy(read, SECRET)).toBe(true);
    expect(read && isSignedBy(read, SECRET.replace("0", "1"))).toBe(false);
    for (const none of [
      "",
      "x",
      id.slice(0, 36),
      `${id}0`,
      `${id}.1`,
      id.replace(".7.", ".g."),
      id.replace(".7.", ".."),
      `-${id}`,
    ])
      expect(readHandedOutId(none)).toBeUndefined();
  });

  test("to lend a feature that is off, past what falls due, or more than the twentieth of credits", ({ expect }) => {
    const one = object(1000);
    const terms = { secret: SECRET, openCount: 0 };
    const lend = (isEnabled: boolean, untilMs?: number) =>
      decideBlock(openDraft(one.book), { featureKey: "api", isEnabled }, wish(10), { ...terms, untilMs }, NOON);
    expect(lend(false)).toBeUndefined();
    expect(lend(true, NOON)).toBeUndefined();
    expect(lend(true, NOON + 700)?.useMs).toBe(700);
    expect(lend(true, NOON + 90_000)?.useMs).toBe(BLOCK_USE_MS);
    const offer = { creditsPerUnitE12: units(2), creditsE4: 2_000_000n };
    const burning = openObject(
      offer,
      () => NOON,
      () => SECRET,
    );
    expect(burning.lend(wish(10))).toMatchObject({ unitsE12: units(5), creditsE4: 100_000n });
    expect(burning.lend(wish(10))).toBeUndefined();
  });
});

describe("holds", () => {
  test("a block that ended gives nothing out and takes nothing back", ({ expect }) => {
    let nowMs = NOON;
    const one = object(1000, () => nowMs);
    const block = one.lend(wish(10));
    const hold = one.book.holds.get(block?.block ?? 0);
    if (hold === undefined) throw new Error("no block was lent");
    nowMs = NOON + BLOCK_USE_MS + 60_000;
    one.check(0);
    const lapsed = { ...hold, status: "LAPSED" } as const;
    const draft = openDraft(one.book);
    const part = { sequence: 1, unitsE12: units(1), expiresAtMs: nowMs + 1 };
    expect(takePart(draft, lapsed, part, nowMs)).toBe("LAPSED");
    closeBlock(draft, lapsed, { unitsE12: units(1), creditsE4: 0n }, nowMs);
    expect(draft.holds.written.size).toBe(0);
    expect(one.book.held.size).toBe(0);
  });

  test("a change ends what an isolate was lent, and what is on its way to it", ({ expect }) => {
    const one = object(100_000);
    const isolate = reserving((asked) => one.lend(asked));
    for (let n = 0; n < 4; n += 1) isolate.reserve();
    dropBlocks(isolate.blocks, KEY.customer);
    expect(isolate.reserve()).toBe("object");
    const { ask } = handOut(isolate.blocks, KEY, { unitsE12: units(1), ttlSeconds: 60 }, NOON + 4000);
    dropBlocks(isolate.blocks, KEY.customer);
    if (ask !== undefined) keepBlock(ask, one.lend(ask.wish));
    expect(ask).toBeDefined();
    expect(isolate.reserve(NOON + 4000)).toBe("object");
  });
});
