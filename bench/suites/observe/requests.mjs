import { lineOver } from "../../harness/lines.mjs";
import { openAccount, openCustomer } from "../../harness/world.mjs";
import { eventRequest, getRequest } from "../../requests/makers.mjs";

export const EVENT_PATH = "/api/v1/client/events";
const EVENT = "single event";
const READ = "GET customer";

/** One event, and one read, of one customer: measured beside the floors at every number of connections. */
export async function requestProbes(world) {
  const account = await openAccount(world, "Requests");
  await openCustomer(world, account, "one");
  const url = world.engine.addresses.engine;
  const { headers } = account;
  const event = eventRequest({ path: EVENT_PATH, headers, customers: ["one"], feature: "bench" });
  return [
    { name: EVENT, instance: world.engine, job: { url, statuses: [201], request: event } },
    {
      name: READ,
      instance: world.engine,
      job: { url, request: getRequest({ path: "/api/v1/client/customers/one", headers }) },
    },
  ];
}

export function requestLines(at) {
  return [
    lineOver(at(1), {
      name: "single event, one customer, 1 connection: p50",
      measure: EVENT,
      floor: "floor: durable insert",
      field: "p50",
      target: { atMost: 1.5 },
    }),
    lineOver(at(32), {
      name: "single event, one customer, 32 connections: per second",
      measure: EVENT,
      floor: "floor: durable insert",
      field: "unitsPerSecond",
      target: { atLeast: 1.8 },
    }),
    lineOver(at(32), {
      name: "GET customer (key, object RPC), 32 connections: per second",
      measure: READ,
      floor: "floor: object RPC",
      field: "unitsPerSecond",
      target: { atLeast: 0.7 },
    }),
  ];
}
