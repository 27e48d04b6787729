import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { floorWorker } from "../floors/floors.mjs";
import { engineWorker, ROOT_TOKEN } from "./build.mjs";
import { startClient } from "./client.mjs";
import { startInstance } from "./instance.mjs";
import { migrate } from "./migrate.mjs";

// Beside the project and not in the system's temporary folder: that one may be memory, where durable costs nothing.
const STATE_ROOT = fileURLToPath(new URL("../../.wrangler/bench", import.meta.url));
const ENGINE_DATABASE = "engine";

/**
 * Everything a section works with: the floors and the engine, each in a workerd process of its own, the client, and the
 * engine's API. A second floor Worker stands beside the engine, on the engine's D1: for hand-written SQL over the same rows.
 */
export async function openWorld(options) {
  mkdirSync(STATE_ROOT, { recursive: true });
  const statePath = mkdtempSync(join(STATE_ROOT, "run-"));
  const forget = () => rmSync(statePath, { recursive: true, force: true });
  // An interrupted run leaves nothing behind either: Miniflare ends its processes on a signal, and then this one.
  process.once("exit", forget);
  const world = {
    options,
    statePath,
    client: startClient(),
    /** Stops the engine's process and starts another on the same state; with an inspector if asked. */
    async restartEngine(inspectorPort) {
      await world.engine.stop();
      world.engine = await startEngine(inspectorPort);
    },
    /** Lets `edit` change the files of the engine's objects, by their paths, while the engine is stopped. */
    async editObjects(edit) {
      await world.engine.stop();
      const root = join(statePath, "engine");
      const names = readdirSync(root, { recursive: true }).filter((name) => name.endsWith(".sqlite"));
      edit(names.map((name) => join(root, name)));
      world.engine = await startEngine();
    },
    async close() {
      await world.client.stop();
      await world.engine?.stop();
      await world.floors?.stop();
      forget();
    },
  };
  let worker;
  const startEngine = (inspectorPort) =>
    startInstance({
      workers: [worker, floorWorker({ databaseId: ENGINE_DATABASE })],
      statePath: join(statePath, "engine"),
      inspectorPort,
    });
  try {
    worker = await engineWorker({ outPath: join(statePath, "built"), name: "engine", databaseId: ENGINE_DATABASE });
    world.worker = worker;
    world.modulePaths = worker.modules.map((module) => module.path);
    const floorsPath = join(statePath, "floors");
    world.floors = await startInstance({ workers: [floorWorker({ databaseId: "floors" })], statePath: floorsPath });
    world.engine = await startEngine();
    await migrate(await world.engine.database("engine"));
    return world;
  } catch (failure) {
    await world.close();
    throw failure;
  }
}

/** One call of the engine's API; answers `data`. A refusal throws: set-up must not go wrong quietly. */
export async function call(world, key, method, path, body) {
  const response = await fetch(world.engine.addresses.engine + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer.data;
}

/** Gives the engine's isolate something to do that touches no customer. */
export async function wakeEngine(world) {
  await (await fetch(`${world.engine.addresses.engine}/docs`)).arrayBuffer();
}

/** A new account in US dollars: { accountId, key, headers }. */
export async function openAccount(world, name) {
  const { account, apiKey } = await call(world, ROOT_TOKEN, "POST", "/api/v1/accounts", {
    name,
    mode: "live",
    currency: "USD",
  });
  return {
    accountId: account.id,
    key: apiKey,
    headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
  };
}

/** A new customer of an account, by reference; of a test clock, if one is named. */
export function openCustomer(world, account, customerReferenceId, testClockId) {
  const email = `${customerReferenceId}@bench.example`;
  return call(world, account.key, "POST", "/api/v1/client/customers", { email, customerReferenceId, testClockId });
}

/** Statements { sql, values } on the engine's D1, past the engine: one batch, its rows by statement. */
export async function askDatabase(world, statements) {
  const response = await fetch(`${world.engine.addresses.floors}/sql`, {
    method: "POST",
    body: JSON.stringify(statements),
  });
  if (!response.ok) throw new Error(`D1: ${await response.text()}`);
  return response.json();
}
