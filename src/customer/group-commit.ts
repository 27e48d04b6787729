/**
 * Group commit: calls that arrive together share one durable commit. Each call queues its work; the first one in an empty queue
 * waits until the commit before it is durable and then runs everything queued by then in the same turn, which the platform
 * writes as one. Each work is synchronous and runs its own transaction, so one that throws takes no other with it. Alone, a call
 * pays almost nothing; under load some hundred share one commit.
 */
export class GroupCommit {
  readonly #queue: (() => void)[] = [];
  readonly #durable: () => Promise<void>;

  /** `durable` resolves once all earlier writes are on disk. */
  constructor(durable: () => Promise<void>) {
    this.#durable = durable;
  }

  run<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
      if (this.#queue.length === 1) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    try {
      await this.#durable();
    } finally {
      // Even after a failed sync the callers must hear something: their own work tells them what.
      for (const work of this.#queue.splice(0)) work();
    }
  }
}
