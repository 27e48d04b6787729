import type { Network } from "./network.ts";

/** A clock that is wrong by so much, and is set back now and then. */
export function openClock(network: Network, skewMs: number) {
  const backs: { atMs: number; byMs: number }[] = [];
  /** By how much it was set back since an instant of true time. */
  const backSince = (trueMs: number): number =>
    backs.reduce((sum, { atMs, byMs }) => (atMs >= trueMs ? sum + byMs : sum), 0);
  return {
    now: (): number => network.now() + skewMs - backSince(Number.NEGATIVE_INFINITY),
    backSince,
    setBack(byMs: number): void {
      backs.push({ atMs: network.now(), byMs });
    },
  };
}

export type Clock = ReturnType<typeof openClock>;
