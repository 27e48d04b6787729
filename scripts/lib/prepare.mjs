import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoAccountSql } from "./demo.mjs";
import { wrangler } from "./local-server.mjs";
import { PROJECT } from "./project.mjs";

/** What a local start makes before the server runs: secrets, the migrated database, the Demo account. */

/** Makes `.dev.vars` unless there is one; true when it did. */
export function prepareSecrets() {
  const secrets = join(PROJECT, ".dev.vars");
  if (existsSync(secrets)) return false;
  copyFileSync(join(PROJECT, ".dev.vars.example"), secrets);
  return true;
}

/**
 * Migrates the local database and makes the Demo account in it. What was done is noted in the state folder, since asking
 * wrangler costs seconds at every start. Returns wrangler's output when it failed.
 */
export async function prepareDatabase(state) {
  const note = join(state, "prepared.json");
  const migrations = JSON.stringify(
    readdirSync(join(PROJECT, "migrations"))
      .filter((name) => name.endsWith(".sql"))
      .sort(),
  );
  if (existsSync(note) && readFileSync(note, "utf8") === migrations) return undefined;
  const applied = await wrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", state]);
  if (applied.status !== 0) return applied.output;
  const sql = join(tmpdir(), `tanso-demo-${process.pid}.sql`);
  writeFileSync(sql, demoAccountSql(Date.now()));
  const made = await wrangler(["d1", "execute", "DB", "--local", "--persist-to", state, "--file", sql]);
  if (made.status !== 0) return made.output;
  mkdirSync(state, { recursive: true });
  writeFileSync(note, migrations);
  return undefined;
}
