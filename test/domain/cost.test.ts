import { calcPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimalToE12, e12ToNumber, formatE12 } from "../../src/domain/amount.ts";
import {
  type CostInput,
  type CostTerms,
  cachedPartsFit,
  costOf,
  modelIdentity,
  rateFromPerMillion,
  rateFromPerToken,
} from "../../src/domain/cost.ts";
import { TOKENS_MAX } from "../../src/domain/limits.ts";
import type { RuleCost } from "../../src/domain/plan.ts";
import { listPrices } from "../../src/domain/price-list.ts";

const USD: CostTerms = { currency: "USD" };
const NOON_MS = Date.parse("2026-10-01T12:00:00Z");
const MINI: CostInput = { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 3000, outputTokens: 500 };

/** "0.00075 catalog", or "unknown". */
function cost(costInput: CostInput | undefined, terms: CostTerms = USD, given?: string): string {
  const found = costOf(
    {
      occurredAtMs: NOON_MS,
      ...(costInput === undefined ? {} : { costInput }),
      ...(given === undefined ? {} : { costAmountE12: decimalToE12(given) }),
    },
    terms,
  );
  return found === null ? "unknown" : `${formatE12(found.amountE12)} ${found.source}`;
}

function perMillion(input?: string, output?: string) {
  return {
    ...(input === undefined ? {} : { inputPerMillionE18: rateFromPerMillion(decimalToE12(input)) }),
    ...(output === undefined ? {} : { outputPerMillionE18: rateFromPerMillion(decimalToE12(output)) }),
  };
}

