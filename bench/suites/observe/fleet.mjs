import { shown } from "../../harness/report.mjs";
import { askDatabase, call, openAccount } from "../../harness/world.mjs";
import { eventRequest } from "../../requests/makers.mjs";
import { BATCH_PATH } from "./batches.mjs";
import { EVENT_PATH } from "./requests.mjs";

const CONNECTIONS = 32;
const CUSTOMERS_PER_BATCH = 500;
const WATCH_EVERY_MS = 1000;
const DRAIN_MS_MAX = 180_000;

/** Very many customers at once: is every acknowledged event in D1 in the end, how late, and in how many writes? */
export const fleetSection = {
  name: "fleet",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Fleet");
    const customers = Array.from({ length: options.fleetCustomers }, (_, index) => `fleet-${index}`);
    const made = await makeFleet(world, account, customers);
    const watch = watchCopies(world, account.accountId);
    const sent = await world.client.drive({
      url: world.engine.addresses.engine,
      connections: CONNECTIONS,
      seconds: options.fleetSeconds,
      statuses: [201],
      request: eventRequest({ path: EVENT_PATH, headers: account.headers, customers, feature: "bench" }),
    });
    const batches = watch.batches();
    const stored = await drained(world, account.accountId, made.events + sent.answered);
    const lagMsMax = await watch.stop();
    const count = options.fleetCustomers.toLocaleString("en");
    return {
      figures: [
        {
          connections: CONNECTIONS,
          name: `single event, ${count} customers`,
          p50: sent.p50,
          p99: sent.p99,
          unitsPerSecond: sent.perSecond,
          memoryBytes: world.engine.memoryBytes(),
        },
      ],
      lines: [
        {
          name: `${count} customers sending for ${options.fleetSeconds} s: events lost`,
          measure: `${shown(sent.answered)} sent`,
          value: Math.max(0, made.events + sent.answered - stored.events),
          target: { atMost: 0, unit: "events" },
        },
      ],
      told: [
        `fleet: ${count} customers made by first events in batches in ${shown(made.elapsedMs, "ms")}; ` +
          ` ${shown(batches / sent.elapsedSeconds)} D1 batches/s while sending; a customer's copy in D1 was at most ` +
          `${shown(lagMsMax, "ms")} behind; all was there ${shown(stored.afterMs, "ms")} after the last event`,
      ],
    };
  },
};

/** Each customer's first event, which makes it and its object: afterwards sixty seconds are sixty seconds of sending. */
async function makeFleet(world, account, customers) {
  const startedMs = performance.now();
  for (let from = 0; from < customers.length; from += CUSTOMERS_PER_BATCH) {
    const events = customers.slice(from, from + CUSTOMERS_PER_BATCH).map((customerReferenceId) => ({
      eventName: "first",
      customerReferenceId,
      featureKey: "bench",
    }));
    const answer = await call(world, account.key, "POST", BATCH_PATH, { events });
    if (answer.accepted !== events.length) throw new Error(`fleet: ${JSON.stringify(answer).slice(0, 400)}`);
  }
  return { events: customers.length, elapsedMs: performance.now() - startedMs };
}

/**
 * Looks at the copies in D1 once a second, past the engine. A customer's `rev` that grew since the last look is a batch that
 * arrived (an object waits longer than that between two). How far a copy is behind: the age of what it was a look ago, once
 * it turns out to have been old.
 */
function watchCopies(world, accountId) {
  const revs = new Map();
  let batches = 0;
  let lagMsMax = 0;
  let running = true;
  const loop = (async () => {
    while (running) {
      const sql = "SELECT customer_id, rev, last_event_at_ms FROM customers WHERE account_id = ? AND rev > 0";
      const [rows] = await askDatabase(world, [{ sql, values: [accountId] }]);
      for (const { customer_id: id, rev, last_event_at_ms: atMs } of rows) {
        const before = revs.get(id);
        if (before?.rev === rev) continue;
        batches += 1;
        // It had events after the last one D1 knew of, and D1 heard of them only now.
        if (before !== undefined) lagMsMax = Math.max(lagMsMax, Date.now() - before.atMs);
        revs.set(id, { rev, atMs });
      }
      await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS));
    }
  })();
  return {
    batches: () => batches,
    stop: async () => {
      running = false;
      await loop;
      return lagMsMax;
    },
  };
}

/** Waits until D1 counts as many events as were acknowledged and no more come; or as long as patience lasts. */
async function drained(world, accountId, acknowledged) {
  const startedMs = performance.now();
  const sql = "SELECT COALESCE(SUM(events), 0) AS events FROM rollups WHERE account_id = ?";
  let events = 0;
  let afterMs = 0;
  while (performance.now() - startedMs < DRAIN_MS_MAX) {
    const [[{ events: counted }]] = await askDatabase(world, [{ sql, values: [accountId] }]);
    if (counted > events) afterMs = performance.now() - startedMs;
    if (counted === events && counted >= acknowledged) break;
    events = counted;
    await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS));
  }
  return { events, afterMs };
}
