import type { TestProject } from "vitest/node";
import { unpackBrowser } from "../browser/support/browser.ts";
import { totals } from "./support/api.ts";
import { newStateFolder, removeStateFolder, startTanso, stopTanso, type Tanso } from "./support/tanso.mjs";

const PATIENCE_MS = 60_000;
const SEEDED_MS = 65 * 86_400_000;

/** One first start, seeded and stopped again, for all files that begin with the Demo account; and one browser for all of them. */
export default async function setup(project: TestProject): Promise<() => void> {
  await unpackBrowser();
  const state = newStateFolder();
  const tanso = await startTanso(state, { args: [] });
  await tanso.says("The Demo account is filled");
  await arrived(tanso);
  await stopTanso(tanso);
  project.provide("firstStart", { state, output: tanso.output() });
  return () => removeStateFolder(state);
}

/** Waits until D1 has heard of every event: what an object still has to tell, a copy of it would tell late. */
async function arrived(tanso: Tanso): Promise<void> {
  const told = Number(/([\d,]+) events of/.exec(tanso.output())?.[1]?.replaceAll(",", ""));
  const start = new Date(Date.now() - SEEDED_MS).toISOString();
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    const { events } = await totals(tanso, `start=${start}`);
    if (events >= told) return;
    if (Date.now() > untilMs) throw new Error(`${events} of ${told} events of the first start arrived`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
