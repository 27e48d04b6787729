import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a person runs, run by tests: the scripts as processes of their own, on free ports and with their own state folders. */

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
/** Far above what any step takes, so that a hanging process fails its test by name. */
const OUTPUT_MS_MAX = 90_000;

export { becomesHealthy } from "../../../scripts/lib/local-server.mjs";

/** Runs `scripts/NAME` and lets it run; `shell`: under a shell that passes no signal on, as npm does. */
export function launch(script, args, env = {}, { shell = false } = {}) {
  const [command, ...words] = [...(shell ? ["sh", "-c", '"$0" "$@"; exit $?'] : []), process.execPath];
  const child = spawn(command, [...words, join("scripts", script), ...args], {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const listeners = new Set();
  const heard = () => {
    for (const listener of listeners) listener();
  };
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      output += chunk.toString();
      heard();
    });
  let over = false;
  const ended = new Promise((resolve) => {
    child.once("close", (status) => {
      over = true;
      resolve(status);
      heard();
    });
  });
  const says = (text) =>
    new Promise((resolve, reject) => {
      const finish = (settle) => {
        listeners.delete(look);
        clearTimeout(timer);
        settle();
      };
      const look = () => {
        if (output.includes(text)) finish(resolve);
        else if (over) finish(() => reject(new Error(`ended without saying "${text}":\n${output}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`never said "${text}":\n${output}`))),
        OUTPUT_MS_MAX,
      );
      listeners.add(look);
      look();
    });
  return { output: () => output, says, signal: (name) => child.kill(name), ended };
}

/** Runs `scripts/NAME` to its end. */
export async function run(script, args, env = {}) {
  const running = launch(script, args, env);
  const status = await running.ended;
  return { status, output: running.output() };
}

/** What `npm start` starts (or `script`), and with `asNpm` the way npm starts it. Resolves once it is ready. */
export async function startTanso(
  state,
  { args = ["--no-seed"], port: given, asNpm = false, script = "start.mjs" } = {},
) {
  const port = given ?? (await freePort());
  const env = asNpm ? { npm_lifecycle_event: "start" } : {};
  const running = launch(script, ["--port", String(port), "--state", state, ...args], env, { shell: asNpm });
  await running.says("is ready at");
  return { ...running, url: `http://127.0.0.1:${port}`, port, state };
}

/** Ends a server as Ctrl-C does. */
export async function stopTanso(tanso) {
  tanso.signal("SIGINT");
  return await tanso.ended;
}

export function newStateFolder() {
  return mkdtempSync(join(tmpdir(), "tanso-e2e-"));
}

/** A new folder with what is in another, which nobody serves now. */
export function copyOfState(state) {
  const copy = newStateFolder();
  cpSync(state, copy, { recursive: true });
  return copy;
}

export function removeStateFolder(state) {
  rmSync(state, { recursive: true, force: true });
}

/** Listens on a port, one that was free unless it is given, until `leave`. */
export function occupyPort(given = 0) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: given }, () =>
      resolve({ port: server.address().port, leave: () => new Promise((left) => server.close(() => left())) }),
    );
  });
}

/** A server that holds its first request for ever and answers later ones, until `leave`. */
export async function answersSecond() {
  let asked = 0;
  const server = createHttpServer((_, response) => {
    asked += 1;
    if (asked > 1) response.end("{}");
  });
  await new Promise((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const leave = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, asked: () => asked, leave };
}

/**
 * A port that nothing listens on now, and that no connection of a client is given by itself: who asks a server that is dead again and again
 * would be given its very port one day, be connected to themselves, and keep it from starting.
 */
export async function freePort() {
  for (;;) {
    const port = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM));
    try {
      const { leave } = await occupyPort(port);
      await leave();
      return port;
    } catch {
      // Somebody listens there: another.
    }
  }
}

/** Below those that systems hand out (Linux from 32,768 on), and above those that have a name. */
const [PORTS_FROM, PORTS_TO] = [10_000, 32_000];

/** The process group of the server of a state folder, as `npm start` noted it. */
export function serverGroup(state) {
  const { groupId } = JSON.parse(readFileSync(join(state, "server.json"), "utf8"));
  return groupId;
}

/** Ends a server's whole group at once, as a crash or a lost machine would. */
export function crash(state) {
  process.kill(-serverGroup(state), "SIGKILL");
}

/** Crashes a server at once, then starts another at the same address, on what it left. Resolves once that one is ready. */
export async function crashAndStart({ state, port, ended }) {
  crash(state);
  await ended;
  return await startTanso(state, { port });
}

/**
 * Processes of a group that still run. Dead ones that nobody has waited for yet do not count, but the kernel still signals
 * them: so /proc is asked where there is one.
 */
export function livingInGroup(groupId) {
  if (existsSync("/proc/self/stat"))
    return readdirSync("/proc").filter((entry) => {
      if (!/^\d+$/.test(entry)) return false;
      try {
        // "pid (name) state ppid pgrp …"; the name may hold anything, hence the last parenthesis.
        const fields = readFileSync(`/proc/${entry}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        return fields[2] === String(groupId) && fields[0] !== "Z";
      } catch {
        return false;
      }
    }).length;
  try {
    process.kill(-groupId, 0);
    return 1;
  } catch {
    return 0;
  }
}
