import { formatE12 } from "./amount.ts";
import { assert } from "./assert.ts";
import { usageLine } from "./billing.ts";
import type { BalanceEntry } from "./book.ts";
import type { CreditEntry, CreditEntryType, Draw, E4, Grant, Pool } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import { TOTALS } from "./credit-ledger.ts";
import type { Counted } from "./event.ts";
import type { Invoice, InvoiceLine, InvoiceStatus } from "./invoice.ts";
import { sumOfLines, taxOf } from "./invoice.ts";
import type { PlanPin } from "./subscription.ts";
import type { Counter, UsageSegment } from "./usage.ts";

/**
 * The conservation laws of a customer's books, held against everything that was ever written: what commits assert of their own
 * changes, an auditor may ask of the whole. Owns the laws; who asks hands in the rows, one after the other, since a ledger may be long.
 */

export const LAWS = [
  "pool_equation",
  "pool_totals",
  "pool_ledger",
  "ledger_chain",
  "pool_grants",
  "grants_ledger",
  "pool_held",
  "counter_events",
  "invoice_lines",
  "usage_billed",
  "balance_entries",
] as const;
export type Law = (typeof LAWS)[number];

/** The first thing that breaks a law. */
export type Break = {
  kind: "creditEntry" | "creditGrant" | "creditPool" | "invoice" | "subscription" | "balanceEntry";
  number: number;
  why: string;
};

/** `subject`: what was checked. Both sides are exact decimals; `brokenBy` only where they differ. */
export type LawVerdict = {
  law: Law;
  subject: { kind: "creditPool" | "subscription" | "customer"; number: number; name?: string };
  left: string;
  right: string;
  holds: boolean;
  brokenBy?: Break;
};

/** The same with ids in place of numbers. */
export type LawChecked = Omit<LawVerdict, "subject" | "brokenBy"> & {
  subject: { kind: LawVerdict["subject"]["kind"]; id: string; name?: string };
  brokenBy?: { kind: Break["kind"]; id: string; why: string };
};

type Sides = { left: bigint; right: bigint; format: (value: bigint) => string };

const count = (value: bigint): string => value.toString();

function verdict(
  law: Law,
  subject: LawVerdict["subject"],
  { left, right, format }: Sides,
  first: Break | undefined,
): LawVerdict {
  const holds = left === right && first === undefined;
  return {
    law,
    subject,
    left: format(left),
    right: format(right),
    holds,
    ...(holds || first === undefined ? {} : { brokenBy: first }),
  };
}

/** What an entry moved in which grants, with its sign. */
export function sharesOf({ amountE4, draws, grant }: Pick<CreditEntry, "amountE4" | "draws" | "grant">): Draw[] {
  if (draws !== undefined)
    return draws.map((draw) => ({ grant: draw.grant, amountE4: amountE4 < 0n ? -draw.amountE4 : draw.amountE4 }));
  return grant === undefined ? [] : [{ grant, amountE4 }];
}

/** An account of one pool that its entries and grants are told to, each once and in order. */
export type PoolAudit = {
  entry: (entry: CreditEntry) => void;
  grant: (grant: Grant) => void;
  verdicts: () => LawVerdict[];
};

