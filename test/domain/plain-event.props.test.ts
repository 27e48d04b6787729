import * as fc from "fast-check";
import { describe, test } from "vitest";
import { EventBody } from "../../src/contract/event.ts";
import { parseEvent, readPlain } from "../../src/contract/plain-event.ts";

/** Values around every border of every field, right and wrong ones alike. */
const texts = fc.oneof(
  fc.constantFrom("", " ", "acme", "x".repeat(255), "x".repeat(256), "a\u0000b", "a\tb", "\ud800", "é\u0301", "cus_1"),
  fc.string({ maxLength: 8, unit: "binary" }),
);
const decimals = fc.oneof(
  fc.constantFrom<unknown>(0, -0, 1, -1, 0.1, 1e-13, 0.00018554999999999998, 1e15, 999_999_999_999_999, 1e300, -5.5),
  fc.constantFrom(
    "0",
    " 1.5 ",
    "1e3",
    "0.1234567890123",
    "-1",
    "1,5",
    "",
    "NaN",
    `${"9".repeat(15)}.5`,
    "1".repeat(65),
  ),
  fc.double(),
);
const counts = fc.oneof(
  fc.constantFrom<unknown>(0, 1, 3000, 1_000_000_000_000, 1_000_000_000_001, -1, 1.5, 2 ** 53, "3"),
  fc.nat(),
);
const instants = fc.constantFrom<unknown>(
  "2026-11-24T01:02:03Z",
  "2026-11-24T01:02:03.123456789+02:00",
  "2026-02-30T00:00:00Z",
  "2026-11-24",
  "yesterday",
  1_700_000_000,
);
const odd = fc.constantFrom<unknown>(undefined, true, [], {}, 7, "text");
const metas = fc.oneof(
  fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 3 })),
  fc.constantFrom<unknown>({ big: "x".repeat(70_000) }, { __proto__: 1 }, [], "text"),
);
const some = (value: fc.Arbitrary<unknown>) => fc.oneof({ weight: 8, arbitrary: value }, { weight: 1, arbitrary: odd });

const costInput = fc.record(
  {
    model: some(texts),
    modelProvider: some(texts),
    inputTokens: some(counts),
    outputTokens: some(counts),
    cacheReadTokens: some(counts),
    cacheWriteTokens: some(counts),
    costUnits: some(decimals),
    surplus: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

const bodies = fc.record(
  {
    eventName: some(texts),
    eventIdempotencyKey: some(texts),
    customerReferenceId: some(texts),
    stripeCustomerId: some(texts),
    customerId: some(texts),
    featureKey: some(texts),
    featureId: some(texts),
    usageUnits: some(decimals),
    occurredAt: some(instants),
    costAmount: some(decimals),
    revenueAmount: some(decimals),
    costInput: some(costInput),
    flowId: some(texts),
    meta: some(metas),
    subscriptionId: some(texts),
    invoiceId: some(texts),
    entitlementId: some(texts),
    surplus: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

/** What the schema makes of a body; undefined where it refuses. */
function judged(body: unknown) {
  const parsed = EventBody.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

describe("does", () => {
  test("an ordinary event is read without the schema", ({ expect }) => {
    const body = {
      eventName: "chat",
      customerReferenceId: "acme",
      usageUnits: 1,
      costInput: { model: "gpt-4o-mini", inputTokens: 3000, cacheReadTokens: 100, outputTokens: 500 },
      occurredAt: "2026-11-24T01:02:03Z",
      meta: { region: "eu" },
    };
    expect(readPlain(body)).toEqual(judged(body));
    expect(readPlain(body)).toBeDefined();
  });
});

describe("holds", () => {
  test("one field at a time: what is read plainly is what the schema reads", ({ expect }) => {
    fc.assert(
      fc.property(
        bodies,
        fc.constantFrom("eventName", "costInput", "meta", "usageUnits", "occurredAt", "featureKey"),
        (sent, field) => {
          const body = { eventName: "chat", [field]: sent[field as keyof typeof sent] };
          const plain = readPlain(body);
          if (plain !== undefined) expect(plain).toEqual(judged(body));
          // Nothing the schema accepts with these fields needs it: otherwise the fast way is not taken.
          else expect(judged(body)).toBeUndefined();
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("whole bodies: both read the same, and refuse the same", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(bodies, fc.jsonValue()), (body) => {
        const parsed = parseEvent(body);
        expect(parsed.success ? parsed.data : undefined).toEqual(judged(body));
      }),
      { numRuns: 1000 },
    );
  });
});
