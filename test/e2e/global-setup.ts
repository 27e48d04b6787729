import type { TestProject } from "vitest/node";
import { newStateFolder, removeStateFolder, startTanso, stopTanso } from "./support/tanso.mjs";

/** One first start, seeded, for all files that only ask and add. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = newStateFolder();
  const tanso = await startTanso(state, { args: [] });
  await tanso.says("The Demo account is filled");
  project.provide("tanso", { url: tanso.url, port: tanso.port, output: tanso.output() });
  return async () => {
    await stopTanso(tanso);
    removeStateFolder(state);
  };
}
