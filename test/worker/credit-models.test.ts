import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { denominationsBurned, plansNaming } from "../../src/catalog/credit-models.ts";
import { pinOfPlan } from "../../src/catalog/plan-pins.ts";
import { denominationsHeld, versionsNaming } from "../../src/ledger/subscriptions.ts";
import { CREDITS, creditModel, feature, PLANS, plan, RULES, subscribed } from "../support/credits.ts";
import { dump, queryPlans, withD1 } from "../support/d1.ts";
import { newWorld, type World } from "../support/world.ts";

/** Credit models, allocations, and rules whose units burn credits. */

type Body = Record<string, unknown>;
type Model = {
  id: string;
  name: string;
  denomination: string;
  hardLimit: boolean;
  rolloverPolicy: string;
  rolloverCap?: number;
};
type Allocation = { id: string; creditModelId: string; denomination: string; creditAmount: number; hardLimit: boolean };
type Page<T> = { items: T[]; pagination: { total: number; hasMore: boolean } };
type Rule = { creditModelId?: string; creditModelName?: string; creditDenomination?: string };
type Version = { version: number; creditAllocations: Allocation[]; features: (Rule & { featureKey: string })[] };
type Versions = Page<Version> & {
  difference?: Record<"addedAllocations" | "removedAllocations", Allocation[]> & {
    changedAllocations: { before: Allocation; after: Allocation }[];
    changedFeatures: { before: Rule; after: Rule }[];
  };
};

const allocate = (world: World, model: string, planId: string, query: string) =>
  world.call<Allocation>("POST", `${CREDITS}/models/${model}/plans/${planId}?${query}`);

const versionsOf = async (world: World, planId: string, query = ""): Promise<Versions> =>
  (await world.call<Versions>("GET", `${PLANS}/${planId}/versions${query}`)).data;

async function actions(world: World): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT action FROM audit_log WHERE account_id = ? AND (action LIKE 'credit%' OR action LIKE 'allocation%')",
  )
    .bind(world.accountId)
    .all<{ action: string }>();
  return results.map(({ action }) => action).sort();
}

