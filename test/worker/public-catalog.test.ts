import { env, exports } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { publicAccount } from "../../src/catalog/accounts.ts";
import { PublicCatalogWire } from "../../src/contract/public-catalog.ts";
import { creditModel, feature, PLANS, plan, weigh } from "../support/credits.ts";
import { queryPlans } from "../support/d1.ts";
import { ok } from "../support/sale.ts";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

/** What everybody may see of an account's prices, and nothing else of it. */

const SETTINGS = "/api/v1/account/settings";

function read(slug: string, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(`https://tanso.test/public/v1/catalog/${encodeURIComponent(slug)}/pricing.json`, {
    headers,
  });
}

async function catalog(slug: string) {
  const response = await read(slug);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return PublicCatalogWire.strict().parse(await response.json());
}

async function shown(world: World, slug: string, settings: Record<string, unknown> = {}): Promise<void> {
  await ok(world.call("PATCH", SETTINGS, { slug, publicCatalogEnabled: true, ...settings }));
}

afterEach(() => {
  vi.useRealTimers();
});

describe("does", () => {
  test("tells what is sold, cheapest first, and where the API is", async ({ expect }) => {
    const world = await newWorld();
    const [chat, search] = [await feature(world, "chat"), await feature(world, "search")];
    const pro = await plan(
      world,
      "pro",
      [
        { featureId: chat, value: { pricing: { model: "usage", price_per_unit: 0.02 } } },
        { featureId: search, value: { pricing: { model: "included", max_usage: 500 } } },
      ],
      "DRAFT",
    );
    await ok(world.call("PATCH", `${PLANS}/${pro}`, { priceAmount: 49, intervalMonths: 12 }));
    await ok(world.call("PATCH", `${PLANS}/${pro}`, { status: "ACTIVE" }));
    await plan(world, "free", [{ featureId: search, value: {} }]);
    await plan(world, "secret", [], "DRAFT");
    await shown(world, "acme-one", { seller: { name: "Acme AI" } });
    const told = await catalog("acme-one");
    expect(told).toMatchObject({
      product: { name: "Acme AI", slug: "acme-one" },
      revenue_model: { type: "usage", billing_frequency: "year", agent_onboarding: false },
      plans: [
        { id: "free", price: { amount: 0, currency: "USD", per: "month" }, included_usage: { search: "unlimited" } },
        { id: "pro", price: { amount: 49, per: "year" }, included_usage: { search: 500 } },
      ],
      governance: { usage_limits: true, credits_required: false },
      integration: { openapi_spec_url: "https://tanso.test/openapi.json", mcp_server: null },
    });
    expect(told.credits).toBeUndefined();
    const text = JSON.stringify(told);
    for (const secret of ["secret", world.accountId, chat]) expect(text).not.toContain(secret);
  });

  test("tells what credits burn, by the weights in force", async ({ expect }) => {
    clockAt("2031-01-01T00:00:00Z");
    const world = await newWorld();
    const chat = await feature(world, "chat");
    const model = await creditModel(world, "AI_CREDITS");
    const paid = await plan(world, "credits", [{ featureId: chat, creditModelId: model }], "DRAFT");
    await ok(world.call("POST", `/api/v1/monetization/credits/models/${model}/plans/${paid}?creditAmount=1000`));
    await ok(world.call("PATCH", `${PLANS}/${paid}`, { status: "ACTIVE" }));
    await weigh(world, { chat: 2, "chat:gpt-4o": 5 }, { chat });
    await shown(world, "acme-two");
    expect((await catalog("acme-two")).credits).toEqual({ currency_name: "AI_CREDITS", weight_table: {} });
    // Seen at the latest a minute after the weights came into force, though nothing else has changed.
    vi.setSystemTime(at("2031-01-01T00:01:10Z"));
    expect(await catalog("acme-two")).toMatchObject({
      revenue_model: { type: "credit" },
      plans: [{ id: "credits", credits: [{ currency_name: "AI_CREDITS", amount: 1000 }], included_usage: {} }],
      credits: { currency_name: "AI_CREDITS", weight_table: { chat: 2, "chat:gpt-4o": 5 } },
      governance: { credits_required: true },
    });
  });

  test("any page may read it, and what a reader has is not sent again", async ({ expect }) => {
    const world = await newWorld();
    await shown(world, "acme-three");
    const first = await read("acme-three", { Origin: "https://pricing.test" });
    expect(first.headers.get("Access-Control-Allow-Origin")).toBe("*");
    const again = await read("acme-three", { "If-None-Match": first.headers.get("ETag") ?? "" });
    expect(again.status).toBe(304);
  });
});

describe("refuses", () => {
  test("a name that nobody has and a catalog that is off, in the same words", async ({ expect }) => {
    const world = await newWorld();
    await ok(world.call("PATCH", SETTINGS, { slug: "acme-off" }));
    const bodies = await Promise.all(
      ["acme-off", "nobody-there", "' OR 1=1 --"].map(async (slug) => {
        const response = await read(slug);
        expect(response.status).toBe(404);
        return (await response.text()).replace(slug, "…");
      }),
    );
    expect(new Set(bodies).size).toBe(1);
  });
});

describe("holds", () => {
  test("a change is seen at once, and so is the switch", async ({ expect }) => {
    const world = await newWorld();
    await shown(world, "acme-four");
    expect((await catalog("acme-four")).plans).toEqual([]);
    await plan(world, "free", [{ featureId: await feature(world, "chat"), value: {} }]);
    expect((await catalog("acme-four")).plans).toHaveLength(1);
    await ok(world.call("PATCH", SETTINGS, { publicCatalogEnabled: false }));
    expect((await read("acme-four")).status).toBe(404);
  });

  test("a slug finds its account by the index, however many accounts there are", async ({ expect }) => {
    const lines = await queryPlans((db) => publicAccount(db, "acme"));
    expect(lines.join("\n")).toContain("accounts_by_slug");
    expect(await publicAccount(env.DB, "nobody-there")).toBeUndefined();
  });
});
