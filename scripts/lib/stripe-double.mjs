import { spawn } from "node:child_process";
import { join } from "node:path";
import { nodeBinary, PROJECT } from "./project.mjs";

/** The key of the double's account that a local start works with. Public: the double moves no money. */
export const STRIPE_DOUBLE_KEY = "sk_test_double";

/**
 * Starts the double of Stripe as a process of its own, on the Node that `npm ci` installs. `file` keeps what it knows from one
 * start to the next. `ended` resolves when it ends, whoever ended it.
 */
export async function startStripeDouble({ port, file }) {
  const script = join(PROJECT, "test/support/stripe/serve.mjs");
  // It ends when its input does, so that it cannot outlive this process, however that one ends. Out of the terminal's process
  // group, so that Ctrl-C stops the server, which may still call it, first.
  const child = spawn(nodeBinary(), [script, "--port", String(port), "--file", file], {
    cwd: PROJECT,
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", () => resolve(1));
  });
  const url = await Promise.race([firstLine(child.stdout), ended.then(() => undefined)]);
  if (url === undefined) throw new Error("The double of Stripe did not start.");
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { url, ended, stop };
}

function firstLine(stream) {
  return new Promise((resolve) => {
    let text = "";
    stream.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
  });
}
