import { describe, expect, test } from "vitest";
import { formatDecimal, formatE12 } from "../../src/domain/amount.ts";
import { type CostInput, costOf } from "../../src/domain/cost.ts";
import { type Rate, rateForInput, ratesAt, resolveModel } from "../../src/domain/price-list.ts";

/**
 * Published rates (USD per million tokens; `request` per request) as the price list of 2026-09-23 has them from the providers'
 * price pages, and what they make of some tokens. `rates` are those that hold for the row: its tier, its instant. The costs are
 * worked out apart from the code, by decimal arithmetic on the row's own figures:
 * (input − cached) × input + read × cacheRead + written × cacheWrite + output × output, over a million, plus request.
 */
type Golden = {
  provider?: string;
  model: string;
  /** When the event occurred; 1 October 2026 at noon, UTC, where the rates are the same at all times. */
  at?: string;
  rates: { input?: string; output?: string; cacheRead?: string; cacheWrite?: string; request?: string };
  used: Pick<CostInput, "inputTokens" | "outputTokens" | "cacheReadTokens" | "cacheWriteTokens">;
  cost: string;
};

const GOLDEN: readonly Golden[] = [
  // OpenAI
  {
    provider: "openai",
    model: "gpt-4o-mini",
    rates: { input: "0.15", output: "0.6", cacheRead: "0.075" },
    used: { inputTokens: 3000, outputTokens: 500 },
    cost: "0.00075",
  },
  {
    provider: "openai",
    model: "gpt-4o-mini",
    rates: { input: "0.15", output: "0.6", cacheRead: "0.075" },
    used: { inputTokens: 10000, outputTokens: 1, cacheReadTokens: 4000 },
    cost: "0.0012006",
  },
  {
    provider: "openai",
    model: "gpt-4o-2024-08-06",
    rates: { input: "2.5", output: "10", cacheRead: "1.25" },
    used: { inputTokens: 1234, outputTokens: 567, cacheReadTokens: 200 },
    cost: "0.008505",
  }, // a dated name
  {
    provider: "openai",
    model: "gpt-4o-2024-05-13",
    rates: { input: "5", output: "15" },
    used: { inputTokens: 1234, outputTokens: 567 },
    cost: "0.014675",
  }, // a date with its own rates
  {
    provider: "openai",
    model: "gpt-4o-20240806",
    rates: { input: "2.5", output: "10", cacheRead: "1.25" },
    used: { inputTokens: 7, outputTokens: 3 },
    cost: "0.0000475",
  }, // a date without hyphens
  {
    model: "openai/gpt-4o-mini",
    rates: { input: "0.15", output: "0.6", cacheRead: "0.075" },
    used: { inputTokens: 3000, outputTokens: 500 },
    cost: "0.00075",
  }, // a prefix
  {
    model: "gpt-4.1-2025-04-14",
    rates: { input: "2", output: "8", cacheRead: "0.5" },
    used: { inputTokens: 999999, outputTokens: 1 },
    cost: "2.000006",
  }, // no provider
  {
    provider: "openai",
    model: "gpt-4.1-nano",
    rates: { input: "0.1", output: "0.4", cacheRead: "0.025" },
    used: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 1 },
    cost: "0.000000425",
  },
  {
    provider: "openai",
    model: "o1",
    rates: { input: "15", output: "60", cacheRead: "7.5" },
    used: { inputTokens: 8191, outputTokens: 4096 },
    cost: "0.368625",
  },
  {
    provider: "openai",
    model: "gpt-5-mini",
    rates: { input: "0.25", output: "2", cacheRead: "0.025" },
    used: { inputTokens: 123457, outputTokens: 2221, cacheReadTokens: 100000 },
    cost: "0.01280625",
  },
  {
    provider: "openai",
    model: "text-embedding-3-large",
    rates: { input: "0.13" },
    used: { inputTokens: 8191 },
    cost: "0.00106483",
  }, // no output
  {
    model: "text-embedding-3-small",
    rates: { input: "0.02" },
    used: { inputTokens: 77, outputTokens: 0 },
    cost: "0.00000154",
  }, // the same at every provider that lists it
  {
    provider: "openai",
    model: "o3",
    at: "2025-06-09T23:59:59.999Z",
    rates: { input: "10", output: "40", cacheRead: "0.5" },
    used: { inputTokens: 1000, outputTokens: 1000 },
    cost: "0.05",
  }, // before the price fell
  {
    provider: "openai",
    model: "o3",
    at: "2025-06-10T00:00:00.000Z",
    rates: { input: "2", output: "8", cacheRead: "0.5" },
    used: { inputTokens: 1000, outputTokens: 1000 },
    cost: "0.01",
  }, // from then on
  {
    provider: "openai",
    model: "gpt-5.6-luna",
    at: "2026-07-29T23:59:59.999Z",
    rates: { input: "1", output: "6", cacheRead: "0.1", cacheWrite: "1.25" },
    used: { inputTokens: 271999, outputTokens: 10 },
    cost: "0.272059",
  }, // two prices, each with tiers
  {
    provider: "openai",
    model: "gpt-5.6-luna",
    at: "2026-07-30T00:00:00.000Z",
    rates: { input: "0.4", output: "1.8", cacheRead: "0.04", cacheWrite: "0.5" },
    used: { inputTokens: 272000, outputTokens: 10, cacheReadTokens: 1000, cacheWriteTokens: 1000 },
    cost: "0.108558",
  },
  // Anthropic
  {
    provider: "anthropic",
    model: "claude-3-haiku-20240307",
    rates: { input: "0.25", output: "1.25", cacheRead: "0.03", cacheWrite: "0.3" },
    used: { inputTokens: 5000, outputTokens: 321, cacheReadTokens: 3000, cacheWriteTokens: 1500 },
    cost: "0.00106625",
  }, // reading and writing the cache
  {
    provider: "anthropic",
    model: "claude-sonnet-4-20250514",
    rates: { input: "3", output: "15", cacheRead: "0.3", cacheWrite: "3.75" },
    used: { inputTokens: 4740, outputTokens: 255, cacheReadTokens: 0, cacheWriteTokens: 4735 },
    cost: "0.02159625",
  },
  {
    model: "claude-haiku-4-5",
    rates: { input: "1", output: "5", cacheRead: "0.1", cacheWrite: "1.25" },
    used: { inputTokens: 100, outputTokens: 100 },
    cost: "0.0006",
  },
  {
    provider: "anthropic",
    model: "claude-3-opus-20240229",
    rates: { input: "15", output: "75", cacheRead: "1.5", cacheWrite: "18.75" },
    used: { inputTokens: 1500, outputTokens: 300 },
    cost: "0.045",
  },
  {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    rates: { input: "3", output: "15", cacheRead: "0.3", cacheWrite: "3.75" },
    used: { inputTokens: 200000, outputTokens: 1000 },
    cost: "0.615",
  }, // at the tier bound
  {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    rates: { input: "6", output: "22.5", cacheRead: "0.6", cacheWrite: "7.5" },
    used: { inputTokens: 200001, outputTokens: 1000, cacheReadTokens: 100000, cacheWriteTokens: 50000 },
    cost: "0.757506",
  }, // one token above it: all tokens at the higher rate
  {
    provider: "anthropic",
    model: "claude-sonnet-4-6",
    at: "2026-03-12T23:59:59.999Z",
    rates: { input: "6", output: "22.5", cacheRead: "0.6", cacheWrite: "7.5" },
    used: { inputTokens: 300000, outputTokens: 1000 },
    cost: "1.8225",
  }, // tiers until 12 March
  {
    provider: "anthropic",
    model: "claude-sonnet-4-6",
    at: "2026-03-13T00:00:00.000Z",
    rates: { input: "3", output: "15", cacheRead: "0.3", cacheWrite: "3.75" },
    used: { inputTokens: 300000, outputTokens: 1000 },
    cost: "0.915",
  }, // none since
  // Google
  {
    provider: "google",
    model: "gemini-2.0-flash",
    rates: { input: "0.1", output: "0.4", cacheRead: "0.025" },
    used: { inputTokens: 123, outputTokens: 45, cacheReadTokens: 23 },
    cost: "0.000028575",
  },
  {
    provider: "google",
    model: "gemini-2.5-pro",
    rates: { input: "1.25", output: "10", cacheRead: "0.125" },
    used: { inputTokens: 200000, outputTokens: 8000, cacheReadTokens: 150000 },
    cost: "0.16125",
  },
  {
    provider: "google",
    model: "gemini-2.5-pro",
    rates: { input: "2.5", output: "15", cacheRead: "0.25" },
    used: { inputTokens: 250000, outputTokens: 8000, cacheReadTokens: 150000 },
    cost: "0.4075",
  },
  {
    provider: "google",
    model: "gemini-1.5-pro",
    rates: { input: "1.25", output: "5" },
    used: { inputTokens: 1000, outputTokens: 10, cacheReadTokens: 400, cacheWriteTokens: 300 },
    cost: "0.0013",
  }, // writes have no own rate: they are input
  {
    provider: "vertex",
    model: "gemini-2.5-flash",
    rates: { input: "0.3", output: "2.5", cacheRead: "0.03" },
    used: { inputTokens: 1111, outputTokens: 222 },
    cost: "0.0008883",
  }, // an alias of the provider
  // Azure, AWS
  {
    provider: "azure",
    model: "gpt-35-turbo",
    rates: { input: "0.5", output: "1.5" },
    used: { inputTokens: 333, outputTokens: 77 },
    cost: "0.000282",
  },
  {
    provider: "aws",
    model: "amazon.nova-micro-v1:0",
    rates: { input: "0.035", output: "0.14", cacheRead: "0.00875" },
    used: { inputTokens: 1001, outputTokens: 333, cacheReadTokens: 501 },
    cost: "0.00006850375",
  },
  {
    provider: "bedrock",
    model: "us.anthropic.claude-sonnet-4-20250514-v1:0",
    rates: { input: "3", output: "15", cacheRead: "0.3", cacheWrite: "3.75" },
    used: { inputTokens: 2048, outputTokens: 512 },
    cost: "0.013824",
  },
  // Mistral, Cohere, Voyage
  {
    provider: "mistral",
    model: "mistral-medium-latest",
    at: "2026-06-15T23:59:59.999Z",
    rates: { input: "0.4", output: "2", cacheRead: "0.04" },
    used: { inputTokens: 5000, outputTokens: 700 },
    cost: "0.0034",
  },
  {
    provider: "mistral",
    model: "mistral-medium-latest",
    at: "2026-06-16T00:00:00.000Z",
    rates: { input: "1.5", output: "7.5", cacheRead: "0.15" },
    used: { inputTokens: 5000, outputTokens: 700 },
    cost: "0.01275",
  },
  {
    provider: "cohere",
    model: "command-r7b",
    rates: { input: "0.0375", output: "0.15" },
    used: { inputTokens: 7, outputTokens: 3 },
    cost: "0.0000007125",
  },
  {
    provider: "cohere",
    model: "command-r-08-2024",
    rates: { input: "0.15", output: "0.6" },
    used: { inputTokens: 512, outputTokens: 128 },
    cost: "0.0001536",
  },
  {
    provider: "voyageai",
    model: "voyage-3.5",
    rates: { input: "0.06" },
    used: { inputTokens: 65432 },
    cost: "0.00392592",
  },
  // DeepSeek: cheaper from 16:30 to 00:30 UTC
  {
    provider: "deepseek",
    model: "deepseek-chat",
    at: "2025-08-01T00:29:59.999Z",
    rates: { input: "0.135", output: "0.55", cacheRead: "0.035" },
    used: { inputTokens: 1000, outputTokens: 2000, cacheReadTokens: 500 },
    cost: "0.001185",
  },
  {
    provider: "deepseek",
    model: "deepseek-chat",
    at: "2025-08-01T00:30:00.000Z",
    rates: { input: "0.27", output: "1.1", cacheRead: "0.07" },
    used: { inputTokens: 1000, outputTokens: 2000, cacheReadTokens: 500 },
    cost: "0.00237",
  },
  {
    provider: "deepseek",
    model: "deepseek-chat",
    at: "2025-08-01T16:29:59.999Z",
    rates: { input: "0.27", output: "1.1", cacheRead: "0.07" },
    used: { inputTokens: 1000, outputTokens: 2000 },
    cost: "0.00247",
  },
  {
    model: "deepseek/deepseek-chat",
    at: "2025-08-01T16:30:00.000Z",
    rates: { input: "0.135", output: "0.55", cacheRead: "0.035" },
    used: { inputTokens: 1000, outputTokens: 2000 },
    cost: "0.001235",
  },
  // Groq, Together, Cerebras, Fireworks, Cloudflare, OpenRouter
  {
    provider: "groq",
    model: "llama-3.3-70b-versatile",
    rates: { input: "0.59", output: "0.79" },
    used: { inputTokens: 4321, outputTokens: 1234 },
    cost: "0.00352425",
  },
  {
    model: "llama-3.1-8b-instant",
    rates: { input: "0.05", output: "0.08" },
    used: { inputTokens: 1, outputTokens: 1 },
    cost: "0.00000013",
  }, // only Groq lists it
  {
    provider: "together",
    model: "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo",
    rates: { input: "0.18", output: "0.18" },
    used: { inputTokens: 123456789, outputTokens: 987654321 },
    cost: "199.9999998",
  },
  {
    provider: "cerebras",
    model: "llama3.1-8b",
    rates: { input: "0.1", output: "0.1" },
    used: { inputTokens: 10, outputTokens: 20 },
    cost: "0.000003",
  },
  {
    provider: "fireworks",
    model: "accounts/fireworks/models/deepseek-v3p2",
    rates: { input: "0.56", output: "1.68", cacheRead: "0.28" },
    used: { inputTokens: 9999, outputTokens: 777, cacheReadTokens: 1234 },
    cost: "0.00655928",
  },
  {
    model: "@cf/meta/llama-3.1-8b-instruct",
    rates: { input: "0.282", output: "0.827" },
    used: { inputTokens: 100, outputTokens: 200 },
    cost: "0.0001936",
  },
  {
    provider: "openrouter",
    model: "meta-llama/llama-3.1-8b-instruct",
    rates: { input: "0.02", output: "0.03" },
    used: { inputTokens: 3333, outputTokens: 1 },
    cost: "0.00006669",
  },
  {
    provider: "openrouter",
    model: "google/gemini-2.5-flash-lite",
    rates: { input: "0.1", output: "0.4", cacheRead: "0.01", cacheWrite: "0.08333333333333334" },
    used: { inputTokens: 1000, outputTokens: 10, cacheReadTokens: 100, cacheWriteTokens: 777 },
    cost: "0.00008205",
  }, // a rate with 17 places, rounded once
  // xAI, Moonshot, MiniMax, Perplexity
  {
    provider: "xai",
    model: "grok-3-mini",
    rates: { input: "0.3", output: "0.5", cacheRead: "0.075" },
    used: { inputTokens: 1717, outputTokens: 171, cacheReadTokens: 17 },
    cost: "0.000596775",
  },
  {
    model: "grok-code-fast-1",
    rates: { input: "0.2", output: "1.5", cacheRead: "0.02" },
    used: { inputTokens: 50000, outputTokens: 1500, cacheReadTokens: 40000 },
    cost: "0.00505",
  },
  {
    provider: "moonshotai",
    model: "moonshot-v1-8k",
    rates: { input: "0.2", output: "2" },
    used: { inputTokens: 640, outputTokens: 64 },
    cost: "0.000256",
  },
  {
    model: "MiniMax-M2",
    rates: { input: "0.3", output: "1.2", cacheRead: "0.03", cacheWrite: "0.375" },
    used: { inputTokens: 600, outputTokens: 60, cacheReadTokens: 100, cacheWriteTokens: 200 },
    cost: "0.00024",
  },
  {
    provider: "perplexity",
    model: "sonar-pro",
    rates: { input: "3", output: "15", request: "0.014" },
    used: { inputTokens: 150, outputTokens: 420 },
    cost: "0.02075",
  }, // tokens and the fee of one request
];

