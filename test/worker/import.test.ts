import { afterAll, beforeEach, describe, test, vi } from "vitest";
import { at, clockAt, newWorld, type World } from "../support/world.ts";

beforeEach(() => clockAt("2030-03-05T10:30:00Z"));
afterAll(() => {
  vi.useRealTimers();
});

type Result = {
  accepted: number;
  duplicates: number;
  rejected: number;
  nextOffset: number;
  errors: { line: number; message: string }[];
};

const CSV = { "Content-Type": "text/csv; charset=utf-8" };
const NDJSON = { "Content-Type": "application/x-ndjson" };

function send(
  world: World,
  query: Record<string, string>,
  file: string | Uint8Array,
  headers: Record<string, string> = CSV,
) {
  return world.call<Result>("POST", `/api/v1/events/import?${new URLSearchParams(query)}`, file, headers);
}

async function eventsOf(world: World, reference: string) {
  const { data } = await world.call<{ id: string }>("GET", `/api/v1/client/customers/${reference}`);
  return (await world.object(data.id).events({}, { limit: 1000, offset: 0 })).items.toSorted((a, b) => a.seq - b.seq);
}

describe("does", () => {
  test("columns and constants become events; a column called like a field needs no mapping", async ({ expect }) => {
    const world = await newWorld();
    const file = `who,occurredAt,in,out,note
acme,2030-03-01T00:00:00Z,3000,500,"says ""hi"", twice
on two lines"
acme,2030-03-02T00:00:00Z,0,0,
beta,2030-03-03T00:00:00Z,,7,x
`;
    const { status, data } = await send(
      world,
      {
        importId: "file-1",
        "map.customerReferenceId": "who",
        "map.costInput.inputTokens": "in",
        "map.costInput.outputTokens": "out",
        "map.meta.note": "note",
        "set.eventName": "llm.call",
        "set.costInput.model": "gpt-4o-mini",
        "set.costInput.modelProvider": "openai",
        "set.usageUnits": "0.1",
      },
      file,
    );
    expect(status).toBe(200);
    expect(data).toEqual({ accepted: 3, duplicates: 0, rejected: 0, nextOffset: 3, errors: [] });
    const [first, second] = await eventsOf(world, "acme");
    expect(first).toMatchObject({
      key: "file-1:1",
      eventName: "llm.call",
      occurredAtMs: at("2030-03-01T00:00:00Z"),
      costE12: 750_000_000n,
      usageE12: 100_000_000_000n,
      meta: JSON.stringify({ note: 'says "hi", twice\non two lines' }),
    });
    expect(second).toMatchObject({ key: "file-1:2", costE12: 0n });
    expect(second?.meta).toBeUndefined();
    const [third] = await eventsOf(world, "beta");
    expect(third).toMatchObject({ key: "file-1:3", outputTokens: 7 });
    expect(third?.inputTokens).toBeUndefined();
  });

  test("times in all forms that files have", async ({ expect }) => {
    const world = await newWorld();
    const times = [
      ["2030-03-01 12:30:15.5", "2030-03-01T12:30:15.500Z"],
      ["2030-03-01T12:30:15", "2030-03-01T12:30:15.000Z"],
      ["2030-03-01 12:30", "2030-03-01T12:30:00.000Z"],
      ["2030-03-01T12:30:15.1239+02:00", "2030-03-01T10:30:15.123Z"],
      ["1898598615", "2030-03-01T12:30:15.000Z"],
      ["1898598615.25", "2030-03-01T12:30:15.250Z"],
      ["1898598615250", "2030-03-01T12:30:15.250Z"],
    ];
    const file = `at\n${times.map(([cell]) => cell).join("\n")}\n`;
    const query = { importId: "t", "map.occurredAt": "at", "set.eventName": "x", "set.customerReferenceId": "acme" };
    expect((await send(world, query, file)).data).toMatchObject({ accepted: times.length, errors: [] });
    const stored = await eventsOf(world, "acme");
    expect(stored.map(({ occurredAtMs }) => new Date(occurredAtMs).toISOString())).toEqual(times.map(([, iso]) => iso));
  });

  test("NDJSON: event bodies, nulls are absent, columns may be mapped", async ({ expect }) => {
    const world = await newWorld();
    const lines = [
      { eventName: "x", customerReferenceId: "acme", occurredAt: 1898598615, usageUnits: 2, flowId: null },
      { eventName: "x", who: "acme", costInput: { model: "gpt-4o-mini", modelProvider: null, inputTokens: 1_000_000 } },
    ];
    const file = `${JSON.stringify(lines[0])}\r\n\n  \n${JSON.stringify(lines[1])}`;
    const { data } = await send(world, { importId: "n", "map.customerReferenceId": "who" }, file, NDJSON);
    expect(data).toMatchObject({ accepted: 2, errors: [], nextOffset: 2 });
    const stored = await eventsOf(world, "acme");
    expect(stored.map(({ key }) => key)).toEqual(["n:1", "n:2"]);
    expect(stored[0]).toMatchObject({ occurredAtMs: at("2030-03-01T12:30:15Z") });
    expect(stored[1]).toMatchObject({ costE12: 150_000_000_000n });
  });

  test("parts go on where the one before ended; a key of the file's own may be mapped", async ({ expect }) => {
    const world = await newWorld();
    const query = { importId: "p", "map.customerReferenceId": "who", "set.eventName": "x" };
    const one = await send(world, query, "who\nacme\nacme\n");
    const two = await send(world, { ...query, offset: String(one.data.nextOffset) }, "who\nacme\n");
    expect(two.data).toMatchObject({ accepted: 1, nextOffset: 3 });
    const own = await send(world, { ...query, "map.eventIdempotencyKey": "id" }, "id,who\np:3,acme\nmine,acme\n");
    expect(own.data).toMatchObject({ accepted: 1, duplicates: 1 });
    expect((await eventsOf(world, "acme")).map(({ key }) => key)).toEqual(["p:1", "p:2", "p:3", "mine"]);
  });
});

