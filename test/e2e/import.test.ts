import { afterAll, beforeAll, describe, test } from "vitest";
import { DEMO_KEY, type Figures, get, totals } from "./support/api.ts";
import { seededTanso } from "./support/seeded.ts";
import { crash, launch, newStateFolder, removeStateFolder, run, startTanso, stopTanso } from "./support/tanso.mjs";
import { importFile, type TraceFile, traceFile } from "./support/trace.mjs";

/** `npm run import`: a file of requests with known sums, whatever happens on its way. */

const shared = await seededTanso();
const folder = newStateFolder();
const DAY = "start=2024-03-05T00:00:00Z&end=2024-03-06T00:00:00Z";

let trace: TraceFile;
beforeAll(() => {
  trace = traceFile(folder, 6000);
});
afterAll(() => removeStateFolder(folder));

/** What a file's rows must sum to, everywhere. */
function expected(): Partial<Figures> {
  return {
    events: trace.rows,
    inputTokens: trace.inputTokens,
    outputTokens: trace.outputTokens,
    cost: trace.cost,
    costUnknownEvents: 0,
  };
}

describe("does", () => {
  test("every row becomes an event; the same file again changes nothing", async ({ expect }) => {
    const first = await run("import.mjs", importFile(trace, shared.url, ["--part-rows", "2500"]));
    expect(first.output).toContain("6,000 accepted, 0 duplicates, 0 rejected.");
    expect(first.status).toBe(0);
    await expect.poll(() => totals(shared, DAY), { timeout: 60_000 }).toMatchObject(expected());

    const again = await run("import.mjs", importFile(trace, shared.url, ["--part-rows", "1000"]));
    expect(again.output).toContain("0 accepted, 6,000 duplicates, 0 rejected.");
    expect(await totals(shared, DAY)).toMatchObject(expected());
  });

  test("the sums over customers, over models and over all are the same", async ({ expect }) => {
    const sumOf = async (path: string, field: "cost" | "inputTokens") => {
      const { data } = await get(shared, `${path}?limit=200&${DAY}`);
      const { items, models, features } = data as Record<string, Figures[] | undefined>;
      return (items ?? models ?? features ?? []).reduce((sum, item) => sum + item[field], 0);
    };
    for (const path of ["/api/v1/analytics/customers", "/api/v1/analytics/models", "/api/v1/analytics/features"]) {
      expect(await sumOf(path, "inputTokens"), path).toBe(trace.inputTokens);
      // Up to 20 numbers are added here as floating point; the server's own sums are exact.
      expect(await sumOf(path, "cost"), path).toBeCloseTo(trace.cost, 10);
    }
  });

  test("newline-delimited JSON carries event bodies as they are", async ({ expect }) => {
    const lines = [
      '{"eventName":"call","customerReferenceId":"nd","costAmount":"0.5","occurredAt":"2024-04-01T00:00:00Z"}',
      "",
      '{"eventName":"call","customerReferenceId":"nd","costAmount":"0.25","occurredAt":"2024-04-01T01:00:00Z"}',
    ];
    const path = trace.write("calls.ndjson", lines.join("\n"));
    const { status, output } = await run("import.mjs", [path, "--import-id", "nd", "--url", shared.url]);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining("2 rows") });
    const april = "start=2024-04-01T00:00:00Z&end=2024-04-02T00:00:00Z";
    await expect.poll(() => totals(shared, april), { timeout: 60_000 }).toMatchObject({ events: 2, cost: 0.75 });
  });
});

describe("refuses", () => {
  test("a wrong row, by the line on which it stands, and takes the others", async ({ expect }) => {
    const path = trace.write("wrong.csv", 'customer,units,meta.note\na,1,"two\nlines"\n\nb,many,x\nc,3,y\n');
    const { status, output } = await run("import.mjs", [
      ...[path, "--import-id", "wrong", "--url", shared.url],
      ...["--map", "customerReferenceId=customer", "--map", "usageUnits=units"],
      ...["--set", "eventName=call"],
    ]);
    expect(output).toMatch(/^line 5: usageUnits: /m);
    expect(output).toContain("3 rows");
    expect(output).toContain("2 accepted, 0 duplicates, 1 rejected.");
    expect(status).toBe(1);
  });

  test("a quote that is never closed, before it swallows the rows behind it", async ({ expect }) => {
    const path = trace.write("open.csv", 'customer,meta.note\na,fine\nb,"open\nc,lost\n');
    const args = [path, "--import-id", "open", "--url", shared.url, "--set", "eventName=call"];
    const { status, output } = await run("import.mjs", [...args, "--map", "customerReferenceId=customer"]);
    expect(status).toBe(1);
    expect(output).toContain("Line 3 has a quote that is never closed");
  });

  test("a column that the file has not", async ({ expect }) => {
    const path = trace.write("other.csv", "customer\na\n");
    const args = [path, "--import-id", "other", "--url", shared.url, "--map", "eventName=event"];
    const { status, output } = await run("import.mjs", args);
    expect(status).toBe(1);
    expect(output).toContain("no column event");
  });

  test.for([
    [["nowhere.csv", "--import-id", "x"], "nowhere.csv cannot be read"],
    [["nowhere", "--import-id", "x"], "nowhere cannot be read"],
    [["package.json", "--import-id", "x"], "Is package.json CSV or newline-delimited JSON?"],
    [["a.csv"], "An import needs an id"],
    [["a.csv", "--import-id", "x", "--map", "eventName"], "--map eventName needs the form FIELD=COLUMN"],
    [["a.csv", "--import-id", "x", "--url", "https://api.example"], "Whose account? Say --key KEY."],
  ] as const)("%s: %s", async ([args, sentence], { expect }) => {
    const { status, output } = await run("import.mjs", args);
    expect(status).toBe(1);
    expect(output).toContain(sentence);
  });
});

describe("holds", () => {
  test("a server killed in the middle of an import: importing again ends in the same numbers", async ({ expect }) => {
    const state = newStateFolder();
    const first = await startTanso(state);
    const parts = ["--part-rows", "250"];
    const interrupted = launch("import.mjs", importFile(trace, first.url, [...parts, "--retry-seconds", "1"]));
    await interrupted.says("1,000 rows");
    crash(state);
    await first.ended;
    expect(await interrupted.ended).toBe(1);
    expect(interrupted.output()).toContain("Run the same command again");

    const second = await startTanso(state);
    const { status, output } = await run("import.mjs", importFile(trace, second.url, parts));
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining("6,000 rows") });
    const count = (what: string) => Number(new RegExp(`([\\d,]+) ${what}`).exec(output)?.[1]?.replaceAll(",", ""));
    expect(count("accepted") + count("duplicates")).toBe(6000);
    expect(count("duplicates")).toBeGreaterThanOrEqual(1000);
    await expect.poll(() => totals(second, DAY), { timeout: 60_000 }).toMatchObject(expected());
    expect(await stopTanso(second)).toBe(0);
    removeStateFolder(state);
  });

  test("an import waits for a server that comes back", async ({ expect }) => {
    const state = newStateFolder();
    const first = await startTanso(state);
    const importing = launch("import.mjs", importFile(trace, first.url, ["--part-rows", "250", "--key", DEMO_KEY]));
    await importing.says("1,000 rows");
    crash(state);
    await first.ended;
    await importing.says("trying again");
    const second = await startTanso(state, { port: first.port });
    expect(await importing.ended).toBe(0);
    await expect.poll(() => totals(second, DAY), { timeout: 60_000 }).toMatchObject(expected());
    expect(await stopTanso(second)).toBe(0);
    removeStateFolder(state);
  });
});
