import * as z from "zod";
import type { E4 } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { EntryView, ExplainedGrant, PoolView } from "../domain/credit-views.ts";
import { EXPLAIN_CURSOR_CHARS_MAX } from "../domain/limits.ts";
import { GrantWire, toWireGrant } from "./credit-grant.ts";
import { PoolWire, toWirePool } from "./credit-pool.ts";
import { TransactionWire, toWireTransaction } from "./credit-transaction.ts";
import { creditSum, exactTwin, instant, instantText, type Page, page, paged, pageOf } from "./scalars.ts";

/** What a pool had at an instant, and how it came to what it has, on the wire. */

export const BalanceQuery = z.object({
  at: instant.optional().meta({ description: "Any instant until now. Default: now." }),
});

export const BalanceWire = z
  .object({
    creditPoolId: z.uuid(),
    at: z.iso.datetime(),
    balance: z.number(),
    balanceExact: exactTwin,
    transaction: TransactionWire.optional().meta({
      description: "The last transaction until then; absent before the first.",
    }),
  })
  .meta({ id: "CreditBalance" });

/** `entry`: the last one until then. */
export function toWireBalance(poolId: string, atMs: number, entry: EntryView | undefined): z.input<typeof BalanceWire> {
  return {
    creditPoolId: poolId,
    at: instantText(atMs),
    ...creditSum("balance", entry?.balanceAfterE4 ?? 0n),
    ...(entry === undefined ? {} : { transaction: toWireTransaction(entry) }),
  };
}

/** A transaction's id, and what each grant of the page had left after it: base 36 of 1/10,000, each behind a point. */
const cursor = z
  .string()
  .max(EXPLAIN_CURSOR_CHARS_MAX)
  .transform((value): { entry: string; leftE4?: E4[] } => {
    const [entry = "", ...left] = value.split(".");
    const leftE4 = left.flatMap((digits) => (/^[0-9a-z]{1,14}$/.test(digits) ? fromBase36(digits) : []));
    return left.length > 0 && leftE4.length === left.length ? { entry, leftE4 } : { entry };
  });

function fromBase36(digits: string): E4 {
  return [...digits].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n);
}

export const ExplainQuery = z.object({
  ...page,
  cursor: cursor.optional().meta({
    description:
      "`nextCursor` of the answer before, with the same limit and offset: the ledger is read on from there. A transaction's id does too, but then nobody knows what the grants had left.",
  }),
});

const ExplainedGrantWire = z.object({
  grant: GrantWire,
  history: z
    .array(
      z.object({
        transaction: TransactionWire,
        amount: z.number().meta({ description: "This grant's share of the transaction, signed." }),
        amountExact: exactTwin,
        remaining: z.number().optional().meta({
          description: "What the grant had left after it; absent where the ledger was read on from a transaction's id.",
        }),
      }),
    )
    .meta({ description: "Oldest first; `transaction.eventId` is the event that burned the credits." }),
});

export const ExplainWire = z
  .object({
    pool: PoolWire,
    grants: pageOf(ExplainedGrantWire),
    nextCursor: z.string().optional().meta({ description: "There is more of the ledger for these grants." }),
  })
  .meta({ id: "CreditPoolExplained" });

export function toWireExplained(
  {
    pool,
    items,
    total,
    nextEntry,
    nextLeftE4 = [],
  }: {
    pool: PoolView;
    items: readonly ExplainedGrant[];
    total: number;
    nextEntry?: string;
    nextLeftE4?: readonly E4[];
  },
  asked: Page,
) {
  const grants = items.map(({ grant, steps }) => ({
    grant: toWireGrant(grant),
    history: steps.map(({ entry, amountE4, remainingE4 }) => ({
      transaction: toWireTransaction(entry),
      ...creditSum("amount", amountE4),
      ...(remainingE4 === undefined ? {} : { remaining: e4ToNumber(remainingE4) }),
    })),
  }));
  return {
    pool: toWirePool(pool),
    grants: paged(grants, total, asked),
    ...(nextEntry === undefined
      ? {}
      : { nextCursor: [nextEntry, ...nextLeftE4.map((leftE4) => leftE4.toString(36))].join(".") }),
  };
}
