import { waitForUpdate } from "@pydantic/genai-prices";
import { describe, expect, test } from "vitest";
import { version } from "../../node_modules/@pydantic/genai-prices/package.json";
import { parseDecimal } from "../../src/domain/amount.ts";
import { MODELS_CACHED_MAX } from "../../src/domain/limits.ts";
import { listPrices, PRICE_LIST_DATE, ratesAt, resolveModel } from "../../src/domain/price-list.ts";
import { PRICE_LIST_PROVIDERS, PRICE_LIST_VERSION } from "../../src/domain/price-list-data.ts";

const NOON_MS = Date.parse("2026-10-01T12:00:00Z");

function row(provider: string, model: string, atMs = NOON_MS) {
  return listPrices(`${provider}/${model}`, atMs).find((found) => found.provider === provider && found.model === model);
}

describe("does", () => {
  test("a row says its rates per million as decimal text", () => {
    expect(row("openai", "gpt-4o-mini")).toEqual({
      provider: "openai",
      providerName: "OpenAI",
      model: "gpt-4o-mini",
      name: "gpt 4o mini",
      inputCostPerMillion: "0.15",
      outputCostPerMillion: "0.6",
      cacheReadCostPerMillion: "0.075",
    });
  });

  test("a row with tiers says what holds beyond each bound", () => {
    expect(row("anthropic", "claude-sonnet-4-5")).toMatchObject({
      inputCostPerMillion: "3",
      outputCostPerMillion: "15",
      tiers: [
        {
          aboveInputTokens: 200_000,
          inputCostPerMillion: "6",
          outputCostPerMillion: "22.5",
          cacheReadCostPerMillion: "0.6",
          cacheWriteCostPerMillion: "7.5",
        },
      ],
    });
  });

  test("a row whose rates depend on the instant says those of the instant asked for", () => {
    const night = row("deepseek", "deepseek-chat", Date.parse("2026-10-01T20:00:00Z"));
    expect(night).toMatchObject({ inputCostPerMillion: "0.135", timeDependent: true });
    expect(row("deepseek", "deepseek-chat")).toMatchObject({ inputCostPerMillion: "0.27", timeDependent: true });
    expect(row("openai", "gpt-4o-mini")).not.toHaveProperty("timeDependent");
  });

  test("a fee per request stands beside the tokens' rates", () => {
    expect(row("perplexity", "sonar-pro")).toMatchObject({ inputCostPerMillion: "3", costPerRequest: "0.014" });
  });

  test("each word of a search must occur, in upper or lower case", () => {
    const found = listPrices("OpenAI  gpt-4o-MINI", NOON_MS).map(({ provider, model }) => `${provider}/${model}`);
    expect(found).toContain("openai/gpt-4o-mini");
    expect(found).toContain("openrouter/openai/gpt-4o-mini");
    expect(found).not.toContain("openai/gpt-4o");
    expect(listPrices("  ", NOON_MS)).toEqual(listPrices(undefined, NOON_MS));
  });
});

describe("refuses", () => {
  test("what is not billed by tokens has no rates and no row", () => {
    const { listed } = resolveModel("openai", "whisper-1");
    expect(listed && ratesAt(listed, NOON_MS)).toBeNull();
    expect(row("openai", "whisper-1")).toBeUndefined();
  });

  test("a search that nothing matches finds nothing", () => {
    expect(listPrices("gpt-99-imaginary", NOON_MS)).toEqual([]);
  });
});

describe("holds", () => {
  test("the written data belong to the installed package", async () => {
    expect(PRICE_LIST_VERSION).toBe(version);
    expect(PRICE_LIST_DATE).toMatch(/^20\d\d-\d\d-\d\d$/);
    expect(PRICE_LIST_PROVIDERS).toEqual((await waitForUpdate())?.map(({ id }) => id));
  });

  test("no rate of the list has more places than we keep", async () => {
    const prices = ((await waitForUpdate()) ?? []).flatMap(({ models }) =>
      models.flatMap((model) =>
        Array.isArray(model.prices) ? model.prices.map((each) => each.prices) : [model.prices],
      ),
    );
    const rates = prices.flatMap((price) =>
      [
        price.input_mtok,
        price.output_mtok,
        price.cache_read_mtok,
        price.cache_write_mtok,
        price.requests_kcount,
      ].flatMap((rate) =>
        rate === undefined ? [] : typeof rate === "number" ? [rate] : [rate.base, ...rate.tiers.map((t) => t.price)],
      ),
    );
    expect(rates.length).toBeGreaterThan(1000);
    expect(rates.filter((rate) => typeof parseDecimal(String(rate), 18, false) !== "bigint")).toEqual([]);
  });

  test("a fee per request has no tiers, which we would not see", async () => {
    const fees = ((await waitForUpdate()) ?? []).flatMap(({ models }) =>
      models.flatMap((model) =>
        Array.isArray(model.prices) ? model.prices.map((each) => each.prices) : [model.prices],
      ),
    );
    const sorts = new Set(fees.flatMap(({ requests_kcount: fee }) => (fee === undefined ? [] : [typeof fee])));
    expect([...sorts]).toEqual(["number"]);
  });

  test("a model is found again after ids sent as models pushed it out", () => {
    const before = resolveModel("openai", "gpt-4o");
    expect(resolveModel("openai", "gpt-4o")).toBe(before);
    for (let n = 0; n < MODELS_CACHED_MAX; n += 1) resolveModel("nobody", `model-${n}`);
    const after = resolveModel("openai", "gpt-4o");
    expect(after).not.toBe(before);
    expect(after.listed && ratesAt(after.listed, NOON_MS)).toEqual(before.listed && ratesAt(before.listed, NOON_MS));
  });

  test("names that meet at their seam are two models", () => {
    expect(resolveModel("openai", "gpt-4o")).not.toEqual(resolveModel("open", "aigpt-4o"));
  });
});