describe("refuses", () => {
  test("a bad row by its line, and takes the others", async ({ expect }) => {
    const world = await newWorld();
    const file = "who,at,units\nacme,2030-03-01,1\nacme,2030-03-01T00:00:00Z,-1\n\nacme,2030-03-01T00:00:00Z,1\n,,\n";
    const query = {
      importId: "e",
      "map.customerReferenceId": "who",
      "map.occurredAt": "at",
      "map.usageUnits": "units",
      "set.eventName": "x",
    };
    const { data } = await send(world, query, file);
    expect(data).toMatchObject({ accepted: 1, duplicates: 0, rejected: 3, nextOffset: 4 });
    expect(data.errors.map(({ line }) => line)).toEqual([2, 3, 6]);
    expect(data.errors[0]?.message).toContain("occurredAt");
    expect(data.errors[1]?.message).toContain("usageUnits");
    const broken = await send(
      world,
      { importId: "j", "set.costInput.model": "m" },
      '{"a":\n[1]\n{"eventName":"x","customerReferenceId":"acme","costInput":"gpt"}\n',
      NDJSON,
    );
    expect(broken.data).toMatchObject({ accepted: 0, rejected: 3 });
    expect(broken.data.errors.map(({ line }) => line)).toEqual([1, 2, 3]);
  });

  test("a quote that never ends is an error of its row, not a cell that swallows the rest", async ({ expect }) => {
    const world = await newWorld();
    const file = 'who,note\nacme,fine\nacme,"open\nacme,lost\nacme,lost too\n';
    const query = { importId: "q", "map.customerReferenceId": "who", "map.meta.note": "note", "set.eventName": "x" };
    const { data } = await send(world, query, file);
    expect(data).toMatchObject({ accepted: 1, rejected: 1 });
    expect(data.errors).toEqual([{ line: 3, message: expect.stringContaining("quote") }]);
  });

  test("100 errors are shown, all are counted", async ({ expect }) => {
    const world = await newWorld();
    const file = `usageUnits\n${"x\n".repeat(150)}`;
    const { data } = await send(world, { importId: "m", "set.eventName": "x", "set.customerReferenceId": "a" }, file);
    expect(data.rejected).toBe(150);
    expect(data.errors).toHaveLength(100);
  });

  test("a column that is not there, a field that is none, no importId, another media type", async ({ expect }) => {
    const world = await newWorld();
    const refused = async (query: Record<string, string>, headers = CSV) => {
      const answer = await send(world, query, "who\nacme\n", headers);
      return [answer.status, answer.error?.fields?.[0]?.path];
    };
    expect(await refused({ importId: "i", "map.customerReferenceId": "nobody" })).toEqual([
      400,
      "map.customerReferenceId",
    ]);
    expect(await refused({ importId: "i", "map.customerName": "who" })).toEqual([400, "map.customerName"]);
    expect(await refused({ importId: "i", "set.cost": "1" })).toEqual([400, "set.cost"]);
    expect(await refused({})).toEqual([400, "importId"]);
    expect(await refused({ importId: "i", offset: "-1" })).toEqual([400, "offset"]);
    const wrongType = await send(world, { importId: "i" }, "{}", { "Content-Type": "application/json" });
    expect(wrongType).toMatchObject({ status: 415, error: { message: expect.stringContaining("text/csv") } });
  });

  test("more than 50,000 rows or 8 MB: 413 and nothing is stored", async ({ expect }) => {
    const world = await newWorld();
    const query = { importId: "big", "set.eventName": "x", "set.customerReferenceId": "acme" };
    const rows = await send(world, query, `usageUnits\n${"1\n".repeat(50_001)}`);
    expect(rows).toMatchObject({ status: 413, error: { code: "payload_too_large" } });
    const bytes = await send(world, query, new Uint8Array(8 * 1024 * 1024 + 1).fill(0x20));
    expect(bytes).toMatchObject({ status: 413, error: { code: "payload_too_large" } });
    expect((await world.call("GET", "/api/v1/client/customers/acme")).status).toBe(404);
  });
});

describe("holds", () => {
  test("the same part twice, and two at once: each row counts once", async ({ expect }) => {
    const world = await newWorld();
    const rows = Array.from({ length: 3000 }, (_, index) => `c${index % 7},${index}`);
    const file = `who,units\n${rows.join("\n")}\n`;
    const query = {
      importId: "twice",
      "map.customerReferenceId": "who",
      "map.usageUnits": "units",
      "set.eventName": "x",
    };
    const [one, two] = await Promise.all([send(world, query, file), send(world, query, file)]);
    expect(one.data.accepted + two.data.accepted).toBe(3000);
    expect(one.data.duplicates + two.data.duplicates).toBe(3000);
    expect((await send(world, query, file)).data).toMatchObject({ accepted: 0, duplicates: 3000, nextOffset: 3000 });
    // Another import is other rows.
    expect((await send(world, { ...query, importId: "other" }, "who,units\nc0,1\n")).data.accepted).toBe(1);
  });
});
