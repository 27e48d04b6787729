import { fileURLToPath } from "node:url";
import { ratioOf } from "../harness/rounds.mjs";
import { eventRequest, getRequest } from "../requests/makers.mjs";

const INSERT = "floor: durable insert";
const ONCE = "floor: one row, once";
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
    probe("floor: object RPC", getRequest({ path: "/rpc" })),
    insertFloor(instance),
    onceFloor(instance),
    probe("floor: SELECT 1 on D1", getRequest({ path: "/select1" })),
  ];
}

/** The bare durable insert alone, for sections that need no other floor. */
export function insertFloor(instance) {
  const request = eventRequest({ path: "/insert", headers: JSON_BODY, customers: ["bench"], feature: "bench" });
  return { name: INSERT, instance, job: { url: instance.addresses.floors, request } };
}

/** What no Worker that keeps an event once can do without: JSON read, a call to an object, one row by its key, JSON written. */
function onceFloor(instance) {
  const request = eventRequest({ path: "/once", headers: JSON_BODY, customers: ["bench"], feature: "bench" });
  return { name: ONCE, instance, job: { url: instance.addresses.floors, statuses: [201], request } };
}

/** How many rows are kept once a second, over durable inserts: what is left for deciding anything. */
export function onceOverInsert(figures) {
  const ratio = ratioOf(figures.get(ONCE), figures.get(INSERT), "unitsPerSecond");
  return `requests: ${ONCE}, JSON read and written, 32 connections: per second, over the durable insert's: ${ratio.toFixed(2)} ×`;
}
