import { Worker } from "node:worker_threads";

/**
 * Starts the HTTP client in a thread of its own. `drive` sends one job and answers its figures: `answered` and `perSecond`
 * count expected answers only, durations are milliseconds. An answer with another status than the job's `statuses` is a
 * failure, never a figure: a refusal is quick, and would look like speed. `counted`: answers that hold the job's text `counts`.
 */
export function startClient() {
  const thread = new Worker(new URL("client-thread.mjs", import.meta.url));
  const waiting = new Map();
  let lastId = 0;
  thread.on("message", ({ id, result, failure }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) resolve(result);
    else reject(new Error(failure));
  });
  thread.on("error", (failure) => {
    for (const { reject } of waiting.values()) reject(failure);
  });

  async function drive(job) {
    lastId += 1;
    const id = lastId;
    const result = await new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      thread.postMessage({ id, job: { statuses: [200], ...job } });
    });
    if (result.unexpected !== undefined) {
      const { status, body } = result.unexpected;
      throw new Error(`${job.request.name}: answered ${status}: ${body}`);
    }
    if (result.errors > 0) throw new Error(`${job.request.name}: ${result.errors} connections failed or timed out`);
    if (result.answered === 0) throw new Error(`${job.request.name}: nothing was answered in time`);
    return result;
  }
  return { drive, stop: () => thread.terminate() };
}
