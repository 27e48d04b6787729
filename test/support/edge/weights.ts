import type { Weight } from "../../../src/domain/credit.ts";

/** What a unit burns, as it was published: from which instant on, newest last. */
export function openWeights(firstE12: bigint | undefined) {
  const all: Weight[] = [];
  const publish = (creditsPerUnitE12: bigint, effectiveFromMs: number): void => {
    all.push({ weightId: `w-${all.length + 1}`, creditsPerUnitE12, effectiveFromMs });
    all.sort((a, b) => a.effectiveFromMs - b.effectiveFromMs);
  };
  if (firstE12 !== undefined) publish(firstE12, 0);
  return {
    all: all as readonly Weight[],
    publish,
    /** In force at an instant; undefined where units burn nothing. */
    at: (atMs: number): bigint | undefined =>
      all.findLast(({ effectiveFromMs }) => effectiveFromMs <= atMs)?.creditsPerUnitE12,
    /** When a unit begins to burn something else, by what is known now. */
    nextAtMs: (atMs: number): number =>
      all.find(({ effectiveFromMs }) => effectiveFromMs > atMs)?.effectiveFromMs ?? Number.POSITIVE_INFINITY,
  };
}

export type Weights = ReturnType<typeof openWeights>;
