import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { loadBook, readHolds } from "../../src/customer/book-store.ts";
import { commit } from "../../src/customer/commit.ts";
import {
  consumedSince,
  creditPast,
  entriesBehind,
  entriesOfEvent,
  entryTextAt,
  loadCredits,
  readEntries,
  readEntry,
  readGrant,
  readGrants,
  readPool,
} from "../../src/customer/credit-store.ts";
import { type Customer, openCustomer, ownerOf } from "../../src/customer/image.ts";
import { migrate } from "../../src/customer/migrate.ts";
import { allGrants } from "../../src/customer/readable-rows.ts";
import { STEPS } from "../../src/customer/schema.ts";
import { settle } from "../../src/customer/settle.ts";
import { type Draft, openDraft } from "../../src/domain/book.ts";
import { charge } from "../../src/domain/charge.ts";
import type { CreditEntry, Pool } from "../../src/domain/credit.ts";
import { freeCredits, holdCredits } from "../../src/domain/credit-holds.ts";
import { entryViewOf, grantViewOf, poolViewOf } from "../../src/domain/credit-views.ts";
import { decideDeduct, decideReverse } from "../../src/domain/deductions.ts";
import { decideGrant, decideVoidGrant, type GrantSpec } from "../../src/domain/grants.ts";
import { customerThingId } from "../../src/domain/ids.ts";
import { fromJsonText, jsonText } from "../../src/domain/json-text.ts";
import { decideArchive, decideFreeze, decideLink, makePool } from "../../src/domain/pools.ts";
import { startReading } from "../../src/domain/reading-books.ts";
import { credits, granted, ONE_EACH, units } from "../support/credit-core.ts";
import { newTag } from "../support/views.ts";

/** Credits as the object's tables keep them: written, found again, and read back as they were. */

const PAGE = { limit: 10, offset: 0 };
const SPEC = { name: "Pool", denomination: "AI", hardLimit: true, rolloverPolicy: "NONE" } as const;

/** Works on a new object's tables as its methods do. After each commit what is in memory is what would be loaded. */
function inObject<T>(work: (kept: ReturnType<typeof keeping>) => T): Promise<T> {
  return runInDurableObject(env.CUSTOMERS.getByName(`credits/${newTag()}`), (_, state) => work(keeping(state)));
}

function keeping({ id, storage }: DurableObjectState) {
  const customer: Customer = openCustomer(storage, ownerOf(id.name), () => 0);
  const { sql } = customer;
  const { book, owner } = customer.image;
  const past = creditPast(sql);
  const decide = <T>(nowMs: number, decided: (draft: Draft) => T): T => {
    settle(customer, nowMs);
    const draft = openDraft(book);
    const answer = decided(draft);
    commit(customer, [{ kind: "draft", draft }], nowMs);
    const loaded = loadBook(sql);
    if (jsonText(shelves(book)) !== jsonText(shelves(loaded))) throw new Error("memory and tables differ");
    return answer;
  };
  const pool = (number: number) => {
    const found = book.pools.get(number) ?? readPool(sql, number);
    if (found === undefined) throw new Error(`no pool ${number}`);
    return found;
  };
  return {
    customer,
    sql,
    book,
    past,
    tag: owner.tag,
    decide,
    pool,
    makes: (nowMs = 1) => decide(nowMs, (draft) => makePool(draft, SPEC, nowMs).number),
    gives: (number: number, amount: number, nowMs: number, more: Partial<GrantSpec> = {}) =>
      decide(nowMs, (draft) =>
        granted(
          decideGrant(
            draft,
            { pool: pool(number), spec: { type: "MANUAL", amountE4: credits(amount), ...more }, past },
            nowMs,
          ),
        ),
      ).grant.number,
  };
}

/** A book's credits and reservations in an order of their own; an empty draw order is none. */
function shelves({ pools, grants, drawOrders, holds, held, last }: ReturnType<typeof loadBook>) {
  const sorted = (entries: Iterable<[unknown, unknown]>) =>
    [...entries].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)).map(([key, value]) => [key, sortedKeys(value)]);
  return [
    ...[pools, grants, holds, held].map(sorted),
    sorted([...drawOrders].filter(([, order]) => order.length > 0)),
    last,
  ];
}

/** Fields by name: equal things are equal texts. */
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sortedKeys(field)]),
  );
}

