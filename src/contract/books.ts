import * as z from "zod";
import { LAWS, type Law, type LawChecked } from "../domain/books.ts";
import { instantText } from "./scalars.ts";

/** The conservation laws of a customer's books, on the wire. */

/** What each law compares: left and right side. */
const SIDES: { [L in Law]: readonly [string, string] } = {
  rows_read: ["rows that can be read", "rows"],
  rows_there: ["rows that are there", "rows that were made"],
  pool_equation: ["granted + reversed", "balance + consumed + expired + voided"],
  pool_totals: ["the pool's totals together", "the ledger's entries, by type"],
  pool_ledger: ["the pool's balance", "what its last transaction left"],
  ledger_chain: [
    "transactions that go on from the one before and are the sum of their draws",
    "transactions that were written",
  ],
  entry_types: ["transactions that are what their type says", "transactions"],
  pool_grants: ["the pool's balance", "what its grants have left"],
  grants_ledger: ["grants that have left what the ledger leaves them", "grants"],
  grant_amounts: ["what its grants gave", "what transactions brought to them"],
  pool_held: ["what the pool holds", "what its grants hold for open reservations"],
  links_drawn: [
    "what the pool counts as drawn for its subscriptions",
    "what the ledger drew for them in their periods",
  ],
  links_held: ["what the pool counts as held for its subscriptions", "what their open reservations hold of it"],
  events_burnt: ["credits that events say they burned", "what transactions took for them, less what came back"],
  counter_events: ["units that the counter has", "units that were counted of its events"],
  counter_start: [
    "units that the counter had when its period began",
    "units that were counted of the events until then",
  ],
  rollup_events: ["sums of a day's usage that are those of its events", "sums of a day's usage, by feature and model"],
  invoice_lines: ["invoices that are the sum of their lines", "invoices"],
  usage_billed: ["closed usage that is billed once", "closed usage that has a price"],
  balance_entries: ["the money balance, in minor units", "the sum of its entries"],
  mrr_spans: ["spans of monthly revenue that are what their subscription was on", "spans that there should be"],
};

const KINDS = {
  creditPool: "credit pool",
  creditGrant: "credit grant",
  creditEntry: "credit transaction",
  event: "event",
  usageDay: "usage day",
  invoice: "invoice",
  subscription: "subscription",
  customer: "customer",
  usageSegment: "usage segment",
  reservation: "reservation",
  payment: "checkout session",
  balanceEntry: "balance entry",
  planVersion: "plan version",
  mrrSpan: "monthly revenue span",
} as const;

const kind = z.enum(Object.values(KINDS) as [(typeof KINDS)[keyof typeof KINDS]]);

export const LawWire = z
  .object({
    law: z.enum(LAWS),
    subject: z.object({ kind, id: z.string(), name: z.string().optional() }),
    left: z.object({ what: z.string(), value: z.string() }),
    right: z.object({ what: z.string(), value: z.string() }),
    holds: z.boolean(),
    firstBreak: z
      .object({ kind, id: z.string(), why: z.string() })
      .optional()
      .meta({ description: "The first thing that breaks the law." }),
  })
  .meta({ id: "ConservationLaw" });

export const BooksWire = z
  .object({ customerId: z.uuid(), asOf: z.iso.datetime(), holds: z.boolean(), laws: z.array(LawWire) })
  .meta({ id: "Books" });

export function toWireLaw({ law, subject, left, right, holds, brokenBy }: LawChecked): z.input<typeof LawWire> {
  const [leftIs, rightIs] = SIDES[law];
  return {
    law,
    subject: { ...subject, kind: KINDS[subject.kind] },
    left: { what: leftIs, value: left },
    right: { what: rightIs, value: right },
    holds,
    ...(brokenBy === undefined ? {} : { firstBreak: { ...brokenBy, kind: KINDS[brokenBy.kind] } }),
  };
}

export function toWireBooks(
  customerId: string,
  { asOfMs, laws }: { asOfMs: number; laws: readonly LawChecked[] },
): z.input<typeof BooksWire> {
  return {
    customerId,
    asOf: instantText(asOfMs),
    holds: laws.every(({ holds }) => holds),
    laws: laws.map(toWireLaw),
  };
}

export const VerifiedWire = z
  .object({
    customers: z.int(),
    laws: z.int().meta({ description: "How many were checked." }),
    broken: z.array(z.object({ customerId: z.uuid(), laws: z.array(LawWire) })),
    unfinished: z.array(z.string()).meta({ description: "Customers whose books could not be read: ask again." }),
    nextCursor: z.string().optional(),
  })
  .meta({ id: "BooksVerified" });
