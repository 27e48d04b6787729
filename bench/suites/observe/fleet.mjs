import { shown } from "../../harness/report.mjs";
import { call, openAccount } from "../../harness/world.mjs";
import { eventRequest } from "../../requests/makers.mjs";
import { EVENT_PATH } from "./requests.mjs";

const CONNECTIONS = 32;
const STATUS_EVERY_MS = 1000;
const DRAIN_MS_MAX = 120_000;

/** Very many customers at once: is every acknowledged event in D1 in the end, how late, and in how many writes? */
export const fleetSection = {
  name: "fleet",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Fleet");
    const customers = Array.from({ length: options.fleetCustomers }, (_, index) => `fleet-${index}`);
    let flushes = 0;
    world.onLog = (line) => {
      if (line.includes('"flush"')) flushes += 1;
    };
    const watch = watchLag(world, account);
    const sent = await world.client.drive({
      url: world.engine.addresses.engine,
      connections: CONNECTIONS,
      seconds: options.fleetSeconds,
      statuses: [201],
      request: eventRequest({ path: EVENT_PATH, headers: account.headers, customers, feature: "bench" }),
    });
    const flushesPerSecond = flushes / sent.elapsedSeconds;
    const stored = await drained(world, account, sent.answered);
    const lag = await watch.stop();
    world.onLog = undefined;
    const name = `${options.fleetCustomers.toLocaleString("en")} customers sending for ${options.fleetSeconds} s: events lost`;
    const figure = {
      p50: sent.p50,
      p99: sent.p99,
      unitsPerSecond: sent.perSecond,
      memoryBytes: world.engine.memoryBytes(),
    };
    return {
      figures: [{ connections: CONNECTIONS, name: "event, many customers", ...figure }],
      lines: [
        {
          name,
          measure: `${shown(sent.answered)} answered`,
          value: Math.max(0, sent.answered - stored.events),
          target: { atMost: 0, unit: "events" },
        },
      ],
      told: [
        `fleet: ${shown(flushesPerSecond)} flushes/s while sending; D1 was at most ${shown(lag.maxMs, "ms")} behind; ` +
          `all was there ${shown(stored.afterMs, "ms")} after the last event (${shown(stored.events)} of ${shown(sent.sent)} sent)`,
      ],
    };
  },
};

/** Reads how long the oldest unsent row has waited, once a second, until stopped. */
function watchLag(world, account) {
  let maxMs = 0;
  let running = true;
  const loop = (async () => {
    while (running) {
      const status = await call(world, account.key, "GET", "/api/v1/ops/status");
      maxMs = Math.max(maxMs, waitingMs(status));
      await new Promise((resolve) => setTimeout(resolve, STATUS_EVERY_MS));
    }
  })();
  return {
    stop: async () => {
      running = false;
      await loop;
      return { maxMs };
    },
  };
}

function waitingMs(status) {
  const oldest = status.oldestUnsentAt ?? status.oldestRowAt;
  return oldest === undefined || oldest === null ? 0 : Date.now() - Date.parse(oldest);
}

/** Waits until D1 counts as many events as were acknowledged and no more come; or as long as patience lasts. */
async function drained(world, account, acknowledged) {
  const startedMs = performance.now();
  let events = 0;
  let afterMs = 0;
  while (performance.now() - startedMs < DRAIN_MS_MAX) {
    const portfolio = await call(world, account.key, "GET", "/api/v1/analytics/portfolio");
    const counted = portfolio.totals?.events ?? portfolio.events;
    if (counted > events) afterMs = performance.now() - startedMs;
    if (counted === events && counted >= acknowledged) break;
    events = counted;
    await new Promise((resolve) => setTimeout(resolve, STATUS_EVERY_MS));
  }
  return { events, afterMs };
}
