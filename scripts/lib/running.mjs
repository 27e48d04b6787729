import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";

/** Who serves a state folder: two servers on one would tear its databases, and a reset under a server would too. */

const fileOf = (state) => join(state, "server.json");

/** Notes who serves this state folder, until `release`: the port, and the process group of the server. */
export function claim(state, { port, groupId }) {
  mkdirSync(state, { recursive: true });
  writeFileSync(fileOf(state), JSON.stringify({ port, groupId }));
}

export function release(state) {
  rmSync(fileOf(state), { force: true });
}

/**
 * The port on which a state folder is served now, if it is. The note alone proves nothing, since a killed server leaves its
 * own: the port must answer. (A process id would prove less: they are used again.)
 */
export async function servedOn(state) {
  let noted;
  try {
    noted = JSON.parse(readFileSync(fileOf(state), "utf8"));
  } catch {
    return undefined;
  }
  return (await somethingAnswers(noted.port)) ? noted.port : undefined;
}

function somethingAnswers(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Whether a server could listen here: `free`, `taken`, or `forbidden` (ports below 1024, on some systems). */
export function portState(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error) => resolve(error.code === "EACCES" ? "forbidden" : "taken"));
    probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => probe.close(() => resolve("free")));
  });
}
