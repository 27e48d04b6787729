import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { dump, withD1 } from "../support/d1.ts";
import { active, customer } from "../support/sale.ts";
import { newWorld, type World } from "../support/world.ts";

const PLANS = "/api/v1/monetization/plans";
const RULES = "/api/v1/monetization/rules/plan-features";
const FEATURES = "/api/v1/monetization/features";
const OFFERS = "/api/v1/client/plans";

type Body = Record<string, unknown>;
type Plan = {
  id: string;
  key: string;
  name: string;
  description?: string;
  priceAmount: number;
  currency: string;
  intervalMonths: string;
  billingTiming: string;
  status: string;
  version: number;
  metadata: Body;
  createdAt: string;
  modifiedAt: string;
};
type Rule = { id: string; planId: string; featureId: string; isEnabled: boolean; enabled: boolean; value: Body };
type Offer = {
  plan: Body & { key: string };
  features: { key: string; pricingType: string; pricing?: Body }[];
  creditAllocations: unknown[];
};
type Page<T> = { items: T[]; pagination: { total: number; hasMore: boolean } };
type VersionRule = { featureKey: string; value: Body };
type Versions = Page<{ version: number; priceAmount: number; features: VersionRule[] }> & {
  difference?: {
    priceAmount?: { before: number; after: number };
    addedFeatures: VersionRule[];
    removedFeatures: VersionRule[];
    changedFeatures: { before: VersionRule; after: VersionRule }[];
  };
};

const TIERS = [
  { up_to: 1000, price_per_unit: 0.1 },
  { up_to: "10000", price_per_unit: "0.05", flat_fee: 5 },
  { up_to: "inf", price_per_unit: 0.02 },
];

async function feature(world: World, key: string): Promise<string> {
  return (await world.call<{ id: string }>("POST", FEATURES, { key })).data.id;
}

async function draft(world: World, body: Body = {}): Promise<string> {
  const made = await world.call<Plan>("POST", PLANS, { key: "pro", name: "Pro", description: "For teams.", ...body });
  if (made.status !== 201) throw new Error(JSON.stringify(made.error));
  return made.data.id;
}

const usage = (price: unknown, more: Body = {}) => ({ pricing: { model: "usage", price_per_unit: price, ...more } });

/** An ACTIVE plan with one feature at a price per unit. */
async function sold(world: World, body: Body = {}): Promise<{ planId: string; featureId: string }> {
  const { key = "pro" } = body;
  const planId = await draft(world, body);
  const featureId = await feature(world, `chat.${key}`);
  await world.call("POST", RULES, { planId, featureId, value: usage(0.02) });
  const active = await world.call<Plan>("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" });
  if (active.status !== 200) throw new Error(JSON.stringify(active.error));
  return { planId, featureId };
}

async function versionOf(world: World, planId: string): Promise<number> {
  return (await world.call<Plan>("GET", `${PLANS}/${planId}`)).data.version;
}

