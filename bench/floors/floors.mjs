import { fileURLToPath } from "node:url";
import { ratioOf } from "../harness/rounds.mjs";
import { eventRequest, getRequest } from "../requests/makers.mjs";

const INSERT = "floor: durable insert";
const ONCE = "floor: one row, once";
const BURNT = "floor: rows of a burn, once";
const ROW = "floor: one row of a ledger";
export const RPC = "floor: object RPC";
const JSON_BODY = { "Content-Type": "application/json" };

/** Miniflare options of the floor Worker. `databaseId` lets it stand on another Worker's D1, beside the same rows. */
export function floorWorker({ databaseId }) {
  return {
    name: "floors",
    modules: [{ type: "ESModule", path: fileURLToPath(new URL("worker.mjs", import.meta.url)) }],
    // Without its own root a module outside the working directory makes workerd fail to start.
    modulesRoot: fileURLToPath(new URL(".", import.meta.url)),
    compatibilityDate: "2026-10-23",
    durableObjects: { FLOOR: { className: "FloorObject", useSQLite: true } },
    d1Databases: { DB: databaseId },
  };
}

/** The floors as probes. The inserts take the very bytes that an event of the engine has, made by the same maker. */
export function floorProbes(instance) {
  const probe = (name, request) => ({ name, instance, job: { url: instance.addresses.floors, request } });
  return [
    probe("floor: constant", getRequest({ path: "/constant" })),
    probe(RPC, getRequest({ path: "/rpc" })),
    insertFloor(instance),
    onceFloor(instance, { name: ONCE, path: "/once" }),
    onceFloor(instance, { name: BURNT, path: "/burnt" }),
    probe("floor: SELECT 1 on D1", getRequest({ path: "/select1" })),
  ];
}

/** The bare durable insert alone, for sections that need no other floor. */
export function insertFloor(instance) {
  const request = eventRequest({ path: "/insert", headers: JSON_BODY, customers: ["bench"], feature: "bench" });
  return { name: INSERT, instance, job: { url: instance.addresses.floors, request } };
}

/** What no Worker that keeps an event once can do without: JSON read, a call to an object, one row by its key, JSON written. */
function onceFloor(instance, { name, path }) {
  const request = eventRequest({ path, headers: JSON_BODY, customers: ["bench"], feature: "bench" });
  return { name, instance, job: { url: instance.addresses.floors, statuses: [201], request } };
}

/**
 * What no balance at a past instant can do without: a call to an object and one row of its ledger by time, read and answered as JSON. Lays
 * the ledger of `rows` first; asks for `asked` instants all over it, in no order.
 */
export async function rowFloor(instance, { rows, asked }) {
  const { floors: url } = instance.addresses;
  const laid = await fetch(`${url}/lay?count=${rows}`);
  if (!laid.ok) throw new Error(`the floor's ledger: ${await laid.text()}`);
  const paths = Array.from({ length: asked }, (_, index) => {
    const row = 1 + Math.floor((((index * 197) % asked) * rows) / asked);
    return `/row?at=${row * 1000}`;
  });
  return { name: ROW, instance, job: { url, request: getRequest({ paths }) } };
}

/** How long a row by time takes over a call that is answered from memory: what is left for knowing who asks, and whose pool it is. */
export function rowOverCall(figures) {
  const ratio = ratioOf(figures.get(ROW), figures.get(RPC), "p50");
  return `credit-ledger: ${ROW}, read and answered as JSON: p50, over the object RPC's: ${ratio.toFixed(2)} ×`;
}

/** How many rows are kept once a second, and how long one takes alone, over durable inserts: what is left for deciding anything. */
export function onceOverInsert(at) {
  return [ONCE, BURNT].flatMap((floor) => {
    const over = (connections, field) =>
      ratioOf(at(connections).get(floor), at(connections).get(INSERT), field).toFixed(2);
    return [
      `requests: ${floor}, JSON read and written, 1 connection: p50, over the durable insert's: ${over(1, "p50")} ×`,
      `requests: the same, 32 connections: per second, over the durable insert's: ${over(32, "unitsPerSecond")} ×`,
    ];
  });
}
