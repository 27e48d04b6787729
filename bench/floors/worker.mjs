import { DurableObject } from "cloudflare:workers";

/**
 * The floor: the least that the platform asks for each kind of work, so that a figure of the engine stands beside what any
 * Worker would pay on the same machine in the same minute. Nothing here parses, checks or prices.
 */

/** An object that answers from memory, and makes rows durable: one per call, or those of calls that come together in one commit. */
export class FloorObject extends DurableObject {
  #calls = 0;
  #waiting = [];

  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS entries (entry_id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
    );
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS keyed (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS sums (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
  }

  fromMemory() {
    this.#calls += 1;
    return { calls: this.#calls };
  }

  /** Answers once the row is durable: the platform holds an answer back until the commit before it is. */
  insert(body) {
    this.ctx.storage.sql.exec("INSERT INTO entries (body) VALUES (?)", body);
    return { bytes: body.length };
  }

  /** Lays a ledger of so many rows, one a second from the first second on, each about as long as an entry of the engine's. */
  layLedger(count) {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE ledger (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT");
    sql.exec("CREATE INDEX ledger_by_time ON ledger (at_ms, number)");
    sql.exec(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       INSERT INTO ledger (number, at_ms, body) SELECT n, n * 1000, json_object('number', n, 'filler', ?) FROM numbers`,
      count,
      "x".repeat(LEDGER_BODY_CHARS),
    );
    return { count };
  }

  /** The last row of the ledger until an instant, as its text. */
  rowAt(atMs) {
    const query = "SELECT body FROM ledger WHERE at_ms <= ? ORDER BY at_ms DESC, number DESC LIMIT 1";
    return this.ctx.storage.sql.exec(query, atMs).one().body;
  }

  /** Keeps an event once, by its key; whatever comes while a commit is on its way shares the next one. */
  insertOnce(event) {
    return this.#inGroup(event, (sql) => insertKeyed(sql, event));
  }

  /** The same with all rows that an event leaves where credits are burnt: looked for, and kept with its entry and five sums. */
  insertBurnt(event) {
    const text = JSON.stringify(event);
    return this.#inGroup(event, (sql) => {
      sql.exec("SELECT 1 FROM keyed WHERE key = ?", event.eventIdempotencyKey).toArray();
      insertKeyed(sql, event);
      for (let row = 0; row < ROWS_BURNT; row += 1) sql.exec("INSERT INTO entries (body) VALUES (?)", text);
      for (const name of SUMS_BURNT)
        sql.exec(
          "INSERT INTO sums (name, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
          name,
          text,
        );
    });
  }

  #inGroup(event, write) {
    const { promise, resolve } = Promise.withResolvers();
    this.#waiting.push({ event, write, resolve });
    if (this.#waiting.length === 1) void this.#writeWaiting();
    return promise;
  }

  async #writeWaiting() {
    await this.ctx.storage.sync();
    for (const { event, write, resolve } of this.#waiting.splice(0)) {
      this.ctx.storage.transactionSync(() => write(this.ctx.storage.sql));
      resolve({ eventId: event.eventIdempotencyKey, metered: true, usageUnits: event.usageUnits });
    }
  }
}

/** Beside the key: the event and its ledger entry; and what is written over: pool, grant, counter, sum of the hour, the commit's number. */
const ROWS_BURNT = 2;
const SUMS_BURNT = ["pool", "grant", "counter", "hour", "state"];

function insertKeyed(sql, event) {
  sql.exec("INSERT INTO keyed (key, body) VALUES (?, ?)", event.eventIdempotencyKey, JSON.stringify(event));
}

/** With what is around it, no longer than an entry's text in the engine's table. */
const LEDGER_BODY_CHARS = 200;

const oneObject = (env) => env.FLOOR.getByName("one");

const decoder = new TextDecoder();
const jsonOf = async (request) => JSON.parse(decoder.decode(await request.bytes()));
const answered = (status, data) =>
  Response.json(
    { success: true, data },
    { status, headers: { "X-Request-Id": "floor", Vary: "Origin", "Cache-Control": "no-store" } },
  );
const created = (data) => answered(201, data);
const numberOf = (request, name) => Number(new URL(request.url).searchParams.get(name));

/** Reads a body as JSON and answers JSON with four headers, as whoever takes a reservation must: about as many bytes, and nothing decided. */
async function jsonForJson(request) {
  const { customerReferenceId, featureKey, usageUnits } = await jsonOf(request);
  const entitlement = {
    allowed: true,
    featureKey,
    customerReferenceId,
    used: 1,
    held: usageUnits,
    limit: 2,
    remaining: 1,
  };
  const facts = {
    source: "floor",
    asOf: "2030-01-01T00:00:00.000Z",
    planName: "Floor",
    subscriptionId: decoder.encoding,
  };
  return created({ reservationId: "floor", expiresAt: facts.asOf, entitlement: { ...entitlement, ...facts } });
}

const routes = {
  "/constant": () => new Response("constant"),
  "/json": jsonForJson,
  "/rpc": async (_, env) => Response.json(await oneObject(env).fromMemory()),
  "/named": async (request, env) => {
    const name = new URL(request.url).searchParams.get("name");
    return Response.json(await env.FLOOR.getByName(name).fromMemory());
  },
  "/lay": async (request, env) => Response.json(await oneObject(env).layLedger(numberOf(request, "count"))),
  "/row": async (request, env) => answered(200, JSON.parse(await oneObject(env).rowAt(numberOf(request, "at")))),
  "/once": async (request, env) => created(await oneObject(env).insertOnce(await jsonOf(request))),
  "/burnt": async (request, env) => created(await oneObject(env).insertBurnt(await jsonOf(request))),
  "/insert": async (request, env) => Response.json(await oneObject(env).insert(await request.text())),
  "/select1": async (_, env) => Response.json(await env.DB.prepare("SELECT 1 AS one").first()),
  // Statements as JSON, in one batch: what hand-written SQL costs against the same rows (suites bring their own).
  "/sql": async (request, env) => {
    const statements = await request.json();
    const results = await env.DB.batch(statements.map(({ sql, values }) => env.DB.prepare(sql).bind(...values)));
    return Response.json(results.map((result) => result.results));
  },
};

export default {
  async fetch(request, env) {
    const route = routes[new URL(request.url).pathname];
    return route === undefined ? new Response("no such floor", { status: 404 }) : route(request, env);
  },
};
