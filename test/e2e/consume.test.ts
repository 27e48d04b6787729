import { afterAll, beforeAll, describe, test } from "vitest";
import { ask, get, insist } from "./support/api.ts";
import {
  crashAndStart,
  newStateFolder,
  removeStateFolder,
  startTanso,
  stopTanso,
  type Tanso,
} from "./support/tanso.mjs";

/** Checking and recording in one call: what many callers do at once, and what they do when the server dies under them. */

const state = newStateFolder();
const LIMIT = 100;
const CALLERS = 500;
const CONSUME = "/api/v1/client/entitlements/consume";

let tanso: Tanso;
beforeAll(async () => {
  tanso = await startTanso(state);
  const feature = await made("/api/v1/monetization/features", { key: "search", name: "Search" });
  const plan = await made("/api/v1/monetization/plans", { key: "hundred", name: "Hundred", description: "A hundred." });
  const pricing = { model: "included", max_usage: LIMIT };
  await made("/api/v1/monetization/rules/plan-features", { planId: plan, featureId: feature, value: { pricing } });
  await ask(tanso, "PATCH", `/api/v1/monetization/plans/${plan}`, { status: "ACTIVE" });
});
afterAll(async () => {
  await stopTanso(tanso);
  removeStateFolder(state);
});

/** Makes a thing; answers its id. */
async function made(path: string, thing: object): Promise<string> {
  const { status, data } = await ask(tanso, "POST", path, thing);
  if (status !== 201) throw new Error(`POST ${path} answers ${status}`);
  return (data as { id: string }).id;
}

/** A customer who may search a hundred times. */
async function subscriber(customerReferenceId: string): Promise<string> {
  await made("/api/v1/client/customers", { customerReferenceId, email: `${customerReferenceId}@example.com` });
  const { status } = await ask(tanso, "POST", "/api/v1/client/subscriptions", {
    customerReferenceId,
    planId: "hundred",
  });
  if (status !== 201) throw new Error(`subscribing answers ${status}`);
  return customerReferenceId;
}

type Consumed = { key: string; status: number; data: unknown; repeats: number };

/** Resolves once a killed server is back. */
let isBack: Promise<void> = Promise.resolve();

async function killAndStart(): Promise<void> {
  tanso = await crashAndStart(tanso);
}

/**
 * All callers at once, or `everyMs` apart; each consumes one unit under its own key and repeats its call until it has an answer.
 * `onAnswer` hears of each as it arrives.
 */
function rush(
  customerReferenceId: string,
  { everyMs = 0, onAnswer = () => {} }: { everyMs?: number; onAnswer?: (answer: Consumed) => void } = {},
): Promise<Consumed[]> {
  const body = { eventName: "search", customerReferenceId, featureKey: "search", usageUnits: 1 };
  return Promise.all(
    Array.from({ length: CALLERS }, async (_, index) => {
      const key = `caller-${index}`;
      const call = { ...body, eventIdempotencyKey: key };
      if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, index * everyMs));
      const answer = { key, ...(await insist(tanso, "POST", CONSUME, call, () => isBack)) };
      onAnswer(answer);
      return answer;
    }),
  );
}

function keysWith(answers: readonly Consumed[], wanted: number): string[] {
  return answers.flatMap(({ key, status }) => (status === wanted ? [key] : [])).sort();
}

async function usage(reference: string): Promise<unknown> {
  return ((await get(tanso, `/api/v1/client/entitlements/${reference}/search`)).data as { usage: unknown }).usage;
}

type Event = { eventIdempotencyKey: string; usageUnits: number; metered: boolean };

/** Keys of the customer's events, sorted; each must count one unit. */
async function countedKeys(reference: string): Promise<string[]> {
  const { data } = await get(tanso, `/api/v1/analytics/events?customerReferenceId=${reference}&limit=200`);
  const { items } = data as { items: Event[] };
  for (const { usageUnits, metered } of items)
    if (usageUnits !== 1 || !metered) throw new Error("an event counts something else than one unit");
  return items.map(({ eventIdempotencyKey }) => eventIdempotencyKey).sort();
}

/** Units of one customer in the account's sums, which follow by the outbox. */
async function summedUnits(reference: string): Promise<number | undefined> {
  const { data } = await get(tanso, "/api/v1/analytics/customers");
  const { items } = data as { items: { customerReferenceId: string; usageUnits: number }[] };
  return items.find(({ customerReferenceId }) => customerReferenceId === reference)?.usageUnits;
}

describe("holds", () => {
  test("of 500 concurrent callers exactly as many succeed as the limit allows", async ({ expect }) => {
    const reference = await subscriber("calm");
    const answers = await rush(reference);
    expect(keysWith(answers, 201)).toHaveLength(LIMIT);
    expect(keysWith(answers, 200)).toHaveLength(CALLERS - LIMIT);
    const denied = {
      entitlement: { allowed: false, meta: { reason: { code: "USAGE_LIMIT_EXCEEDED" } }, usage: { remaining: 0 } },
    };
    for (const { status, data } of answers) if (status === 200) expect(data).toMatchObject(denied);
    expect(await usage(reference)).toEqual({ used: LIMIT, limit: LIMIT, remaining: 0 });
    expect(await countedKeys(reference)).toEqual(keysWith(answers, 201));
  });

  test("the server killed twice among them: no unit is lost and none counted twice", async ({ expect }) => {
    const reference = await subscriber("torn");
    let kills = 0;
    let told = 0;
    const onAnswer = ({ repeats }: Consumed) => {
      // Answers that were on their way when the server died still arrive: they belong to the life before.
      if (kills === 2 || repeats < kills) return;
      told += 1;
      if (told < 20) return;
      told = 0;
      kills += 1;
      isBack = killAndStart();
    };
    const answers = await rush(reference, { everyMs: 2, onAnswer });
    // Both kills fell among the callers: some were told before, some asked twice, some three times.
    const asked = new Set(answers.map(({ repeats }) => 1 + repeats));
    for (const times of [1, 2, 3]) expect(asked).toContain(times);

    const winners = keysWith(answers, 201);
    expect(winners).toHaveLength(LIMIT);
    expect(keysWith(answers, 200)).toHaveLength(CALLERS - LIMIT);
    expect(await usage(reference)).toEqual({ used: LIMIT, limit: LIMIT, remaining: 0 });
    expect(await countedKeys(reference)).toEqual(winners);

    // Everybody asks once more, as a client does that lost its memory.
    const again = await rush(reference);
    expect(keysWith(again, 201)).toEqual(winners);
    for (const { status, data } of again) if (status === 201) expect(data).toMatchObject({ duplicate: true });
    expect(await usage(reference)).toEqual({ used: LIMIT, limit: LIMIT, remaining: 0 });
    await expect.poll(() => summedUnits(reference), { timeout: 60_000 }).toBe(LIMIT);
  });
});
