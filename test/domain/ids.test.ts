import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  type CustomerTag,
  customerId,
  customerThingId,
  ID_KINDS,
  type IdKind,
  readCustomerThingId,
  spreadOf,
  tagFromBytes,
  tagOfCustomer,
} from "../../src/domain/ids.ts";

const KINDS = Object.keys(ID_KINDS) as IdKind[];
const dice = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(tagFromBytes);
const thing = fc.record({
  tag: dice,
  kind: fc.constantFrom(...KINDS),
  number: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER)),
});

describe("does", () => {
  test("customers are spread over all of a span, each always at one place in it", ({ expect }) => {
    const places = Array.from({ length: 1000 }, (_, n) => {
      const tag = tagFromBytes(new Uint8Array(new BigUint64Array([BigInt(n) * 0x9e3779b97f4a7c15n]).buffer));
      expect(spreadOf(tag, 2500)).toBe(spreadOf(tag, 2500));
      return spreadOf(tag, 2500);
    });
    expect(places.every((place) => Number.isInteger(place) && place >= 0 && place < 2500)).toBe(true);
    const tenths = Map.groupBy(places, (place) => Math.floor(place / 250));
    expect(Math.max(...[...tenths.values()].map(({ length }) => length))).toBeLessThan(200);
  });

  test("the bits lie where the layout says", ({ expect }) => {
    expect(customerThingId("000000000000000" as CustomerTag, "customer", 0)).toBe(
      "00000000-0000-8000-8000-000000000000",
    );
    expect(customerThingId("ffffffffffffffc" as CustomerTag, "customer", 0)).toBe(
      "ffffffff-ffff-8ffc-8000-000000000000",
    );
    expect(customerThingId("000000000000000" as CustomerTag, "event", 1)).toBe("00000000-0000-8000-8100-000000000001");
    expect(customerThingId("000000000001000" as CustomerTag, "event", Number.MAX_SAFE_INTEGER)).toBe(
      "00000000-0001-8000-811f-ffffffffffff",
    );
  });

  test("bytes become 58 bits of tag, the rest is cut", ({ expect }) => {
    expect(tagFromBytes(new Uint8Array(8).fill(255))).toBe("ffffffffffffffc");
    expect(tagFromBytes(new Uint8Array(16).fill(0))).toBe("000000000000000");
    expect(tagFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x41, 99))).toBe("000000000000004");
  });

  test("upper case is the same id", ({ expect }) => {
    fc.assert(
      fc.property(thing, ({ tag, kind, number }) => {
        const id = customerThingId(tag, kind, number);
        expect(readCustomerThingId(id.toUpperCase())).toEqual({ tag, kind, number });
      }),
    );
  });
});

describe("refuses", () => {
  test.for([
    "",
    "acme",
    "00000000-0000-4000-8000-000000000000",
    "00000000-0000-8000-0000-000000000000",
    "00000000-0000-8000-c000-000000000000",
    "00000000000080008000000000000000",
    "00000000-0000-8000-8000-00000000000",
    "00000000-0000-8000-8000-0000000000000",
    " 00000000-0000-8000-8000-000000000000",
    "00000000-0000-8000-8000-00000000000g",
    "{00000000-0000-8000-8000-000000000000}",
    "00000000-0000-8000-8000-000000000000\n",
    // A number beyond 2^53 − 1, and a kind that was never given out.
    "00000000-0000-8000-8020-000000000000",
    "00000000-0000-8003-bf00-000000000000",
  ])("%j is no id of ours", (text, { expect }) => {
    expect(readCustomerThingId(text)).toBeUndefined();
  });

  test("the tag of anything but a customer, by throwing", ({ expect }) => {
    const tag = "123456789abcdec" as CustomerTag;
    expect(tagOfCustomer(customerId(tag))).toBe(tag);
    expect(() => tagOfCustomer(customerThingId(tag, "event", 1))).toThrow("not a customer's id");
  });
});

describe("holds", () => {
  test("any id leads back to its customer, kind and number", ({ expect }) => {
    fc.assert(
      fc.property(thing, ({ tag, kind, number }) => {
        const id = customerThingId(tag, kind, number);
        expect(readCustomerThingId(id)).toEqual({ tag, kind, number });
      }),
    );
  });

  test("every id is a UUID of version 8 and variant 10", ({ expect }) => {
    fc.assert(
      fc.property(thing, ({ tag, kind, number }) => {
        expect(customerThingId(tag, kind, number)).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
      }),
    );
  });

  test("different things have different ids, and later ones sort behind earlier ones", ({ expect }) => {
    fc.assert(
      fc.property(thing, thing, (a, b) => {
        const same = a.tag === b.tag && a.kind === b.kind && a.number === b.number;
        expect(customerThingId(a.tag, a.kind, a.number) === customerThingId(b.tag, b.kind, b.number)).toBe(same);
        const [low, high] = [Math.min(a.number, b.number), Math.max(a.number, b.number)];
        expect(customerThingId(a.tag, a.kind, low) <= customerThingId(a.tag, a.kind, high)).toBe(true);
      }),
    );
  });

  test("any text is read or undefined, never thrown at", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.uuid()), (text) => {
        const parts = readCustomerThingId(text);
        if (parts !== undefined) expect(customerThingId(parts.tag, parts.kind, parts.number)).toBe(text.toLowerCase());
      }),
    );
  });

  test("kinds are numbered once each, in eight bits", ({ expect }) => {
    const numbers = Object.values(ID_KINDS);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number >= 0 && number < 256).toBe(true);
  });
});
