import Stripe from "stripe";
import { afterAll, afterEach, describe, test } from "vitest";
import { get } from "./support/api.ts";
import {
  crash,
  freePort,
  newStateFolder,
  occupyPort,
  removeStateFolder,
  run,
  startTanso,
  stopTanso,
  type Tanso,
} from "./support/tanso.mjs";

/** `npm run start:stripe`: the server, and a double of Stripe beside it. */

const state = newStateFolder();
const started: Tanso[] = [];

async function start(): Promise<{ tanso: Tanso; stripe: Stripe; doubleUrl: string }> {
  const port = await freePort();
  const args = ["--no-seed", "--stripe-port", String(port)];
  const tanso = await startTanso(state, { args, script: "start-stripe.mjs" });
  started.push(tanso);
  const stripe = new Stripe("sk_test_double", { host: "127.0.0.1", port, protocol: "http", telemetry: false });
  return { tanso, stripe, doubleUrl: `http://127.0.0.1:${port}` };
}

afterEach(async () => {
  for (const tanso of started.splice(0)) await stopTanso(tanso);
});
afterAll(() => removeStateFolder(state));

describe("does", () => {
  test("both answer, both end together, and the next start knows what the double knew", async ({ expect }) => {
    const first = await start();
    expect(await get(first.tanso, "/health")).toMatchObject({ status: 200 });
    expect(first.tanso.output()).toContain(
      `A double of Stripe is at ${first.doubleUrl}; its API key is sk_test_double.`,
    );
    const { id } = await first.stripe.customers.create({ name: "Kept" });
    expect(await stopTanso(first.tanso)).toBe(0);
    await expect(fetch(`${first.doubleUrl}/c/pay/none`)).rejects.toThrow("fetch failed");
    const second = await start();
    expect(await second.stripe.customers.retrieve(id)).toMatchObject({ name: "Kept" });
  });
});

describe("refuses", () => {
  test("a port for the double that is taken, and one that is none", async ({ expect }) => {
    const { port, leave } = await occupyPort();
    const folder = newStateFolder();
    const taken = await run("start-stripe.mjs", [
      "--port",
      `${await freePort()}`,
      "--state",
      folder,
      "--stripe-port",
      `${port}`,
    ]);
    await leave();
    expect(taken).toMatchObject({ status: 1 });
    expect(taken.output).toContain(`Port ${port}, for the double of Stripe, cannot be used`);
    removeStateFolder(folder);
    const none = await run("start-stripe.mjs", ["--stripe-port", "x"]);
    expect(none).toMatchObject({ status: 1, output: "x is no port: it must be 1…65535.\n" });
  });
});

describe("holds", () => {
  test("a killed start leaves no double behind", async ({ expect }) => {
    const { tanso, doubleUrl } = await start();
    tanso.signal("SIGKILL");
    const answers = () =>
      fetch(`${doubleUrl}/c/pay/none`).then(
        () => "up",
        () => "gone",
      );
    await expect.poll(answers, { timeout: 10_000 }).toBe("gone");
    // The server has a process group of its own, and outlives a start that could not stop it.
    crash(state);
    await tanso.ended;
  });
});