describe("does", () => {
  test("the first source that knows the cost gives it", () => {
    const terms = {
      ...USD,
      modelRates: { "gpt-4o-mini": perMillion("1", "2") },
      defaultRate: perMillion("10", "20"),
    };
    expect(cost(MINI, terms, "0.5")).toBe("0.5 given");
    expect(cost(MINI, terms, "0")).toBe("0 given");
    expect(cost(MINI, terms)).toBe("0.004 account");
    expect(cost({ ...MINI, model: "gpt-4o" }, terms)).toBe("0.04 account");
    expect(cost(MINI)).toBe("0.00075 catalog");
    expect(cost({ ...MINI, model: "house-model" })).toBe("unknown");
  });

  test("the plan's rule comes after what is given and before the account's own rates", () => {
    const terms = { ...USD, modelRates: { "gpt-4o-mini": perMillion("1", "2") } };
    const byUnit: RuleCost = { model: "simple", costPerUnit: decimalToE12("0.25") };
    const by = (rule: RuleCost, event: Parameters<typeof costOf>[0]) => {
      const found = costOf(event, terms, rule);
      return found === null ? "unknown" : `${formatE12(found.amountE12)} ${found.source}`;
    };
    const used = { costInput: MINI, usageE12: decimalToE12("3"), occurredAtMs: NOON_MS };
    expect(by(byUnit, used)).toBe("0.75 rule");
    expect(by(byUnit, { ...used, costAmountE12: decimalToE12("2") })).toBe("2 given");
    expect(by(byUnit, { usageE12: decimalToE12("-2"), occurredAtMs: NOON_MS })).toBe("-0.5 rule");
    // Of no units it says nothing, so the tokens speak.
    for (const usageE12 of [0n, undefined]) {
      const { usageE12: _, ...rest } = used;
      expect(by(byUnit, usageE12 === undefined ? rest : { ...rest, usageE12 })).toBe("0.004 account");
    }
    expect(costOf(used, terms, byUnit)?.perUnitE12).toBe(decimalToE12("0.25"));
  });

  test.each<[string, CostInput | undefined, string]>([
    ["its own model, whose name may have a prefix", MINI, "0.0005 rule"],
    ["openai/gpt-4o-mini before gpt-4o-mini", { ...MINI, modelProvider: "azure" }, "0.00935 rule"],
    ["its default for other models", { ...MINI, model: "house-model" }, "0.035 rule"],
    ["its default where no model is named", { inputTokens: 1 }, "0.00001 rule"],
    ["cost units as input", { model: "house-model", costUnitsE12: decimalToE12("2.5") }, "0.000025 rule"],
    ["nothing where nothing was reported", { model: "gpt-4o-mini" }, "unknown"],
    ["nothing without a costInput", undefined, "unknown"],
  ])("a rule by models prices %s", (_, costInput, expected) => {
    const rule: RuleCost = {
      model: "model_aware",
      defaultInputCostPerUnit: decimalToE12("0.00001"),
      defaultOutputCostPerUnit: decimalToE12("0.00001"),
      modelCosts: {
        "openai/gpt-4o-mini": { input: decimalToE12("0.0000001"), output: decimalToE12("0.0000004") },
        "gpt-4o-mini": { input: decimalToE12("0.000003"), output: decimalToE12("0.0000007") },
      },
    };
    const event = {
      occurredAtMs: NOON_MS,
      usageE12: decimalToE12("7"),
      ...(costInput === undefined ? {} : { costInput }),
    };
    const found = costOf(event, USD, rule);
    expect(found === null ? "unknown" : `${formatE12(found.amountE12)} ${found.source}`).toBe(expected);
  });

  test("a rule by models that does not know one leaves it to the account and the list", () => {
    const rule: RuleCost = { model: "model_aware", modelCosts: {} };
    const event = { occurredAtMs: NOON_MS, costInput: MINI };
    expect(costOf(event, USD, rule)).toEqual({ amountE12: decimalToE12("0.00075"), source: "catalog" });
    const odd: CostInput = { ...MINI, model: "constructor" };
    expect(costOf({ ...event, costInput: odd }, USD, rule)).toBeNull();
  });

  test("a given cost needs nothing else, in any currency", () => {
    expect(cost(undefined, { currency: "EUR" }, "1.25")).toBe("1.25 given");
    expect(cost({ model: "house-model" }, { currency: "EUR" }, "1.25")).toBe("1.25 given");
  });

  test("an own rate is found under provider/model first, then under the model, exactly as written", () => {
    const modelRates = { "gpt-4o-mini": perMillion("1", "1"), "openai/gpt-4o-mini": perMillion("2", "2") };
    expect(cost(MINI, { ...USD, modelRates })).toBe("0.007 account");
    expect(cost({ ...MINI, modelProvider: "azure" }, { ...USD, modelRates })).toBe("0.0035 account");
    expect(cost({ model: "openai/gpt-4o-mini", inputTokens: 1000 }, { ...USD, modelRates })).toBe("0.002 account");
    expect(cost({ model: "gpt-4o-mini", inputTokens: 1000 }, { ...USD, modelRates })).toBe("0.002 account");
    expect(cost({ ...MINI, model: "GPT-4o-mini" }, { ...USD, modelRates })).toBe("0.00075 catalog");
  });

  test("own rates price cached tokens as other input", () => {
    const terms = { ...USD, modelRates: { "gpt-4o-mini": perMillion("1", "2") } };
    expect(cost({ ...MINI, cacheReadTokens: 2000, cacheWriteTokens: 500 }, terms)).toBe("0.004 account");
  });

  test("rates per token and per million are the same rate", () => {
    expect(rateFromPerToken(decimalToE12("0.00000015"))).toBe(rateFromPerMillion(decimalToE12("0.15")));
    const tiny = { inputPerMillionE18: rateFromPerMillion(1n) };
    // 10⁻¹² per million tokens: half a million of them are half a unit of 10⁻¹², rounded away from zero.
    expect(cost({ model: "m", inputTokens: 499_999_999_999 }, { ...USD, defaultRate: tiny })).toBe("0.0000005 account");
    expect(cost({ model: "m", inputTokens: 499_999 }, { ...USD, defaultRate: tiny })).toBe("0 account");
    expect(cost({ model: "m", inputTokens: 500_000 }, { ...USD, defaultRate: tiny })).toBe("0.000000000001 account");
  });

  test("default rates need no model", () => {
    expect(cost({ inputTokens: 10, outputTokens: 5 }, { ...USD, defaultRate: perMillion("1", "2") })).toBe(
      "0.00002 account",
    );
  });

  test("cost units count as input at the account's own rates when no tokens were used", () => {
    const terms = {
      ...USD,
      modelRates: { "dall-e-3": { inputPerMillionE18: rateFromPerToken(decimalToE12("0.04")) } },
      defaultRate: { inputPerMillionE18: rateFromPerToken(decimalToE12("0.5")) },
    };
    const units = { costUnitsE12: decimalToE12("2.5") };
    expect(cost(units, terms)).toBe("1.25 account");
    expect(cost({ ...units, model: "dall-e-3" }, terms)).toBe("0.1 account");
    expect(cost({ ...units, inputTokens: 0, outputTokens: 0 }, terms)).toBe("1.25 account");
    expect(cost({ ...units, ...MINI }, USD)).toBe("0.00075 catalog");
    expect(cost({ costUnitsE12: 0n }, terms)).toBe("0 account");
  });

  test("another currency takes list prices at its rate, rounded once, and own rates as they are", () => {
    const terms = { currency: "EUR", usdExchangeRateE12: decimalToE12("0.923456789012") };
    // 0.00075 × 0.923456789012 = 0.000692592591759
    expect(cost(MINI, terms)).toBe("0.000692592592 catalog");
    expect(cost(MINI, { ...terms, defaultRate: perMillion("1", "2") })).toBe("0.004 account");
  });

  test("the exchange rate of an account in USD changes nothing", () => {
    expect(cost(MINI, { ...USD, usdExchangeRateE12: decimalToE12("2") })).toBe("0.00075 catalog");
  });

  test("tokens that were reported as none cost nothing, which is known", () => {
    expect(cost({ ...MINI, inputTokens: 0, outputTokens: 0 })).toBe("0 catalog");
    expect(cost({ model: "m", inputTokens: 0 }, { ...USD, defaultRate: perMillion("1") })).toBe("0 account");
  });

  test.each([
    [{ modelProvider: " openai ", model: " gpt-4o-mini " }, "openai", "gpt-4o-mini"],
    [{ model: "openai/gpt-4o-mini" }, "openai", "gpt-4o-mini"],
    [{ model: "OpenAI/gpt-99-imaginary" }, "openai", "gpt-99-imaginary"],
    [{ model: "gpt-4o-mini" }, "openai", "gpt-4o-mini"],
    [{ model: "gpt-4o-2024-08-06" }, "openai", "gpt-4o-2024-08-06"],
    [{ model: "text-embedding-3-small" }, "openai", "text-embedding-3-small"],
    [{ model: "llama-3.3-70b-versatile" }, "groq", "llama-3.3-70b-versatile"],
    [{ modelProvider: "openrouter", model: "openai/gpt-4o-mini" }, "openrouter", "openai/gpt-4o-mini"],
    [{ model: "openrouter/openai/gpt-4o-mini" }, "openrouter", "openai/gpt-4o-mini"],
    [{ modelProvider: "openai", model: "openai/gpt-4o-mini" }, "openai", "gpt-4o-mini"],
    [{ modelProvider: "My Gateway", model: "GPT-4o" }, "My Gateway", "GPT-4o"],
    [{ model: "House/Model-7" }, "", "House/Model-7"],
    [{ modelProvider: "openai" }, "openai", ""],
    [{ inputTokens: 1 }, "", ""],
  ])("%j is grouped as provider %j, model %j", (input, provider, model) => {
    expect(modelIdentity(input)).toEqual({ provider, model });
  });
});

