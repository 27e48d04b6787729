import { formatE12 } from "../../../src/domain/amount.ts";
import type { PoolView } from "../../../src/domain/credit-views.ts";
import { type CustomerTag, customerThingId } from "../../../src/domain/ids.ts";
import { invoiceNumber } from "../../../src/domain/invoice.ts";
import type { InvoiceView, SubscriptionView } from "../../../src/domain/views.ts";
import type { Bill, Book, Line, Sub } from "./book.ts";
import { balanceOf, heldOf } from "./credits.ts";
import { type Exact, exact, order } from "./exact.ts";
import { invoicesOf, overviewOf } from "./seeing.ts";
import type { Customer, Year } from "./world.ts";

/** Holds what the engine says against the reckoning, to the cent and the millisecond. */

const asText = (value: unknown) =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));

export function mustBe(what: string, told: unknown, right: unknown): void {
  const [a, b] = [asText(told), asText(right)];
  if (a !== b) throw new Error(`${what}\n  engine:    ${a}\n  reckoning: ${b}`);
}

/** All that can be seen of a customer's subscriptions, bills and balance. */
export async function compare(year: Year, customer: Customer, book: Book): Promise<void> {
  const [seen, items] = await Promise.all([overviewOf(year, customer), invoicesOf(year, customer)]);
  const { subscriptions, pools, balances } = seen;
  const { tag, reference } = customer;
  mustBe(`${reference} has subscriptions`, subscriptions.length, book.subs.length);
  for (const sub of book.subs) {
    const id = customerThingId(tag, "subscription", sub.number);
    const there = subscriptions.find(({ subscriptionId }) => subscriptionId === id);
    mustBe(`${reference}: subscription ${sub.number}`, there && subscriptionTold(there), subscriptionRight(sub));
  }
  mustBe(`${reference}: pools`, pools.map(poolTold), poolsRight(book, tag));
  const inOrder = [...items].sort((a, b) => (a.invoiceId < b.invoiceId ? -1 : 1));
  const bills = [...book.bills].sort((a, b) => a.sub - b.sub || a.place - b.place);
  for (const [index, bill] of bills.entries()) {
    const there = inOrder[index];
    const id = customerThingId(tag, "invoice", invoiceNumber(bill.sub, bill.place));
    mustBe(`${reference}: bill ${bill.sub}/${bill.place}`, there && billTold(there), billRight(bill, id));
  }
  mustBe(`${reference} has bills`, items.length, book.bills.length);
  const right = Object.entries(book.balances)
    .filter(([, cents]) => cents !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  mustBe(
    `${reference}: balance`,
    balances.map(({ currency, amountMinor }) => [currency, String(amountMinor)]),
    right.map(([currency, cents]) => [currency, String(cents)]),
  );
}

function poolTold({ poolId, balanceE4, heldE4, status, links, ahead = [] }: PoolView) {
  const aheadE4 = ahead.reduce((sum, { dueE4 }) => (dueE4 > 0n ? sum + dueE4 : sum), 0n);
  return [poolId, balanceE4, heldE4, aheadE4, status === "FROZEN", links.map(({ subscriptionId }) => subscriptionId)];
}

function poolsRight(book: Book, tag: CustomerTag) {
  return book.pools.map((pool, index) => [
    customerThingId(tag, "creditPool", index + 1),
    balanceOf(book, pool, book.nowMs),
    pool.lots.reduce((sum, lot) => sum + heldOf(book, lot), 0n),
    pool.cuts.reduce((sum, { due }) => (due > 0n ? sum + due : sum), 0n),
    pool.isFrozen,
    pool.links.map((number) => customerThingId(tag, "subscription", number)),
  ]);
}

function subscriptionTold({
  status,
  plan,
  period,
  anchorDay,
  gracePeriodDays,
  cancel,
  scheduled,
  suspendedAtMs,
  endedAtMs,
}: SubscriptionView) {
  return [
    status,
    plan.key,
    plan.version,
    period.startMs,
    period.endMs,
    anchorDay,
    gracePeriodDays,
    cancel?.effectiveAtMs,
    scheduled && [scheduled.type, scheduled.toPlan.key, scheduled.toPlan.version],
    suspendedAtMs,
    endedAtMs,
  ];
}

function subscriptionRight({
  status,
  plan,
  version,
  fromMs,
  toMs,
  anchor,
  graceDays,
  cancel,
  scheduled,
  suspendedMs,
  endedMs,
}: Sub) {
  return [
    status,
    plan,
    version,
    fromMs,
    toMs,
    anchor,
    graceDays,
    cancel?.atMs,
    scheduled && [scheduled.type, scheduled.plan, scheduled.version],
    suspendedMs,
    endedMs,
  ];
}

function billTold({
  invoiceId,
  status,
  type,
  currency,
  amountMinor,
  dueAtMs,
  graceEndsAtMs,
  paidAtMs,
  periodStartMs,
  periodEndMs,
  lines,
}: InvoiceView) {
  const told = lines.map(
    (line): Line => ({
      kind: line.kind,
      cents: BigInt(line.amountMinor),
      fromMs: line.periodStartMs,
      toMs: line.periodEndMs,
      ...(line.usage === undefined
        ? {}
        : { feature: line.usage.featureKey, units: exact(formatE12(line.usage.quantityE12)) }),
    }),
  );
  return [
    invoiceId,
    type,
    status,
    currency,
    amountMinor,
    dueAtMs,
    graceEndsAtMs,
    paidAtMs,
    periodStartMs,
    periodEndMs,
    ...linesText(told),
  ];
}

function billRight(
  { type, status, currency, cents, dueMs, graceEndsMs, paidMs, fromMs, toMs, lines }: Bill,
  id: string,
) {
  return [id, type, status, currency, Number(cents), dueMs, graceEndsMs, paidMs, fromMs, toMs, ...linesText(lines)];
}

/** Lines in an order of their own. A usage line ends with its version's time, and begins with the first use in it. */
function linesText(lines: readonly Line[]): string[] {
  return lines
    .map(({ kind, cents, fromMs, toMs, feature, units }) =>
      feature === undefined
        ? `${kind} ${cents} ${fromMs}-${toMs}`
        : `${kind} ${cents} -${toMs} ${feature} ${unitsText(units)}`,
    )
    .sort();
}

const unitsText = (units: Exact | undefined) =>
  units === undefined ? "" : order(units, { n: 0n, d: 1n }) === 0 ? "0" : `${units.n}/${units.d}`;
