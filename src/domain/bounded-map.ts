/** A map that forgets its oldest entries beyond `entriesMax`: an isolate's caches must not grow with the number of customers. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Puts an entry last in the order of forgetting. Returns the one that is forgotten for it. */
  set(key: K, value: V): V | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return undefined;
    const oldest = this.#entries.entries().next();
    if (oldest.done) return undefined;
    this.#entries.delete(oldest.value[0]);
    return oldest.value[1];
  }

  entries(): Iterable<[K, V]> {
    return [...this.#entries];
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
