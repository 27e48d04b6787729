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
  /** The tables as they are, maybe behind. */
  readonly past: SqlStorage;
  readonly #transact: <T>(work: () => T) => T;
  #waiting: Waiting = NOTHING;

  constructor(sql: SqlStorage, transact: <T>(work: () => T) => T) {
    this.past = sql;
    this.#transact = transact;
  }

  /** Commits what `insert` writes to other tables together with these rows, unless it throws: then nothing is kept of either. */
  commit(rows: Overwritten, insert: () => void): void {
    const next = merged(this.#waiting, rows);
    const text = textOf(next);
    const isMuch = rowCount(next) > ROWS_MAX || text.length > CHARS_MAX;
    this.#transact(() => {
      insert();
      this.past.exec(WRITE_BEHIND, text);
      if (isMuch) putInto(this.past);
    });
    this.#waiting = isMuch ? NOTHING : next;
  }

  /** Puts what waits into its tables. */
  putIn(): void {
    if (this.#waiting === NOTHING) return;
    this.#transact(() => putInto(this.past));
    this.#waiting = NOTHING;
  }

  /**
   * Puts in what waits on the disk of an object that starts. Returns what kept it from that, which only somebody who edits rows can bring about:
   * then it stays where it is, and the tables are older than what the customer was told.
   */
  recover(): string | undefined {
    if (this.past.exec("SELECT 1 FROM behind").toArray().length === 0) return undefined;
    try {
      this.#transact(() => putInto(this.past));
      return undefined;
    } catch {
      return "rows that were written behind fit no table";
    }
  }

  /** SQL on tables that are never behind. */
  upToDate(): SqlStorage {
    const { past } = this;
    const putIn = () => this.putIn();
    return {
      exec: (query, ...bound) => {
        putIn();
        return past.exec(query, ...bound);
      },
      get databaseSize() {
        return past.databaseSize;
      },
      Cursor: past.Cursor,
      Statement: past.Statement,
    };
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

export const BEHIND_TABLE = `
  CREATE TABLE behind (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- JSON text: rows of counters, credit_pools, credit_grants and rollups, and numbers of state.
    body TEXT NOT NULL
  ) STRICT;
`;

const WRITE_BEHIND = "INSERT INTO behind (id, body) VALUES (1, ?) ON CONFLICT DO UPDATE SET body = excluded.body";

const from = (table: string) => `behind, json_each(behind.body, '$.${table}')`;

const PUT_IN = [
  COUNTERS.from(from("counters")),
  POOLS.from(from("pools")),
  GRANTS.from(from("grants")),
  ROLLUPS.from(from("rollups")),
  // Neither of the first two ever falls back, not even where a row is put in that waited until somebody mended it.
  `UPDATE state SET rev = MAX(rev, behind.body ->> '$.state[0]'),
     last_settled_at_ms = MAX(last_settled_at_ms, behind.body ->> '$.state[1]'),
     last_event_at_ms = behind.body ->> '$.state[2]' FROM behind WHERE state.id = 1`,
  "DELETE FROM behind",
];

function putInto(sql: SqlStorage): void {
  for (const statement of PUT_IN) sql.exec(statement);
}
