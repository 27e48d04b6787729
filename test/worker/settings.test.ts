import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { readAccount } from "../../src/catalog/snapshot.ts";
import { costOf } from "../../src/domain/cost.ts";
import { MODEL_COSTS_MAX } from "../../src/domain/limits.ts";
import { costTermsFor, costTermsOf } from "../../src/http/cost-terms.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

const PATH = "/api/v1/account/settings";
const ALIAS = "/api/v1/tanso/account-settings";

type Settings = { [field: string]: unknown; currency: string };
type Trail = { items: { action: string; before: unknown; after: unknown }[] };

const GPT = { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 3000, outputTokens: 500 };
const OWN_RATES = {
  modelCosts: {
    "my-model": { input: "0.000001", output: 0.000004 },
    "openai/gpt-4o-mini": { inputCostPerMillion: 0.12, outputCostPerMillion: 0.48 },
  },
  defaultInputCostPerUnit: 0.00000005,
  defaultOutputCostPerUnit: 0,
};

afterEach(() => {
  vi.useRealTimers();
});

describe("does", () => {
  test("a new account's settings are the defaults, at both paths", async ({ expect }) => {
    const world = await newWorld();
    const defaults = {
      currency: "USD",
      defaultCostConfig: { modelCosts: {} },
      stripeMode: "NONE",
      seller: {},
      stripeEnabled: false,
      refundOverpayments: false,
      publicCatalogEnabled: false,
      agentSignupEnabled: false,
      agentSignupHourlyCap: 10,
      entitlementStalenessMs: 0,
    };
    expect((await world.call("GET", PATH)).data).toEqual(defaults);
    expect((await world.call("GET", ALIAS)).data).toEqual(defaults);
  });

  test("a change sets what it names and leaves the rest", async ({ expect }) => {
    const world = await newWorld("EUR");
    await world.call("PATCH", PATH, { usdExchangeRate: "0.9", slug: "acme-ai", agentSignupHourlyCap: 3 });
    const changed = await world.call<Settings>("PATCH", ALIAS, {
      defaultCostConfig: OWN_RATES,
      stripeMode: "PAYMENT_PASS_THROUGH",
      stripeCheckoutSuccessUrl: "https://acme.test/paid",
      agentMaxTopupAmount: 25.5,
      stripeEnabled: true,
      agentSignupEnabled: null,
    });
    const expected = {
      currency: "EUR",
      usdExchangeRate: 0.9,
      slug: "acme-ai",
      agentSignupHourlyCap: 3,
      entitlementStalenessMs: 0,
      agentMaxTopupAmount: 25.5,
      stripeMode: "PAYMENT_PASS_THROUGH",
      seller: {},
      stripeEnabled: false,
      stripeCheckoutSuccessUrl: "https://acme.test/paid",
      refundOverpayments: false,
      publicCatalogEnabled: false,
      agentSignupEnabled: false,
      defaultCostConfig: {
        modelCosts: {
          "my-model": { input: 0.000001, output: 0.000004 },
          "openai/gpt-4o-mini": { inputCostPerMillion: 0.12, outputCostPerMillion: 0.48 },
        },
        defaultInputCostPerUnit: 0.00000005,
        defaultOutputCostPerUnit: 0,
      },
    };
    expect(changed).toMatchObject({ status: 200 });
    expect(changed.data).toEqual(expected);
    expect((await world.call("GET", PATH)).data).toEqual(expected);
  });

  test("an empty string clears a field, an empty object the rates", async ({ expect }) => {
    const world = await newWorld("EUR");
    const before = await world.call("GET", PATH);
    await world.call("PATCH", PATH, {
      usdExchangeRate: 0.9,
      slug: "to-be-cleared",
      agentMaxTopupAmount: 5,
      stripeCheckoutCancelUrl: "https://acme.test",
      agentSignupDefaultPlanId: "free",
      defaultCostConfig: OWN_RATES,
    });
    const cleared = await world.call("PATCH", PATH, {
      usdExchangeRate: "",
      slug: "",
      agentMaxTopupAmount: "",
      stripeCheckoutCancelUrl: "",
      agentSignupDefaultPlanId: "",
      defaultCostConfig: {},
    });
    expect(cleared.data).toEqual(before.data);
  });

  test("own rates price events: by provider and model, by model, by default", async ({ expect }) => {
    const world = await newWorld();
    await world.call("PATCH", PATH, { defaultCostConfig: OWN_RATES });
    const cost = async (costInput: unknown) => {
      const { data } = await world.event({ customerReferenceId: "acme", costInput });
      return [data.costAmount, data.costSource];
    };
    // 3,000 × 0.12 / 10⁶ + 500 × 0.48 / 10⁶
    expect(await cost(GPT)).toEqual([0.0006, "account"]);
    expect(await cost({ ...GPT, model: "my-model", modelProvider: "us" })).toEqual([0.005, "account"]);
    expect(await cost({ ...GPT, model: "gpt-4o" })).toEqual([0.00015, "account"]);
  });

  test("an exchange rate turns the price list into the account's currency; without one the cost is unknown", async ({
    expect,
  }) => {
    const world = await newWorld("EUR");
    const cost = async () => (await world.event({ customerReferenceId: "acme", costInput: GPT })).data.costAmount;
    expect(await cost()).toBeUndefined();
    await world.call("PATCH", PATH, { usdExchangeRate: 0.9 });
    // 0.00075 USD
    expect(await cost()).toBe(0.000675);
  });

  test("the currency changes while there is no event, and drops the rate that belonged to the old one", async ({
    expect,
  }) => {
    const world = await newWorld("EUR");
    await world.call("PATCH", PATH, { usdExchangeRate: 0.9 });
    const changed = await world.call<Settings>("PATCH", PATH, { currency: "gbp" });
    expect(changed).toMatchObject({ status: 200, data: { currency: "GBP" } });
    expect(changed.data.usdExchangeRate).toBeUndefined();
    const both = await world.call<Settings>("PATCH", PATH, { currency: "JPY", usdExchangeRate: 155 });
    expect(both.data).toMatchObject({ currency: "JPY", usdExchangeRate: 155 });
  });

  test("the trail holds what changed, before and after", async ({ expect }) => {
    const world = await newWorld();
    await world.call("PATCH", PATH, { agentSignupHourlyCap: 4, currency: "USD" });
    const { data } = await world.call<Trail>("GET", "/api/v1/account/audit-log");
    expect(data.items.find(({ action }) => action === "settings.changed")).toMatchObject({
      before: { agentSignupHourlyCap: 10 },
      after: { agentSignupHourlyCap: 4 },
    });
  });

  test("the price list is searched and paged, with its date", async ({ expect }) => {
    type List = { items: { provider: string; model: string; updatedAt: string }[]; pagination: { total: number } };
    const world = await newWorld();
    const found = await world.call<List>("GET", "/api/v1/account/model-pricing?search=OpenAI%20gpt-4o-mini&limit=200");
    expect(found.data.items).toContainEqual(
      expect.objectContaining({
        provider: "openai",
        model: "gpt-4o-mini",
        inputCostPerMillion: 0.15,
        outputCostPerMillion: 0.6,
        updatedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
      }),
    );
    const all = await world.call<List>("GET", "/api/v1/tanso/model-pricing?limit=2&offset=1");
    expect(all.data.items).toHaveLength(2);
    expect(all.data.pagination).toMatchObject({ hasMore: true, offset: 1 });
    expect(all.data.pagination.total).toBeGreaterThan(found.data.pagination.total);
    expect((await world.call<List>("GET", "/api/v1/account/model-pricing?search=no-such-model")).data.items).toEqual(
      [],
    );
  });
});