const USD = { currency: "USD" };
const NOON = "2026-10-01T12:00:00.000Z";

function titled<T extends { provider?: string; model: string; at?: string }>(row: T): T & { title: string } {
  const names = row.provider === undefined ? row.model : `${row.provider} ${row.model}`;
  return { ...row, title: row.at === undefined ? names : `${names} at ${row.at}` };
}

function costInputOf({ provider, model, used }: Pick<Golden, "provider" | "model" | "used">): CostInput {
  return { model, ...(provider === undefined ? {} : { modelProvider: provider }), ...used };
}

describe("does", () => {
  test.each(GOLDEN.map(titled))("$title with $used costs $cost", (golden) => {
    const event = { costInput: costInputOf(golden), occurredAtMs: Date.parse(golden.at ?? NOON) };
    const cost = costOf(event, USD);
    expect(cost).not.toBeNull();
    expect(cost?.source).toBe("catalog");
    expect(formatE12(cost?.amountE12 ?? -1n)).toBe(golden.cost);
  });

  test.each(GOLDEN.map(titled))(
    "the list has the rates written beside $title",
    ({ rates, used, provider, model, at }) => {
      const { listed } = resolveModel(provider ?? "", model);
      const found = listed === undefined ? null : ratesAt(listed, Date.parse(at ?? NOON));
      const text = (rate: Rate | undefined) =>
        rate === undefined ? undefined : formatDecimal(rateForInput(rate, used.inputTokens ?? 0), 18);
      expect({
        input: text(found?.input),
        output: text(found?.output),
        cacheRead: text(found?.cacheRead),
        cacheWrite: text(found?.cacheWrite),
        request: found?.requestE18 === undefined ? undefined : formatDecimal(found.requestE18, 24),
      }).toEqual({ input: undefined, output: undefined, cacheRead: undefined, cacheWrite: undefined, ...rates });
    },
  );
});

const UNKNOWN: readonly { provider?: string; model: string; why: string }[] = [
  { provider: "openai", model: "gpt-99-imaginary", why: "no such model" },
  { provider: "anthropic", model: "gpt-4o", why: "another provider's model" },
  { provider: "my-gateway", model: "gpt-4o", why: "a provider that the list does not know may charge anything" },
  { model: "house-model-7", why: "no such model anywhere" },
  { model: "qwen/qwen3.5-9b", why: "several hosts, at several prices" },
  { provider: "openai", model: "whisper-1", why: "billed by the hour" },
  { provider: "mistral", model: "mistral-ocr-2512", why: "billed by the page" },
  { provider: "azure", model: "phi-4-reasoning:free", why: "listed without any price" },
  { provider: "openai", model: "", why: "no model" },
  { provider: "openai", model: "__proto__", why: "no such model" },
];

describe("refuses", () => {
  test.each(UNKNOWN.map(titled))("$title has no known cost: $why", ({ provider, model }) => {
    const used = { inputTokens: 1000, outputTokens: 100 };
    const costInput = costInputOf({ ...(provider === undefined ? {} : { provider }), model, used });
    expect(costOf({ costInput, occurredAtMs: Date.parse(NOON) }, USD)).toBeNull();
  });
});
