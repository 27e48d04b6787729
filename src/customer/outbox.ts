import type { StoredEvent } from "../domain/event.ts";
import {
  FEED_BYTES_PER_FLUSH_MAX,
  FEED_EVENTS_PER_FLUSH_MAX,
  FLUSH_DELAY_MS_MAX,
  FLUSH_DELAY_MS_MIN,
  FLUSH_ROWS_ALONE_MAX,
  FLUSH_ROWS_MAX,
  OUTBOX_ATTEMPTS_MAX,
} from "../domain/limits.ts";
import type { RollupKey } from "../domain/rollup.ts";
import { type HealthRow, type Projection, projectionStatements } from "../ledger/projections.ts";
import { type Change, type Customer, commit, type OutboxKind } from "./image.ts";
import { view } from "./questions/view.ts";
import { EVENT_COLUMNS, readEvents, readRollup } from "./store.ts";

/**
 * What leaves the object for D1. Rows name projections; a flush reads each afresh, sends absolute values as one batch, and
 * forgets a row only if nothing of it changed while the batch was away. One flush is in flight per object. While D1 is away the
 * wait doubles from 2 s to 60 s and no row is blamed; a row that fails 20 times while D1 works is parked and shown.
 */

type OutboxRow = { kind: OutboxKind; key: string; since_ms: number; failures: number };

/**
 * What one row sends, and whether the row may be forgotten afterwards: false when the thing has changed since. `seen` is what to
 * note once it arrived.
 */
type Parcel = {
  row: OutboxRow;
  projection: Projection | undefined;
  unchanged: () => boolean;
  seen?: () => Change | undefined;
};

export type FlushOutcome = "empty" | "sent" | "failed";

export class Outbox {
  readonly #customer: Customer;
  readonly #database: D1Database;
  #inFlight: Promise<FlushOutcome> | undefined;
  #failuresInRow = 0;

  constructor(customer: Customer, database: D1Database) {
    this.#customer = customer;
    this.#database = database;
  }

  /** How long the next flush waits. */
  get delayMs(): number {
    return Math.min(FLUSH_DELAY_MS_MAX, FLUSH_DELAY_MS_MIN * 2 ** this.#failuresInRow);
  }

  hasRows(): boolean {
    return !this.#customer.sql.exec("SELECT 1 FROM outbox WHERE parked_at_ms IS NULL LIMIT 1").next().done;
  }

  /** Rows waiting and parked, and the age of the oldest: for operators. */
  health(): HealthRow & { waitingRows: number } {
    const { sql, image } = this.#customer;
    const row = sql
      .exec<{ oldest: number | null; waiting: number; parked: number }>(
        `SELECT MIN(since_ms) AS oldest, COUNT(*) FILTER (WHERE parked_at_ms IS NULL) AS waiting,
           COUNT(parked_at_ms) AS parked FROM outbox`,
      )
      .one();
    return {
      oldestUnsentAtMs: row.oldest ?? undefined,
      waitingRows: row.waiting,
      parkedRows: row.parked,
      quarantinedAtMs: image.state.quarantinedAtMs,
      sizeBytes: sql.databaseSize,
    };
  }

  /** Sends what waits. A flush under way is joined first, so that what was written before this call is on its way after it. */
  async flush(nowMs: number): Promise<FlushOutcome> {
    if (this.#inFlight !== undefined) await this.#inFlight;
    if (this.#inFlight === undefined) {
      this.#inFlight = this.#flushOnce(nowMs).finally(() => {
        this.#inFlight = undefined;
      });
    }
    return this.#inFlight;
  }

