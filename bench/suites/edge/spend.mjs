import { shown } from "../../harness/report.mjs";
import { checkNow, openCrowd } from "./crowd.mjs";
import { addressesOf, withEdges } from "./edges.mjs";

const KEY = "spend";
const LIMIT = 400;
const CALLERS = 24;
/** What callers do with a reservation: most commit it, some give it back, some forget it. */
const COMMITTED = 0.7;
const RELEASED = 0.15;
const TTL_SECONDS = 5;
/** As long as a block that its isolate forgot can hold anything, and a little more. */
const ALL_LAPSED_MS = 72_000;
const ANSWER_TRIES_MAX = 60;
const TRY_AGAIN_MS = 500;
const DEATH_AFTER = 0.4;

/**
 * Customers with a limit, spent through both edges at once until nothing is left, with the death of both isolates and all objects in
 * the middle: everything that was acknowledged is counted, once, and nobody has more than the limit.
 */
export const spendSection = {
  name: "edge spend",
  run: (world) =>
    withEdges(world, {}, async (edges) => {
      const { account, people } = await openCrowd(edges, {
        key: KEY,
        count: world.options.spendCustomers,
        maxUsage: LIMIT,
      });
      const spent = new Map(people.map(({ reference }) => [reference, 0]));
      const seen = { reserved: 0, fromBlocks: 0, refused: 0, deaths: 0 };
      const enough = people.length * LIMIT * DEATH_AFTER;
      let isDying;
      const spend = async () => {
        for (let refusals = 0; refusals < 3 * people.length; ) {
          const { reference } = people[Math.floor(Math.random() * people.length)];
          const isTaken = await spendOne(edges, account, { reference, spent, seen });
          refusals = isTaken ? 0 : refusals + 1;
          if (seen.reserved >= enough && isDying === undefined) {
            isDying = edges.restart();
            seen.deaths += 1;
          }
          await isDying;
        }
      };
      await Promise.all(Array.from({ length: CALLERS }, spend));
      const busy = await overspent(edges, account, people);
      // What was forgotten lapses, and what it held is spent by whoever asks.
      await new Promise((resolve) => setTimeout(resolve, ALL_LAPSED_MS));
      await Promise.all(Array.from({ length: CALLERS }, spend));
      await new Promise((resolve) => setTimeout(resolve, ALL_LAPSED_MS));
      const ended = await overspent(edges, account, people);
      let miscounted = 0;
      for (const { reference } of people) {
        const { usage } = await checkNow(edges, account, reference, `${KEY}-0`);
        miscounted += Math.abs(usage.used - spent.get(reference));
      }
      const share = ((100 * seen.fromBlocks) / seen.reserved).toFixed(1);
      return {
        lines: [
          {
            name: `${people.length} customers with a limit of ${LIMIT}, spent through two edges, one death: units beyond it`,
            measure: `${shown(seen.reserved)} reserved`,
            value: Math.max(busy, ended),
            target: { atMost: 0, unit: "units" },
          },
          {
            name: "the same: units acknowledged and not counted, or counted and not acknowledged",
            measure: `${shown([...spent.values()].reduce((sum, units) => sum + units, 0))} committed`,
            value: miscounted,
            target: { atMost: 0, unit: "units" },
          },
        ],
        told: [`edge spend: ${share} % of reservations from blocks, ${shown(seen.refused)} refused`],
      };
    }),
};

/** Reserves one unit somewhere, and does something with it. False where nothing is left. */
async function spendOne(edges, account, { reference, spent, seen }) {
  const at = Math.floor(Math.random() * addressesOf(edges).length);
  const body = { customerReferenceId: reference, featureKey: `${KEY}-0`, usageUnits: 1, ttlSeconds: TTL_SECONDS };
  const asked = await post(edges, account, at, "/api/v1/client/entitlements/reserve", body).catch(() => undefined);
  // The isolate died with it: whatever it held lapses.
  if (asked === undefined) return true;
  if (asked.status === 409) {
    seen.refused += 1;
    return false;
  }
  if (asked.status !== 201) throw new Error(`reserve: ${asked.status} ${JSON.stringify(asked.answer)}`);
  seen.reserved += 1;
  const { reservationId, entitlement } = asked.answer.data;
  if (entitlement.source === "block") seen.fromBlocks += 1;
  const dice = Math.random();
  if (dice < COMMITTED) {
    const path = `/api/v1/client/reservations/${encodeURIComponent(reservationId)}/commit`;
    const done = await surely(edges, account, path, { eventName: "spent", usageUnits: 1 });
    // Lapsed meanwhile: the death took longer than it held.
    if (done.status === 201 || done.status === 200) spent.set(reference, spent.get(reference) + 1);
    else if (done.status !== 409) throw new Error(`commit: ${done.status} ${JSON.stringify(done.answer)}`);
  } else if (dice < COMMITTED + RELEASED) {
    await surely(edges, account, `/api/v1/client/reservations/${encodeURIComponent(reservationId)}/release`);
  }
  return true;
}

/** Asks until there is an answer: a repeat answers like the first, and whether that one arrived nobody knows. */
async function surely(edges, account, path, body) {
  for (let tries = 0; tries < ANSWER_TRIES_MAX; tries += 1) {
    const at = Math.floor(Math.random() * addressesOf(edges).length);
    const done = await post(edges, account, at, path, body).catch(() => undefined);
    if (done !== undefined && done.status < 500) return done;
    await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
  }
  throw new Error(`${path}: no answer`);
}

async function post(edges, { headers }, at, path, body) {
  const response = await fetch(addressesOf(edges)[at] + path, {
    method: "POST",
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

/** Units that are used beyond the limit, of all customers together. */
async function overspent(edges, account, people) {
  let beyond = 0;
  for (const { reference } of people) {
    const { usage } = await checkNow(edges, account, reference, `${KEY}-0`);
    beyond += Math.max(0, usage.used - LIMIT);
  }
  return beyond;
}
