import { createServer } from "node:net";

/** A port nobody listens on now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const WAKE_EVERY_MS = 20;

/**
 * Talks to the inspector of one Worker's isolate: `send(method, parameters)` answers the method's result. workerd hands messages
 * to an isolate only when that has something to do: `wake` sends it a request, again and again until the answer is there.
 */
export async function openInspector(port, workerName, wake) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/core:user:${workerName}`);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error(`no inspector of ${workerName} on port ${port}`)));
  });
  const waiting = new Map();
  let lastId = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    const call = waiting.get(id);
    if (call === undefined) return;
    waiting.delete(id);
    if (error === undefined) call.resolve(result);
    else call.reject(new Error(error.message));
  });
  async function send(method, params = {}) {
    // One that fails was on its way when the process ended, and nobody waits for it.
    const waking = setInterval(() => wake().catch(() => {}), WAKE_EVERY_MS);
    try {
      return await new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        socket.send(JSON.stringify({ id: lastId, method, params }));
      });
    } finally {
      clearInterval(waking);
    }
  }
  return { send, close: () => socket.close() };
}
