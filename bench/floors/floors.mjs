import { fileURLToPath } from "node:url";
import { eventRequest, getRequest } from "../requests/makers.mjs";

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

/** The four floors as probes. The insert takes the very bytes that an event of the engine has, made by the same maker. */
export function floorProbes(instance) {
  const probe = (name, request) => ({ name, instance, job: { url: instance.addresses.floors, request } });
  return [
    probe("floor: constant", getRequest({ path: "/constant" })),
    probe("floor: object RPC", getRequest({ path: "/rpc" })),
    insertFloor(instance),
    probe("floor: SELECT 1 on D1", getRequest({ path: "/select1" })),
  ];
}

/** The bare durable insert alone, for sections that need no other floor. */
export function insertFloor(instance) {
  const request = eventRequest({ path: "/insert", headers: JSON_BODY, customers: ["bench"], feature: "bench" });
  return { name: "floor: durable insert", instance, job: { url: instance.addresses.floors, request } };
}
