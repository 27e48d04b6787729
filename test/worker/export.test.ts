import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, test, vi } from "vitest";
import { EXPORTED_OF_CUSTOMER, NOT_EXPORTED_OF_CUSTOMER } from "../../src/catalog/customer-export.ts";
import { EXPORTED_TABLES, NOT_EXPORTED } from "../../src/customer/export-tables.ts";
import { exportRecord } from "../../src/domain/export-record.ts";
import { type CustomerTag, customerThingId } from "../../src/domain/ids.ts";
import { MARK, personalCustomer, REFERENCE, tablesOf } from "../support/personal.ts";
import { type Probed, send } from "../support/probe.ts";
import { customer } from "../support/sale.ts";
import { clockAt, newWorld, type World } from "../support/world.ts";

afterEach(() => {
  vi.useRealTimers();
});

type Line = { record: string; id?: string } & Record<string, unknown>;

async function world(): Promise<World> {
  clockAt("2027-01-15T10:00:00Z");
  return newWorld();
}

const exported = (world: World, id: string): Promise<Probed> =>
  send("GET", `/api/v1/monetization/customers/${encodeURIComponent(id)}/export`, { key: world.key });

function linesOf({ text }: Probed): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

describe("does", () => {
  test("everything is there, a line each, and the last line says how many", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop, { cancel: false });
    const answer = await exported(shop, REFERENCE);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("application/x-ndjson; charset=utf-8");
    expect(answer.headers.get("Content-Disposition")).toBe(`attachment; filename="customer-${id}.ndjson"`);
    const lines = linesOf(answer);
    expect(lines.at(-1)).toEqual({ record: "end", records: lines.length - 1 });
    const only = (record: string) => lines.filter((line) => line.record === record);
    expect(only("identity")).toMatchObject([
      { kind: "reference", value: REFERENCE },
      { kind: "stripe", value: `cus_${MARK}` },
    ]);
    expect(only("profile")).toMatchObject([{ profile: { firstName: `${MARK}-Ada`, createdAt: expect.any(String) } }]);
    const [invoice] = only("invoice");
    expect(invoice?.body).toMatchObject({
      buyer: { email: `${MARK}@mail.test` },
      lines: [{ kind: "BASE", amountMinor: 1000 }],
    });
    expect(only("event")).toHaveLength(4);
    expect(only("event")[0]).toMatchObject({
      occurredAt: "2027-01-15T10:00:00.000Z",
      usage: "3",
      key: `${MARK}-event`,
      meta: { note: `${MARK} wrote this` },
    });
    const [correction] = only("event_correction");
    expect(correction?.eventId).toBe(only("event")[0]?.id);
    expect(only("credit_transaction").map(({ body }) => (body as Line).type)).toContain("FREEZE");
    expect(only("audit_entry").map(({ action }) => action)).toContain("customer_key.created");
    expect(only("audit_entry").map(({ action }) => action)).toContain("credit_pool.frozen");
    // What is told of a key is not the key.
    expect(only("api_key")).toHaveLength(1);
    expect(only("api_key")[0]).not.toHaveProperty("digest");
  });

  test("each row of each exported table is a line, however many pages it takes", async ({ expect }) => {
    const shop = await world();
    const id = await personalCustomer(shop);
    const many = Array.from({ length: 1000 }, (_, n) => ({
      eventName: "call",
      customerReferenceId: REFERENCE,
      eventIdempotencyKey: `many-${n}`,
    }));
    await shop.batch(many);
    await shop.batch(many.map((event) => ({ ...event, eventIdempotencyKey: `${event.eventIdempotencyKey}-b` })));
    const lines = linesOf(await exported(shop, id));
    const counted = await runInDurableObject(shop.object(id), (_, { storage: { sql } }) =>
      EXPORTED_TABLES.map(({ table, record }) => ({
        record,
        rows: sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
      })),
    );
    expect(counted.every(({ rows }) => rows > 0)).toBe(true);
    for (const { record, rows } of counted)
      expect({ record, rows: lines.filter((line) => line.record === record).length }).toEqual({ record, rows });
    const ids = lines.flatMap((line) => line.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("units are told as people read them, also inside bodies", ({ expect }) => {
    const tag = "0123456789abcdc" as CustomerTag;
    const row = {
      number: 3,
      subscription: 1,
      at_ms: 0,
      usage_e12: "2500000000000",
      span_ms: 60,
      reference: null,
      body: '{"amountE4":{"$bigint":"12500"},"units":{"$bigint":"1000000000000"},"createdAtMs":0,"metadata":"{\\"a_ms\\":1}"}',
      meta: '{"at_ms": 1}',
    };
    expect(exportRecord(tag, "thing", row, "invoice")).toEqual({
      record: "thing",
      id: customerThingId(tag, "invoice", 3),
      number: 3,
      subscriptionId: customerThingId(tag, "subscription", 1),
      at: "1970-01-01T00:00:00.000Z",
      usage: "2.5",
      spanMs: 60,
      body: { amount: "1.25", units: "1", createdAt: "1970-01-01T00:00:00.000Z", metadata: { a_ms: 1 } },
      meta: { at_ms: 1 },
    });
  });
});

describe("refuses", () => {
  test("a customer nobody knows, and another account's", async ({ expect }) => {
    const [shop, other] = [await world(), await newWorld()];
    const id = await customer(shop);
    for (const [asking, named] of [
      [shop, "nobody"],
      [other, id],
    ] as const)
      expect(await exported(asking, named)).toMatchObject({
        status: 404,
        envelope: { error: { code: "not_found" } },
      });
  });
});

describe("holds", () => {
  test("no table of the object is left out without a reason", async ({ expect }) => {
    const shop = await world();
    const tables = await runInDurableObject(shop.object(await customer(shop)), (_, { storage: { sql } }) =>
      tablesOf(sql),
    );
    expect(tables.length).toBeGreaterThan(15);
    expect([...EXPORTED_TABLES.map(({ table }) => table), ...Object.keys(NOT_EXPORTED)].sort()).toEqual(tables);
  });

  test("no table of D1 that names customers is left out without a reason", async ({ expect }) => {
    const { results } = await env.DB.prepare("PRAGMA table_list").all<{ name: string; schema: string; type: string }>();
    const naming: string[] = [];
    for (const { name } of results.filter(({ schema, type }) => schema === "main" && type === "table")) {
      if (name.startsWith("_cf_")) continue;
      const columns = await env.DB.prepare(`PRAGMA table_info("${name}")`).all<{ name: string }>();
      if (columns.results.some((column) => column.name === "customer_id")) naming.push(name);
    }
    expect(naming.length).toBeGreaterThan(8);
    const known = [...EXPORTED_OF_CUSTOMER.map(({ table }) => table), ...Object.keys(NOT_EXPORTED_OF_CUSTOMER)];
    expect(known.sort()).toEqual(naming.sort());
  });

  test("another customer's things are not among them", async ({ expect }) => {
    const shop = await world();
    await personalCustomer(shop);
    const bob = await customer(shop, "bob");
    const answer = await exported(shop, bob);
    expect(answer.text).not.toContain(MARK);
    expect(linesOf(answer).map(({ record }) => record)).toEqual(["identity", "profile", "end"]);
  });
});