describe("refuses", () => {
  test("what makes no sense, by its path, and changes nothing", async ({ expect }) => {
    const world = await newWorld();
    const before = await world.call("GET", PATH);
    const cost = (modelCost: unknown) => ({ defaultCostConfig: { modelCosts: { m: modelCost } } });
    for (const [body, path] of [
      [{ currency: "EURO" }, "currency"],
      [{ currency: "XXX" }, "currency"],
      [{ usdExchangeRate: 0 }, "usdExchangeRate"],
      [{ usdExchangeRate: -1 }, "usdExchangeRate"],
      [{ usdExchangeRate: "0.1234567890123" }, "usdExchangeRate"],
      [{ usdExchangeRate: {} }, "usdExchangeRate"],
      [{ slug: "No Spaces" }, "slug"],
      [{ slug: "-a-" }, "slug"],
      [{ stripeCheckoutSuccessUrl: "javascript:alert(1)" }, "stripeCheckoutSuccessUrl"],
      [{ stripeCheckoutCancelUrl: "acme.test" }, "stripeCheckoutCancelUrl"],
      [{ agentSignupHourlyCap: 1.5 }, "agentSignupHourlyCap"],
      [{ agentSignupHourlyCap: -1 }, "agentSignupHourlyCap"],
      [{ agentSignupHourlyCap: 10_001 }, "agentSignupHourlyCap"],
      [{ publicCatalogEnabled: "yes" }, "publicCatalogEnabled"],
      [{ agentMaxTopupAmount: -1 }, "agentMaxTopupAmount"],
      [cost({ input: 1 }), "defaultCostConfig.modelCosts.m"],
      [cost({ input: 1, outputCostPerMillion: 1 }), "defaultCostConfig.modelCosts.m"],
      [
        cost({ input: 1, output: 1, inputCostPerMillion: 1, outputCostPerMillion: 1 }),
        "defaultCostConfig.modelCosts.m",
      ],
      [cost({ input: -1, output: 1 }), "defaultCostConfig.modelCosts.m.input"],
      [cost("free"), "defaultCostConfig.modelCosts.m"],
      [{ defaultCostConfig: { defaultInputCostPerUnit: "1e400" } }, "defaultCostConfig.defaultInputCostPerUnit"],
    ] as const) {
      const refused = await world.call("PATCH", PATH, { agentSignupHourlyCap: 7, ...body });
      expect(refused, JSON.stringify(body)).toMatchObject({ status: 400, error: { fields: [{ path }] } });
    }
    expect((await world.call("GET", PATH)).data).toEqual(before.data);
  });

  test("Stripe modes that leave billing to Stripe, in a plain sentence", async ({ expect }) => {
    const world = await newWorld();
    for (const stripeMode of ["FULL_SYNC", "STRIPE_INTEGRATION", "STRIPE_DRIVEN"]) {
      const refused = await world.call("PATCH", PATH, { stripeMode });
      expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "stripeMode" }] } });
      expect(refused.error.detail).toContain("PAYMENT_PASS_THROUGH");
    }
  });

  test("more own rates than an account can have", async ({ expect }) => {
    const world = await newWorld();
    const rates = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`model-${index}`, { input: 1, output: 1 }]));
    const most = await world.call("PATCH", PATH, { defaultCostConfig: { modelCosts: rates(MODEL_COSTS_MAX) } });
    expect(most.status).toBe(200);
    const refused = await world.call("PATCH", PATH, { defaultCostConfig: { modelCosts: rates(MODEL_COSTS_MAX + 1) } });
    expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "defaultCostConfig.modelCosts" }] } });
  });

  test("another currency once an event came, from a customer made by it or registered before", async ({ expect }) => {
    const world = await newWorld("EUR");
    await world.event({ customerReferenceId: "acme" });
    expect(await world.call("PATCH", PATH, { currency: "USD" })).toMatchObject({
      status: 409,
      error: { code: "conflict" },
    });
    expect((await world.call("PATCH", PATH, { currency: "EUR" })).status).toBe(200);

    const registered = await newWorld("EUR");
    const body = { email: "ada@acme.test", customerReferenceId: "acme" };
    await registered.call("POST", "/api/v1/client/customers", body);
    expect((await registered.call("PATCH", PATH, { currency: "USD" })).status).toBe(200);
    const { data } = await registered.event({ customerReferenceId: "acme" });
    await registered.flush(data.customerId);
    expect((await registered.call("PATCH", PATH, { currency: "EUR" })).status).toBe(409);
  });

  test("another currency once credits were granted, a price was published, or a plan is there", async ({ expect }) => {
    const credits = "/api/v1/monetization/credits";
    const dollars = (world: World) => world.call("PATCH", PATH, { currency: "USD" });
    const sold: [name: string, make: (world: World) => Promise<unknown>][] = [
      ["a plan", (world) => world.call("POST", "/api/v1/monetization/plans", { key: "pro", name: "Pro" })],
      [
        "a price",
        async (world) => {
          await world.call("POST", `${credits}/models`, { name: "AI", denomination: "AI" });
          const entries = [{ denomination: "AI", pricePerCredit: 0.1 }];
          await world.call("POST", `${credits}/prices/publish`, { effectiveFrom: new Date().toISOString(), entries });
        },
      ],
      [
        "a grant",
        async (world) => {
          const body = { email: "ada@acme.test", customerReferenceId: "acme" };
          const { data } = await world.call<{ id: string }>("POST", "/api/v1/client/customers", body);
          const pool = { name: "P", denomination: "AI", customerId: data.id };
          const made = await world.call<{ id: string }>("POST", `${credits}/pools`, pool);
          // An empty pool is worth nothing in any currency.
          expect([
            (await dollars(world)).status,
            (await world.call("PATCH", PATH, { currency: "EUR" })).status,
          ]).toEqual([200, 200]);
          const grant = { creditPoolId: made.data.id, amount: 1, grantType: "PROMOTIONAL" };
          await world.call("POST", `${credits}/grants`, grant);
        },
      ],
    ];
    for (const [name, make] of sold) {
      const world = await newWorld("EUR");
      await make(world);
      expect(await dollars(world), name).toMatchObject({ status: 409, error: { code: "conflict" } });
    }
  });

  test("a slug that another account has", async ({ expect }) => {
    const [one, two] = [await newWorld(), await newWorld()];
    await one.call("PATCH", PATH, { slug: "taken" });
    expect(await two.call("PATCH", PATH, { slug: "taken" })).toMatchObject({
      status: 409,
      error: { code: "conflict" },
    });
    await one.call("PATCH", PATH, { slug: "" });
    expect((await two.call("PATCH", PATH, { slug: "taken" })).status).toBe(200);
  });
});

