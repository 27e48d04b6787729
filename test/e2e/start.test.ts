import { afterAll, afterEach, describe, test } from "vitest";
import { DEMO_KEY, get } from "./support/api.ts";
import { seededTanso } from "./support/seeded.ts";
import { paste } from "./support/shell.mjs";
import {
  answersSecond,
  becomesHealthy,
  crash,
  livingInGroup,
  newStateFolder,
  occupyPort,
  removeStateFolder,
  run,
  serverGroup,
  startTanso,
  stopTanso,
  type Tanso,
} from "./support/tanso.mjs";

/** `npm start`: from nothing to a server that answers, and back to nothing. */

const shared = await seededTanso();
const state = newStateFolder();
const started: Tanso[] = [];

/** A server of this file's own state folder, which is stopped after the test. */
async function start(): Promise<Tanso> {
  const tanso = await startTanso(state);
  started.push(tanso);
  return tanso;
}

afterEach(async () => {
  for (const tanso of started.splice(0)) await stopTanso(tanso);
});
afterAll(() => removeStateFolder(state));

/** The calls that a start prints, as printed. */
function printedCalls(output: string): string[] {
  return output.split("\n").flatMap((line) => (line.startsWith("  curl ") ? [line.trim()] : []));
}

describe("does", () => {
  test("health answers, with the version and a database that is up", async ({ expect }) => {
    expect(await get(shared, "/health")).toMatchObject({ status: 200, data: { status: "UP", database: "up" } });
  });

  test("it prints the address, the key and three calls, and each works as printed", async ({ expect }) => {
    expect(shared.output()).toContain(`http://127.0.0.1:${shared.port}`);
    expect(shared.output()).toContain(DEMO_KEY);
    const calls = printedCalls(shared.output());
    expect(calls).toHaveLength(3);
    for (const call of calls) expect(JSON.parse(await paste(call, state)), call).toMatchObject({ success: true });
  });

  test("a later start keeps the data", async ({ expect }) => {
    const first = await start();
    const made = await fetch(`${first.url}/api/v1/client/customers`, {
      method: "POST",
      headers: { Authorization: `Bearer ${DEMO_KEY}`, "Content-Type": "application/json" },
      body: JSON.stringify({ customerReferenceId: "kept", email: "kept@example.com" }),
    });
    expect(made.status).toBe(201);
    await stopTanso(first);
    const second = await start();
    expect(await get(second, "/api/v1/client/customers/kept")).toMatchObject({
      status: 200,
      data: { customerReferenceId: "kept", email: "kept@example.com" },
    });
  });
});

describe("refuses", () => {
  test("a taken port, in one sentence that names another", async ({ expect }) => {
    const { port, leave } = await occupyPort();
    const { status, output } = await run("start.mjs", ["--state", state], { PORT: String(port) });
    await leave();
    expect(status).toBe(1);
    expect(output.trim()).toBe(
      `Port ${port} is taken: stop what listens there, or choose another: PORT=8788 npm start`,
    );
  });

  test("a second server on the same data, and a reset under a server", async ({ expect }) => {
    const tanso = await start();
    const second = await run("start.mjs", ["--state", state], { PORT: "1" });
    expect(second).toMatchObject({
      status: 1,
      output: expect.stringContaining(`served on port ${tanso.port} already`),
    });
    const reset = await run("reset.mjs", ["--state", state]);
    expect(reset).toMatchObject({ status: 1, output: expect.stringContaining(`on port ${tanso.port}: stop it first`) });
  });

  test("a port that is none", async ({ expect }) => {
    const { status, output } = await run("start.mjs", ["--port", "70000"]);
    expect({ status, output: output.trim() }).toEqual({
      status: 1,
      output: "70000 is no port: it must be 1…65535.",
    });
  });
});

describe("holds", () => {
  test.for(["SIGINT", "SIGTERM"] as const)("%s ends everything it started", async (signal, { expect }) => {
    const tanso = await start();
    const group = serverGroup(state);
    expect(livingInGroup(group)).toBeGreaterThan(0);
    tanso.signal(signal);
    expect(await tanso.ended).toBe(0);
    await expect.poll(() => livingInGroup(group)).toBe(0);
    await expect(fetch(`${tanso.url}/health`)).rejects.toThrow();
  });

  test.for(["SIGTERM", "SIGKILL"] as const)(
    "%s of npm's shell ends it too",
    async (signal, { expect, onTestFinished }) => {
      const tanso = await startTanso(state, { asNpm: true });
      const group = serverGroup(state);
      onTestFinished(() => {
        if (livingInGroup(group) > 0) crash(state);
      });
      tanso.signal(signal);
      await tanso.ended;
      await expect.poll(() => livingInGroup(group)).toBe(0);
    },
  );

  test("a server that takes a request and never answers is asked again", async ({ expect, onTestFinished }) => {
    const { url, asked, leave } = await answersSecond();
    onTestFinished(leave);
    expect(await becomesHealthy(url, new Promise(() => {}))).toBe(true);
    expect(asked()).toBe(2);
  });

  test("a server that dies is told, and the next start finds its data", async ({ expect }) => {
    const tanso = await start();
    crash(state);
    expect(await tanso.ended).toBe(1);
    expect(tanso.output()).toContain("ended by itself");
    const next = await start();
    expect(await get(next, "/health")).toMatchObject({ status: 200 });
  });
});
