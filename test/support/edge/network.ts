import type { Dice } from "../year/dice.ts";

/** True time, which nobody in the model knows, and what is on its way in it. */
export function openNetwork(dice: Dice) {
  const queue: { atMs: number; order: number; work: () => void }[] = [];
  let nowMs = Date.UTC(2030, 2, 5);
  let order = 0;

  function later(delayMs: number, work: () => void): void {
    order += 1;
    const one = { atMs: nowMs + delayMs, order, work };
    let at = queue.length;
    // Nearly everything comes behind nearly everything.
    while (at > 0 && isBefore(one, queue[at - 1])) at -= 1;
    queue.splice(at, 0, one);
  }

  const isBefore = (a: { atMs: number; order: number }, b: { atMs: number; order: number } | undefined): boolean =>
    b !== undefined && (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs);

  /** Mostly near, sometimes across an ocean, now and then stuck. */
  const delayMs = (): number => (dice.oneIn(40) ? dice.below(3000) : dice.oneIn(4) ? dice.below(300) : dice.below(30));

  return {
    now: () => nowMs,
    later,
    /**
     * Asks `there` and brings its answer back. Either way can lose it; then, as when `there` is down, `lost` is called much later, and
     * nobody knows whether it was done.
     */
    call<T>(there: () => T | "down", answered: (answer: T) => void, lost: () => void): void {
      if (dice.oneIn(30)) {
        later(3000, lost);
        return;
      }
      later(delayMs(), () => {
        const answer = there();
        if (answer === "down" || dice.oneIn(30)) later(3000, lost);
        else later(delayMs(), () => answered(answer));
      });
    },
    /** Lets everything happen. */
    run(): void {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        nowMs = Math.max(nowMs, next.atMs);
        next.work();
      }
    },
    passMs(spanMs: number): void {
      nowMs += spanMs;
    },
  };
}

export type Network = ReturnType<typeof openNetwork>;
