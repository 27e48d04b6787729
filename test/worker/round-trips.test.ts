import { env } from "cloudflare:workers";
import { beforeEach, describe, test } from "vitest";
import { clearDirectory } from "../../src/catalog/directory.ts";
import { clearSnapshots } from "../../src/catalog/snapshot.ts";
import { leases } from "../../src/edge/leases.ts";
import { ada, check, commit, consume, evaluate, release, reserve } from "../support/access.ts";
import { insertKey } from "../support/probe.ts";
import { ok } from "../support/sale.ts";
import { type Answer, newWorld, request, type World } from "../support/world.ts";

/** What each kind of request waits for: round trips to D1 and calls of objects, by what its answer says of itself. */

beforeEach(() => leases.clear());

/** An isolate that has just started remembers nothing. */
function cold(): void {
  clearSnapshots();
  clearDirectory();
  leases.clear();
}

/** `2 d1, 1 object, object`: trips, calls, and who answered. */
async function waited(asked: Promise<Answer<unknown>>): Promise<string> {
  const { headers } = await asked;
  const timing = headers.get("Server-Timing") ?? "none";
  const counted = (name: string) => new RegExp(`${name};dur=\\d+;desc="(\\d+) `).exec(timing)?.[1] ?? "0";
  return `${counted("d1")} d1, ${counted("object")} object, ${headers.get("X-Tanso-Source")}`;
}

async function world(): Promise<World> {
  const made = await newWorld();
  await ada(made, { chat: {} });
  return made;
}

const event = (made: World, reference = "ada") =>
  made.event({ customerReferenceId: reference, featureKey: "chat", usageUnits: 1 });

describe("does", () => {
  test("a check: key and customer in one round trip when nothing is known, none when it is", async ({ expect }) => {
    const made = await world();
    cold();
    expect(await waited(check(made, "chat"))).toBe("1 d1, 1 object, object");
    expect(await waited(check(made, "chat"))).toBe("0 d1, 1 object, object");
    const { id } = await ok(made.call<{ id: string }>("GET", "/api/v1/client/customers/ada"));
    cold();
    expect(await waited(check(made, "chat", "", id))).toBe("1 d1, 1 object, object");
    // The key is known, its customer is not.
    clearDirectory();
    expect(await waited(check(made, "chat"))).toBe("1 d1, 1 object, object");
  });

  test("a check from a lease waits for nothing", async ({ expect }) => {
    const made = await world();
    await ok(made.call("PATCH", "/api/v1/account/settings", { entitlementStalenessMs: 1000 }));
    cold();
    expect(await waited(check(made, "chat"))).toBe("1 d1, 1 object, object");
    expect(await waited(check(made, "chat"))).toBe("0 d1, 0 object, lease");
  });

  test("events, evaluations, consumption and reservations: key, then whom the body names; warm, the object alone", async ({
    expect,
  }) => {
    const made = await world();
    const calls = {
      event: () => event(made),
      evaluate: () => evaluate(made, { featureKey: "chat" }),
      consume: () => consume(made),
      reserve: () => reserve(made),
    };
    for (const call of Object.values(calls)) {
      cold();
      expect(await waited(call())).toBe("2 d1, 1 object, object");
      expect(await waited(call())).toBe("0 d1, 1 object, object");
    }
  });

  test("what is reserved leads to its object by its id: nobody is looked up", async ({ expect }) => {
    const made = await world();
    const [first, second] = [await ok(reserve(made)), await ok(reserve(made))];
    cold();
    expect(await waited(commit(made, first.reservationId))).toBe("1 d1, 1 object, object");
    expect(await waited(release(made, second.reservationId))).toBe("0 d1, 1 object, object");
  });

  test("the first event of an unknown customer makes it: looked for, made, and looked at again", async ({ expect }) => {
    const made = await world();
    cold();
    expect(await waited(event(made, "eve"))).toBe("4 d1, 1 object, object");
    expect(await waited(event(made, "eve"))).toBe("0 d1, 1 object, object");
  });

  test("what no customer is asked for says so", async ({ expect }) => {
    const made = await world();
    const plans = () => made.call("GET", "/api/v1/client/plans");
    cold();
    await waited(plans());
    expect((await plans()).headers.get("X-Tanso-Source")).toBe("catalog");
  });
});

describe("refuses", () => {
  test("an unknown customer and an unknown key in one round trip", async ({ expect }) => {
    const made = await world();
    cold();
    const nobody = check(made, "chat", "", "nobody");
    expect(await waited(nobody)).toBe("1 d1, 0 object, catalog");
    expect((await nobody).status).toBe(404);
    const headers = { Authorization: `Bearer sk_test_${"x".repeat(43)}` };
    const unknown = request("GET", "/api/v1/client/entitlements/ada/chat", undefined, headers);
    expect(await waited(unknown)).toBe("1 d1, 0 object, catalog");
    expect((await unknown).status).toBe(401);
  });

  test("another account's customer of the same name, and others than its own to a customer's key", async ({
    expect,
  }) => {
    const [made, other] = [await world(), await newWorld()];
    cold();
    expect((await check(other, "chat")).status).toBe(404);
    const { id } = await ok(made.call<{ id: string }>("GET", "/api/v1/client/customers/ada"));
    const eve = await ok(
      made.call<{ customerId: string }>("POST", "/api/v1/client/events", {
        eventName: "call",
        customerReferenceId: "eve",
        featureKey: "chat",
      }),
    );
    const key = await insertKey(made.accountId, { scopes: ["read"], customerId: eve.customerId });
    cold();
    const headers = { Authorization: `Bearer ${key}` };
    for (const ref of ["ada", id, "nobody"]) {
      const answer = await request("GET", `/api/v1/client/entitlements/${ref}/chat`, undefined, headers);
      expect(answer).toMatchObject({ status: 403, error: { code: "forbidden" } });
    }
  });
});

describe("holds", () => {
  test("each request counts for itself: the database of one is not the next one's", async ({ expect }) => {
    const made = await world();
    const database = env.DB;
    for (let times = 0; times < 3; times += 1) {
      cold();
      expect(await waited(check(made, "chat"))).toBe("1 d1, 1 object, object");
    }
    expect(env.DB).toBe(database);
  });
});