describe("does", () => {
  test("a model is made, read, listed newest first, and deleted", async ({ expect }) => {
    const world = await newWorld();
    const made = await world.call<Model>("POST", `${CREDITS}/models`, { name: "Plain", denomination: "AI_CREDITS" });
    expect(made).toMatchObject({
      status: 201,
      data: { name: "Plain", denomination: "AI_CREDITS", hardLimit: true, rolloverPolicy: "NONE", metadata: {} },
    });
    expect(made.data.rolloverCap).toBeUndefined();
    const capped = await world.call<Model>("POST", `${CREDITS}/models`, {
      name: "Capped",
      denomination: "AI_CREDITS",
      description: "Half of it goes on.",
      hardLimit: false,
      rolloverPolicy: "CAPPED",
      rolloverCap: "500.5",
      metadata: { tier: 2 },
    });
    expect(capped.data).toMatchObject({
      description: "Half of it goes on.",
      hardLimit: false,
      rolloverPolicy: "CAPPED",
      rolloverCap: 500.5,
      metadata: { tier: 2 },
    });
    const { id } = made.data;
    expect((await world.call("GET", `${CREDITS}/models/${id.toUpperCase()}`)).data).toEqual(made.data);
    const list = await world.call<Page<Model>>("GET", `${CREDITS}/models`);
    expect(list.data.items.map(({ name }) => name).sort()).toEqual(["Capped", "Plain"]);
    expect(await world.call("DELETE", `${CREDITS}/models/${id}`)).toMatchObject({ status: 200, data: undefined });
    expect((await world.call("GET", `${CREDITS}/models/${id}`)).status).toBe(404);
    expect((await world.call("DELETE", `${CREDITS}/models/${id}`)).status).toBe(404);
  });

  test("a plan gives credits, once for each model; sent again, the amount is replaced", async ({ expect }) => {
    const world = await newWorld();
    const [soft, hard] = [await creditModel(world, "SOFT", { hardLimit: false }), await creditModel(world, "HARD")];
    const planId = await plan(world, "pro", [{ featureId: await feature(world, "chat") }], "DRAFT");
    const first = await allocate(world, soft, planId, "creditAmount=1000.0001&grantExpiresMonths=3");
    expect(first).toMatchObject({
      status: 200,
      data: {
        creditModelId: soft,
        creditModelName: "SOFT model",
        denomination: "SOFT",
        creditAmount: 1000.0001,
        grantExpiresMonths: 3,
        hardLimit: false,
        rolloverPolicy: "NONE",
      },
    });
    await allocate(world, hard, planId.toUpperCase(), "creditAmount=5");
    const again = await allocate(world, soft, planId, "creditAmount=20&hardLimit=true");
    expect(again.data).toMatchObject({ id: first.data.id, creditAmount: 20, hardLimit: true });
    expect(again.data).not.toHaveProperty("grantExpiresMonths");
    const list = await world.call<Page<Allocation>>("GET", `${CREDITS}/plans/${planId}/allocations`);
    expect(
      list.data.items.map(({ denomination, creditAmount, hardLimit }) => [denomination, creditAmount, hardLimit]),
    ).toEqual(
      expect.arrayContaining([
        ["SOFT", 20, true],
        ["HARD", 5, true],
      ]),
    );
    expect(list.data.pagination).toMatchObject({ total: 2, hasMore: false });
    const one = await world.call<Page<Allocation>>("GET", `${CREDITS}/plans/${planId}/allocations?limit=1&offset=1`);
    expect(one.data.items).toEqual([list.data.items[1]]);
    const shown = await world.call<{ creditAllocations: Allocation[] }>("GET", `${PLANS}/${planId}/features`);
    expect(shown.data.creditAllocations).toEqual(list.data.items);
    expect((await world.call("DELETE", `${CREDITS}/models/${soft}/plans/${planId}`)).status).toBe(200);
    expect((await world.call("DELETE", `${CREDITS}/models/${soft}/plans/${planId}`)).status).toBe(404);
    expect(await versionsOf(world, planId)).toMatchObject({ items: [] });
  });

  test("on a plan that was ACTIVE each change is a version, and versions say what they give", async ({ expect }) => {
    const world = await newWorld();
    const [ai, sms] = [await creditModel(world, "AI"), await creditModel(world, "SMS")];
    const featureId = await feature(world, "chat");
    const planId = await plan(world, "pro", [{ featureId }]);
    await allocate(world, ai, planId, "creditAmount=100");
    await allocate(world, sms, planId, "creditAmount=7");
    await allocate(world, ai, planId, "creditAmount=250");
    await world.call("DELETE", `${CREDITS}/models/${sms}/plans/${planId}`);
    await world.call("PATCH", RULES, { planId, featureId, creditModelId: ai });
    const amounts = ({ creditAllocations }: Version) => creditAllocations.map((one) => one.creditAmount);
    const { items } = await versionsOf(world, planId);
    expect(items.map(({ version, ...rest }) => [version, amounts({ version, ...rest })])).toEqual([
      [6, [250]],
      [5, [250]],
      [4, [250, 7]],
      [3, [100, 7]],
      [2, [100]],
      [1, []],
    ]);
    expect(items[0]?.features).toMatchObject([{ featureKey: "chat", creditModelId: ai, creditDenomination: "AI" }]);
    const { difference } = await versionsOf(world, planId, "?from=3&to=6");
    expect(difference).toMatchObject({
      addedAllocations: [],
      removedAllocations: [{ denomination: "SMS", creditAmount: 7 }],
      changedAllocations: [{ before: { creditAmount: 100 }, after: { creditAmount: 250 } }],
      changedFeatures: [{ before: { featureKey: "chat" }, after: { creditDenomination: "AI" } }],
    });
    expect((await versionsOf(world, planId, "?from=1&to=2")).difference?.addedAllocations).toMatchObject([
      { denomination: "AI", creditAmount: 100 },
    ]);
  });

  test("clients see the credits of what is sold", async ({ expect }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI", { rolloverPolicy: "CAPPED", rolloverCap: 500 });
    const featureId = await feature(world, "chat");
    const planId = await plan(world, "pro", [{ featureId, creditModelId: ai }]);
    await plan(world, "free", [{ featureId, creditModelId: ai }]);
    const { data } = await allocate(world, ai, planId, "creditAmount=1000");
    const offers = await world.call<Page<{ plan: { key: string }; creditAllocations: Allocation[] }>>(
      "GET",
      "/api/v1/client/plans",
    );
    const given = new Map(offers.data.items.map((offer) => [offer.plan.key, offer.creditAllocations]));
    expect(given.get("pro")).toEqual([data]);
    expect(given.get("pro")?.[0]).toMatchObject({ rolloverPolicy: "CAPPED", rolloverCap: 500 });
    expect(given.get("free")).toEqual([]);
  });

  test("a rule names a model by its id, shows what it is, and can let go of it", async ({ expect }) => {
    const world = await newWorld();
    const [ai, same] = [await creditModel(world, "AI"), await creditModel(world, "AI", { name: "Other" })];
    const featureId = await feature(world, "chat");
    const planId = await plan(world, "pro", [{ featureId, creditModelId: ai.toUpperCase() }], "DRAFT");
    const shown = { creditModelId: ai, creditModelName: "AI model", creditDenomination: "AI" };
    expect((await world.call("GET", `${RULES}/${planId}/${featureId}`)).data).toMatchObject(shown);
    const disabled = await world.call<Rule>("PATCH", RULES, { planId, featureId, isEnabled: false });
    expect(disabled.data).toMatchObject({ ...shown, isEnabled: false });
    const other = await world.call<Rule>("PATCH", RULES, { planId, featureId, creditModelId: same });
    expect(other.data).toMatchObject({ creditModelId: same, creditModelName: "Other", creditDenomination: "AI" });
    const bare = await world.call<Rule>("PATCH", RULES, { planId, featureId, creditModelId: "" });
    for (const field of Object.keys(shown)) expect(bare.data).not.toHaveProperty(field);
    const replaced = await world.call("PATCH", `${RULES}/diff/${planId}`, {
      features: [{ featureId, creditModelId: ai }],
    });
    expect(replaced).toMatchObject({ status: 200, data: { changedFeatures: [{ key: "chat" }] } });
    const plans = await world.call<{ features: { rule: Rule }[] }>("GET", `${PLANS}/${planId}/features`);
    expect(plans.data.features[0]?.rule).toMatchObject(shown);
  });
});

