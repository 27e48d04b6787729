import { floorProbes } from "../../floors/floors.mjs";
import { shown } from "../../harness/report.mjs";
import { median } from "../../harness/statistics.mjs";
import { eventRequest, getRequest, postRequests } from "../../requests/makers.mjs";
import { EVENT_PATH } from "../observe/requests.mjs";
import { checkPath, featureIdsOf, openPlan, USAGE } from "../platform/plans.mjs";
import { drawnByZipf, openCrowd } from "./crowd.mjs";
import { addressesOf, EDGES, withEdges } from "./edges.mjs";

const KEY = "mix";
const DRAWS = 20_000;
const SHARES = { checks: 0.95, events: 0.04, changes: 0.01 };
const CONNECTIONS = { checks: 16, events: 4, changes: 1 };
const FLOOR_SECONDS = 10;
const BARE_SECONDS = 30;
/** Longer than the platform keeps an object that nobody calls. */
const ASLEEP_MS = 12_000;
/** Longer than copies and the log of checks wait. */
const SETTLED_MS = 8000;

/** Checks, events and changes of plan of very many customers at once, through both edges. */
export const mixSection = {
  name: "edge mix",
  run: (world) =>
    withEdges(world, {}, async (edges) => {
      const { mixCustomers, mixSeconds, mixPerSecond } = world.options;
      const crowd = await openMix(edges, mixCustomers);
      const before = await constantAt(world);
      const mixed = await runMix(edges, crowd, mixSeconds);
      const after = await constantAt(world);
      const bare = await bareObjectsAt(world);
      const floorP99 = median([before.p99, after.p99]);
      return {
        lines: [
          {
            name: `${mixPerSecond} requests/s (95 % checks, 4 % events, 1 % changes of plan) over ${shown(mixCustomers)} customers: check p99`,
            measure: shown(mixed.p99, "ms"),
            floor: shown(floorP99, "ms"),
            value: mixed.p99 / floorP99,
            target: { atMost: 4 },
          },
        ],
        told: [
          `edge mix: ${shown(mixed.answered)} checks, p50 ${shown(mixed.p50, "ms")}, the slowest ${shown(mixed.max, "ms")}; ` +
            `${((100 * mixed.counted) / mixed.answered).toFixed(1)} % from leases; ${shown(mixed.events)} events and ${shown(mixed.changes)} changes of plan`,
          `edge mix: ${shown(mixCustomers)} bare objects asked at the pace of the checks: p50 ${shown(bare.p50, "ms")}, p99 ${shown(bare.p99, "ms")}`,
        ],
      };
    }),
};

/** The same for very long, with an eye on memory. */
export const soakSection = {
  name: "edge soak",
  isSoak: true,
  run: (world) =>
    withEdges(world, {}, async (edges) => {
      const { mixCustomers, soakMinutes } = world.options;
      const crowd = await openMix(edges, mixCustomers);
      const samples = [];
      const sampling = setInterval(() => samples.push(edges.engine.memoryBytes()), 1000);
      const mixed = await runMix(edges, crowd, soakMinutes * 60).finally(() => clearInterval(sampling));
      // A sixth of the time is for caches to fill; each end is the median of a sixtieth.
      const part = Math.max(1, Math.floor(samples.length / 60));
      const sixth = Math.floor(samples.length / 6);
      const early = median(samples.slice(sixth, sixth + part));
      const late = median(samples.slice(-part));
      const megabytes = (bytes) => `${shown(bytes / 1e6)} MB`;
      return {
        lines: [
          {
            name: `${soakMinutes} minutes of that mix: memory at the end over that after ${(soakMinutes / 6).toFixed(1)} minutes, less 1`,
            measure: megabytes(late),
            floor: megabytes(early),
            value: Math.abs(late / early - 1),
            target: { atMost: 0.05 },
          },
        ],
        told: [`edge soak: ${shown(mixed.answered)} checks, p99 ${shown(mixed.p99, "ms")}`],
      };
    }),
};

async function openMix(edges, count) {
  const crowd = await openCrowd(edges, { key: KEY, count });
  const featureIds = await featureIdsOf(edges, crowd.account);
  const more = { key: `${KEY}-more`, features: 2, priced: 2, pricing: { ...USAGE, price_per_unit: 0.001 }, featureIds };
  const other = await openPlan(edges, crowd.account, more);
  await warmUp(edges, crowd);
  // An edge's customers change plans through that edge alone and one after the other, so that each change is one.
  const turn = { plans: [other, crowd.planId], changed: new Map() };
  return { ...crowd, turn };
}