describe("does", () => {
  test("pools, grants, draws, holds and their ends are read back as they were", async ({ expect }) => {
    await inObject(({ decide, pool, makes, gives, sql, book }) => {
      const number = makes();
      decide(2, (draft) =>
        granted(decideLink(draft, pool(number), { subscription: 7, drawPriority: 1, drawLimitE4: credits(90) }, 2)),
      );
      const bought = gives(number, 100, 3, { type: "PURCHASED", unitPriceE12: 10n ** 11n, currency: "USD" });
      const free = gives(number, 50, 4, { expiresAtMs: 1_000, metadata: '{"a":"b"}', description: "Welcome" });
      expect(book.drawOrders.get(number)?.map((place) => place.number)).toEqual([free, bought]);
      const use = { denomination: "AI", subscription: 7, unitsE12: units(20), weight: ONE_EACH };
      decide(5, (draft) => granted(charge(draft, { ...use, eventSeq: 3, occurredAtMs: 4 }, 5)));
      const hold = decide(6, (draft) => {
        draft.last.hold += 1;
        const base = {
          featureId: "f",
          featureKey: "f",
          subscription: 7,
          status: "HELD",
          createdAtMs: 6,
          expiresAtMs: 900,
        } as const;
        const held = granted(holdCredits(draft, { ...use, unitsE12: units(40) }));
        return draft.holds.put({ ...base, number: draft.last.hold, unitsE12: units(40), credits: held });
      });
      expect(hold.credits).toHaveLength(2);
      expect(readHolds(sql, "WHERE number = ?", hold.number)).toEqual([hold]);
      decide(7, (draft) => {
        draft.holds.put({ ...hold, status: "RELEASED" });
        freeCredits(draft, hold, 7);
      });
      decide(1_000, () => undefined);
      expect(pool(number)).toMatchObject({ balanceE4: credits(100), expiredE4: credits(30), heldE4: 0n });
      expect(book.grants.has(free)).toBe(false);
      expect(readGrant(sql, free)).toMatchObject({ remainingE4: 0n, metadata: '{"a":"b"}', description: "Welcome" });
    });
  });

  test("pages and balances come from the ledger: the newest first, and any instant that has passed", async ({
    expect,
  }) => {
    await inObject(({ decide, pool, past, makes, gives, sql }) => {
      const [number, other] = [makes(), makes()];
      for (let at = 10; at < 15; at += 1) gives(number, at, at);
      gives(other, 1, 16);
      decide(20, (draft) => granted(decideDeduct(draft, { pool: pool(number), amountE4: credits(25), past }, 20)));
      expect(readEntries(sql, number, { limit: 2, offset: 0 })).toMatchObject({
        total: 6,
        items: [
          { type: "DEDUCTION", balanceAfterE4: credits(35) },
          { type: "GRANT", amountE4: credits(14) },
        ],
      });
      expect(readEntries(sql, number, { limit: 2, offset: 5 }).items).toMatchObject([{ amountE4: credits(10) }]);
      expect(readGrants(sql, number, { limit: 2, offset: 1 })).toMatchObject({
        total: 5,
        items: [{ amountE4: credits(11) }, { amountE4: credits(12) }],
      });
      const balances = [9, 10, 12, 19, 20, 99].map((at) => {
        const text = entryTextAt(sql, number, at);
        return text === undefined ? undefined : fromJsonText<CreditEntry>(text).balanceAfterE4;
      });
      expect(balances).toEqual([undefined, credits(10), credits(33), credits(60), credits(35), credits(35)]);
      expect(readEntries(sql, 99, PAGE)).toEqual({ items: [], total: 0 });
    });
  });

  test("decisions find what left memory: emptied grants, keys, and what was taken back", async ({ expect }) => {
    await inObject(({ decide, pool, past, makes, gives, sql, book }) => {
      const number = makes();
      const grant = gives(number, 10, 2, { key: "once" });
      const deduct = () =>
        decide(3, (draft) =>
          granted(decideDeduct(draft, { pool: pool(number), amountE4: credits(10), key: "k", past }, 3)),
        );
      const { entry } = deduct();
      expect(book.grants.size).toBe(0);
      expect(deduct()).toMatchObject({ isRepeat: true, entry });
      expect(gives(number, 10, 4, { key: "once" })).toBe(grant);
      expect(past.grantWithKey(number, "k")).toBeUndefined();
      const reverse = () =>
        decide(5, (draft) => decideReverse(draft, { pool: pool(number), entry, past, amountE4: credits(6) }, 5));
      expect(reverse().ok).toBe(true);
      expect(reverse()).toMatchObject({ ok: false, code: "state_conflict" });
      expect(past.reversalsOf(entry.number)).toHaveLength(1);
      expect(readEntry(sql, entry.number)).toEqual(entry);
      expect(book.grants.get(grant)?.remainingE4).toBe(credits(6));
    });
  });

  test("an archived pool leaves memory with its grants, and stays in its tables", async ({ expect }) => {
    await inObject(({ decide, pool, makes, gives, sql, book }) => {
      const number = makes();
      const grant = gives(number, 10, 2);
      decide(3, (draft) => granted(decideFreeze(draft, pool(number), 3)));
      decide(4, (draft) => granted(decideArchive(draft, pool(number), 4)));
      expect([book.pools.size, book.grants.size, book.drawOrders.size]).toEqual([0, 0, 0]);
      expect(readPool(sql, number)).toMatchObject({ status: "ARCHIVED", balanceE4: credits(10) });
      expect(readGrant(sql, grant)?.remainingE4).toBe(credits(10));
    });
  });

  test("views have ids in place of numbers, and survive being kept as text", async ({ expect }) => {
    await inObject(({ decide, pool, past, makes, gives, sql, tag }) => {
      const number = makes();
      decide(1, (draft) => granted(decideLink(draft, pool(number), { subscription: 7, drawPriority: 1 }, 1)));
      const grant = gives(number, 10, 2, { subscription: 7, invoice: 9 });
      const { entry } = decide(3, (draft) =>
        granted(decideDeduct(draft, { pool: pool(number), amountE4: credits(10), past }, 3)),
      );
      const id = (kind: Parameters<typeof customerThingId>[1], n: number) => customerThingId(tag, kind, n);
      const shown = poolViewOf(tag, pool(number));
      expect(shown).toMatchObject({
        poolId: id("creditPool", number),
        status: "DEPLETED",
        links: [{ subscriptionId: id("subscription", 7), drawPriority: 1 }],
      });
      const kept = readGrant(sql, grant);
      expect(kept && grantViewOf(tag, kept)).toMatchObject({
        grantId: id("creditGrant", grant),
        poolId: id("creditPool", number),
        subscriptionId: id("subscription", 7),
        invoiceId: id("invoice", 9),
      });
      const view = entryViewOf(tag, { ...entry, eventSeq: 4, reverses: 1 });
      expect(view).toMatchObject({
        entryId: id("creditEntry", entry.number),
        grantId: id("creditGrant", grant),
        draws: [{ grantId: id("creditGrant", grant), amountE4: credits(10) }],
        eventId: id("event", 4),
        reversesId: id("creditEntry", 1),
      });
      for (const one of [shown, view]) {
        expect(fromJsonText(jsonText(one))).toEqual(one);
        expect(one).not.toHaveProperty("number");
      }
    });
  });
});

