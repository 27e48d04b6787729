import * as fc from "fast-check";
import { describe, test } from "vitest";
import { fromJsonText, jsonText } from "../../src/domain/json-text.ts";

/** Values like those of the domain: bigints anywhere, and fields that are not there. */
const { value } = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.bigInt(),
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  ),
  value: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]\w{0,5}$/), fc.oneof(tie("value"), fc.constant(undefined)), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
}));

describe("does", () => {
  test("a bigint is marked, and comes back as one", ({ expect }) => {
    const thing = { amountE4: -25_000n, draws: [{ grant: 1, amountE4: 25_000n }], key: undefined, note: "7" };
    expect(jsonText(thing)).toBe(
      '{"amountE4":{"$bigint":"-25000"},"draws":[{"grant":1,"amountE4":{"$bigint":"25000"}}],"note":"7"}',
    );
    expect(fromJsonText(jsonText(thing))).toEqual({
      amountE4: -25_000n,
      draws: [{ grant: 1, amountE4: 25_000n }],
      note: "7",
    });
    expect(fromJsonText(jsonText(7n))).toBe(7n);
  });
});

describe("holds", () => {
  test("the text is the one that JSON's own callbacks would write and read", ({ expect }) => {
    const said = (one: unknown) =>
      JSON.stringify(one, (_, field) => (typeof field === "bigint" ? { $bigint: field.toString() } : field));
    const heard = (text: string) =>
      JSON.parse(text, (_, field) =>
        typeof field === "object" && field !== null && "$bigint" in field ? BigInt(field.$bigint) : field,
      );
    fc.assert(
      fc.property(value, (one) => {
        expect(jsonText(one)).toBe(said(one));
        expect(fromJsonText(said(one))).toEqual(heard(said(one)));
      }),
      { numRuns: 2000 },
    );
  });
});