/** `heldE4`: what open reservations hold of each grant. */
export function auditPool(pool: Pool, heldE4: ReadonlyMap<number, E4>): PoolAudit {
  const subject = { kind: "creditPool" as const, number: pool.number, name: pool.name };
  const itself: Break = { kind: "creditPool", number: pool.number, why: "" };
  const sums = new Map<CreditEntryType, E4>();
  const left = new Map<number, { amountE4: E4; last: number }>();
  let [entries, chained, balanceE4] = [0n, 0n, 0n];
  let [grants, agreeing, remainingE4, grantsHeldE4] = [0n, 0n, 0n, 0n];
  let brokenChain: Break | undefined;
  let brokenGrant: Break | undefined;
  let brokenHold: Break | undefined;
  return {
    entry(entry) {
      entries += 1n;
      const drawn = entry.draws?.reduce((sum, draw) => sum + draw.amountE4, 0n);
      const why =
        entry.balanceBeforeE4 !== balanceE4
          ? `begins with ${formatE4(entry.balanceBeforeE4)}, the one before left ${formatE4(balanceE4)}`
          : entry.balanceAfterE4 !== balanceE4 + entry.amountE4
            ? `leaves ${formatE4(entry.balanceAfterE4)}, its amount leaves ${formatE4(balanceE4 + entry.amountE4)}`
            : drawn !== undefined && drawn !== (entry.amountE4 < 0n ? -entry.amountE4 : entry.amountE4)
              ? `is of ${formatE4(entry.amountE4)}, its draws come to ${formatE4(drawn)}`
              : undefined;
      if (why === undefined) chained += 1n;
      else brokenChain ??= { kind: "creditEntry", number: entry.number, why };
      balanceE4 = entry.balanceAfterE4;
      sums.set(entry.type, (sums.get(entry.type) ?? 0n) + entry.amountE4);
      for (const { grant, amountE4 } of sharesOf(entry))
        left.set(grant, { amountE4: (left.get(grant)?.amountE4 ?? 0n) + amountE4, last: entry.number });
    },
    grant(grant) {
      grants += 1n;
      remainingE4 += grant.remainingE4;
      grantsHeldE4 += grant.heldE4;
      const ledger = left.get(grant.number)?.amountE4 ?? 0n;
      if (ledger === grant.remainingE4) agreeing += 1n;
      else
        brokenGrant ??= {
          kind: "creditGrant",
          number: grant.number,
          why: `has ${formatE4(grant.remainingE4)} left, its ledger leaves ${formatE4(ledger)}`,
        };
      const held = heldE4.get(grant.number) ?? 0n;
      if (held !== grant.heldE4)
        brokenHold ??= {
          kind: "creditGrant",
          number: grant.number,
          why: `says ${formatE4(grant.heldE4)} is held, open reservations hold ${formatE4(held)}`,
        };
    },
    verdicts() {
      const money = (a: bigint, b: bigint): Sides => ({ left: a, right: b, format: formatE4 });
      const { grantedE4, reversedE4, consumedE4, expiredE4, voidedE4 } = pool;
      const unlike = (differs: boolean, why: string): Break | undefined => (differs ? { ...itself, why } : undefined);
      const wrong = (Object.keys(TOTALS) as CreditEntryType[]).flatMap((type) => {
        const counted = TOTALS[type];
        const sum = sums.get(type) ?? 0n;
        if (counted === undefined) return sum === 0n ? [] : [`${type} entries add up to ${formatE4(sum)}`];
        const said = pool[counted.total];
        return said === sum * counted.sign
          ? []
          : [`${type} entries add up to ${formatE4(sum)}, its total is ${formatE4(said)}`];
      });
      const totalsE4 = grantedE4 + consumedE4 + expiredE4 + reversedE4 + voidedE4;
      const entriesE4 = [...sums].reduce((sum, [type, amountE4]) => sum + amountE4 * (TOTALS[type]?.sign ?? 0n), 0n);
      return [
        verdict(
          "pool_equation",
          subject,
          money(grantedE4 + reversedE4, pool.balanceE4 + consumedE4 + expiredE4 + voidedE4),
          unlike(
            grantedE4 + reversedE4 !== pool.balanceE4 + consumedE4 + expiredE4 + voidedE4,
            "granted + reversed is not balance + consumed + expired + voided",
          ),
        ),
        verdict("pool_totals", subject, money(totalsE4, entriesE4), unlike(wrong.length > 0, wrong.join("; "))),
        verdict(
          "pool_ledger",
          subject,
          money(pool.balanceE4, balanceE4),
          unlike(pool.balanceE4 !== balanceE4, "its balance is not what its last entry left"),
        ),
        verdict("ledger_chain", subject, { left: chained, right: entries, format: count }, brokenChain),
        verdict(
          "pool_grants",
          subject,
          money(pool.balanceE4, remainingE4),
          brokenGrant ?? unlike(pool.balanceE4 !== remainingE4, "its balance is not what its grants have left"),
        ),
        verdict("grants_ledger", subject, { left: agreeing, right: grants, format: count }, brokenGrant),
        verdict(
          "pool_held",
          subject,
          money(pool.heldE4, grantsHeldE4),
          brokenHold ??
            unlike(
              pool.heldE4 !== grantsHeldE4 || pool.heldE4 > pool.balanceE4,
              "what it holds is not what its grants hold, or more than it has",
            ),
        ),
      ];
    },
  };
}

/** What events leave in their counter: all units, and those that are billed. */
export type CountedUnits = Pick<Counter, "usedE12" | "billableE12">;

export const NOTHING_COUNTED: CountedUnits = { usedE12: 0n, billableE12: 0n };

/**
 * The same after one more event, each told once and in order. Units that credits cover are not billed; of units that are taken back
 * billed ones go first, and covered ones when there are no more: so the order matters, and neither is ever below 0.
 */
export function addCounted(
  { usedE12: usedBeforeE12, billableE12: beforeE12 }: CountedUnits,
  { unitsE12, coveredE12 = 0n }: Pick<Counted, "unitsE12" | "coveredE12">,
): CountedUnits {
  const usedE12 = usedBeforeE12 + unitsE12;
  const billedE12 = beforeE12 + unitsE12 - coveredE12;
  const billableE12 = billedE12 < 0n ? 0n : billedE12;
  return { usedE12, billableE12: billableE12 < usedE12 ? billableE12 : usedE12 };
}