  async #flushOnce(nowMs: number): Promise<FlushOutcome> {
    const rows = this.#customer.sql
      .exec<OutboxRow>(
        `SELECT kind, key, since_ms, failures FROM outbox WHERE lane = 'd1' AND parked_at_ms IS NULL
         ORDER BY since_ms LIMIT ?`,
        FLUSH_ROWS_MAX,
      )
      .toArray();
    if (rows.length === 0) return "empty";
    const parcels = rows.flatMap((row) => this.#packed(row, nowMs));
    const arrived = await this.#send(parcels);
    if (arrived) this.#acknowledge(parcels, nowMs);
    if (arrived && parcels.length === rows.length) {
      this.#failuresInRow = 0;
      return "sent";
    }
    this.#failuresInRow += 1;
    if (!arrived && (await this.#databaseAnswers())) await this.#sendApart(parcels, nowMs);
    return "failed";
  }

  /** A row whose projection cannot even be read is blamed alone, like one that D1 refuses: the others go on. */
  #packed(row: OutboxRow, nowMs: number): Parcel[] {
    try {
      return [this.#parcel(row)];
    } catch (failure) {
      const { accountId, customerId } = this.#customer.image.owner;
      const { kind } = row;
      console.error(JSON.stringify({ at: "outbox", kind, unreadable: String(failure), accountId, customerId }));
      this.#blame(row, nowMs);
      return [];
    }
  }

  /** Finds the row that D1 refuses while it takes others: each is sent alone and the refused ones are counted. */
  async #sendApart(parcels: readonly Parcel[], nowMs: number): Promise<void> {
    for (const parcel of parcels.slice(0, FLUSH_ROWS_ALONE_MAX)) {
      if (await this.#send([parcel])) this.#acknowledge([parcel], nowMs);
      else this.#blame(parcel.row, nowMs);
    }
  }

  #blame(row: OutboxRow, nowMs: number): void {
    const { sql, transact, image } = this.#customer;
    const parked = row.failures + 1 >= OUTBOX_ATTEMPTS_MAX;
    transact(() => {
      sql.exec(
        "UPDATE outbox SET failures = failures + 1, parked_at_ms = ? WHERE lane = 'd1' AND kind = ? AND key = ?",
        parked ? nowMs : null,
        row.kind,
        row.key,
      );
    });
    image.outboxKnown.delete(`${row.kind}\n${row.key}`);
    if (!parked) return;
    image.parkedRows += 1;
    commit(this.#customer, [{ kind: "unsent", outboxKind: "health", key: "" }], nowMs);
  }

  async #send(parcels: readonly Parcel[]): Promise<boolean> {
    const { owner } = this.#customer.image;
    const projections = merged(parcels);
    if (projections.length === 0) return true;
    try {
      await this.#database.batch(projectionStatements(this.#database, owner.accountId, owner.customerId, projections));
      return true;
    } catch (failure) {
      // Away, slow or refusing: the caller finds out which. Nothing is lost, every row is still here.
      const { accountId, customerId } = owner;
      const line = { at: "outbox", rows: parcels.length, failure: String(failure), accountId, customerId };
      console.error(JSON.stringify(line));
      return false;
    }
  }

  async #databaseAnswers(): Promise<boolean> {
    try {
      await this.#database.prepare("SELECT 1").first();
      return true;
    } catch {
      return false;
    }
  }

