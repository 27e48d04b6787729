import { createServer } from "node:http";
import { createDouble } from "./double.ts";

/** The double as an HTTP server on this machine. Needs a Node that reads TypeScript: 22.18 or newer. */

const TICK_MS = 1000;
/** Long, since a client that sends on a connection that is just being closed cannot know whether it was heard. */
const KEEP_ALIVE_MS = 600_000;

/** Starts it on 127.0.0.1; port 0: any that is free. `seed` and `snapshot` as `createDouble` takes them. */
export async function startStripeDouble({ port = 0, seed, snapshot } = {}) {
  const double = createDouble({ seed, snapshot });
  const server = createServer((incoming, outgoing) => {
    serve(double, incoming, outgoing).catch((error) => {
      console.error("The double of Stripe failed:", error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500).end();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, resolve);
  });
  const timer = setInterval(() => double.tick(), TICK_MS);
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    snapshot: () => double.snapshot(),
    stop: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function serve(double, incoming, outgoing) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
  const request = new Request(new URL(incoming.url ?? "/", `http://${incoming.headers.host}`), {
    method: incoming.method,
    headers: Object.entries(incoming.headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one])),
    ...(hasBody ? { body: Buffer.concat(chunks) } : {}),
  });
  const outcome = await double.handle(request);
  if (outcome.kind === "silent") return;
  if (outcome.kind === "broken") {
    incoming.socket.destroy();
    return;
  }
  outgoing.writeHead(outcome.response.status, Object.fromEntries(outcome.response.headers));
  outgoing.end(Buffer.from(await outcome.response.arrayBuffer()));
}