/** A counter is what was counted of its events, and its billable units are those of them that no credits covered. */
export function auditCounter(
  counter: Pick<Counter, "subscription" | "featureKey" | "usedE12" | "billableE12">,
  counted: CountedUnits,
): LawVerdict {
  const { subscription: number, featureKey: name, usedE12, billableE12 } = counter;
  const why =
    usedE12 !== counted.usedE12
      ? `the counter of ${name} is not the sum of its events`
      : billableE12 !== counted.billableE12
        ? `the counter of ${name} has ${formatE12(billableE12)} billable units, its events leave ${formatE12(counted.billableE12)}`
        : undefined;
  return verdict(
    "counter_events",
    { kind: "subscription", number, name },
    { left: usedE12, right: counted.usedE12, format: formatE12 },
    why === undefined ? undefined : { kind: "subscription", number, why },
  );
}

/** Each invoice is the sum of its lines and of their tax: how many are, of how many. */
export function auditInvoices(invoices: Iterable<Invoice>): LawVerdict {
  let [right, all] = [0n, 0n];
  let broken: Break | undefined;
  for (const invoice of invoices) {
    const { number, lines, amountMinor } = invoice;
    all += 1n;
    const sum = sumOfLines(lines) + taxOf(invoice);
    if (sum === amountMinor) right += 1n;
    else
      broken ??= { kind: "invoice", number, why: `its amount is ${amountMinor}, its lines come to ${sum} minor units` };
  }
  return verdict("invoice_lines", { kind: "customer", number: 0 }, { left: right, right: all, format: count }, broken);
}

/** Where closed usage was billed: told of all invoices and of lines that wait for one, then asked about each closed segment. */
export type UsageAudit = {
  lines: (lines: readonly InvoiceLine[], status?: InvoiceStatus) => void;
  segment: (segment: UsageSegment, pin: PlanPin | undefined) => void;
  verdict: () => LawVerdict;
};

/**
 * What was used and has a price is on one invoice: on none it is lost, on two it is charged twice. One that is void or cancelled does
 * not count, but says that the usage was billed; it is billed again only where that was asked for.
 */
export function auditUsage(): UsageAudit {
  const standing = new Map<number, number>();
  const dropped = new Set<number>();
  let [right, all] = [0n, 0n];
  let broken: Break | undefined;
  return {
    lines(lines, status) {
      for (const { kind, usage } of lines) {
        if (kind !== "USAGE" || usage === undefined) continue;
        if (status === "VOID" || status === "CANCELLED") dropped.add(usage.segment);
        else standing.set(usage.segment, (standing.get(usage.segment) ?? 0) + 1);
      }
    },
    segment(segment, pin) {
      if (segment.billedAtMs === undefined || pin === undefined || usageLine(pin, segment) === undefined) return;
      all += 1n;
      const invoices = standing.get(segment.number) ?? 0;
      if (invoices === 1 || (invoices === 0 && dropped.has(segment.number))) right += 1n;
      else
        broken ??= {
          kind: "subscription",
          number: segment.subscription,
          why: `usage of ${segment.featureKey} until ${new Date(segment.endMs).toISOString()} is on ${invoices} invoices`,
        };
    },
    verdict: () =>
      verdict("usage_billed", { kind: "customer", number: 0 }, { left: right, right: all, format: count }, broken),
  };
}

/**
 * May an entry leave what it says? Only a debt takes a balance below 0: a small one that is carried over, what a void invoice takes back
 * of corrections, which may have been spent by then, or such a one that comes back.
 */
export function mayLeave(entry: BalanceEntry): boolean {
  const { balanceMinor, amountMinor, kind } = entry;
  return balanceMinor >= 0 || amountMinor > 0 || debtOf(entry) > 0 || kind === "VOIDED";
}

function debtOf({ kind, amountMinor }: BalanceEntry): number {
  return amountMinor < 0 && (kind === "CARRIED" || kind === "CORRECTION") ? -amountMinor : 0;
}

/**
 * Each entry of a money balance goes on from the one before, and none is below 0 by more than the debts until then; told of one currency
 * at a time.
 */
export function auditBalance(currency: string, entries: readonly BalanceEntry[]): LawVerdict {
  let [sum, debts] = [0, 0];
  let broken: Break | undefined;
  for (const entry of entries) {
    const { number, amountMinor, balanceMinor, currency: own } = entry;
    assert(own === currency, "a balance is of one currency");
    sum += amountMinor;
    debts += debtOf(entry);
    if (sum !== balanceMinor || sum < -debts || !mayLeave(entry))
      broken ??= {
        kind: "balanceEntry",
        number,
        why: `leaves ${balanceMinor}, the entries until then come to ${sum} minor units`,
      };
  }
  const left = BigInt(entries.at(-1)?.balanceMinor ?? 0);
  const subject = { kind: "customer" as const, number: 0, name: currency };
  return verdict("balance_entries", subject, { left, right: BigInt(sum), format: count }, broken);
}
