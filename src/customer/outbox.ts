import {
  FLUSH_DELAY_MS_MAX,
  FLUSH_DELAY_MS_MIN,
  FLUSH_ROWS_ALONE_MAX,
  FLUSH_ROWS_MAX,
  OUTBOX_ATTEMPTS_MAX,
} from "../domain/limits.ts";
import { invoiceFacts, invoiceFactsStatement } from "../ledger/invoices.ts";
import { type HealthRow, projectionStatements } from "../ledger/projections.ts";
import { commit } from "./commit.ts";
import type { Customer } from "./image.ts";
import {
  deleteEmptied,
  type Facts,
  forgetEmptied,
  merged,
  type OutboxRow,
  type Parcel,
  parcelOf,
} from "./outbox-parcels.ts";
import { rowsText } from "./rows.ts";

/**
 * What leaves the object for D1. Rows name projections; a flush reads each afresh, sends absolute values as one batch, and
 * forgets a row only if nothing of it changed while the batch was away. One flush is in flight per object. While D1 is away the
 * wait doubles from 2 s to 60 s and no row is blamed; a row that fails 20 times while D1 works is parked and shown.
 */

export type FlushOutcome = "empty" | "sent" | "failed";

const THESE_ROWS = "(kind, key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))";

function rowKeys(parcels: readonly Parcel[]): string {
  return rowsText(parcels.map(({ row }) => [row.kind, row.key]));
}

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
    return !this.#customer.behind.stored
      .exec("SELECT 1 FROM outbox WHERE lane = 'd1' AND parked_at_ms IS NULL LIMIT 1")
      .next().done;
  }

  /** Rows waiting for D1, rows parked in any lane, and the age of the oldest: for operators. */
  health(): HealthRow & { waitingRows: number } {
    const { sql, image } = this.#customer;
    const row = sql
      .exec<{ oldest: number | null; waiting: number; parked: number }>(
        `SELECT MIN(since_ms) AS oldest, COUNT(*) FILTER (WHERE lane = 'd1' AND parked_at_ms IS NULL) AS waiting,
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
    // Tables that are older than what the customer was told are told to nobody: only that nothing is settled any more.
    const isOld = this.#customer.behind.fault !== undefined;
    const rows = this.#customer.sql
      .exec<OutboxRow>(
        `SELECT kind, key, since_ms, failures FROM outbox WHERE lane = 'd1' AND parked_at_ms IS NULL
         ${isOld ? "AND kind = 'health'" : ""} ORDER BY since_ms LIMIT ?`,
        FLUSH_ROWS_MAX,
      )
      .toArray();
    if (rows.length === 0 && isOld) {
      this.#failuresInRow += 1;
      return "failed";
    }
    if (rows.length === 0) return "empty";
    const parcels = rows.flatMap((row) => this.#packed(row, nowMs));
    const facts = await this.#send(parcels);
    const arrived = facts !== undefined;
    if (arrived) this.#acknowledge(parcels, facts, nowMs);
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
      return [parcelOf(this.#customer, row, () => this.health())];
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
      const facts = await this.#send([parcel]);
      if (facts !== undefined) this.#acknowledge([parcel], facts, nowMs);
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

  /** Returns what D1 gave the invoices among them; undefined if they did not arrive. */
  async #send(parcels: readonly Parcel[]): Promise<Facts | undefined> {
    const { owner } = this.#customer.image;
    const projections = merged(parcels);
    if (projections.length === 0) return new Map();
    const statements = projectionStatements(this.#database, owner.accountId, owner.customerId, projections);
    const invoices = projections.flatMap((sent) => (sent.kind === "invoice" ? [sent.view.invoiceId] : []));
    if (invoices.length > 0) statements.push(invoiceFactsStatement(this.#database, owner.accountId, invoices));
    try {
      const results = await this.#database.batch<unknown>(statements);
      return invoices.length === 0 ? new Map() : invoiceFacts(results.at(-1)?.results ?? []);
    } catch (failure) {
      // Away, slow or refusing: the caller finds out which. Nothing is lost, every row is still here.
      const { accountId, customerId } = owner;
      const line = { at: "outbox", rows: parcels.length, failure: String(failure), accountId, customerId };
      console.error(JSON.stringify(line));
      return undefined;
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

  #acknowledge(parcels: readonly Parcel[], facts: Facts, nowMs: number): void {
    const { sql, transact, image } = this.#customer;
    const done = parcels.filter((parcel) => parcel.unchanged());
    const rest = parcels.filter((parcel) => !done.includes(parcel));
    transact(() => {
      sql.exec(`DELETE FROM outbox WHERE lane = 'd1' AND ${THESE_ROWS}`, rowKeys(done));
      for (const { row } of done) if (row.kind === "rollup") deleteEmptied(sql, row.key);
      // What changed meanwhile waits from now on.
      if (rest.length > 0)
        sql.exec(
          `UPDATE outbox SET since_ms = ?, failures = 0 WHERE lane = 'd1' AND ${THESE_ROWS}`,
          nowMs,
          rowKeys(rest),
        );
    });
    for (const { row } of done) image.outboxKnown.delete(`${row.kind}\n${row.key}`);
    for (const { row } of done) if (row.kind === "rollup") forgetEmptied(this.#customer, row.key);
    if (image.parkedRows > 0) image.parkedRows = this.health().parkedRows;
    const seen = parcels.flatMap((parcel) => parcel.seen?.(facts) ?? []);
    if (seen.length > 0) commit(this.#customer, seen, nowMs);
  }
}