  #acknowledge(parcels: readonly Parcel[], nowMs: number): void {
    const { sql, transact, image } = this.#customer;
    const done = parcels.filter((parcel) => parcel.unchanged());
    transact(() => {
      for (const { row } of done) {
        sql.exec("DELETE FROM outbox WHERE lane = 'd1' AND kind = ? AND key = ?", row.kind, row.key);
        if (row.kind === "rollup") deleteEmptied(sql, row.key);
      }
      // What changed meanwhile waits from now on.
      for (const parcel of parcels) {
        if (done.includes(parcel)) continue;
        sql.exec(
          "UPDATE outbox SET since_ms = ?, failures = 0 WHERE lane = 'd1' AND kind = ? AND key = ?",
          nowMs,
          parcel.row.kind,
          parcel.row.key,
        );
      }
    });
    for (const { row } of done) image.outboxKnown.delete(`${row.kind}\n${row.key}`);
    for (const { row } of done) if (row.kind === "rollup") forgetEmptied(this.#customer, row.key);
    if (image.parkedRows > 0) image.parkedRows = this.health().parkedRows;
    const seen = parcels.flatMap((parcel) => parcel.seen?.() ?? []);
    if (seen.length > 0) commit(this.#customer, seen, nowMs);
  }

  #parcel(row: OutboxRow): Parcel {
    const { image, sql } = this.#customer;
    const rev = image.state.rev;
    switch (row.kind) {
      case "customer": {
        const { profile, lastEventAtMs } = image.state;
        const shown = view(this.#customer);
        return {
          row,
          projection: shown === undefined ? undefined : { kind: "customer", view: shown, rev },
          // The profile itself, not its times: two changes may fall into one millisecond.
          unchanged: () => image.state.profile === profile && image.state.lastEventAtMs === lastEventAtMs,
        };
      }
      case "feed": {
        const events = newestEvents(this.#customer);
        const last = image.lastSeq;
        const { fedRev } = image;
        // Set anew meanwhile, by a recost or a rebuild, the feed wants these events once more.
        const goesOn = () => image.fedRev === fedRev;
        return {
          row,
          projection: events.length === 0 ? undefined : { kind: "feed", events, rev },
          unchanged: () => image.lastSeq === last && goesOn(),
          seen: () => (goesOn() ? { kind: "fed", seq: last } : undefined),
        };
      }
      case "health": {
        const health = this.#healthToTell();
        return {
          row,
          projection: { kind: "health", health, rev },
          unchanged: () =>
            image.state.quarantinedAtMs === health.quarantinedAtMs && this.health().parkedRows === health.parkedRows,
        };
      }
      case "rollup": {
        const key = rollupKey(row.key);
        const rollup = readRollup(sql, key);
        return {
          row,
          projection: rollup === undefined ? undefined : { kind: "rollups", rollups: [rollup] },
          unchanged: () => readRollup(sql, key)?.rev === rollup?.rev,
        };
      }
      default:
        return row.kind satisfies never;
    }
  }

  /** Rows that merely wait will have gone when this arrives: only parked ones are told, with their age. */
  #healthToTell(): HealthRow {
    const { oldestUnsentAtMs, waitingRows: _, ...health } = this.health();
    return { ...health, oldestUnsentAtMs: health.parkedRows > 0 ? oldestUnsentAtMs : undefined };
  }
}

/** One projection of each kind: all rollups in one statement, whatever their number. */
function merged(parcels: readonly Parcel[]): Projection[] {
  const rollups = parcels.flatMap(({ projection }) => (projection?.kind === "rollups" ? projection.rollups : []));
  const others = parcels.flatMap(({ projection }) =>
    projection === undefined || projection.kind === "rollups" ? [] : [projection],
  );
  return rollups.length === 0 ? others : [...others, { kind: "rollups", rollups }];
}

function rollupKey(text: string): RollupKey {
  const [bucketStartMs, spanMs, featureId, provider, model, currency] = JSON.parse(text) as [
    number,
    number,
    string,
    string,
    string,
    string,
  ];
  return { bucketStartMs, spanMs, featureId, provider, model, currency };
}

/** An hour that became part of a day is zero; once D1 knows, the object needs it no more. */
function deleteEmptied(sql: SqlStorage, text: string): void {
  const key = rollupKey(text);
  sql.exec(
    `DELETE FROM rollups WHERE bucket_start_ms = ? AND span_ms = ? AND feature_id = ? AND provider = ? AND model = ?
       AND currency = ? AND events = 0`,
    key.bucketStartMs,
    key.spanMs,
    key.featureId,
    key.provider,
    key.model,
    key.currency,
  );
}

function forgetEmptied(customer: Customer, text: string): void {
  if (customer.image.rollups.get(text)?.events === 0) customer.image.rollups.delete(text);
}

/** Numbers, names of fields and ids of one event in the feed. */
const FEED_FIXED_BYTES = 2000;
/** What one UTF-16 unit becomes at most, as JSON text inside JSON text: an escape that is escaped again. */
const FEED_BYTES_PER_UNIT = 8;

/** No event takes more in the feed than this; counted from lengths, since writing it out to know costs more than sending it. */
function feedBytesAtMost(event: StoredEvent): number {
  const {
    key,
    eventName,
    provider,
    model,
    flowId = "",
    subscriptionId = "",
    invoiceId = "",
    entitlementId = "",
  } = event;
  // Three of the names stand in columns of their own as well.
  const columns = eventName.length + provider.length + model.length;
  const others = key.length + flowId.length + subscriptionId.length + invoiceId.length + entitlementId.length;
  return FEED_FIXED_BYTES + FEED_BYTES_PER_UNIT * (2 * columns + others);
}

/**
 * The newest events the feed has not been offered, as many as one statement may carry; older ones are only in the object. A
 * single event is far smaller than the bound.
 */
function newestEvents(customer: Customer): StoredEvent[] {
  const { state, owner } = customer.image;
  const events = readEvents(
    customer.sql,
    owner.tag,
    `SELECT ${EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq DESC LIMIT ?`,
    state.fedSeq,
    FEED_EVENTS_PER_FLUSH_MAX,
  );
  let bytes = 0;
  const over = events.findIndex((event) => {
    bytes += feedBytesAtMost(event);
    return bytes > FEED_BYTES_PER_FLUSH_MAX;
  });
  return over === -1 ? events : events.slice(0, Math.max(1, over));
}
