import { afterAll, beforeAll, inject } from "vitest";
import { copyOfState, freePort, removeStateFolder, startTanso, stopTanso, type Tanso } from "./tanso.mjs";

/**
 * A server of a test file's own, on a copy of what the first start made: what one file writes is in no other's figures. It runs from
 * before the file's first test until after its last; its address is known at once. `script`, `args`: what starts it, if not `npm start`.
 */
export async function seededTanso(
  started: { script?: string; args?: readonly string[] } = {},
): Promise<{ url: string; port: number; output: () => string }> {
  const port = await freePort();
  const state = copyOfState(inject("firstStart").state);
  let tanso: Tanso | undefined;
  beforeAll(async () => {
    tanso = await startTanso(state, { port, ...started });
  });
  afterAll(async () => {
    if (tanso !== undefined) await stopTanso(tanso);
    removeStateFolder(state);
  });
  return { url: `http://127.0.0.1:${port}`, port, output: () => tanso?.output() ?? "" };
}
