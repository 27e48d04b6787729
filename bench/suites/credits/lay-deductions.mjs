import { DatabaseSync } from "node:sqlite";

const E4_ONE = 10_000n;

/**
 * Writes deductions of one credit into a pool's ledger behind its newest entry, which is such a deduction itself and their pattern; as
 * the engine would have written them between two instants, if it had been told to `count` times. A million through the API would
 * take a quarter of an hour. `paths`: the files of objects; the engine must be stopped. Whoever uses this asks the books afterwards.
 */
export function layDeductions(paths, { pool: name, count, fromMs, toMs }) {
  for (const path of paths) {
    const database = new DatabaseSync(path);
    try {
      const pool = poolNamed(database, name);
      if (pool === undefined) continue;
      database.exec("BEGIN");
      lay(database, pool, { count, fromMs, toMs });
      database.exec("COMMIT");
      return;
    } finally {
      database.close();
    }
  }
  throw new Error(`no object has a pool ${name}`);
}

function poolNamed(database, name) {
  const isCustomer = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'credit_entries'").get();
  if (isCustomer === undefined) return undefined;
  return database.prepare("SELECT number, body FROM credit_pools WHERE body ->> 'name' = ?").get(name);
}

const bigint = (value) => ({ $bigint: value.toString() });
const plus = (text, change) => bigint(BigInt(text.$bigint) + change);

function lay(database, { number: pool, body }, { count, fromMs, toMs }) {
  const newest = "SELECT number, body FROM credit_entries WHERE pool = ? ORDER BY number DESC LIMIT 1";
  const last = database.prepare(newest).get(pool);
  const pattern = JSON.parse(last.body);
  const { amountE4, balanceAfterE4, draws } = pattern;
  if (BigInt(amountE4.$bigint) !== -E4_ONE || draws?.length !== 1 || pattern.key !== undefined)
    throw new Error(`no pattern for deductions of one credit: ${last.body}`);
  const insert = database.prepare(
    "INSERT INTO credit_entries (number, pool, type, at_ms, key, reverses, event_seq, body) VALUES (?, ?, 'DEDUCTION', ?, NULL, NULL, NULL, ?)",
  );
  const startE4 = BigInt(balanceAfterE4.$bigint);
  for (let index = 1; index <= count; index += 1) {
    const afterE4 = startE4 - BigInt(index) * E4_ONE;
    const number = last.number + index;
    const atMs = fromMs + Math.floor((index * (toMs - fromMs)) / count);
    const balances = { balanceBeforeE4: bigint(afterE4 + E4_ONE), balanceAfterE4: bigint(afterE4) };
    insert.run(number, pool, atMs, JSON.stringify({ ...pattern, number, ...balances, atMs }));
  }
  const sumE4 = BigInt(count) * E4_ONE;
  const was = JSON.parse(body);
  const is = { ...was, balanceE4: plus(was.balanceE4, -sumE4), consumedE4: plus(was.consumedE4, sumE4) };
  const keepPool = database.prepare("UPDATE credit_pools SET entries = entries + ?, body = ? WHERE number = ?");
  keepPool.run(count, JSON.stringify({ ...is, modifiedAtMs: toMs }), pool);
  const [{ grant: number }] = draws;
  const grant = JSON.parse(database.prepare("SELECT body FROM credit_grants WHERE number = ?").get(number).body);
  const drawn = JSON.stringify({ ...grant, remainingE4: plus(grant.remainingE4, -sumE4) });
  database.prepare("UPDATE credit_grants SET body = ? WHERE number = ?").run(drawn, number);
}
