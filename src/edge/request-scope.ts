import type { Region } from "../domain/placement.ts";

/**
 * What one request waited for, and who answered it. Owns the counting; what has not come back when the answer is made was not waited
 * for, and is not counted. Its clock is the caller's, and shows time only where the platform's does: while something is waited for.
 */

/** `catalog`: what the account defined, from D1 or from what the isolate remembers of it; no customer was asked about. */
export type AnswerSource = "catalog" | "object" | "lease" | "block";

type Waits = { count: number; ms: number };

export class RequestScope {
  source: AnswerSource = "catalog";
  /** Until it was known who calls, D1 included. */
  authMs = 0;
  readonly d1: Waits = { count: 0, ms: 0 };
  readonly object: Waits = { count: 0, ms: 0 };
  /** Where a customer who is new is best kept; undefined: wherever the platform likes. */
  region: () => Region | undefined = () => undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** One round trip to D1, of however many statements. */
  toDatabase<T>(trip: () => Promise<T>): Promise<T> {
    return this.#waited(this.d1, trip);
  }

  /** One call of a customer's object. */
  async toObject<T>(call: () => Promise<T>): Promise<T> {
    const answered = await this.#waited(this.object, call);
    if (this.source === "catalog") this.source = "object";
    return answered;
  }

  async #waited<T>(waits: Waits, work: () => Promise<T>): Promise<T> {
    const startedAtMs = this.#now();
    try {
      return await work();
    } finally {
      waits.count += 1;
      waits.ms += this.#now() - startedAtMs;
    }
  }

  /** Value of the header Server-Timing. `object` and `d1` overlap where several are asked at once; they are left out if none was. */
  serverTiming(totalMs: number): string {
    const { authMs, d1, object } = this;
    const trips = d1.count === 0 ? "" : `, d1;dur=${d1.ms};desc="${plural(d1.count, "round trip")}"`;
    const calls = object.count === 0 ? "" : `, object;dur=${object.ms};desc="${plural(object.count, "call")}"`;
    return `auth;dur=${authMs}${trips}${calls}, total;dur=${totalMs}`;
  }
}

function plural(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`;
}