describe("refuses", () => {
  test("without tokens and units the cost is unknown, not zero", () => {
    const terms = { ...USD, defaultRate: perMillion("1", "2") };
    expect(cost({ model: "gpt-4o-mini", modelProvider: "openai" }, terms)).toBe("unknown");
    expect(cost({}, terms)).toBe("unknown");
    expect(cost(undefined, terms)).toBe("unknown");
  });

  test("units without an own rate are unknown, whatever the model", () => {
    const units = { model: "gpt-4o-mini", modelProvider: "openai", costUnitsE12: decimalToE12("3") };
    expect(cost(units)).toBe("unknown");
    expect(cost({ ...units, inputTokens: 0 })).toBe("unknown");
    expect(cost(units, { ...USD, defaultRate: perMillion(undefined, "1") })).toBe("unknown");
  });

  test("list prices are unknown in another currency without its rate", () => {
    expect(cost(MINI, { currency: "EUR" })).toBe("unknown");
  });

  test("a model is not costed by kinds of tokens that it does not bill", () => {
    const embedding = { modelProvider: "openai", model: "text-embedding-3-large" };
    expect(cost({ ...embedding, outputTokens: 100 })).toBe("unknown");
    expect(cost({ ...embedding, inputTokens: 100, outputTokens: 100 })).toBe("0.000013 catalog");
  });

  test("an own rate that prices only some of the tokens used gives way to the next source", () => {
    const inputOnly = { ...USD, modelRates: { "gpt-4o-mini": perMillion("1") } };
    expect(cost(MINI, inputOnly)).toBe("0.00075 catalog");
    expect(cost({ ...MINI, outputTokens: 0 }, inputOnly)).toBe("0.003 account");
    expect(cost(MINI, { ...inputOnly, defaultRate: perMillion("10", "20") })).toBe("0.04 account");
    expect(cost(MINI, { ...USD, defaultRate: {} })).toBe("0.00075 catalog");
    expect(cost({ ...MINI, inputTokens: 0, outputTokens: 0 }, { ...USD, defaultRate: {} })).toBe("0 catalog");
  });

  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "a model called %s has no own rate",
    (model) => {
      expect(cost({ model, inputTokens: 1, outputTokens: 1 }, { ...USD, modelRates: {} })).toBe("unknown");
    },
  );

  test("cached parts beyond the input do not fit, and break the invariant", () => {
    const over = { ...MINI, cacheReadTokens: 2000, cacheWriteTokens: 1001 };
    expect(cachedPartsFit({ ...over, cacheWriteTokens: 1000 })).toBe(true);
    expect(cachedPartsFit(over)).toBe(false);
    expect(cachedPartsFit({ cacheReadTokens: 1 })).toBe(false);
    expect(() => cost(over)).toThrow("cached tokens are parts of the input");
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("a token count of %d breaks the invariant", (count) => {
    expect(() => cost({ ...MINI, outputTokens: count })).toThrow("token counts are whole, from 0");
  });
});

const tokens = fc.oneof(
  fc.nat(10),
  fc.nat(1_000_000),
  fc.maxSafeNat().map((n) => n % (TOKENS_MAX + 1)),
);
const split = fc
  .record({ input: tokens, output: tokens, read: fc.double({ min: 0, max: 1, noNaN: true }), write: fc.boolean() })
  .map(({ input, output, read, write }) => {
    const cacheReadTokens = Math.floor(input * read);
    return {
      inputTokens: input,
      outputTokens: output,
      cacheReadTokens,
      cacheWriteTokens: write ? input - cacheReadTokens : 0,
    };
  });
const instant = fc.integer({ min: Date.parse("2025-01-01"), max: Date.parse("2027-06-01") });

describe("holds", () => {
  test("own costs equal the fraction, rounded once", () => {
    const rate = fc.bigInt(0n, 10n ** 18n);
    fc.assert(
      fc.property(split, rate, rate, (used, inputE12, outputE12) => {
        const defaultRate = {
          inputPerMillionE18: rateFromPerToken(inputE12),
          outputPerMillionE18: rateFromPerMillion(outputE12),
        };
        const found = costOf({ costInput: used, occurredAtMs: NOON_MS }, { ...USD, defaultRate });
        // In millionths of 10⁻¹²: the input's rate is per token, the output's per million.
        const exact = BigInt(used.inputTokens) * inputE12 * 1_000_000n + BigInt(used.outputTokens) * outputE12;
        const rounded = exact / 1_000_000n + ((exact % 1_000_000n) * 2n >= 1_000_000n ? 1n : 0n);
        expect(found).toEqual({ amountE12: rounded, source: "account" });
      }),
    );
  });

  test("list costs agree with the package's floating sum for every model, split of tokens and instant", () => {
    const rows = listPrices(undefined, NOON_MS);
    fc.assert(
      fc.property(fc.nat(rows.length - 1), split, instant, (index, used, atMs) => {
        const { provider, model } = rows[index] ?? { provider: "", model: "" };
        const found = costOf({ costInput: { modelProvider: provider, model, ...used }, occurredAtMs: atMs }, USD);
        const usage = {
          input_tokens: used.inputTokens,
          output_tokens: used.outputTokens,
          cache_read_tokens: used.cacheReadTokens,
          cache_write_tokens: used.cacheWriteTokens,
        };
        const theirs = calcPrice(usage, model, { providerId: provider, timestamp: new Date(atMs) });
        if (theirs === null) {
          // Some ids of the list are not found by their own name.
          expect(found).toBeNull();
          return;
        }
        if (found === null) {
          // Nothing that was used is billed: zero to the package, unknown to us.
          expect(theirs.total_price).toBe(0);
          return;
        }
        const difference = Math.abs(e12ToNumber(found.amountE12) - theirs.total_price);
        expect(difference).toBeLessThanOrEqual(1e-9 * theirs.total_price + 1e-12);
      }),
      { numRuns: 2000 },
    );
  });

  test("an event costed again under its identity costs the same and keeps it", () => {
    const rows = listPrices(undefined, NOON_MS);
    const sent = fc.oneof(
      fc.nat(rows.length - 1).map((index) => rows[index]?.model ?? ""),
      fc.nat(rows.length - 1).map((index) => `${rows[index]?.provider}/${rows[index]?.model}`),
      fc
        .nat(rows.length - 1)
        .map((index) => `${rows[index]?.provider}/${rows[index]?.provider}/ ${rows[index]?.model}`),
      fc.string(),
    );
    const provider = fc.oneof(
      fc.constantFrom("", " ", "litellm", "openai", "OpenAI", "vertex", "unknown"),
      fc.string(),
    );
    fc.assert(
      fc.property(sent, provider, instant, (model, modelProvider, atMs) => {
        const identity = modelIdentity({ model, modelProvider });
        const again = { model: identity.model, modelProvider: identity.provider };
        expect(modelIdentity(again)).toEqual(identity);
        const used = { inputTokens: 1000, outputTokens: 100, cacheReadTokens: 10 };
        const first = costOf({ costInput: { model, modelProvider, ...used }, occurredAtMs: atMs }, USD);
        expect(costOf({ costInput: { ...again, ...used }, occurredAtMs: atMs }, USD)).toEqual(first);
      }),
      { numRuns: 1000 },
    );
  });

  test("terms survive a structured clone", () => {
    const terms: CostTerms = {
      currency: "EUR",
      usdExchangeRateE12: 9n,
      modelRates: { m: perMillion("1", "2") },
      defaultRate: perMillion("3"),
    };
    expect(structuredClone(terms)).toEqual(terms);
    expect(cost({ model: "m", inputTokens: 1000 }, structuredClone(terms))).toBe("0.001 account");
  });
});
