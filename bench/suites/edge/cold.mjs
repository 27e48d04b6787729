import { readCustomerThingId } from "../../../src/domain/ids.ts";
import { shown } from "../../harness/report.mjs";
import { median } from "../../harness/statistics.mjs";
import { getRequest } from "../../requests/makers.mjs";
import { checkPath } from "../platform/plans.mjs";
import { openCrowd } from "./crowd.mjs";
import { addressesOf, withEdges } from "./edges.mjs";

const KEY = "cold";
const CUSTOMERS = 400;
/** Checks per second and customer, of as many customers as make `CHECKS_PER_SECOND` in all. */
const PACES = [0.2, 1, 10];
const CHECKS_PER_SECOND = 80;
const PACE_SECONDS = 15;
const CONNECTIONS = 8;
const OBJECTS_PER_START = 5;

/** What is told of caches: how often a lease answers, by how often it is asked; and the first answers where nothing is warm. */
export const coldSection = {
  name: "edge cold",
  run: (world) =>
    withEdges(world, {}, async (edges) => {
      const { account, people } = await openCrowd(edges, { key: KEY, count: CUSTOMERS });
      const pathOf = ({ reference }) => checkPath(reference, `${KEY}-0`);
      const rates = [];
      for (const pace of PACES) {
        const paths = people.slice(0, CHECKS_PER_SECOND / pace).map(pathOf);
        const { answered, counted } = await edges.client.drive({
          url: addressesOf(edges)[0],
          request: getRequest({ paths, headers: account.headers }),
          connections: CONNECTIONS,
          rate: CHECKS_PER_SECOND,
          seconds: PACE_SECONDS,
          counts: '"source":"lease"',
        });
        rates.push(`${((100 * counted) / answered).toFixed(1)} % at ${pace}/s`);
      }
      const [isolates, objects] = [[], []];
      for (let start = 0; start < world.options.coldStarts; start += 1) {
        await edges.restart();
        const [first, second] = addressesOf(edges);
        // The first edge wakes the object, so that the second's answer waits for nothing but its own isolate.
        await timed(first, account, pathOf(people[0]));
        isolates.push(await timed(second, account, pathOf(people[0])));
        for (const one of people.slice(1, OBJECTS_PER_START + 1)) {
          const path = `${pathOf(one)}?fresh=true`;
          await timed(first, account, path);
          await edges.evict(`${account.accountId}/${readCustomerThingId(one.customerId).tag}`);
          objects.push(await timed(first, account, path));
        }
      }
      return {
        lines: [],
        told: [
          `edge cold: checks answered from a lease: ${rates.join(", ")} of one customer`,
          `edge cold: p50 of the first check of an isolate ${shown(median(isolates), "ms")}, of one whose object is asleep ${shown(median(objects), "ms")}`,
        ],
      };
    }),
};

/** Milliseconds until a check has its answer. */
async function timed(url, { headers }, path) {
  const startedMs = performance.now();
  const response = await fetch(url + path, { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
  return performance.now() - startedMs;
}
