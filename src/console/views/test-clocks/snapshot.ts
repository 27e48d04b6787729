import { type Answered, ask } from "../../api.ts";
import type { Customer, CustomerItem, Invoice, Page } from "../../wire.ts";
import { customerRef } from "../customer-link.tsx";

/** The customers of a clock as they are at its instant, and what became of them from one instant to another. */

/** As many customers are followed: enough to watch, few enough to ask each. */
export const FOLLOWED_MAX = 20;
/** A year of monthly invoices and more. */
const INVOICES_READ = 50;

export type Followed = { customer: Customer; invoices: readonly Invoice[] };
export type Snapshot = { followed: readonly Followed[]; total: number };

/** Reads the newest customers of a clock, each with what they have. */
export async function snapshotOf(clockId: string): Promise<Answered<Snapshot>> {
  const page = await ask<Page<CustomerItem>>("GET", `/api/v1/test-clocks/${clockId}/customers?limit=${FOLLOWED_MAX}`);
  if (!page.ok) return page;
  const read = await Promise.all(page.data.items.map(follow));
  const refused = read.find((one) => !one.ok);
  if (refused !== undefined && !refused.ok) return refused;
  const followed = read.flatMap((one) => (one.ok ? [one.data] : []));
  return { ok: true, data: { followed, total: page.data.pagination.total } };
}

async function follow(item: CustomerItem): Promise<Answered<Followed>> {
  const ref = customerRef(item);
  const [customer, invoices] = await Promise.all([
    ask<Customer>("GET", `/api/v1/client/customers/${ref}`),
    ask<Page<Invoice>>("GET", `/api/v1/client/billing/invoices/${ref}?limit=${INVOICES_READ}`),
  ]);
  if (!customer.ok) return customer;
  if (!invoices.ok) return invoices;
  return { ok: true, data: { customer: customer.data, invoices: invoices.data.items } };
}

/** The instants at which periods of these customers end, soonest first, with whose and on which plan. */
export function periodEnds({ followed }: Snapshot): { at: string; customer: Customer; plan: string }[] {
  return followed
    .flatMap(({ customer }) =>
      customer.subscriptions
        .filter(({ status }) => status === "ACTIVE" || status === "SUSPENDED")
        .map(({ currentPeriodEnd, plan }) => ({ at: currentPeriodEnd, customer, plan: plan.name })),
    )
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** What is different about one customer. Texts are absent where nothing is. */
export type Happened = {
  customer: Customer;
  /** Invoices that are new, or in another state; `was` is the state before. */
  invoices: readonly { invoice: Invoice; was?: Invoice["status"] }[];
  subscriptions: readonly { subscription: Customer["subscriptions"][number]; was: Customer["subscriptions"][number] }[];
  pools: readonly { pool: Customer["creditPools"][number]; was: number }[];
};

/** Customers for whom anything changed, in the order of the list. */
export function happenedBetween(before: Snapshot, after: Snapshot): Happened[] {
  return after.followed.flatMap(({ customer, invoices }) => {
    const was = before.followed.find((one) => one.customer.id === customer.id);
    if (was === undefined) return [];
    const statusWas = new Map(was.invoices.map(({ id, status }) => [id, status]));
    const happened: Happened = {
      customer,
      invoices: invoices.flatMap((invoice) => {
        const status = statusWas.get(invoice.id);
        if (status === invoice.status) return [];
        return [{ invoice, ...(status === undefined ? {} : { was: status }) }];
      }),
      subscriptions: customer.subscriptions.flatMap((subscription) => {
        const earlier = was.customer.subscriptions.find(({ id }) => id === subscription.id);
        return earlier === undefined || sameTerms(earlier, subscription) ? [] : [{ subscription, was: earlier }];
      }),
      pools: customer.creditPools.flatMap((pool) => {
        const balance = was.customer.creditPools.find(({ id }) => id === pool.id)?.balance ?? 0;
        return balance === pool.balance ? [] : [{ pool, was: balance }];
      }),
    };
    const isSame = happened.invoices.length + happened.subscriptions.length + happened.pools.length === 0;
    return isSame ? [] : [happened];
  });
}

type SubscriptionOf = Customer["subscriptions"][number];

function sameTerms(a: SubscriptionOf, b: SubscriptionOf): boolean {
  return (
    a.status === b.status &&
    a.plan.id === b.plan.id &&
    a.plan.version === b.plan.version &&
    a.currentPeriodEnd === b.currentPeriodEnd
  );
}
