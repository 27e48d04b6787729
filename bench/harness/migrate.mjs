import { readdirSync, readFileSync } from "node:fs";

const MIGRATIONS = new URL("../../migrations/", import.meta.url);

/** Applies every migration to an empty D1 database, in order. */
export async function migrate(database) {
  const { unstable_splitSqlQuery: split } = await import("wrangler");
  for (const file of readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith(".sql"))
    .sort()) {
    const statements = split(readFileSync(new URL(file, MIGRATIONS), "utf8"));
    await database.batch(statements.map((statement) => database.prepare(statement)));
  }
}
