import { env } from "cloudflare:workers";
import { ok } from "../sale.ts";
import { collectAll, collects } from "./collecting.ts";
import { compare, mustBe } from "./compare.ts";
import { mustBeForgotten, tellErase } from "./erasing.ts";
import { reckon } from "./reckoning.ts";
import { START_MS, type Step } from "./script.ts";
import { type Lie, liveStep, openYear, type Year } from "./world.ts";

/** A seed's whole life, and what must be true in the end. */

/** `paid`: what was paid, by currency, in its smallest unit. The others: what happened at the payment provider, so that it shows what no seed drives. */
export type Figures = {
  commands: number;
  /** By its kind: how often what was asked for was done, and what plans did with credits by themselves. */
  done: Record<string, number>;
  invoices: number;
  paid: Record<string, number>;
  charged: number;
  refunds: number;
  failedRefunds: number;
  disputes: number;
};

const ADMIN = "/api/v1/monetization";

export async function liveThrough(seed: number, steps: readonly Step[], lie: Lie = {}): Promise<Figures> {
  const year = await openYear(seed, lie);
  for (const [index, step] of steps.entries()) {
    try {
      await liveStep(year, step);
    } catch (failure) {
      throw new Error(`step ${index}: ${failure instanceof Error ? failure.message : String(failure)}`, {
        cause: failure,
      });
    }
  }
  await settleUp(year);
  const bills = year.customers.flatMap(({ book }) => book.bills);
  const paid: Record<string, number> = {};
  for (const { currency, status, cents } of bills)
    if (status === "PAID") paid[currency] = (paid[currency] ?? 0) + Number(cents);
  return { commands: year.commands, done: doneIn(year), invoices: bills.length, paid, ...atProvider(year) };
}

function doneIn({ done, customers }: Year): Record<string, number> {
  const sum = { ...done };
  for (const { book } of customers)
    for (const [kind, count] of Object.entries(book.told)) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
}

function atProvider({ till }: Year): Pick<Figures, "charged" | "refunds" | "failedRefunds" | "disputes"> {
  const { paymentIntents = {}, refunds = {}, disputes = {} } = till?.account() ?? {};
  const made = Object.values(refunds);
  return {
    charged: Object.values(paymentIntents).filter(({ status }) => status === "succeeded").length,
    refunds: made.length,
    failedRefunds: made.filter(({ status }) => status === "failed").length,
    disputes: Object.keys(disputes).length,
  };
}

async function settleUp(year: Year): Promise<void> {
  const { world, customers, catalog, till } = year;
  for (const apply of year.late.splice(0)) await apply().catch(() => undefined);
  if (collects(year)) await collectAll(year);
  for (const customer of customers) {
    // From scratch: what was reckoned step by step must be no other.
    customer.facts.push({ kind: "seen", atMs: year.nowMs });
    const book = reckon(catalog, customer.facts, { startMs: START_MS, collects: till !== undefined });
    await compare(year, customer, book);
    const books = await world.object(customer.id).books();
    if (!books.ok || books.value.laws.some(({ holds }) => !holds)) throw new Error(`laws: ${JSON.stringify(books)}`);
  }
  await world.flush(...customers.map(({ id }) => id));
  for (const customer of customers.filter(({ book }) => book.isErased)) {
    // Again: a request that was under way may have brought a name back to D1.
    await tellErase(world, customer);
    await mustBeForgotten(world, customer);
  }
  const verified = await ok(world.call<{ differing: unknown[] }>("POST", `${ADMIN}/billing/verify`));
  mustBe("made again from what is stored", verified.differing, []);
  await compareCopies(year);
}

const TABLES = ["customers", "subscriptions", "invoices", "mrr_spans", "credit_pools", "rollups", "feed"] as const;

/** What D1 has is what the objects have: sent again, nothing changes. Numbers have no gap. */
async function compareCopies({ world, customers }: Year): Promise<void> {
  const before = await copies(world.accountId);
  for (const { id } of customers) {
    const { arrived } = await world.object(id).reproject();
    if (!arrived) throw new Error("the copies did not arrive");
  }
  const after = await copies(world.accountId);
  for (const [index, table] of TABLES.entries()) {
    const again = after[index] ?? [];
    for (const [place, row] of (before[index] ?? []).entries()) mustBe(`copies: ${table}`, row, again[place]);
    mustBe(`copies: ${table}`, before[index]?.length, again.length);
  }
  const { results } = await env.DB.prepare(
    "SELECT sequence FROM invoices WHERE account_id = ? AND sequence IS NOT NULL ORDER BY sequence",
  )
    .bind(world.accountId)
    .all<{ sequence: number }>();
  mustBe(
    "numbers",
    results.map(({ sequence }) => sequence),
    results.map((_, index) => index + 1),
  );
}

async function copies(accountId: string): Promise<string[][]> {
  const answers = await env.DB.batch<Record<string, unknown>>(
    TABLES.map((table) => env.DB.prepare(`SELECT * FROM ${table} WHERE account_id = ?`).bind(accountId)),
  );
  return answers.map(({ results }) => results.map(rowText).sort());
}

/**
 * A row without the number of the commit that it left with. A bill's body repeats what has a column or a row of its own, as it was when the
 * bill was sent: its number and seller, and its subscription.
 */
function rowText({ rev: _, body, ...row }: Record<string, unknown>): string {
  if (typeof body !== "string") return JSON.stringify(row);
  const { subscription: __, sequence: ___, seller: ____, ...bill } = JSON.parse(body) as Record<string, unknown>;
  return JSON.stringify([row, Object.entries(bill).sort(([one], [other]) => (one < other ? -1 : 1))]);
}

/** Leaves nothing that a later seed's cron would wake. */
export async function forget(): Promise<void> {
  await env.DB.prepare("UPDATE customers SET next_due_at_ms = NULL").run();
}

/** The shortest history that still fails: days and steps are left out as long as it does, and time allows. */
export async function shortest(seed: number, steps: readonly Step[], untilMs: number) {
  let [best, failure] = [steps, await failureOf(seed, steps)];
  for (let size = Math.ceil(steps.length / 2); size >= 1 && failure !== undefined; size = Math.floor(size / 2)) {
    for (let at = Math.max(0, best.length - size); at >= 0 && best.length > 1; at -= size) {
      if (performance.now() > untilMs) return { steps: best, failure };
      const fewer = [...best.slice(0, at), ...best.slice(at + size)];
      const still = await failureOf(seed, fewer);
      if (still !== undefined) [best, failure] = [fewer, still];
    }
  }
  return { steps: best, failure };
}

async function failureOf(seed: number, steps: readonly Step[]): Promise<unknown> {
  try {
    await liveThrough(seed, steps);
    return undefined;
  } catch (failure) {
    return failure;
  } finally {
    await forget();
  }
}