describe("does", () => {
  test("a plan is made as a draft, read and listed, newest first", async ({ expect }) => {
    const world = await newWorld("EUR");
    const made = await world.call<Plan>("POST", PLANS, { key: "free", name: "Free", status: "ACTIVE" });
    expect(made).toMatchObject({
      status: 201,
      data: {
        key: "free",
        name: "Free",
        priceAmount: 0,
        currency: "EUR",
        intervalMonths: "1",
        billingTiming: "IN_ADVANCE",
        status: "DRAFT",
        version: 0,
        metadata: {},
      },
    });
    const second = await world.call<Plan>("POST", PLANS, {
      key: "pro",
      name: "Pro",
      description: "For teams.",
      priceAmount: "49.99",
      currency: "usd",
      intervalMonths: "12",
      billingTiming: "IN_ARREARS",
      metadata: { tier: 2 },
    });
    expect(second.data).toMatchObject({
      description: "For teams.",
      priceAmount: 49.99,
      currency: "USD",
      intervalMonths: "12",
      billingTiming: "IN_ARREARS",
      metadata: { tier: 2 },
    });
    expect((await world.call("GET", `${PLANS}/${made.data.id.toUpperCase()}`)).data).toEqual(made.data);
    const list = await world.call<Page<Plan>>("GET", PLANS);
    expect(list.data.items.map(({ key }) => key).sort()).toEqual(["free", "pro"]);
    expect(list.data.pagination).toMatchObject({ total: 2, hasMore: false });
    const found = async (search: string) => {
      const { items, pagination } = (await world.call<Page<Plan>>("GET", `${PLANS}?limit=1&search=${search}`)).data;
      return [...items.map(({ key }) => key), pagination.total];
    };
    expect(await found("FRE")).toEqual(["free", 1]);
    expect(await found("nothing")).toEqual([0]);
    expect((await found("r")).at(-1)).toBe(2);
  });

  test("a draft becomes ACTIVE with a description and a feature, is archived, and sold again", async ({ expect }) => {
    const world = await newWorld();
    const planId = await draft(world, { description: "" });
    const activate = () => world.call<Plan>("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" });
    const bare = await activate();
    expect(bare).toMatchObject({ status: 400, error: { code: "validation_failed" } });
    expect(bare.error.fields?.map(({ path }) => path)).toEqual(["description", "features"]);
    await world.call("POST", RULES, { planId, featureId: await feature(world, "chat") });
    expect((await activate()).error.fields?.map(({ path }) => path)).toEqual(["description"]);
    const both = await world.call<Plan>("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE", description: "Now." });
    expect(both.data).toMatchObject({ status: "ACTIVE", version: 1, description: "Now." });
    const archived = await world.call<Plan>("PATCH", `${PLANS}/${planId}`, { status: "ARCHIVED" });
    expect(archived.data).toMatchObject({ status: "ARCHIVED", version: 1 });
    expect((await activate()).data).toMatchObject({ status: "ACTIVE", version: 1 });
  });

  test("deleting deletes a draft with its rules, archives an ACTIVE plan, leaves an ARCHIVED one", async ({
    expect,
  }) => {
    const world = await newWorld();
    const one = await draft(world, { key: "one" });
    await world.call("POST", RULES, { planId: one, featureId: await feature(world, "x") });
    const { planId } = await sold(world, { key: "two" });
    expect(await world.call("DELETE", `${PLANS}/${one}`)).toMatchObject({ status: 200, data: undefined });
    expect((await world.call("GET", `${PLANS}/${one}`)).status).toBe(404);
    expect(await dump("plan_rules", world.accountId)).toHaveLength(1);
    for (let time = 0; time < 2; time += 1) {
      expect((await world.call("DELETE", `${PLANS}/${planId}`)).status).toBe(200);
      expect((await world.call("GET", `${PLANS}/${planId}`)).data).toMatchObject({ status: "ARCHIVED", version: 1 });
    }
    const several = [await draft(world, { key: "three" }), await draft(world, { key: "four" }), planId];
    expect((await world.call("DELETE", PLANS, { ids: several })).status).toBe(200);
    expect((await world.call<Page<Plan>>("GET", PLANS)).data.items.map(({ key }) => key)).toEqual(["two"]);
  });

  test.for<[string, unknown, unknown]>([
    ["nothing", undefined, {}],
    ["{}", {}, {}],
    ["null", null, {}],
    ["fields nobody knows", { colour: "red" }, {}],
    [
      "usage, nested",
      { pricing: { model: "usage", price_per_unit: 0.25, usage_unit_type: "call", max_usage: "500", note: 1 } },
      {
        pricing: {
          model: "usage",
          price_per_unit: 0.25,
          usage_unit_type: "call",
          max_usage: 500,
          reset_mode: "reset",
        },
      },
    ],
    [
      "usage, flat, under its other name",
      { model: "usage", cost_rate: "0.000000000001", reset_mode: "accumulate" },
      { pricing: { model: "usage", price_per_unit: 1e-12, reset_mode: "accumulate" } },
    ],
    [
      "usage, under both names alike",
      usage(0.5, { cost_rate: "0.50" }),
      { pricing: { model: "usage", price_per_unit: 0.5, reset_mode: "reset" } },
    ],
    [
      "a number with more than 12 decimals, rounded",
      usage(0.00018554999999999998),
      { pricing: { model: "usage", price_per_unit: 0.00018555, reset_mode: "reset" } },
    ],
    [
      "graduated, flat",
      { model: "graduated", tiers: TIERS },
      {
        pricing: {
          model: "graduated",
          tiers: [
            { up_to: 1000, price_per_unit: 0.1, flat_fee: 0 },
            { up_to: 10_000, price_per_unit: 0.05, flat_fee: 5 },
            { up_to: "inf", price_per_unit: 0.02, flat_fee: 0 },
          ],
          reset_mode: "reset",
        },
      },
    ],
    [
      "included with a limit",
      { pricing: { model: "included", max_usage: 1000 } },
      { pricing: { model: "included", max_usage: 1000, reset_mode: "reset" } },
    ],
    [
      "a simple cost beside a price",
      { ...usage(1), cost: { model: "simple", cost_per_unit: 0.4 } },
      {
        pricing: { model: "usage", price_per_unit: 1, reset_mode: "reset" },
        cost: { model: "simple", cost_per_unit: 0.4 },
      },
    ],
    [
      "a cost by model, flat",
      {
        model: "included",
        cost_model: "model_aware",
        default_input_cost_per_unit: 0.000001,
        default_output_cost_per_unit: "0.000002",
        model_costs: { "gpt-4o": { input: 0.0000025, output: 0.00001 } },
      },
      {
        pricing: { model: "included", reset_mode: "reset" },
        cost: {
          model: "model_aware",
          default_input_cost_per_unit: 0.000001,
          default_output_cost_per_unit: 0.000002,
          model_costs: { "gpt-4o": { input: 0.0000025, output: 0.00001 } },
        },
      },
    ],
  ])("a rule is stored and answered nested: %s", async ([, value, stored], { expect }) => {
    const world = await newWorld();
    const [planId, featureId] = [await draft(world), await feature(world, "chat")];
    const made = await world.call<Rule>("POST", RULES, { planId, featureId, value, type: "whatever" });
    expect(made).toMatchObject({ status: 201, data: { planId, featureId, isEnabled: true, enabled: true } });
    expect(made.data.value).toEqual(stored);
    expect((await world.call("GET", `${RULES}/${planId}/${featureId}`)).data).toEqual(made.data);
    // What was answered can be sent, and says the same.
    const again = await world.call<Rule>("PATCH", RULES, { planId, featureId, value: made.data.value });
    expect(again.data).toEqual(made.data);
  });

  test("a rule is changed field by field, and taken out", async ({ expect }) => {
    const world = await newWorld();
    const [planId, featureId] = [await draft(world), await feature(world, "chat")];
    await world.call("POST", RULES, { planId, featureId, value: usage(1) });
    const disabled = await world.call<Rule>("PATCH", RULES, { planId, featureId, isEnabled: false, creditModelId: "" });
    expect(disabled.data).toMatchObject({ isEnabled: false, enabled: false, value: usage(1) });
    const free = await world.call<Rule>("PATCH", RULES, { planId, featureId, value: {} });
    expect(free.data).toMatchObject({ isEnabled: false, value: {} });
    expect(await world.call("DELETE", `${RULES}/${planId}/${featureId}`)).toMatchObject({ status: 200 });
    for (const method of ["GET", "DELETE"])
      expect((await world.call(method, `${RULES}/${planId}/${featureId}`)).status).toBe(404);
  });

  test("the whole set is replaced in one call, in its order", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world);
    const [a, b] = [await feature(world, "a"), await feature(world, "b")];
    type Replaced = Record<"addedFeatures" | "removedFeatures" | "changedFeatures", { key: string }[]> & {
      version: number;
    };
    const replace = (features: Body[]) => world.call<Replaced>("PATCH", `${RULES}/diff/${planId}`, { features });
    const first = await replace([{ featureId: b }, { featureId, value: usage(0.03) }, { featureId: a }]);
    expect(first).toMatchObject({
      status: 200,
      data: {
        addedFeatures: [{ key: "b" }, { key: "a" }],
        removedFeatures: [],
        changedFeatures: [{ key: "chat.pro" }],
        version: 2,
      },
    });
    const shown = await world.call<{ features: { key: string; rule: Rule }[] }>("GET", `${PLANS}/${planId}/features`);
    expect(shown.data.features.map(({ key }) => key)).toEqual(["b", "chat.pro", "a"]);
    expect(shown.data).toMatchObject({ plan: { id: planId, version: 2 }, creditAllocations: [] });
    const again = await replace([{ featureId: b }, { featureId, value: usage("0.030") }, { featureId: a }]);
    expect(again.data).toMatchObject({ addedFeatures: [], removedFeatures: [], changedFeatures: [], version: 2 });
    const fewer = await replace([{ featureId: a }]);
    expect(fewer.data).toMatchObject({ removedFeatures: [{ key: "b" }, { key: "chat.pro" }], version: 3 });
  });

  test("price and rules of an ACTIVE plan make versions, whose difference can be asked for", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world, { priceAmount: 10 });
    const search = await feature(world, "search");
    await world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: 12 });
    await world.call("PATCH", RULES, { planId, featureId, value: { pricing: { model: "graduated", tiers: TIERS } } });
    await world.call("POST", RULES, { planId, featureId: search });
    expect(await versionOf(world, planId)).toBe(4);
    const list = await world.call<Versions>("GET", `${PLANS}/${planId}/versions`);
    expect(list.data.items.map(({ version, priceAmount }) => [version, priceAmount])).toEqual([
      [4, 12],
      [3, 12],
      [2, 12],
      [1, 10],
    ]);
    expect(list.data.difference).toBeUndefined();
    const { data } = await world.call<Versions>("GET", `${PLANS}/${planId}/versions?from=1&to=4&limit=1`);
    expect(data.items).toHaveLength(1);
    expect(data.difference).toMatchObject({
      from: 1,
      to: 4,
      priceAmount: { before: 10, after: 12 },
      addedFeatures: [{ featureKey: "search", value: {} }],
      removedFeatures: [],
      changedFeatures: [
        {
          before: { featureKey: "chat.pro", value: usage(0.02) },
          after: { featureKey: "chat.pro", value: { pricing: { model: "graduated" } } },
        },
      ],
    });
    const back = await world.call<Versions>("GET", `${PLANS}/${planId}/versions?from=4&to=2`);
    expect(back.data.difference?.priceAmount).toBeUndefined();
    expect(back.data.difference?.removedFeatures.map(({ featureKey }) => featureKey)).toEqual(["search"]);
  });

  test("clients see what is sold, cheapest first, as a pricing page needs it", async ({ expect }) => {
    const world = await newWorld();
    await draft(world, { key: "draft" });
    const dear = await sold(world, { key: "dear", priceAmount: 100, intervalMonths: 12, metadata: { best: true } });
    await sold(world, { key: "cheap", priceAmount: "9.5" });
    const gone = await sold(world, { key: "gone" });
    await world.call("DELETE", `${PLANS}/${gone.planId}`);
    const [files, seats, hidden, off] = [
      await feature(world, "files"),
      await feature(world, "seats"),
      await feature(world, "hidden"),
      await feature(world, "off"),
    ];
    await world.call("PATCH", `${RULES}/diff/${dear.planId}`, {
      features: [
        { featureId: files },
        { featureId: seats, value: usage(3, { usage_unit_type: "seat", reset_mode: "accumulate", max_usage: 50 }) },
        { featureId: dear.featureId, value: { model: "graduated", tiers: TIERS } },
        { featureId: hidden, isEnabled: false },
        { featureId: off },
      ],
    });
    await world.call("PATCH", `${FEATURES}/${off}`, { isEnabled: false });
    const { data } = await world.call<Page<Offer>>("GET", OFFERS);
    expect(data.pagination.total).toBe(2);
    expect(data.items.map(({ plan }) => plan.key)).toEqual(["cheap", "dear"]);
    expect(data.items[1]).toEqual({
      plan: {
        id: dear.planId,
        key: "dear",
        name: "Pro",
        description: "For teams.",
        priceAmount: 100,
        currency: "USD",
        intervalMonths: 12,
        billingTiming: "IN_ADVANCE",
        metadata: { best: true },
      },
      features: [
        { id: files, key: "files", name: "files", pricingType: "included" },
        {
          id: seats,
          key: "seats",
          name: "seats",
          pricingType: "usage_based",
          pricing: { model: "usage", pricePerUnit: 3, unitLabel: "seat", maxUsage: 50, resetMode: "accumulate" },
        },
        {
          id: dear.featureId,
          key: "chat.dear",
          name: "chat.dear",
          pricingType: "graduated",
          pricing: {
            model: "graduated",
            resetMode: "reset",
            tiers: [
              { upTo: 1000, pricePerUnit: 0.1, flatFee: 0 },
              { upTo: 10_000, pricePerUnit: 0.05, flatFee: 5 },
              { upTo: "inf", pricePerUnit: 0.02, flatFee: 0 },
            ],
          },
        },
      ],
      creditAllocations: [],
    });
    const second = await world.call<Page<Offer>>("GET", `${OFFERS}?limit=1&offset=1`);
    expect(second.data.items).toEqual([data.items[1]]);
  });
});

