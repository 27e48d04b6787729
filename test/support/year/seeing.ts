import { runInDurableObject } from "cloudflare:test";
import type { PoolView } from "../../../src/domain/credit-views.ts";
import { customerThingId } from "../../../src/domain/ids.ts";
import type { InvoiceView, SubscriptionView } from "../../../src/domain/views.ts";
import { invoiceId } from "./commands.ts";
import type { Customer, Year } from "./world.ts";

/** What can be seen of a customer: lists while they are known, then one thing after the other by its id. */

const PAGE = { limit: 10_000, offset: 0 };

type Money = { currency: string; amountMinor: number };

export type Seen = { subscriptions: SubscriptionView[]; pools: PoolView[]; balances: Money[] };

export async function overviewOf(year: Year, customer: Customer): Promise<Seen> {
  if (customer.book.isErased) return await remainsOf(year, customer);
  const overview = await year.world.object(customer.id).overview();
  if (overview === undefined) throw new Error("the customer is gone");
  const { subscriptions, pools = [], creditBalance = [] } = overview;
  return { subscriptions, pools: pools.toReversed() as PoolView[], balances: creditBalance };
}

async function remainsOf(year: Year, { id, tag, book }: Customer): Promise<Seen> {
  const object = year.world.object(id);
  const seen: Seen = { subscriptions: [], pools: [], balances: [] };
  for (const { number } of book.subs) {
    const reply = await object.subscription(customerThingId(tag, "subscription", number));
    if (reply.ok) seen.subscriptions.push(reply.value.subscription as SubscriptionView);
  }
  for (const index of book.pools.keys()) {
    const reply = await object.pool(customerThingId(tag, "creditPool", index + 1));
    if (reply.ok) seen.pools.push(reply.value.pool as PoolView);
  }
  const sums = Map.groupBy(await entriesOf(year, { id }), ({ currency }) => currency);
  for (const [currency, entries] of [...sums].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const amountMinor = entries.reduce((sum, one) => sum + one.amountMinor, 0);
    if (amountMinor !== 0) seen.balances.push({ currency, amountMinor });
  }
  return seen;
}

/** All bills; of who is erased those that are known, and the next purchase's. */
export async function invoicesOf(year: Year, customer: Customer): Promise<InvoiceView[]> {
  const object = year.world.object(customer.id);
  const { bills, isErased } = customer.book;
  if (!isErased) return ((await object.invoices(PAGE))?.items ?? []) as InvoiceView[];
  const purchases = bills.filter(({ sub }) => sub === 0).length;
  const found: InvoiceView[] = [];
  for (const bill of [...bills, { sub: 0, place: purchases + 1 }]) {
    const reply = await object.invoice(invoiceId(customer, bill));
    if (reply.ok) found.push(reply.value.invoice as InvoiceView);
  }
  return found;
}

export type Entry = Money & { kind: string };

/** The money ledger, oldest first, whether or not it is anybody's any more. */
export function entriesOf({ world }: Year, { id }: { id: string }): Promise<Entry[]> {
  return runInDurableObject(world.object(id), (_, { storage: { sql } }) =>
    sql
      .exec<Entry>('SELECT kind, currency, amount_minor AS "amountMinor" FROM balance_entries ORDER BY number')
      .toArray(),
  );
}

/** The pool into which a bill's credits came, and how many they were. */
export async function grantOf(year: Year, { id, tag, book }: Customer, invoice: string) {
  for (const index of book.pools.keys()) {
    const reply = await year.world.object(id).poolGrants(customerThingId(tag, "creditPool", index + 1), PAGE);
    if (!reply.ok) continue;
    const found = reply.value.items.find(({ type, invoiceId: of }) => type === "PURCHASED" && of === invoice);
    if (found !== undefined) return { pool: index + 1, credits: found.amountE4 };
  }
  return { pool: 0, credits: 0n };
}
