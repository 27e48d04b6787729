import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoAccountSql } from "./demo.mjs";
import { wrangler } from "./local-server.mjs";
import { PROJECT } from "./project.mjs";

/** What a local start makes before the server runs: secrets, the migrated database, the Demo account. */

/**
 * Makes `.dev.vars` unless there is one; true when it did. A key to seal secrets with is made for each copy of the project: one that stood in
 * the example would be everybody's.
 */
export function prepareSecrets() {
  const secrets = join(PROJECT, ".dev.vars");
  const isNew = !existsSync(secrets);
  if (isNew) copyFileSync(join(PROJECT, ".dev.vars.example"), secrets);
  const text = readFileSync(secrets, "utf8");
  if (!/^ENCRYPTION_KEYS=/m.test(text)) {
    const line = `ENCRYPTION_KEYS="local:${randomBytes(32).toString("base64")}"\n`;
    appendFileSync(secrets, text === "" || text.endsWith("\n") ? line : `\n${line}`);
  }
  return isNew;
}

/**
 * Migrates the local database and makes the Demo account in it. What was done is noted in the state folder, since asking
 * wrangler costs seconds at every start. Returns wrangler's output when it failed.
 */
export async function prepareDatabase(state) {
  const note = join(state, "prepared.json");
  const files = migrationFiles();
  const done = JSON.stringify(files);
  if (existsSync(note) && readFileSync(note, "utf8") === done) return undefined;
  const isNew = !existsSync(join(state, "v3", "d1"));
  const failure = (isNew ? undefined : await migrate(state)) ?? (await execute(state, isNew ? files : []));
  if (failure !== undefined) return failure;
  mkdirSync(state, { recursive: true });
  writeFileSync(note, done);
  return undefined;
}

function migrationFiles() {
  return readdirSync(join(PROJECT, "migrations"))
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

async function migrate(state) {
  const { status, output } = await wrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", state]);
  return status === 0 ? undefined : output;
}

/**
 * Makes the Demo account, after `files` where the database is new. Wrangler takes about a second for each migration, which a
 * first start should not wait for: it runs one file as one transaction, and finds its own record of what is applied.
 */
async function execute(state, files) {
  const path = join(tmpdir(), `tanso-prepare-${process.pid}.sql`);
  writeFileSync(path, [MIGRATIONS_TABLE, ...files.map(migrationSql), demoAccountSql(Date.now())].join("\n"));
  const { status, output } = await wrangler([
    ...["d1", "execute", "DB", "--local", "--persist-to", state],
    ...["--file", path],
  ]);
  rmSync(path, { force: true });
  return status === 0 ? undefined : output;
}

/** Wrangler's own table, as it makes it: later migrations are applied by wrangler itself. */
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;

function migrationSql(name) {
  const sql = readFileSync(join(PROJECT, "migrations", name), "utf8");
  return `${sql}\nINSERT INTO d1_migrations (name) VALUES ('${name}');`;
}