describe("refuses", () => {
  test("a base price that no invoice could carry", async ({ expect }) => {
    const world = await newWorld();
    const made = await world.call("POST", PLANS, { key: "dear", name: "Dear", priceAmount: 10_000_000_001 });
    expect(made).toMatchObject({ status: 400, error: { fields: [{ path: "priceAmount" }] } });
  });

  test.for<[string, unknown]>([
    ["key", { name: "Pro" }],
    ["name", { key: "pro" }],
    ["priceAmount", { key: "pro", name: "Pro", priceAmount: -1 }],
    ["priceAmount", { key: "pro", name: "Pro", priceAmount: "0.0000000000001" }],
    ["currency", { key: "pro", name: "Pro", currency: "XXQ" }],
    ["intervalMonths", { key: "pro", name: "Pro", intervalMonths: 0 }],
    ["intervalMonths", { key: "pro", name: "Pro", intervalMonths: "37" }],
    ["intervalMonths", { key: "pro", name: "Pro", intervalMonths: 1.5 }],
    ["intervalMonths", { key: "pro", name: "Pro", intervalMonths: "month" }],
    ["billingTiming", { key: "pro", name: "Pro", billingTiming: "LATER" }],
  ])("a plan with a wrong %s", async ([path, body], { expect }) => {
    const world = await newWorld();
    const refused = await world.call("POST", PLANS, body);
    expect(refused).toMatchObject({ status: 400, error: { code: "validation_failed", fields: [{ path }] } });
  });

  test("a key that is taken, also by an archived plan and by a change", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await sold(world);
    await world.call("DELETE", `${PLANS}/${planId}`);
    const taken = { status: 409, error: { code: "conflict" } };
    expect(await world.call("POST", PLANS, { key: "pro", name: "Pro" })).toMatchObject(taken);
    const other = await draft(world, { key: "other" });
    expect(await world.call("PATCH", `${PLANS}/${other}`, { key: "pro" })).toMatchObject(taken);
    expect((await world.call("PATCH", `${PLANS}/${other}`, { key: "another" })).data).toMatchObject({ key: "another" });
    expect((await (await newWorld()).call("POST", PLANS, { key: "pro", name: "Pro" })).status).toBe(201);
  });

  test("what is fixed once a plan was ACTIVE", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await sold(world);
    const changes = { key: "x", intervalMonths: 12, billingTiming: "IN_ARREARS", currency: "EUR" };
    const refuseAll = async () => {
      for (const [path, value] of Object.entries(changes))
        expect(await world.call("PATCH", `${PLANS}/${planId}`, { [path]: value, name: "New" })).toMatchObject({
          status: 400,
          error: { code: "validation_failed", fields: [{ path }] },
        });
      const same = { key: "pro", intervalMonths: "1", billingTiming: "IN_ADVANCE", currency: "USD" };
      expect(await world.call("PATCH", `${PLANS}/${planId}`, same)).toMatchObject({
        status: 200,
        data: { name: "Pro" },
      });
    };
    await refuseAll();
    await world.call("DELETE", `${PLANS}/${planId}`);
    await refuseAll();
  });

  test("steps that a plan's life does not have", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await sold(world);
    const unborn = await draft(world, { key: "unborn" });
    const set = (id: string, status: string) => world.call("PATCH", `${PLANS}/${id}`, { status });
    const conflict = { status: 409, error: { code: "conflict" } };
    expect(await set(planId, "DRAFT")).toMatchObject(conflict);
    expect(await set(unborn, "ARCHIVED")).toMatchObject(conflict);
    expect((await set(planId, "ACTIVE")).status).toBe(200);
    expect((await set(planId, "SOLD")).status).toBe(400);
    await set(planId, "ARCHIVED");
    expect(await set(planId, "DRAFT")).toMatchObject(conflict);
  });

  test("taking from an ACTIVE plan what it needs", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world);
    const refusals = [
      await world.call("PATCH", `${PLANS}/${planId}`, { description: "" }),
      await world.call("DELETE", `${RULES}/${planId}/${featureId}`),
      await world.call("PATCH", `${RULES}/diff/${planId}`, { features: [] }),
    ];
    expect(refusals.map(({ status, error }) => [status, error.fields?.[0]?.path])).toEqual([
      [400, "description"],
      [400, "features"],
      [400, "features"],
    ]);
    await world.call("DELETE", `${PLANS}/${planId}`);
    expect((await world.call("DELETE", `${RULES}/${planId}/${featureId}`)).status).toBe(200);
    expect((await world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" })).status).toBe(400);
  });

  const tiers = (...some: Body[]) => ({ pricing: { model: "graduated", tiers: some } });
  const end = { up_to: "inf", price_per_unit: 1 };

  test.for<[string, unknown]>([
    ["value", 5],
    ["value.pricing", { pricing: "usage" }],
    ["value.pricing.model", { pricing: { model: "volume" } }],
    ["value.pricing.model", { pricing: { price_per_unit: 1 } }],
    ["value.model", { model: "volume" }],
    ["value.model", { price_per_unit: 1 }],
    ["value.pricing.price_per_unit", { pricing: { model: "usage" } }],
    ["value.price_per_unit", { model: "usage" }],
    ["value.pricing.price_per_unit", usage(-1)],
    ["value.pricing.price_per_unit", usage("0.0000000000001")],
    ["value.pricing.price_per_unit", usage("cheap")],
    ["value.cost_rate", { model: "usage", cost_rate: -1 }],
    ["value.pricing.cost_rate", usage(1, { cost_rate: 2 })],
    ["value.pricing.max_usage", usage(1, { max_usage: 0 })],
    ["value.pricing.max_usage", { pricing: { model: "included", max_usage: -5 } }],
    ["value.max_usage", { model: "included", max_usage: 0 }],
    ["value.pricing.reset_mode", usage(1, { reset_mode: "weekly" })],
    ["value.pricing.tiers", { pricing: { model: "graduated" } }],
    ["value.pricing.tiers", tiers()],
    ["value.pricing.tiers", tiers(...Array(101).fill(end))],
    ["value.pricing.tiers[0].up_to", tiers({ price_per_unit: 1 })],
    ["value.pricing.tiers[0].up_to", tiers({ up_to: "many", price_per_unit: 1 }, end)],
    ["value.pricing.tiers[0].up_to", tiers({ up_to: 0, price_per_unit: 1 }, end)],
    ["value.pricing.tiers[0].up_to", tiers({ up_to: 10, price_per_unit: 1 })],
    ["value.pricing.tiers[0].up_to", tiers(end, end)],
    ["value.pricing.tiers[1].up_to", tiers({ up_to: 10, price_per_unit: 1 }, { up_to: 10, price_per_unit: 1 }, end)],
    ["value.tiers[1].up_to", { model: "graduated", tiers: [TIERS[0], { up_to: 5, price_per_unit: 1 }, end] }],
    ["value.pricing.tiers[0].price_per_unit", tiers({ up_to: "inf" })],
    ["value.pricing.tiers[0].price_per_unit", tiers({ up_to: "inf", price_per_unit: "-0.01" })],
    ["value.pricing.tiers[0].cost_rate", tiers({ up_to: "inf", cost_rate: "-0.01" })],
    ["value.pricing.tiers[0].flat_fee", tiers({ ...end, flat_fee: -1 })],
    ["value.cost.model", { cost: { cost_per_unit: 1 } }],
    ["value.cost.cost_per_unit", { cost: { model: "simple" } }],
    ["value.cost.cost_per_unit", { cost: { model: "simple", cost_per_unit: -1 } }],
    ["value.cost_model", { cost_per_unit: 1 }],
    ["value.cost.model_costs.m.output", { cost: { model: "model_aware", model_costs: { m: { input: 1 } } } }],
  ])("a rule with a wrong %s", async ([path, value], { expect }) => {
    const world = await newWorld();
    const [planId, featureId] = [await draft(world), await feature(world, "chat")];
    const refused = await world.call("POST", RULES, { planId, featureId, value });
    expect(refused).toMatchObject({ status: 400, error: { code: "validation_failed", fields: [{ path }] } });
    const several = await world.call("PATCH", `${RULES}/diff/${planId}`, { features: [{ featureId, value }] });
    expect(several.error.fields?.[0]?.path).toBe(`features[0].${path}`);
    expect(await dump("plan_rules", world.accountId)).toEqual([]);
  });

  test("rules of plans, features and credit models that are not there", async ({ expect }) => {
    const world = await newWorld();
    const stranger = await newWorld();
    const [planId, featureId] = [await draft(world), await feature(world, "chat")];
    const [foreignPlan, foreignFeature] = [await draft(stranger), await feature(stranger, "chat")];
    const nobody = crypto.randomUUID();
    for (const body of [
      { planId: nobody, featureId },
      { planId: foreignPlan, featureId },
      { planId: "pro?", featureId },
      { planId, featureId: nobody },
      { planId, featureId: foreignFeature },
      { planId, featureId, creditModelId: nobody },
    ])
      for (const method of ["POST", "PATCH"])
        expect((await world.call(method, RULES, body)).status, `${method} ${JSON.stringify(body)}`).toBe(404);
    for (const id of [nobody, foreignPlan, "nonsense"]) {
      for (const method of ["GET", "PATCH", "DELETE"])
        expect((await world.call(method, `${PLANS}/${id}`)).status, `${method} ${id}`).toBe(404);
      for (const part of ["features", "versions"])
        expect((await world.call("GET", `${PLANS}/${id}/${part}`)).status).toBe(404);
      expect((await world.call("PATCH", `${RULES}/diff/${id}`, { features: [] })).status).toBe(404);
      expect((await world.call("GET", `${RULES}/${id}/${featureId}`)).status).toBe(404);
    }
    const unknown = { features: [{ featureId }, { featureId: foreignFeature }] };
    expect((await world.call("PATCH", `${RULES}/diff/${planId}`, unknown)).status).toBe(404);
    expect((await world.call("DELETE", PLANS, { ids: [planId, nobody] })).status).toBe(404);
    expect((await world.call("GET", `${PLANS}/${planId}`)).status).toBe(200);
  });

  test("a second rule for a feature, and a feature twice in a list", async ({ expect }) => {
    const world = await newWorld();
    const [planId, featureId] = [await draft(world), await feature(world, "chat")];
    await world.call("POST", RULES, { planId, featureId });
    expect(await world.call("POST", RULES, { planId, featureId, value: usage(1) })).toMatchObject({
      status: 409,
      error: { code: "conflict" },
    });
    const twice = { features: [{ featureId }, { featureId: featureId.toUpperCase() }] };
    expect(await world.call("PATCH", `${RULES}/diff/${planId}`, twice)).toMatchObject({
      status: 400,
      error: { fields: [{ path: "features[1].featureId" }] },
    });
  });

  test("another unit for a feature that plans count", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world);
    const label = (usage_unit_type: string) => usage(1, { usage_unit_type });
    expect((await world.call("PATCH", RULES, { planId, featureId, value: label("call") })).status).toBe(200);
    const path = "value.pricing.usage_unit_type";
    expect(await world.call("PATCH", RULES, { planId, featureId, value: label("token") })).toMatchObject({
      status: 400,
      error: { code: "validation_failed", fields: [{ path }] },
    });
    const other = await draft(world, { key: "other" });
    expect(await world.call("POST", RULES, { planId: other, featureId, value: label("token") })).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining("“pro”") },
    });
    const list = { features: [{ featureId, value: label("token") }] };
    expect((await world.call("PATCH", `${RULES}/diff/${other}`, list)).error.fields).toMatchObject([
      { path: `features[0].${path}` },
    ]);
    expect((await world.call("POST", RULES, { planId: other, featureId, value: label("call") })).status).toBe(201);
  });

  test("another unit in two steps for a feature that a subscriber's version counts", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world);
    const change = (value: Body) => world.call("PATCH", RULES, { planId, featureId, value });
    await change(usage(1, { usage_unit_type: "call" }));
    await customer(world);
    await active(world, "ada", "pro");
    expect((await change(usage(1))).status).toBe(200);
    expect(await change({ model: "usage", price_per_unit: 1, usage_unit_type: "token" })).toMatchObject({
      status: 400,
      error: { message: expect.stringContaining("“pro” (version 2)"), fields: [{ path: "value.usage_unit_type" }] },
    });
    expect((await change(usage(1, { usage_unit_type: "call" }))).status).toBe(200);
  });

  test("deleting a feature that a plan uses, draft or archived, with the plans' keys", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world);
    const other = await draft(world, { key: "basic" });
    await world.call("POST", RULES, { planId: other, featureId });
    await world.call("DELETE", `${PLANS}/${planId}`);
    const free = await feature(world, "free");
    for (const refused of [
      await world.call("DELETE", `${FEATURES}/${featureId}`),
      await world.call("DELETE", FEATURES, { ids: [free, featureId] }),
    ]) {
      expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
      expect(refused.error.message).toMatch(/“chat\.pro” is in the plans “basic”, “pro”/);
    }
    await world.call("DELETE", `${PLANS}/${other}`);
    await world.call("DELETE", `${RULES}/${planId}/${featureId}`);
    expect((await world.call("DELETE", FEATURES, { ids: [free, featureId] })).status).toBe(200);
  });

  test("versions that are not there, and half a question", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await sold(world);
    const ask = (query: string) => world.call("GET", `${PLANS}/${planId}/versions?${query}`);
    expect((await ask("from=1&to=2")).status).toBe(404);
    expect((await ask("from=0&to=1")).status).toBe(404);
    expect(await ask("from=1")).toMatchObject({ status: 400, error: { fields: [{ path: "to" }] } });
    expect((await ask("from=one&to=1")).status).toBe(400);
    const unborn = await draft(world, { key: "unborn" });
    expect((await world.call<Versions>("GET", `${PLANS}/${unborn}/versions`)).data.items).toEqual([]);
  });

  test("another currency for the account, from its first plan on", async ({ expect }) => {
    const world = await newWorld();
    const set = (currency: string) => world.call("PATCH", "/api/v1/account/settings", { currency });
    expect((await set("EUR")).status).toBe(200);
    const planId = await draft(world);
    expect((await world.call<Plan>("GET", `${PLANS}/${planId}`)).data.currency).toBe("EUR");
    expect(await set("USD")).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect((await set("EUR")).status).toBe(200);
  });

  test("rules that together are larger than a plan may be", async ({ expect }) => {
    const world = await newWorld();
    const planId = await draft(world);
    const costs = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`${at}-${"m".repeat(240)}`, { input: 1, output: 1 }]),
    );
    const value = { model_costs: costs, cost_model: "model_aware" };
    const features: Body[] = [];
    for (const key of ["a", "b", "c", "d", "e"]) features.push({ featureId: await feature(world, key), value });
    const all = await world.call("PATCH", `${RULES}/diff/${planId}`, { features });
    expect(all).toMatchObject({ status: 400, error: { fields: [{ path: "value" }] } });
    const some = await world.call("PATCH", `${RULES}/diff/${planId}`, { features: features.slice(0, 3) });
    expect(some.status).toBe(200);
  });
});

