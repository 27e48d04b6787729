import { OBJECT_BYTES_MAX, OBJECT_BYTES_META_MAX } from "../domain/limits.ts";

/** How full an object may get; `OBJECT_LIMITS` turns them down for tests. Bytes of its database. */
export type ObjectLimits = { metaBytesMax: number; eventBytesMax: number };

export function objectLimits(text: string | undefined): ObjectLimits {
  const limits: ObjectLimits = { metaBytesMax: OBJECT_BYTES_META_MAX, eventBytesMax: OBJECT_BYTES_MAX };
  return text === undefined || text === "" ? limits : { ...limits, ...(JSON.parse(text) as Partial<ObjectLimits>) };
}

/** What an event takes on disk beside its texts: columns, keys, indexes; rather too much than too little. */
const EVENT_BYTES = 1024;
/** After so much was written the size is measured again, however far the limits are. */
const MEASURED_EVERY_BYTES = 4_000_000;

/**
 * How full the object is. Measuring costs more than a small write, so it is done again only when what was written since could
 * matter: near a limit every time, far from it every few megabytes.
 */
export class SizeGuard {
  readonly #sql: SqlStorage;
  readonly #limits: ObjectLimits;
  #measuredBytes: number | undefined;
  #writtenBytes = 0;

  constructor(sql: SqlStorage, limits: ObjectLimits) {
    this.#sql = sql;
    this.#limits = limits;
  }

  /** Tells of events about to be written. */
  willWrite(events: readonly { key: string; meta?: string }[]): void {
    const textBytes = events.reduce((bytes, { key, meta }) => bytes + key.length + (meta?.length ?? 0), 0);
    this.#writtenBytes += events.length * EVENT_BYTES + textBytes * 4;
  }

  /** Events are refused above this: what is left is for money commands, which must always work. */
  hasRoomForEvents(): boolean {
    return this.#below(this.#limits.eventBytesMax);
  }

  /** Above this the caller's meta is no longer kept: the figures are worth more than the remarks. */
  hasRoomForMeta(): boolean {
    return this.#below(this.#limits.metaBytesMax);
  }

  #below(bytesMax: number): boolean {
    const near = (this.#measuredBytes ?? 0) + this.#writtenBytes >= bytesMax;
    if (this.#measuredBytes === undefined || near || this.#writtenBytes > MEASURED_EVERY_BYTES) {
      this.#measuredBytes = this.#sql.databaseSize;
      this.#writtenBytes = 0;
    }
    return this.#measuredBytes < bytesMax;
  }
}
