import { createServer } from "node:http";

/** A server that keeps what it is sent, as the receiver of webhooks. */
export async function openInbox() {
  let received = [];
  let statuses = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    received.push({ path: incoming.url, headers: incoming.headers, body: Buffer.concat(chunks).toString() });
    outgoing.writeHead(statuses.shift() ?? 200).end();
  });
  await new Promise((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    received: () => received,
    answerWith: (...next) => {
      statuses = next;
    },
    clear: () => {
      received = [];
      statuses = [];
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