describe("holds", () => {
  test("drafts make no versions, and what changes nothing for subscribers makes none", async ({ expect }) => {
    const world = await newWorld();
    const [planId, featureId] = [await draft(world), await feature(world, "chat")];
    await world.call("POST", RULES, { planId, featureId, value: usage(1) });
    await world.call("PATCH", RULES, { planId, featureId, value: usage(2) });
    await world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: 5 });
    expect(await versionOf(world, planId)).toBe(0);
    await world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE", priceAmount: 7 });
    expect(await versionOf(world, planId)).toBe(1);
    await world.call("PATCH", `${PLANS}/${planId}`, { name: "New", description: "Newer.", metadata: { a: 1 } });
    await world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: "7.00" });
    await world.call("PATCH", RULES, { planId, featureId, value: usage("2.0"), isEnabled: true });
    await world.call("DELETE", `${PLANS}/${planId}`);
    await world.call("PATCH", `${PLANS}/${planId}`, { status: "ACTIVE" });
    expect(await versionOf(world, planId)).toBe(1);
    await world.call("PATCH", `${PLANS}/${planId}`, { status: "ARCHIVED", priceAmount: 8 });
    expect(await versionOf(world, planId)).toBe(2);
    const { data } = await world.call<Versions>("GET", `${PLANS}/${planId}/versions`);
    expect(data.items.map(({ version, priceAmount }) => [version, priceAmount])).toEqual([
      [2, 8],
      [1, 7],
    ]);
  });

  test("a price makes a version by its last decimal, costs by model make none by their order", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world, { priceAmount: "1000000000.000000000001" });
    await world.call("PATCH", `${PLANS}/${planId}`, { priceAmount: "1000000000.000000000002" });
    expect(await versionOf(world, planId)).toBe(2);
    const [a, b] = [
      { input: 1, output: 2 },
      { input: 3, output: 4 },
    ];
    for (const model_costs of [
      { a, b },
      { b, a },
    ])
      await world.call("PATCH", RULES, { planId, featureId, value: { cost: { model: "model_aware", model_costs } } });
    expect(await versionOf(world, planId)).toBe(3);
  });

  test("a draft whose unit another plan fixed can be changed in all else, and is not sold", async ({ expect }) => {
    const world = await newWorld();
    const [featureId, search] = [await feature(world, "chat"), await feature(world, "search")];
    const [first, second] = [await draft(world, { key: "first" }), await draft(world, { key: "second" })];
    const label = (usage_unit_type: string) => usage(1, { usage_unit_type });
    await world.call("POST", RULES, { planId: first, featureId, value: label("call") });
    await world.call("POST", RULES, { planId: second, featureId, value: label("token") });
    const change = (planId: string, body: Body) => world.call<Plan>("PATCH", `${PLANS}/${planId}`, body);
    expect((await change(first, { status: "ACTIVE" })).status).toBe(200);
    expect((await change(second, { name: "New" })).status).toBe(200);
    expect((await world.call("POST", RULES, { planId: second, featureId: search })).status).toBe(201);
    expect(await change(second, { status: "ACTIVE" })).toMatchObject({
      status: 400,
      error: { fields: [{ path: "status" }] },
    });
    expect((await world.call("PATCH", RULES, { planId: second, featureId, value: label("call") })).status).toBe(200);
    expect((await change(second, { status: "ACTIVE" })).data).toMatchObject({ status: "ACTIVE", version: 1 });
  });

  test("rules changed all at once are all there, each in a version of its own", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await sold(world);
    const ids = await Promise.all(["a", "b", "c", "d"].map((key) => feature(world, key)));
    const answers = await Promise.all(
      ids.map((featureId) => world.call("POST", RULES, { planId, featureId }, { "Idempotency-Key": featureId })),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    const { data } = await world.call<Versions>("GET", `${PLANS}/${planId}/versions`);
    expect(data.items.map(({ version, features }) => [version, features.length])).toEqual([
      [5, 5],
      [4, 4],
      [3, 3],
      [2, 2],
      [1, 1],
    ]);
  });

  test("a feature deleted while a rule for it is made: one of the two happens", async ({ expect }) => {
    const world = await newWorld();
    const planId = await draft(world);
    for (let round = 0; round < 5; round += 1) {
      const featureId = await feature(world, `chat.${round}`);
      const [rule, deletion] = await Promise.all([
        world.call("POST", RULES, { planId, featureId }),
        world.call("DELETE", `${FEATURES}/${featureId}`),
      ]);
      expect([
        [201, 409],
        [404, 200],
      ]).toContainEqual([rule.status, deletion.status]);
    }
  });

  test("twenty requests at once for one key make one plan", async ({ expect }) => {
    const world = await newWorld();
    const make = () => world.call("POST", PLANS, { key: "pro", name: "Pro" });
    const answers = await Promise.all(Array.from({ length: 20 }, make));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    expect(await dump("plans", world.accountId)).toHaveLength(1);
  });

  test("a repeat changes nothing and answers the same; D1 away is 503, its batch twice is once", async ({ expect }) => {
    const world = await newWorld();
    const { planId } = await sold(world);
    const change = (price: number) =>
      world.call<Plan>("PATCH", `${PLANS}/${planId}`, { priceAmount: price }, { "Idempotency-Key": `price ${price}` });
    const first = await change(1);
    await change(2);
    const repeated = await change(1);
    expect(repeated.data).toEqual(first.data);
    expect(repeated.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await versionOf(world, planId)).toBe(3);
    expect((await withD1("away", () => change(3))).status).toBe(503);
    expect((await withD1("away", () => world.call("GET", OFFERS))).status).toBe(503);
    expect((await withD1("doubled", () => change(4))).data).toMatchObject({ priceAmount: 4, version: 4 });
    expect(await versionOf(world, planId)).toBe(4);
  });

  test("every change is in the trail, a refused one is not", async ({ expect }) => {
    const world = await newWorld();
    const { planId, featureId } = await sold(world);
    await world.call("PATCH", RULES, { planId, featureId, value: usage(3) });
    await world.call("PATCH", RULES, { planId, featureId, value: usage(-3) });
    const search = await feature(world, "search");
    await world.call("PATCH", `${RULES}/diff/${planId}`, { features: [{ featureId: search }, { featureId }] });
    await world.call("DELETE", `${RULES}/${planId}/${search}`);
    await world.call("PATCH", `${PLANS}/${planId}`, { name: "New" });
    await world.call("DELETE", `${PLANS}/${planId}`);
    await world.call("DELETE", `${PLANS}/${await draft(world, { key: "unborn" })}`);
    const { results } = await env.DB.prepare(
      "SELECT action FROM audit_log WHERE account_id = ? AND (action LIKE 'plan%' OR action LIKE 'rule%')",
    )
      .bind(world.accountId)
      .all<{ action: string }>();
    expect(results.map(({ action }) => action).sort()).toEqual(
      [
        "plan.created",
        "rule.created",
        "plan.activated",
        "rule.changed",
        "rules.replaced",
        "rule.deleted",
        "plan.changed",
        "plan.archived",
        "plan.created",
        "plan.deleted",
      ].sort(),
    );
  });
});