describe("holds", () => {
  test("whichever statement of a commit fails, tables and memory are as before", async ({ expect }) => {
    await inObject(({ customer, makes, gives, pool, past, sql, book }) => {
      const number = makes();
      const grant = gives(number, 10, 2);
      const before = { kept: jsonText(shelves(loadBook(sql))), ledger: readEntries(sql, number, PAGE) };
      const { stored: disk } = customer.behind;
      const { exec } = disk;
      const prototype = Object.getPrototypeOf(disk) as { exec: SqlStorage["exec"] };
      let failed = 0;
      for (let n = 1; failed === n - 1; n += 1) {
        const draft = openDraft(book);
        const [one] = [granted(decideDeduct(draft, { pool: pool(number), amountE4: credits(4), past }, 3))];
        granted(decideVoidGrant(draft, { pool: pool(number), grant: book.grants.get(grant) ?? fail() }, 3));
        expect(one.isRepeat).toBe(false);
        let statements = 0;
        prototype.exec = function (this: SqlStorage, query: string, ...bound: unknown[]) {
          statements += 1;
          if (statements === n) throw new Error("fault");
          return exec.call(this, query, ...bound);
        } as SqlStorage["exec"];
        try {
          commit(customer, [{ kind: "draft", draft }], 3);
        } catch {
          failed += 1;
        } finally {
          prototype.exec = exec;
        }
        if (failed < n) break;
        expect(jsonText(shelves(book))).toBe(before.kept);
        expect({ kept: jsonText(shelves(loadBook(sql))), ledger: readEntries(sql, number, PAGE) }).toEqual(before);
      }
      // Two entries, and what waits for its tables.
      expect(failed).toBe(3);
      expect(pool(number)).toMatchObject({ consumedE4: credits(4), voidedE4: credits(6), balanceE4: 0n });
    });
  });

  test("the ledger is never written over, and a key is there once in a pool", async ({ expect }) => {
    await inObject(({ customer, decide, pool, past, makes, gives, sql, book }) => {
      const number = makes();
      gives(number, 10, 2);
      decide(3, (draft) => granted(decideDeduct(draft, { pool: pool(number), amountE4: 1n, key: "k", past }, 3)));
      const draft = openDraft(book);
      granted(decideDeduct(draft, { pool: pool(number), amountE4: 1n, past }, 4));
      const [entry] = draft.creditEntries;
      if (entry !== undefined) draft.creditEntries[0] = { ...entry, key: "k" };
      expect(() => commit(customer, [{ kind: "draft", draft }], 4)).toThrow(/UNIQUE/);
      expect(() => sql.exec("INSERT INTO credit_entries SELECT * FROM credit_entries LIMIT 1")).toThrow(/UNIQUE/);
    });
  });

  test("questions about a long ledger read by index", async ({ expect }) => {
    await inObject(({ sql }) => {
      const plan = (query: string, ...bound: (string | number)[]) =>
        sql
          .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...bound)
          .toArray()
          .map(({ detail }) => detail)
          .join("; ");
      const asked: string[] = [];
      const noted = {
        exec: (query: string, ...bound: (string | number)[]) => {
          asked.push(plan(query, ...bound));
          return sql.exec(query, ...bound);
        },
      } as unknown as SqlStorage;
      // Nothing else of it is looked at.
      const pool = { number: 1, balanceE4: 0n } as Pool;
      readEntries(noted, 1, PAGE);
      entryTextAt(noted, 1, 5);
      [...entriesBehind(noted, 1, { atMs: 5, number: 1 })].forEach(fail);
      consumedSince(noted, pool, 5);
      entriesOfEvent(noted, 7);
      readEntry(noted, 1);
      readGrants(noted, 1, PAGE);
      [...allGrants({ sql: noted, reading: startReading() }, 1)].forEach(fail);
      readGrant(noted, 1);
      readPool(noted, 1);
      const past = creditPast(noted);
      past.reversalsOf(1);
      past.deductionWithKey(1, "k");
      past.grantWithKey(1, "k");
      past.grant(1);
      expect(asked.length).toBe(17);
      for (const detail of asked) expect(detail).toMatch(/^SEARCH (?!.*(TEMP B-TREE|SCAN))/);
    });
  });

  test("an object wakes with the pools and grants that are open, whatever else there was", async ({ expect }) => {
    await inObject(({ sql }) => {
      const details = (query: string) =>
        sql
          .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`)
          .toArray()
          .map(({ detail }) => detail);
      const asked: string[] = [];
      const noted = {
        exec: (query: string, ...bound: (string | number)[]) => {
          asked.push(...details(query.replace("?", "1")));
          return sql.exec(query, ...bound);
        },
      } as unknown as SqlStorage;
      sql.exec(
        "INSERT INTO credit_pools (number, status, entries, body) VALUES (1, 'ACTIVE', 0, ?)",
        jsonText({ number: 1 }),
      );
      loadCredits(noted);
      expect(asked).toEqual([
        expect.stringMatching(/USING INDEX credit_pools_open$/),
        expect.stringMatching(/^SEARCH .*USING INDEX credit_grants_open/),
      ]);
    });
  });

  test("an object of any release before arrives at the same tables, with all that it had", async ({ expect }) => {
    const arrived = (version: number) =>
      runInDurableObject(env.CUSTOMERS.getByName(`steps/${newTag()}`), (_, { storage }) => {
        const { sql } = storage;
        const transact = (run: () => void) => storage.transactionSync(run);
        const tables = sql
          .exec<{ name: string }>(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
          )
          .toArray();
        for (const { name } of tables) sql.exec(`DROP TABLE ${name}`);
        migrate(sql, transact, STEPS.slice(0, version));
        if (version >= 3) {
          sql.exec("INSERT INTO outbox (lane, kind, key, since_ms, failures) VALUES ('d1', 'invoice', '1', 5, 2)");
          sql.exec(
            `INSERT INTO reservations (number, subscription, feature_id, feature_key, units_e12, status, created_at_ms, expires_at_ms)
             VALUES (1, 1, 'f', 'f', '5', 'HELD', 1, 2)`,
          );
        }
        migrate(sql, transact);
        return {
          tables: sql
            .exec("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name")
            .toArray(),
          outbox: sql.exec("SELECT kind, since_ms, failures FROM outbox").toArray(),
          holds: [...loadBook(sql).holds.values()],
        };
      });
    const newest = await arrived(STEPS.length);
    for (let version = 0; version < STEPS.length; version += 1) {
      const { tables, outbox, holds } = await arrived(version);
      expect(tables).toEqual(newest.tables);
      if (version < 3) continue;
      expect(outbox).toEqual([{ kind: "invoice", since_ms: 5, failures: 2 }]);
      expect(holds).toMatchObject([{ number: 1, unitsE12: 5n }]);
      expect(holds[0]).not.toHaveProperty("credits");
    }
  });
});

function fail(): never {
  throw new Error("there is no such thing in the test");
}
