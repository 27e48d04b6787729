/** What became of the things of a list: which came, which went, which say something else. */
export type Difference<T> = { added: T[]; removed: T[]; changed: { before: T; after: T }[] };

/** Compares two lists of things that `keyOf` tells apart; order does not matter. */
export function differenceBy<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (thing: T) => string,
  isSame: (a: T, b: T) => boolean,
): Difference<T> {
  const old = new Map(before.map((thing) => [keyOf(thing), thing]));
  const kept = new Set(after.map(keyOf));
  const changed: { before: T; after: T }[] = [];
  for (const thing of after) {
    const was = old.get(keyOf(thing));
    if (was !== undefined && !isSame(was, thing)) changed.push({ before: was, after: thing });
  }
  return {
    added: after.filter((thing) => !old.has(keyOf(thing))),
    removed: before.filter((thing) => !kept.has(keyOf(thing))),
    changed,
  };
}

export function isNoDifference({ added, removed, changed }: Difference<unknown>): boolean {
  return added.length + removed.length + changed.length === 0;
}
