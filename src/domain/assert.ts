/**
 * Throws when an invariant does not hold. A throw is a bug, never a caller's mistake: the transaction around it keeps nothing
 * and the caller gets a 500. A refusal that a caller can cause is a value (`refusal.ts`).
 */
export function assert(condition: unknown, law: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${law}`);
}
