import { spawn } from "node:child_process";
import { nodeBinary, PROJECT, tool, wranglerEnvironment } from "./project.mjs";

/** How long a server may take to answer its first request: 2 s on a quiet machine. */
const READY_MS_MAX = 60_000;
const POLL_MS = 50;
/** How long one answer may take: wrangler takes connections before its worker runs, and holds them for ever if it never does. */
const ANSWER_MS_MAX = 5000;
/** How long a stopping server may take before it is killed. */
const STOP_MS_MAX = 3000;

/** Runs one wrangler command to its end. Answers `{ status, output }`. */
export function wrangler(args) {
  return new Promise((resolve) => {
    const child = spawn(nodeBinary(), [tool("wrangler/bin/wrangler.js"), ...args], {
      cwd: PROJECT,
      env: wranglerEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.once("close", (status) => resolve({ status, output }));
  });
}

/**
 * Starts the Worker under `wrangler dev`, in a process group of its own, so that nothing of it outlives `stop`. The state
 * folder must be migrated. `vars`: variables of the Worker beside those of wrangler.toml and .dev.vars. `groupId` is the group's
 * id; `ended` resolves with the exit status when it ends by itself.
 */
export function startServer({ port, state, logLevel, vars = {} }) {
  const args = ["dev", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0", "--persist-to", state];
  for (const [name, value] of Object.entries(vars)) args.push("--var", `${name}:${value}`);
  const child = spawn(
    nodeBinary(),
    [tool("wrangler/bin/wrangler.js"), ...args, "--show-interactive-dev-session=false", "--log-level", logLevel],
    { cwd: PROJECT, env: wranglerEnvironment(), stdio: ["ignore", "inherit", "inherit"], detached: true },
  );
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", () => resolve(1));
  });
  return { groupId: child.pid, ended, stop: () => stopGroup(child.pid, ended) };
}

/** Ends the whole group: asks first, so that wrangler removes its temporary files, then insists. */
async function stopGroup(pid, ended) {
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  await Promise.race([ended, wait(STOP_MS_MAX)]);
  // workerd may outlive the process that started it.
  signalGroup(pid, "SIGKILL");
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Resolves true once the server answers, false when it ended or took too long. */
export async function becomesHealthy(url, ended) {
  let over = false;
  ended.then(() => (over = true));
  const giveUpAtMs = Date.now() + READY_MS_MAX;
  while (!over && Date.now() < giveUpAtMs) {
    try {
      const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      await response.arrayBuffer();
      if (response.ok) return true;
    } catch {
      // Not listening, or not answering yet.
    }
    await wait(POLL_MS);
  }
  return false;
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