describe("holds", () => {
  test("changes of different fields at once are all kept", async ({ expect }) => {
    const world = await newWorld("EUR");
    const changes = [
      { usdExchangeRate: 0.9 },
      { slug: "all-kept" },
      { agentSignupHourlyCap: 5 },
      { agentMaxTopupAmount: 12 },
      { refundOverpayments: true },
      { publicCatalogEnabled: true },
    ];
    const answers = await Promise.all(changes.map((change) => world.call("PATCH", PATH, change)));
    expect(answers.map(({ status }) => status)).toEqual(changes.map(() => 200));
    expect((await world.call("GET", PATH)).data).toMatchObject(Object.assign({}, ...changes));
  });

  test("a change made elsewhere prices events here after 5 s", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const cost = async () => (await world.event({ customerReferenceId: "acme", costInput: GPT })).data.costAmount;
    expect(await cost()).toBe(0.00075);
    // Another isolate changes it: only D1 knows.
    await env.DB.prepare("UPDATE accounts SET settings = ? WHERE account_id = ?")
      .bind(
        JSON.stringify({ defaultCostConfig: { modelCosts: { "gpt-4o-mini": { input: "1", output: "0" } } } }),
        world.accountId,
      )
      .run();
    vi.setSystemTime(at("2031-01-01T00:00:05Z"));
    expect(await cost()).toBe(3000);
  });

  test("a change that changes nothing leaves no trace", async ({ expect }) => {
    const world = await newWorld();
    await world.call("PATCH", PATH, { agentSignupHourlyCap: 10, stripeMode: "NONE" });
    const { data } = await world.call<Trail>("GET", "/api/v1/account/audit-log");
    expect(data.items.map(({ action }) => action)).toEqual(["account.created"]);
  });

  test("names that objects have anyway are models like others, and `__proto__` is ignored", async ({ expect }) => {
    const world = await newWorld();
    const body =
      '{"defaultCostConfig":{"modelCosts":{"__proto__":{"input":1,"output":1},"constructor":{"input":2,"output":2}}}}';
    const changed = await world.call<Settings>("PATCH", PATH, body, { "Content-Type": "application/json" });
    expect(changed.data.defaultCostConfig).toEqual({ modelCosts: { constructor: { input: 2, output: 2 } } });
  });

  test("the rates that go along with a call cost its events the same as all rates would", async ({ expect }) => {
    const world = await newWorld();
    const modelCosts = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`own-${index}`, { input: 0.001 * (index + 1), output: 0 }]),
    );
    await world.call("PATCH", PATH, {
      defaultCostConfig: {
        modelCosts: { ...modelCosts, "acme/own-3": { input: 7, output: 0 } },
        defaultInputCostPerUnit: 9,
      },
    });
    const snapshot = await readAccount(env.DB, world.accountId, Date.now());
    if (snapshot === undefined) throw new Error("the account is there");
    const events = ["own-3", "own-7", "other"].flatMap((model) =>
      ["", "acme"].map((modelProvider) => ({
        occurredAtMs: 0,
        costInput: { model, modelProvider, inputTokens: 10, outputTokens: 1 },
      })),
    );
    const few = costTermsFor(snapshot, events);
    expect(Object.keys(few.modelRates ?? {}).sort()).toEqual(["acme/own-3", "own-3", "own-7"]);
    for (const event of events) expect(costOf(event, few)).toEqual(costOf(event, costTermsOf(snapshot)));
    expect(costTermsOf(snapshot)).toBe(costTermsOf({ ...snapshot, stale: true }));
  });
});
