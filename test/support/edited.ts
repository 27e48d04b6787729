import { runInDurableObject } from "cloudflare:test";
import { ok } from "./sale.ts";
import { sqlOf } from "./tables.ts";
import type { World } from "./world.ts";

/** Books as they are told over HTTP, and rows of an object that somebody edits behind its back. */

export type Law = {
  law: string;
  subject: { kind: string; id: string; name?: string };
  left: { what: string; value: string };
  right: { what: string; value: string };
  holds: boolean;
  firstBreak?: { kind: string; id: string; why: string };
};
export type Books = { customerId: string; asOf: string; holds: boolean; laws: Law[] };

export const booksOf = (world: World, reference: string): Promise<Books> =>
  ok(world.call<Books>("GET", `/api/v1/monetization/customers/${reference}/books`));

/** Edits the object's tables; throws where nothing is edited. */
export async function edit(world: World, customerId: string, sql: string): Promise<void> {
  await runInDurableObject(world.object(customerId), (object) => {
    if (sqlOf(object).exec(sql).rowsWritten === 0) throw new Error(`nothing was edited: ${sql}`);
  });
}

/** SQL that puts another number into a body. `path` as JSON has it. */
export const setAmount = (table: string, number: string, path: string, amount: string): string =>
  `UPDATE ${table} SET body = json_set(body, '${path}."$bigint"', '${amount}') WHERE number = ${number}`;

/** The id of another thing of the same kind and customer. */
export const nth = (id: string, number: number): string => id.slice(0, 24) + number.toString(16).padStart(12, "0");

/** The laws that a customer's books break, by their names. Asked of the object: customers of events alone have books, too. */
export async function brokenLaws(world: World, customerId: string): Promise<string[]> {
  const books = await world.object(customerId).books();
  if (!books.ok) throw new Error(`no books: ${books.code}`);
  return books.value.laws.filter(({ holds }) => !holds).map(({ law }) => law);
}