describe("refuses", () => {
  test.for<[string, Body, string]>([
    ["no name", { denomination: "AI" }, "name"],
    ["no denomination", { name: "AI" }, "denomination"],
    ["an unknown rollover", { name: "AI", denomination: "AI", rolloverPolicy: "HALF" }, "rolloverPolicy"],
    ["CAPPED without a cap", { name: "AI", denomination: "AI", rolloverPolicy: "CAPPED" }, "rolloverCap"],
    ["CAPPED at 0", { name: "AI", denomination: "AI", rolloverPolicy: "CAPPED", rolloverCap: 0 }, "rolloverCap"],
    ["CAPPED below 0", { name: "AI", denomination: "AI", rolloverPolicy: "CAPPED", rolloverCap: -1 }, "rolloverCap"],
    [
      "a cap of five decimals",
      { name: "AI", denomination: "AI", rolloverPolicy: "CAPPED", rolloverCap: 0.00001 },
      "rolloverCap",
    ],
    ["a cap without CAPPED", { name: "AI", denomination: "AI", rolloverPolicy: "FULL", rolloverCap: 5 }, "rolloverCap"],
  ])("a model with %s, by its field", async ([, body, path], { expect }) => {
    const world = await newWorld();
    const refused = await world.call("POST", `${CREDITS}/models`, body);
    expect(refused).toMatchObject({ status: 400, error: { code: "validation_failed", fields: [{ path }] } });
    expect(await dump("credit_models", world.accountId)).toEqual([]);
  });

  test.for<[string, string]>([
    ["", "creditAmount"],
    ["creditAmount=0", "creditAmount"],
    ["creditAmount=-5", "creditAmount"],
    ["creditAmount=0.00001", "creditAmount"],
    ["creditAmount=many", "creditAmount"],
    ["creditAmount=5&grantExpiresMonths=0", "grantExpiresMonths"],
    ["creditAmount=5&grantExpiresMonths=1.5", "grantExpiresMonths"],
    ["creditAmount=5&grantExpiresMonths=121", "grantExpiresMonths"],
    ["creditAmount=5&hardLimit=perhaps", "hardLimit"],
  ])("an allocation of “%s”, by its field", async ([query, path], { expect }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI");
    const planId = await plan(world, "pro", [], "DRAFT");
    const refused = await allocate(world, ai, planId, query);
    expect(refused).toMatchObject({ status: 400, error: { code: "validation_failed", fields: [{ path }] } });
    expect(await dump("plan_allocations", world.accountId)).toEqual([]);
  });

  test("models and plans that nobody has, or somebody else", async ({ expect }) => {
    const [world, other] = [await newWorld(), await newWorld()];
    const [ai, theirs] = [await creditModel(world, "AI"), await creditModel(other, "AI")];
    const featureId = await feature(world, "chat");
    const planId = await plan(world, "pro", [{ featureId }], "DRAFT");
    const theirPlan = await plan(other, "pro", [], "DRAFT");
    for (const model of [crypto.randomUUID(), "none", theirs]) {
      expect((await world.call("GET", `${CREDITS}/models/${model}`)).status).toBe(404);
      expect((await world.call("DELETE", `${CREDITS}/models/${model}`)).status).toBe(404);
      expect((await allocate(world, model, planId, "creditAmount=1")).status).toBe(404);
      expect((await world.call("DELETE", `${CREDITS}/models/${model}/plans/${planId}`)).status).toBe(404);
      const named = await world.call("PATCH", RULES, { planId, featureId, creditModelId: model });
      expect(named).toMatchObject({ status: 404, error: { code: "not_found" } });
      const features = [{ featureId, creditModelId: model }];
      expect((await world.call("PATCH", `${RULES}/diff/${planId}`, { features })).status).toBe(404);
    }
    for (const unknown of [crypto.randomUUID(), theirPlan]) {
      expect((await allocate(world, ai, unknown, "creditAmount=1")).status).toBe(404);
      expect((await world.call("GET", `${CREDITS}/plans/${unknown}/allocations`)).status).toBe(404);
    }
    expect((await other.call("GET", `${CREDITS}/models/${theirs}`)).status).toBe(200);
  });

  test("more allocations than a plan may have", async ({ expect }) => {
    const world = await newWorld();
    const planId = await plan(world, "pro", [], "DRAFT");
    const models: string[] = [];
    for (let at = 0; at < 21; at += 1) models.push(await creditModel(world, `C${at}`));
    for (const model of models.slice(0, 20))
      expect((await allocate(world, model, planId, "creditAmount=1")).status).toBe(200);
    const refused = await allocate(world, models[20] ?? "", planId, "creditAmount=1");
    expect(refused).toMatchObject({ status: 400, error: { fields: [{ path: "id" }] } });
    expect((await allocate(world, models[0] ?? "", planId, "creditAmount=2")).status).toBe(200);
  });

  test("to delete a model that a rule, an allocation or a subscriber's version names", async ({ expect }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI");
    const featureId = await feature(world, "chat");
    const remove = () => world.call("DELETE", `${CREDITS}/models/${ai}`);
    const planId = await plan(world, "pro", [{ featureId, creditModelId: ai }]);
    const giver = await plan(world, "giver", [{ featureId: await feature(world, "search") }]);
    await allocate(world, ai, giver, "creditAmount=1");
    await world.call("DELETE", `${PLANS}/${giver}`);
    const both = await remove();
    expect(both).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(both.error.message).toMatch(/the plan “giver”, the plan “pro”/);
    await world.call("PATCH", RULES, { planId, featureId, creditModelId: "" });
    const end = await subscribed(world, giver, 2);
    await world.call("DELETE", `${CREDITS}/models/${ai}/plans/${giver}`);
    expect((await remove()).error.message).toMatch(/used by version 2 of “giver”/);
    await end();
    expect((await remove()).status).toBe(200);
    // Versions that nobody has any more still say what they gave.
    expect((await versionsOf(world, giver)).items[1]).toMatchObject({ creditAllocations: [{ denomination: "AI" }] });
  });

  test("a second denomination for a feature that another plan burns, draft or sold, naming the plans", async ({
    expect,
  }) => {
    const world = await newWorld();
    const [ai, sms] = [await creditModel(world, "AI"), await creditModel(world, "SMS")];
    const featureId = await feature(world, "chat");
    const first = await plan(world, "first", [{ featureId, creditModelId: ai }], "DRAFT");
    const second = await plan(world, "second", [{ featureId, creditModelId: ai }]);
    const third = await plan(world, "third", [], "DRAFT");
    const name = () => world.call("POST", RULES, { planId: third, featureId, creditModelId: sms });
    const refused = await name();
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(refused.error.message).toMatch(/burns “AI” in the plans “first”, “second”/);
    const features = [{ featureId, creditModelId: sms }];
    expect((await world.call("PATCH", `${RULES}/diff/${third}`, { features })).status).toBe(409);
    // A sold plan's own rule has fixed it as well.
    await world.call("DELETE", `${PLANS}/${first}`);
    const own = await world.call("PATCH", RULES, { planId: second, featureId, creditModelId: sms });
    expect(own.error.message).toMatch(/in the plans “second”/);
    await world.call("PATCH", `${PLANS}/${second}`, { status: "ARCHIVED" });
    expect((await name()).status).toBe(201);
    // By now the feature burns the other one, and the archived plan cannot be sold again as it is.
    const revived = await world.call("PATCH", `${PLANS}/${second}`, { status: "ACTIVE" });
    expect(revived).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(revived.error.message).toMatch(/“third”/);
  });

  test("a second denomination while a subscriber's version burns the first", async ({ expect }) => {
    const world = await newWorld();
    const [ai, sms] = [await creditModel(world, "AI"), await creditModel(world, "SMS")];
    const [featureId, search] = [await feature(world, "chat"), await feature(world, "search")];
    const planId = await plan(world, "pro", [{ featureId, creditModelId: ai }, { featureId: search }]);
    const end = await subscribed(world, planId, 1);
    await world.call("DELETE", `${RULES}/${planId}/${featureId}`);
    const name = () => world.call("POST", RULES, { planId, featureId, creditModelId: sms });
    const refused = await name();
    expect(refused).toMatchObject({ status: 409, error: { code: "conflict" } });
    expect(refused.error.message).toMatch(/“pro” \(version 1\)/);
    await end();
    expect((await name()).status).toBe(201);
  });
});

