/** Dice that fall the same way for the same seed. */
export type Dice = {
  /** 0 … below `n`. */
  below: (n: number) => number;
  /** One of them. */
  of: <T>(items: readonly T[]) => T;
  /** One in `n` times. */
  oneIn: (n: number) => boolean;
};

export function diceOf(seed: number): Dice {
  let state = (seed * 2_654_435_761 + 0x9e37_79b9) >>> 0;
  const next = (): number => {
    // A 32-bit xorshift with a multiplication on its way out; 0 is the one state that it may not have.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    if (state === 0) state = 0x9e37_79b9;
    return Math.imul(state, 0x9e37_79b1) >>> 0;
  };
  const below = (n: number): number => Math.floor((next() / 2 ** 32) * n);
  const of = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error("dice were thrown for nothing");
    return item;
  };
  for (let warm = 0; warm < 8; warm += 1) next();
  return { below, of, oneIn: (n) => below(n) === 0 };
}
