import { afterAll, beforeAll, describe, inject, test, vi } from "vitest";
import { makeScript, type Step } from "./script.ts";
import { divertStripe } from "./till.ts";
import { forget, liveThrough, shortest } from "./year.ts";

/**
 * The simulated year: two customers of one account live through what a seed brings, and in the end every cent is as the reckoning says.
 * The seeds are dealt to as many test files as there are parts, since files run side by side.
 */

export const PARTS = 4;

/** One test for each seed of this part. */
export function simulate(part: number): void {
  const { seeds, days, shortenMs } = inject("years");
  const own = seeds.filter((seed) => seed % PARTS === part % PARTS);

  standAlone();
  describe("holds", () => {
    for (const seed of own)
      test(`every cent is as reckoned from the facts: seed ${seed}`, {
        timeout: 60_000 + shortenMs + days * 2000,
      }, async ({ task }) => {
        const steps = makeScript(seed, days);
        try {
          Object.assign(task.meta, { figures: await liveThrough(seed, steps) });
        } catch (failure) {
          await forget();
          throw new Error(await storyOf(seed, steps, failure, performance.now() + shortenMs));
        } finally {
          await forget();
        }
      });
  });
}

/** No line of the Worker's log is written, of which there are thousands, and Stripe is in this isolate. */
export function standAlone(): void {
  beforeAll(() => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    vi.spyOn(console, "error").mockImplementation(() => {});
    divertStripe();
  });
  afterAll(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

async function storyOf(seed: number, all: readonly Step[], first: unknown, untilMs: number): Promise<string> {
  const { steps, failure } = await shortest(seed, all, untilMs);
  // Nothing fails twice: what failed is told as it was.
  const kept = failure === undefined ? all : steps;
  const lines = kept.map((step) => `  ${new Date(step.atMs).toISOString()} ${JSON.stringify(step)}`);
  const why = failure ?? first;
  const reason = why instanceof Error ? why.message : String(why);
  return [`seed ${seed}: ${kept.length} of ${all.length} steps`, ...lines, reason].join("\n");
}
