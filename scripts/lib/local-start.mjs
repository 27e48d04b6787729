import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import util from "node:util";
import { isSeeded, seed as seedDemo, seededText } from "../seed/seed.mjs";
import { DEMO_KEY, DEMO_KEY_DIGEST } from "./demo.mjs";
import { becomesHealthy, startServer } from "./local-server.mjs";
import { prepareDatabase, prepareSecrets } from "./prepare.mjs";
import { fail, stateFolder } from "./project.mjs";
import { claim, portState, release, servedOn } from "./running.mjs";

/** A local start, with or without something beside the server. */

const CRON = "*/5 * * * *";
const CRON_EVERY_MS = 5 * 60_000;
/** How soon an npm that is gone is noticed. */
const PARENT_EVERY_MS = 500;

const NOTHING_BESIDE = { vars: {}, ended: new Promise(() => {}), stop: async () => {}, notice: "" };

/** The options of a start from the command line. `more`: one option that only this command has; its text is `more` there. */
export function readOptions(command, more) {
  const help = helpOf(command, more);
  let values;
  try {
    ({ values } = util.parseArgs({
      options: {
        port: { type: "string" },
        state: { type: "string" },
        log: { type: "string", default: "error" },
        "no-seed": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        ...(more === undefined ? {} : { [more.name]: { type: "string" } }),
      },
    }));
  } catch (error) {
    fail(`${error.message}\n${help}`);
  }
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  return {
    command,
    port: portOf(values.port || process.env.PORT || "8787"),
    state: stateFolder(values.state),
    logLevel: values.log,
    seed: !values["no-seed"],
    more: more === undefined ? undefined : values[more.name],
  };
}

function helpOf(command, more) {
  return `${command} [-- options]
  --port N     the port on 127.0.0.1 (default: PORT, else 8787)
  --state DIR  the folder of local data (default: STATE, else .wrangler/state)
  --no-seed    leave the Demo account empty
  --log LEVEL  what the server prints: error (default), warn, info, log (a line per request), debug${
    more === undefined ? "" : `\n  --${more.name} N  ${more.help}`
  }`;
}

/** A port as it was written; ends the process where it is none. */
export function portOf(given) {
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) fail(`${given} is no port: it must be 1…65535.`);
  return number;
}

/**
 * Prepares what is missing, serves, fills the Demo account on the first start, and stops all of it on Ctrl-C. `script`: npm's name
 * of the command. `beside`: starts what runs beside the server; answers `{ vars, ended, stop, notice }`: variables for the Worker,
 * a promise of its end, how to end it, and a line for the person who starts it.
 */
export async function startLocal(options, { script, beside = async () => NOTHING_BESIDE }) {
  const url = `http://127.0.0.1:${options.port}`;
  await requireFree(options);
  await prepare(options);
  const companion = await beside();
  const link = signInLink();
  const server = startServer({ ...options, vars: { RATE_LIMITS: "off", ...companion.vars, CONSOLE_LINK: link.value } });
  claim(options.state, { port: options.port, groupId: server.groupId });
  let stopping = false;
  const stop = async (status) => {
    if (stopping) return;
    stopping = true;
    await server.stop();
    await companion.stop();
    release(options.state);
    process.exit(status);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));
  if (process.env.npm_lifecycle_event === script) stopWithParent(process.ppid, stop);
  const endsAll = (what) => (status) => {
    if (!stopping) console.error(`${what} ended by itself (status ${status}).`);
    stop(1);
  };
  server.ended.then(endsAll("The server"));
  companion.ended.then(endsAll("What runs beside the server"));
  if (await becomesHealthy(url, server.ended)) {
    console.log(welcome(url, link.token, companion.notice));
    setInterval(() => fireCron(url, () => stopping), CRON_EVERY_MS);
    if (options.seed && !isSeeded(options.state)) await fillDemo(url, options, () => stopping);
  } else if (!stopping) {
    console.error("The server did not become ready.");
    await stop(1);
  }
}

async function requireFree(options) {
  const otherPort = await servedOn(options.state);
  if (otherPort !== undefined)
    fail(`This folder's data is being served on port ${otherPort} already: use that server, or stop it first.`);
  const port = await portState(options.port);
  if (port === "taken")
    fail(`Port ${options.port} is taken: stop what listens there, or choose another: PORT=8788 ${options.command}`);
  if (port === "forbidden")
    fail(`Port ${options.port} may not be used by you: choose one above 1023: PORT=8787 ${options.command}`);
}

async function prepare(options) {
  if (prepareSecrets()) console.log("Made .dev.vars from .dev.vars.example.");
  if (!existsSync(join(options.state, "prepared.json"))) console.log("First start: preparing the local database.");
  const failure = await prepareDatabase(options.state);
  if (failure !== undefined)
    fail(`${failure.trim()}\nThe local database could not be prepared (npm run reset starts anew).`);
}

async function fillDemo(url, options, isStopping) {
  try {
    const seeded = await seedDemo({ url, key: DEMO_KEY, state: options.state });
    console.log(`The Demo account is filled: ${seededText(seeded)}`);
  } catch (error) {
    if (!isStopping())
      console.error(`The Demo account was not filled (${error.message}); the next start goes on with it.`);
  }
}

/** Locally nothing rings the cron: this does, at the deployed interval. */
async function fireCron(url, isStopping) {
  try {
    const response = await fetch(`${url}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(CRON)}`);
    await response.arrayBuffer();
    if (!response.ok) console.error(`The cron run failed (${response.status}).`);
  } catch (error) {
    if (!isStopping()) console.error(`The cron run failed (${error.message}).`);
  }
}

/**
 * `kill` of npm ends npm and its shell, which passes no signal on: without this the server would go on, and nobody would know
 * whom to stop. Only under npm, whose shell lives as long as this process is wanted.
 */
function stopWithParent(parentId, stop) {
  setInterval(() => process.ppid === parentId || stop(0), PARENT_EVERY_MS).unref();
}

/** How long the printed link works: as long as a session. */
const LINK_MS = 12 * 3_600_000;

/** A link that signs in to the console once; only this start knows its token, and only the server it starts takes it. */
function signInLink() {
  const token = randomBytes(24).toString("base64url");
  return { token, value: `${token}.${DEMO_KEY_DIGEST}.${Date.now() + LINK_MS}` };
}

function welcome(url, linkToken, notice) {
  return `
tanso-edge is ready at ${url} (Ctrl-C stops it)
Console, signed in (the link works once): ${url}/console#token=${linkToken}
Key of the Demo account: ${DEMO_KEY}${notice === "" ? "" : `\n${notice}`}

Three calls to try:

  curl -s ${url}/api/v1/client/events -H "Authorization: Bearer ${DEMO_KEY}" -H "Content-Type: application/json" -d '{"eventName":"chat.completion","customerReferenceId":"northwind","featureKey":"ai.chat","usageUnits":1,"revenueAmount":0.02,"costInput":{"model":"gpt-4o-mini","modelProvider":"openai","inputTokens":3000,"outputTokens":500}}'

  curl -s ${url}/api/v1/client/customers/northwind -H "Authorization: Bearer ${DEMO_KEY}"

  curl -s ${url}/api/v1/analytics/portfolio -H "Authorization: Bearer ${DEMO_KEY}"

Plans, subscriptions and access: “Platform in ten minutes” in README.md. Credits: “Sell credits in ten minutes”.
`;
}
