import { floorProbes } from "../../floors/floors.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { shown } from "../../harness/report.mjs";
import { interleave, ratioOf, summary } from "../../harness/rounds.mjs";
import { getRequest, postRequest } from "../../requests/makers.mjs";
import { checkPath } from "../platform/plans.mjs";
import { drawnByZipf, openCrowd } from "./crowd.mjs";
import { addressesOf, withEdges } from "./edges.mjs";

const KEY = "near";
const FLOOR = "floor: constant";
const JSON_FLOOR = "floor: JSON for JSON";
const LEASED = "GET check, leased";
const BLOCK = "reserve, from a block";
const FAR_CHECK = "GET check, object 30 ms away";
const FAR_RESERVE = "reserve, object 30 ms away";
const TRIP_MS = 30;
const FAR_CUSTOMERS = 100;
const DRAWS = 5000;
/** Leases last a second: what is measured is a client that asks all the time, not one that begins each second and a bit. */
const STEADY_SECONDS = 4;
/** More than is ever reserved, and so much that a block is a part of it that nobody misses. */
const UNITS_MAX = 1e9;

/** A check from a lease, and a reservation from a block, of one customer: beside a Worker that asks nobody. */
export const nearSection = {
  name: "edge near",
  run: (world) =>
    withEdges(world, {}, async (edges) => {
      const { account, people } = await openCrowd(edges, { key: KEY, count: 2, maxUsage: UNITS_MAX });
      const [asking, reserving] = people;
      const block = blockProbe(edges, account, reserving);
      const probes = [constant(world), jsonFloor(world, block), leasedProbe(edges, account, [asking]), block];
      const { rounds, seconds } = world.options;
      const at = (connections) => interleave({ client: world.client, probes, connections, rounds, seconds });
      const one = await at(1);
      const many = await at(32);
      const line = (figures, name, measure, field, target) =>
        lineOver(figures, { name, measure, floor: FLOOR, field, target });
      return {
        figures: [...figuresOf(one, 1), ...figuresOf(many, 32)],
        lines: [
          line(one, "GET check from a lease, 1 connection: p50", LEASED, "p50", { atMost: 1.25 }),
          line(many, "GET check from a lease, 32 connections: per second", LEASED, "unitsPerSecond", { atLeast: 0.8 }),
          line(many, "reserve from a block, 32 connections: per second", BLOCK, "unitsPerSecond", { atLeast: 0.7 }),
        ],
        told: [
          `edge near: ${JSON_FLOOR}, over the constant Worker: ${over(many, JSON_FLOOR, FLOOR)}; ` +
            `reserve from a block over that floor: ${over(many, BLOCK, JSON_FLOOR)}`,
          sharesOf("edge near", { [LEASED]: [...one.get(LEASED), ...many.get(LEASED)], [BLOCK]: many.get(BLOCK) }),
        ],
      };
    }),
};

/** The same where the object is an artificial trip away: what does not ask it does not wait. */
export const farSection = {
  name: "edge far",
  run: (world) =>
    withEdges(world, { tripMs: TRIP_MS }, async (edges) => {
      const { account, people } = await openCrowd(edges, { key: "far", count: FAR_CUSTOMERS, maxUsage: UNITS_MAX });
      const probes = [
        constant(world),
        {
          ...leasedProbe(edges, account, drawnByZipf(people, DRAWS)),
          name: FAR_CHECK,
          steadySeconds: STEADY_SECONDS,
        },
        { ...blockProbe(edges, account, people[0]), name: FAR_RESERVE },
      ];
      const { rounds, seconds } = world.options;
      const figures = await interleave({ client: world.client, probes, connections: 1, rounds, seconds });
      const p99 = (name) => shown(summary(figures.get(name)).p99, "ms");
      return {
        figures: figuresOf(figures, 1),
        lines: [
          lineOver(figures, {
            name: `GET check over ${FAR_CUSTOMERS} customers (Zipf), objects ${TRIP_MS} ms away: p50`,
            measure: FAR_CHECK,
            floor: FLOOR,
            field: "p50",
            target: { atMost: 1.25 },
          }),
        ],
        told: [
          `edge far: p99 of checks ${p99(FAR_CHECK)}, of reservations ${p99(FAR_RESERVE)}`,
          sharesOf("edge far", { [FAR_CHECK]: figures.get(FAR_CHECK), [FAR_RESERVE]: figures.get(FAR_RESERVE) }),
        ],
      };
    }),
};

function over(figures, measured, floor) {
  return `${ratioOf(figures.get(measured), figures.get(floor), "unitsPerSecond").toFixed(2)} ×`;
}

function constant(world) {
  return floorProbes(world.floors).find(({ name }) => name === FLOOR);
}

/** What no Worker that takes a reservation's body, and answers what is reserved, can do without. */
function jsonFloor({ floors }, { job }) {
  const { path: _, ...values } = job.request.values;
  const request = postRequest({ path: "/json", ...values });
  return { name: JSON_FLOOR, instance: floors, job: { url: floors.addresses.floors, statuses: [201], request } };
}

function leasedProbe(edges, { headers }, people) {
  const paths = people.map(({ reference }) => checkPath(reference, featureOf(reference)));
  const [url] = addressesOf(edges);
  const job = { url, request: getRequest({ paths, headers }), counts: '"source":"lease"' };
  return { name: LEASED, instance: edges.engine, job };
}

function blockProbe(edges, { headers }, { reference }) {
  const body = JSON.stringify({
    customerReferenceId: reference,
    featureKey: featureOf(reference),
    usageUnits: 1,
    ttlSeconds: 10,
  });
  const request = postRequest({ path: "/api/v1/client/entitlements/reserve", headers, body });
  const [url] = addressesOf(edges);
  return { name: BLOCK, instance: edges.engine, job: { url, statuses: [201], request, counts: '"source":"block"' } };
}

const featureOf = (reference) => `${reference.split("-")[0]}-0`;

/** How many of the answers were given without a trip, by probe. */
function sharesOf(section, rounds) {
  const shares = Object.entries(rounds).map(([name, results]) => {
    const sum = (field) => results.reduce((total, result) => total + result[field], 0);
    return `${name} ${((100 * sum("counted")) / sum("answered")).toFixed(2)} %`;
  });
  return `${section}: answered without a trip: ${shares.join(", ")}`;
}