/** Each edge asks once about everybody, and what that and the set-up left to be written is written. */
async function warmUp(edges, { account, people }) {
  const paths = people.map(({ reference }) => checkPath(reference, `${KEY}-0`));
  for (const url of addressesOf(edges))
    await edges.client.drive({
      url,
      request: getRequest({ paths, headers: account.headers }),
      connections: CONNECTIONS.checks,
      amount: paths.length,
    });
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
}

/** Both edges at once for so long; answers the figures of all checks, and how many of the others there were. */
async function runMix(edges, { account, people, turn }, seconds) {
  const { headers } = account;
  const perEdge = edges.options.mixPerSecond / EDGES.length;
  // The client knows no less than one a second: a quick run has a few changes more.
  const paceOf = (kind) => Math.max(1, perEdge * SHARES[kind]);
  const drive = (kind, url, job) =>
    edges.client.drive({ url, seconds, connections: CONNECTIONS[kind], rate: paceOf(kind), ...job });
  const jobs = addressesOf(edges).map(async (url, index) => {
    const drawn = drawnByZipf(people, DRAWS);
    const own = drawnByZipf(
      people.filter((_, at) => at % EDGES.length === index),
      Math.ceil(paceOf("changes") * seconds) + 1,
    );
    const requests = changesOf(own, turn);
    const [checks, events, changes] = await Promise.all([
      drive("checks", url, {
        request: getRequest({ paths: drawn.map(({ reference }) => checkPath(reference, `${KEY}-0`)), headers }),
        counts: '"source":"lease"',
      }),
      drive("events", url, {
        statuses: [201],
        request: eventRequest({
          path: EVENT_PATH,
          headers,
          customers: drawnByZipf(people, DRAWS).map(({ reference }) => reference),
          feature: `${KEY}-0`,
        }),
      }),
      drive("changes", url, { request: postRequests({ requests, headers }) }),
    ]);
    for (const { path } of requests.slice(0, changes.sent)) turn.changed.set(path, (turn.changed.get(path) ?? 0) + 1);
    return { checks, events: events.answered, changes: changes.answered };
  });
  const edgesDone = await Promise.all(jobs);
  const checks = edgesDone.map((one) => one.checks);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const worst = (field) => Math.max(...checks.map((one) => one[field]));
  return {
    answered: sum(checks.map(({ answered }) => answered)),
    counted: sum(checks.map(({ counted }) => counted)),
    p50: worst("p50"),
    p99: worst("p99"),
    max: worst("max"),
    events: sum(edgesDone.map(({ events }) => events)),
    changes: sum(edgesDone.map(({ changes }) => changes)),
  };
}

/** Changes to the plan that the customer does not have, by turns: both cost nothing, so each takes effect at once. */
function changesOf(drawn, { plans, changed }) {
  const times = new Map(changed);
  return drawn.map(({ subscriptionId }) => {
    const path = `/api/v1/client/subscriptions/${subscriptionId}/plan-change`;
    const before = times.get(path) ?? 0;
    times.set(path, before + 1);
    return { path, body: JSON.stringify({ changeToPlanId: plans[before % plans.length], changeType: "UPGRADE" }) };
  });
}

function constantAt(world) {
  const { job } = floorProbes(world.floors).find(({ name }) => name === "floor: constant");
  return world.client.drive({
    ...job,
    connections: CONNECTIONS.checks * EDGES.length,
    rate: world.options.mixPerSecond * SHARES.checks,
    seconds: FLOOR_SECONDS,
  });
}

/**
 * As many objects that hold a number in memory and nothing else, drawn as the customers are: most of them sleep between two calls, which
 * the platform does to any that nobody called for ten seconds, and wake for the next.
 */
async function bareObjectsAt({ floors, client, options: { mixCustomers, mixPerSecond } }) {
  const url = floors.addresses.floors;
  const paths = Array.from({ length: mixCustomers }, (_, index) => `/named?name=${index}`);
  const connections = CONNECTIONS.checks * EDGES.length;
  await client.drive({ url, connections, amount: mixCustomers, request: getRequest({ paths }) });
  await new Promise((resolve) => setTimeout(resolve, ASLEEP_MS));
  const request = getRequest({ paths: drawnByZipf(paths, DRAWS) });
  return client.drive({ url, connections, rate: mixPerSecond * SHARES.checks, seconds: BARE_SECONDS, request });
}
