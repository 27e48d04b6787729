import { existsSync } from "node:fs";
import { join } from "node:path";
import util from "node:util";
import { DEMO_KEY } from "./lib/demo.mjs";
import { fail, requireInstall, stateFolder } from "./lib/project.mjs";

/** `npm start`: prepares what is missing, serves, fills the Demo account on the first start, and stops all of it on Ctrl-C. */

const HELP = `npm start [-- options]
  --port N     the port on 127.0.0.1 (default: PORT, else 8787)
  --state DIR  the folder of local data (default: STATE, else .wrangler/state)
  --no-seed    leave the Demo account empty
  --log LEVEL  what the server prints: error (default), warn, info, log (a line per request), debug`;

const CRON = "*/5 * * * *";
const CRON_EVERY_MS = 5 * 60_000;
/** How soon an npm that is gone is noticed. */
const PARENT_EVERY_MS = 500;

requireInstall();
const options = readOptions();
const url = `http://127.0.0.1:${options.port}`;
const { becomesHealthy, startServer } = await import("./lib/local-server.mjs");
const { claim, portState, release, servedOn } = await import("./lib/running.mjs");
const { prepareDatabase, prepareSecrets } = await import("./lib/prepare.mjs");
const { isSeeded, seed } = await import("./seed/seed.mjs");

const otherPort = await servedOn(options.state);
if (otherPort !== undefined)
  fail(`This folder's data is being served on port ${otherPort} already: use that server, or stop it first.`);
const port = await portState(options.port);
if (port === "taken")
  fail(`Port ${options.port} is taken: stop what listens there, or choose another: PORT=8788 npm start`);
if (port === "forbidden")
  fail(`Port ${options.port} may not be used by you: choose one above 1023: PORT=8787 npm start`);

if (prepareSecrets()) console.log("Made .dev.vars from .dev.vars.example.");
if (!existsSync(join(options.state, "prepared.json"))) console.log("First start: preparing the local database.");
const failure = await prepareDatabase(options.state);
if (failure !== undefined)
  fail(`${failure.trim()}\nThe local database could not be prepared (npm run reset starts anew).`);

const server = startServer(options);
claim(options.state, { port: options.port, groupId: server.groupId });
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));
if (process.env.npm_lifecycle_event === "start") stopWithParent(process.ppid);
server.ended.then((status) => {
  if (!stopping) console.error(`The server ended by itself (status ${status}).`);
  stop(1);
});

if (await becomesHealthy(url, server.ended)) {
  console.log(welcome());
  setInterval(fireCron, CRON_EVERY_MS);
  if (options.seed && !isSeeded(options.state)) await fillDemo();
} else if (!stopping) {
  console.error("The server did not become ready.");
  await stop(1);
}

function readOptions() {
  let values;
  try {
    ({ values } = util.parseArgs({
      options: {
        port: { type: "string" },
        state: { type: "string" },
        log: { type: "string", default: "error" },
        "no-seed": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    fail(`${error.message}\n${HELP}`);
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const given = values.port || process.env.PORT || "8787";
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) fail(`${given} is no port: it must be 1…65535.`);
  return { port: number, state: stateFolder(values.state), logLevel: values.log, seed: !values["no-seed"] };
}

async function fillDemo() {
  try {
    const { customers, events } = await seed({ url, key: DEMO_KEY, state: options.state });
    console.log(
      `The Demo account is filled: ${customers} customers, ${events.toLocaleString("en")} events of 60 days.`,
    );
  } catch (error) {
    if (!stopping) console.error(`The Demo account was not filled (${error.message}); the next start goes on with it.`);
  }
}

/** Locally nothing rings the cron: this does, at the deployed interval. */
async function fireCron() {
  try {
    const response = await fetch(`${url}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(CRON)}`);
    await response.arrayBuffer();
    if (!response.ok) console.error(`The cron run failed (${response.status}).`);
  } catch (error) {
    if (!stopping) console.error(`The cron run failed (${error.message}).`);
  }
}

/**
 * `kill` of npm ends npm and its shell, which passes no signal on: without this the server would go on, and nobody would know
 * whom to stop. Only under npm, whose shell lives as long as this process is wanted.
 */
function stopWithParent(parentId) {
  setInterval(() => process.ppid === parentId || stop(0), PARENT_EVERY_MS).unref();
}

async function stop(status) {
  if (stopping) return;
  stopping = true;
  await server.stop();
  release(options.state);
  process.exit(status);
}

function welcome() {
  return `
tanso-edge is ready at ${url} (Ctrl-C stops it)
Key of the Demo account: ${DEMO_KEY}

Three calls to try:

  curl -s ${url}/api/v1/client/events -H "Authorization: Bearer ${DEMO_KEY}" -H "Content-Type: application/json" -d '{"eventName":"chat.completion","customerReferenceId":"northwind","featureKey":"ai.chat","usageUnits":1,"revenueAmount":0.02,"costInput":{"model":"gpt-4o-mini","modelProvider":"openai","inputTokens":3000,"outputTokens":500}}'

  curl -s ${url}/api/v1/client/customers/northwind -H "Authorization: Bearer ${DEMO_KEY}"

  curl -s ${url}/api/v1/analytics/portfolio -H "Authorization: Bearer ${DEMO_KEY}"
`;
}