describe("holds", () => {
  test("a draft whose only rule names a model may name another, of whatever denomination", async ({ expect }) => {
    const world = await newWorld();
    const [ai, sms] = [await creditModel(world, "AI"), await creditModel(world, "SMS")];
    const featureId = await feature(world, "chat");
    const planId = await plan(world, "pro", [{ featureId, creditModelId: ai }], "DRAFT");
    const changed = await world.call<Rule>("PATCH", RULES, { planId, featureId, creditModelId: sms });
    expect(changed).toMatchObject({ status: 200, data: { creditDenomination: "SMS" } });
  });

  test("an allocation sent again as it is makes no version and no entry in the trail", async ({ expect }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI");
    const planId = await plan(world, "pro", [{ featureId: await feature(world, "chat") }]);
    const first = await allocate(world, ai, planId, "creditAmount=100");
    expect((await allocate(world, ai, planId, "creditAmount=100.0000&hardLimit=true")).data).toEqual(first.data);
    expect((await versionsOf(world, planId)).items.map(({ version }) => version)).toEqual([2, 1]);
    expect(await actions(world)).toEqual(["allocation.created", "credit_model.created"]);
  });

  test("price and rules change with the allocations untouched, a draft's deletion takes them along", async ({
    expect,
  }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI");
    const featureId = await feature(world, "chat");
    const sold = await plan(world, "pro", [{ featureId, creditModelId: ai }]);
    await allocate(world, ai, sold, "creditAmount=100");
    await world.call("PATCH", `${PLANS}/${sold}`, { priceAmount: 5 });
    await world.call("PATCH", RULES, { planId: sold, featureId, isEnabled: false });
    const { items } = await versionsOf(world, sold);
    expect(items.map(({ creditAllocations }) => creditAllocations.length)).toEqual([1, 1, 1, 0]);
    expect(items[0]?.features).toMatchObject([{ creditDenomination: "AI" }]);
    const draft = await plan(world, "draft", [], "DRAFT");
    await allocate(world, ai, draft, "creditAmount=100");
    await world.call("DELETE", `${PLANS}/${draft}`);
    expect(await dump("plan_allocations", world.accountId)).toHaveLength(1);
  });

  test("a subscriber pins what its plan gives and burns, whatever becomes of the plan", async ({ expect }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI", { rolloverPolicy: "CAPPED", rolloverCap: 500 });
    const featureId = await feature(world, "chat");
    const planId = await plan(world, "pro", [{ featureId, creditModelId: ai }]);
    const { data: given } = await allocate(world, ai, planId, "creditAmount=1000&grantExpiresMonths=2");
    const pinned = await pinOfPlan(env.DB, world.accountId, "pro");
    expect(pinned?.pin).toMatchObject({
      version: 2,
      rules: [{ featureKey: "chat", creditModelId: ai, denomination: "AI" }],
      allocations: [
        {
          allocationId: given.id,
          creditModelName: "AI model",
          denomination: "AI",
          amountE4: 10_000_000n,
          grantExpiresMonths: 2,
          hardLimit: true,
          rolloverPolicy: "CAPPED",
          rolloverCapE4: 5_000_000n,
        },
      ],
    });
    await world.call("POST", "/api/v1/client/customers", { customerReferenceId: "ada", email: "ada@acme.test" });
    const bought = await world.call("POST", "/api/v1/client/subscriptions", { customerReferenceId: "ada", planId });
    expect(bought.status).toBe(201);
    await world.call("DELETE", `${CREDITS}/models/${ai}/plans/${planId}`);
    await world.call("PATCH", RULES, { planId, featureId, creditModelId: "" });
    const refused = await world.call("DELETE", `${CREDITS}/models/${ai}`);
    expect(refused.error.message).toMatch(/used by version 2 of “pro”, which subscribers still have/);
  });

  test("whether a version is in somebody's hands is asked of an index, and what names a model too", async ({
    expect,
  }) => {
    const { accountId } = await newWorld();
    const live = "SEARCH s USING COVERING INDEX subscriptions_live (account_id=? AND plan_id=? AND plan_version=?)";
    for (const ask of [
      (db: D1Database) => denominationsHeld(db, accountId),
      (db: D1Database) => denominationsHeld(db, accountId, ["f"]),
      (db: D1Database) => versionsNaming(db, accountId, "m"),
    ])
      expect(await queryPlans(ask)).toContain(live);
    expect(await queryPlans((db) => denominationsBurned(db, accountId, ["f"]))).toContain(
      "SEARCH r USING COVERING INDEX plan_rules_by_credit_model (account_id=? AND credit_model_id>?)",
    );
    expect(await queryPlans((db) => plansNaming(db, accountId, "m"))).toEqual(
      expect.arrayContaining([
        "SEARCH plan_rules USING COVERING INDEX plan_rules_by_credit_model (account_id=? AND credit_model_id=?)",
        "SEARCH plan_allocations USING COVERING INDEX plan_allocations_by_model (account_id=? AND credit_model_id=?)",
      ]),
    );
  });

  test("a model deleted while a rule names it: one of the two happens", async ({ expect }) => {
    const world = await newWorld();
    const featureId = await feature(world, "chat");
    for (let round = 0; round < 4; round += 1) {
      const ai = await creditModel(world, "AI");
      const planId = await plan(world, `plan.${round}`, [], "DRAFT");
      const [rule, deletion] = await Promise.all([
        world.call("POST", RULES, { planId, featureId, creditModelId: ai }),
        world.call("DELETE", `${CREDITS}/models/${ai}`),
      ]);
      expect([
        [201, 409],
        [404, 200],
      ]).toContainEqual([rule.status, deletion.status]);
    }
  });

  test("a repeat answers the same, D1 away is 503, its batch twice is once", async ({ expect }) => {
    const world = await newWorld();
    const model = { name: "AI", denomination: "AI" };
    const make = (key: string) => world.call<Model>("POST", `${CREDITS}/models`, model, { "Idempotency-Key": key });
    const first = await make("one");
    expect((await make("one")).data).toEqual(first.data);
    expect((await withD1("away", () => make("two"))).status).toBe(503);
    expect(await dump("credit_models", world.accountId)).toHaveLength(1);
    const planId = await plan(world, "pro", [{ featureId: await feature(world, "chat") }]);
    const { id } = first.data;
    const given = await withD1("doubled", () => allocate(world, id, planId, "creditAmount=3"));
    expect(given).toMatchObject({ status: 200, data: { creditAmount: 3 } });
    expect((await versionsOf(world, planId)).items.map(({ version }) => version)).toEqual([2, 1]);
  });

  test("every change is in the trail, a refused one is not", async ({ expect }) => {
    const world = await newWorld();
    const ai = await creditModel(world, "AI");
    const planId = await plan(world, "pro", [], "DRAFT");
    await allocate(world, ai, planId, "creditAmount=1");
    await allocate(world, ai, planId, "creditAmount=2");
    await world.call("DELETE", `${CREDITS}/models/${ai}`);
    await world.call("DELETE", `${CREDITS}/models/${ai}/plans/${planId}`);
    await world.call("DELETE", `${CREDITS}/models/${ai}`);
    expect(await actions(world)).toEqual([
      "allocation.changed",
      "allocation.created",
      "allocation.deleted",
      "credit_model.created",
      "credit_model.deleted",
    ]);
  });
});
