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

  /** Keeps an event once, by its key; whatever comes while a commit is on its way shares the next one. */
  insertOnce(event) {
    const { promise, resolve } = Promise.withResolvers();
    this.#waiting.push({ event, resolve });
    if (this.#waiting.length === 1) void this.#insertWaiting();
    return promise;
  }

  async #insertWaiting() {
    await this.ctx.storage.sync();
    const { sql } = this.ctx.storage;
    for (const { event, resolve } of this.#waiting.splice(0)) {
      this.ctx.storage.transactionSync(() => {
        sql.exec("INSERT INTO keyed (key, body) VALUES (?, ?)", event.eventIdempotencyKey, JSON.stringify(event));
      });
      resolve({ eventId: event.eventIdempotencyKey, metered: true, usageUnits: event.usageUnits });
    }
  }
}

const oneObject = (env) => env.FLOOR.getByName("one");

const decoder = new TextDecoder();
const jsonOf = async (request) => JSON.parse(decoder.decode(await request.bytes()));
const created = (data) =>
  Response.json(
    { success: true, data },
    { status: 201, headers: { "X-Request-Id": "floor", Vary: "Origin", "Cache-Control": "no-store" } },
  );

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
  "/once": async (request, env) => created(await oneObject(env).insertOnce(await jsonOf(request))),
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
