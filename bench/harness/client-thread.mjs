import { parentPort } from "node:worker_threads";
import autocannon from "autocannon";
import { percentile } from "./statistics.mjs";

/**
 * The client's own thread: one job at a time, so that the figures of a run hold the client's cost and nothing else of
 * ours. Percentiles are ours too, from every single duration: the client's own histogram counts whole milliseconds.
 */

const SAMPLE_MS = 20;
const BODY_SHOWN_CHARS = 400;

async function requestsOf({ module, name, values }) {
  const make = (await import(module))[name];
  const request = make(values);
  // A request that never changes is built once; a function is asked for each next one, before its clock starts.
  return typeof request === "function" ? [{ setupRequest: (base) => Object.assign(base, request()) }] : [request];
}

async function run(job) {
  const requests = await requestsOf(job.request);
  const durations = [];
  const statuses = {};
  let unexpected;
  let awaitsBody = false;
  let sent = 0;
  let answered = 0;
  let counted = 0;
  let lastMs = 0;
  const startedMs = performance.now();
  const connected = new Set();
  const onResponse = (connection, status, __, durationMs) => {
    const expected = job.statuses.includes(status);
    awaitsBody = !expected && unexpected === undefined;
    if (awaitsBody) unexpected = { status };
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (expected) answered += 1;
    // A connection's first answer holds the time it took to connect, which no later request pays. Of an amount all count, unless
    // the job says otherwise.
    const isCounted = connected.has(connection) || (job.amount !== undefined && job.leavesFirstOut !== true);
    if (expected && isCounted) durations.push(durationMs);
    connected.add(connection);
    lastMs = performance.now();
  };
  const result = await new Promise((resolve, reject) => {
    const running = autocannon(
      {
        url: job.url,
        connections: job.connections,
        requests,
        sampleInt: SAMPLE_MS,
        timeout: job.timeoutSeconds ?? 60,
        ...(job.rate === undefined ? {} : { overallRate: job.rate }),
        ...(job.amount === undefined ? { duration: job.seconds } : { amount: job.amount }),
        verifyBody: (body) => {
          if (job.counts !== undefined && body.includes(job.counts)) counted += 1;
          if (awaitsBody) unexpected.body = body.slice(0, BODY_SHOWN_CHARS);
          awaitsBody = false;
          return true;
        },
        setupClient: (client) => client.on("request", () => (sent += 1)),
      },
      (failure, done) => (failure ? reject(failure) : resolve(done)),
    );
    running.on("response", onResponse);
  });
  durations.sort((a, b) => a - b);
  const elapsedSeconds = (lastMs - startedMs) / 1000;
  return {
    answered,
    counted,
    sent,
    statuses,
    unexpected,
    errors: result.errors,
    elapsedSeconds,
    perSecond: answered / elapsedSeconds,
    p50: percentile(durations, 50),
    p99: percentile(durations, 99),
    max: durations.at(-1),
  };
}

parentPort.on("message", async ({ id, job }) => {
  try {
    parentPort.postMessage({ id, result: await run(job) });
  } catch (failure) {
    parentPort.postMessage({ id, failure: failure.stack });
  }
});
