import { lineOver } from "../../harness/lines.mjs";
import { openAccount, openCustomer } from "../../harness/world.mjs";
import { eventRequest, getRequest } from "../../requests/makers.mjs";
import { checkPath, openPlan, subscribe, USAGE } from "./plans.mjs";

const CHECK = "GET check";
const CONSUME = "consume";

/** One check, and one consumption, of one customer: measured beside the floors at every number of connections. */
export async function requestProbes(world) {
  const account = await openAccount(world, "Checks");
  const planId = await openPlan(world, account, {
    key: "checked",
    features: 3,
    pricing: { ...USAGE, max_usage: 1e12 },
  });
  for (const reference of ["asking", "consuming"]) {
    await openCustomer(world, account, reference);
    await subscribe(world, account, reference, planId);
  }
  const url = world.engine.addresses.engine;
  const { headers } = account;
  const consume = eventRequest({
    path: "/api/v1/client/entitlements/consume",
    headers,
    customers: ["consuming"],
    feature: "checked-0",
  });
  return [
    {
      name: CHECK,
      instance: world.engine,
      job: { url, request: getRequest({ path: checkPath("asking", "checked-0"), headers }) },
    },
    { name: CONSUME, instance: world.engine, job: { url, statuses: [201], request: consume } },
  ];
}

export function requestLines(at) {
  return [
    lineOver(at(1), {
      name: "GET check, one customer, 1 connection: p50",
      measure: CHECK,
      floor: "floor: object RPC",
      field: "p50",
      target: { atMost: 1.25 },
    }),
    lineOver(at(32), {
      name: "GET check, one customer, 32 connections: per second",
      measure: CHECK,
      floor: "floor: object RPC",
      field: "unitsPerSecond",
      target: { atLeast: 0.8 },
    }),
    lineOver(at(32), {
      name: "consume, one customer, 32 connections: per second",
      measure: CONSUME,
      floor: "floor: durable insert",
      field: "unitsPerSecond",
      target: { atLeast: 1.8 },
    }),
  ];
}
