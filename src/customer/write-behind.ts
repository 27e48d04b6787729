import type { Draft } from "../domain/book.ts";
import type { Rollup } from "../domain/rollup.ts";
import { COUNTERS, counterRow } from "./book-store.ts";
import { entriesAdded, GRANTS, grantRow, POOLS, poolRow } from "./credit-store.ts";
import type { Row } from "./rows.ts";
import { ROLLUPS, rollupRow, type StateRow } from "./store.ts";

/**
 * Rows that every event writes over (its counter, its pool and grants, the sum of its hour, the number of its commit) are kept together
 * in one row, `behind`, in the event's own commit, and are put into their tables by whatever looks at those next. So an event pays
 * for what it adds and for one row more, not for five. What is durable is the same at every instant: the tables with that row over
 * them, which is how an object begins that starts again.
 *
 * `sql` and `transact` of a customer put them in first, so nobody reads a table that is behind. Only `commit`, and what reads tables
 * that none of these rows belong to, may go past them.
 */
export class WriteBehind {
  /** The tables as they are stored, maybe behind. */
  readonly stored: SqlStorage;
  /** What kept a waiting row from going in when the object started: it waits until somebody mends it, and nothing may be decided. */
  readonly fault: string | undefined;
  readonly #transact: <T>(work: () => T) => T;
  #waiting: Waiting = NOTHING;

  /** Puts in what waits on the disk. Throws where that fails for no fault of the row: the object is to start again. */
  constructor(sql: SqlStorage, transact: <T>(work: () => T) => T) {
    this.stored = sql;
    this.#transact = transact;
    this.fault = putIn(sql);
  }

  /** Commits what `insert` writes to other tables together with these rows, unless it throws: then nothing is kept of either. */
  commit(rows: Overwritten, insert: () => void): void {
    if (this.fault !== undefined) throw new Error(`nothing may be written over what waits: ${this.fault}`);
    const next = merged(this.#waiting, rows);
    const text = textOf(next);
    const isMuch = rowCount(next) > ROWS_MAX || text.length > CHARS_MAX;
    this.#transact(() => {
      insert();
      this.stored.exec(WRITE_BEHIND, text);
      if (isMuch) this.stored.exec(PUT_IN);
    });
    this.#waiting = isMuch ? NOTHING : next;
  }

  /** Puts what waits into its tables. */
  putIn(): void {
    if (this.#waiting === NOTHING) return;
    this.stored.exec(PUT_IN);
    this.#waiting = NOTHING;
  }

  /** SQL on tables that are never behind. */
  upToDate(): SqlStorage {
    const { stored } = this;
    const putIn = () => this.putIn();
    return {
      exec: (query, ...bound) => {
        putIn();
        return stored.exec(query, ...bound);
      },
      get databaseSize() {
        return stored.databaseSize;
      },
      Cursor: stored.Cursor,
      Statement: stored.Statement,
    };
  }
}

/**
 * Puts what waits on the disk into its tables. Returns what is wrong with it, which only somebody who edits rows can bring about: then
 * it stays where it is, and the tables are older than what the customer was told.
 */
export function putIn(sql: SqlStorage): string | undefined {
  if (sql.exec("SELECT 1 FROM behind").toArray().length === 0) return undefined;
  try {
    sql.exec(PUT_IN);
    return undefined;
  } catch (error) {
    // A statement that failed otherwise says nothing of any row.
    if (!/malformed JSON|SQLITE_CONSTRAINT|SQLITE_MISMATCH/.test(String(error))) throw error;
    return "rows that were written behind fit no table";
  }
}

/** What a commit writes over. */
export type Overwritten = {
  draft: Draft | undefined;
  rollups: ReadonlyMap<string, Rollup & { rev: number }>;
  state: StateRow;
};

/** Rows as their columns, by what they are called. */
type Waiting = {
  counters: ReadonlyMap<string, Row>;
  pools: ReadonlyMap<number, Row>;
  grants: ReadonlyMap<number, Row>;
  rollups: ReadonlyMap<string, Row>;
  state: Row;
};

const NOTHING: Waiting = { counters: new Map(), pools: new Map(), grants: new Map(), rollups: new Map(), state: [] };

/** More, or longer ones, would be written again and again for the few that change. */
const ROWS_MAX = 16;
const CHARS_MAX = 16_384;

function rowCount({ counters, pools, grants, rollups }: Waiting): number {
  return counters.size + pools.size + grants.size + rollups.size;
}

function merged(waiting: Waiting, { draft, rollups, state }: Overwritten): Waiting {
  const next = {
    counters: new Map(waiting.counters),
    pools: new Map(waiting.pools),
    grants: new Map(waiting.grants),
    rollups: new Map(waiting.rollups),
    state: [state.rev, state.lastSettledAtMs, state.lastEventAtMs ?? null],
  };
  for (const [key, rollup] of rollups) next.rollups.set(key, rollupRow(rollup));
  if (draft === undefined) return next;
  for (const [key, counter] of draft.counters.written) next.counters.set(key, counterRow(counter));
  for (const [number, grant] of draft.grants.written) next.grants.set(number, grantRow(grant));
  for (const [number, pool] of draft.pools.written) {
    const before = next.pools.get(number);
    const added = entriesAdded(draft, number) + (before === undefined ? 0 : Number(before[2]));
    next.pools.set(number, poolRow(pool, added));
  }
  return next;
}

function textOf({ counters, pools, grants, rollups, state }: Waiting): string {
  return JSON.stringify({
    counters: [...counters.values()],
    pools: [...pools.values()],
    grants: [...grants.values()],
    rollups: [...rollups.values()],
    state,
  });
}

const WRITE_BEHIND = "INSERT INTO behind (id, body) VALUES (1, ?) ON CONFLICT DO UPDATE SET body = excluded.body";

/** Its trigger does the rest. */
const PUT_IN = "DELETE FROM behind";

const from = (table: string) => `json_each(OLD.body, '$.${table}')`;

/**
 * The table, and the trigger that puts its row in. The trigger stands in the object's own schema, so a row is always put in by the
 * release that wrote it: a step that changes one of these tables, or what their rows look like, makes the trigger anew.
 */
export const BEHIND_TABLE = `
  CREATE TABLE behind (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- JSON text: rows of counters, credit_pools, credit_grants and rollups, and numbers of state.
    body TEXT NOT NULL
  ) STRICT;

  CREATE TRIGGER behind_put_in BEFORE DELETE ON behind BEGIN
    ${COUNTERS.from(from("counters"))};
    ${POOLS.from(from("pools"))};
    ${GRANTS.from(from("grants"))};
    ${ROLLUPS.from(from("rollups"))};
    -- Neither of the first two ever falls back, not even by a row that waited until somebody mended it.
    UPDATE state SET rev = MAX(rev, OLD.body ->> '$.state[0]'),
      last_settled_at_ms = MAX(last_settled_at_ms, OLD.body ->> '$.state[1]'),
      last_event_at_ms = OLD.body ->> '$.state[2]' WHERE id = 1;
  END;
`;
