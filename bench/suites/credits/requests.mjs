import { lineOver } from "../../harness/lines.mjs";
import { openAccount } from "../../harness/world.mjs";
import { eventRequest } from "../../requests/makers.mjs";
import { EVENT_PATH } from "../observe/requests.mjs";
import { grant, MANY_CREDITS, openCreditPlan, openPoolOwner } from "./pools.mjs";

const BURN = "event that burns credits";

/** One event that burns credits from one grant of one pool: measured beside the floors at every number of connections. */
export async function requestProbes(world) {
  const account = await openAccount(world, "Credits");
  const planId = await openCreditPlan(world, account, "burning");
  const { poolId } = await openPoolOwner(world, account, { reference: "burning", planId });
  await grant(world, account, poolId, MANY_CREDITS);
  return [burnProbe(world, account, BURN, { reference: "burning", feature: "burning-0" })];
}

/** Events of one customer that burn credits, one a request. */
export function burnProbe(world, { headers }, name, { reference, feature }) {
  const request = eventRequest({ path: EVENT_PATH, headers, customers: [reference], feature });
  return {
    name,
    instance: world.engine,
    job: { url: world.engine.addresses.engine, statuses: [201], request },
  };
}

export function requestLines(at) {
  return [
    lineOver(at(1), {
      name: "event that burns credits from one grant, 1 connection: p50",
      measure: BURN,
      floor: "floor: durable insert",
      field: "p50",
      target: { atMost: 1.6 },
    }),
    lineOver(at(32), {
      name: "event that burns credits, one pool, 32 connections: per second",
      measure: BURN,
      floor: "floor: durable insert",
      field: "unitsPerSecond",
      target: { atLeast: 1.7 },
    }),
  ];
}
