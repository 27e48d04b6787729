import { BEHIND_STEP, STEPS, type Step } from "./schema.ts";
import { putIn } from "./write-behind.ts";

/** Brings the object's tables to the newest step. Runs in the constructor: it must not throw on any older state. */
export function migrate(sql: SqlStorage, transact: (work: () => void) => void, steps: readonly Step[] = STEPS): void {
  const at = stepOf(sql);
  const open = steps.filter((step) => step.id > (at ?? 0));
  const last = open.at(-1);
  if (last === undefined) return;
  // What waits was written for the tables as they are, by the trigger that is there. What cannot go in is told once the object has started.
  if (at !== undefined && at >= BEHIND_STEP) putIn(sql);
  transact(() => {
    if (at === undefined)
      sql.exec("CREATE TABLE schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), step INTEGER NOT NULL) STRICT");
    for (const step of open) sql.exec(step.sql);
    sql.exec(
      "INSERT INTO schema_version (id, step) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET step = excluded.step",
      last.id,
    );
  });
}

/** The step that the tables are at; undefined where there are none. It only reads: whoever wakes an object would wait for a write. */
function stepOf(sql: SqlStorage): number | undefined {
  const isMade = sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").toArray().length > 0;
  return isMade ? sql.exec<{ step: number }>("SELECT step FROM schema_version WHERE id = 1").one().step : undefined;
}
