import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiClient, refusalText } from "../lib/api.mjs";
import { seedBilling } from "./billing.mjs";
import { seedCredits } from "./credits.mjs";
import { eventsOf } from "./events.mjs";
import { seedPlatform } from "./platform.mjs";
import { CUSTOMERS, FEATURES } from "./world.mjs";

/** Fills the Demo account through the public API. Interrupted or repeated, it ends in the same data: every event has its key. */

const BATCH_EVENTS = 1000;
/** Batches on their way at a time. */
const LANES = 3;
const RETRY_SECONDS = 10;

const noteOf = (state) => join(state, "seed.json");

/** Whether this state folder was seeded to the end. */
export function isSeeded(state) {
  return readNote(state).done === true;
}

/** Seeds and answers what the Demo account then has. Throws where the server refuses or is gone. */
export async function seed({ url, key, state }) {
  const call = apiClient({ url, key, retrySeconds: RETRY_SECONDS });
  // Occurrences are relative to the day of the first attempt, so that a later one makes the same events.
  const { day = new Date().toISOString().slice(0, 10) } = readNote(state);
  writeNote(state, { day });
  for (const [featureKey, { name }] of Object.entries(FEATURES))
    await make(call, "/api/v1/monetization/features", { key: featureKey, name });
  await Promise.all(CUSTOMERS.map((customer) => make(call, "/api/v1/client/customers", profileOf(customer))));
  const parts = [await seedPlatform(call, day), await seedCredits(call), await seedBilling(call, day)];
  const sum = (what) => parts.reduce((total, part) => total + part[what], 0);
  const batches = CUSTOMERS.flatMap((customer) => inBatches(eventsOf(customer, Date.parse(`${day}T00:00:00Z`))));
  const events = batches.reduce((sum, batch) => sum + batch.length, 0);
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) await send(call, batch);
    }),
  );
  writeNote(state, { day, done: true });
  const [plans, subscriptions] = [sum("plans"), sum("subscriptions")];
  return { customers: CUSTOMERS.length + sum("customers"), plans, subscriptions, events };
}

/** What `seed` answered, for people. */
export function seededText({ customers, plans, subscriptions, events }) {
  return `${customers} customers, ${plans} plans, ${subscriptions} subscriptions, ${events.toLocaleString("en")} events of 60 days.`;
}

function profileOf({ reference, firstName, lastName }) {
  return { customerReferenceId: reference, firstName, lastName, email: `billing@${reference}.example` };
}

/** Makes a thing that may exist already. */
async function make(call, path, thing) {
  const answer = await call("POST", path, JSON.stringify(thing));
  if (answer.status !== 201 && answer.status !== 409) throw new Error(`POST ${path} answers ${refusalText(answer)}`);
}

async function send(call, events) {
  const answer = await call("POST", "/api/v1/client/events/batch", JSON.stringify({ events }));
  if (answer.status !== 200) throw new Error(`a batch of events was refused: ${refusalText(answer)}`);
  const refused = answer.body.data.results.find(({ status }) => status === "rejected");
  if (refused !== undefined) throw new Error(`an event was refused: ${refused.error.message}`);
}

function inBatches(events) {
  const batches = [];
  for (let from = 0; from < events.length; from += BATCH_EVENTS) batches.push(events.slice(from, from + BATCH_EVENTS));
  return batches;
}

function readNote(state) {
  return existsSync(noteOf(state)) ? JSON.parse(readFileSync(noteOf(state), "utf8")) : {};
}

function writeNote(state, note) {
  mkdirSync(state, { recursive: true });
  writeFileSync(noteOf(state), JSON.stringify(note));
}
