import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { CREDIT_ENTRY_TYPES } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { EntryView } from "../domain/credit-views.ts";
import { GRANT_EXAMPLE } from "./credit-grant.ts";
import { POOL_EXAMPLE } from "./credit-pool.ts";
import {
  creditAmount,
  creditSum,
  exactTwin,
  idText,
  instantText,
  metadata,
  name,
  readMetadata,
  text,
} from "./scalars.ts";

/** The ledger of credit pools, on the wire, and what is taken out of them by hand. */

export const CreateDeduction = z
  .object({
    creditPoolId: idText,
    amount: creditAmount,
    description: text.optional(),
    idempotencyKey: name.optional().meta({
      description: "Unique among the deductions of the pool: used again, it answers 200 with the one that it made.",
    }),
    metadata: metadata.optional(),
  })
  .meta({ id: "CreateCreditDeduction" });

export const DescriptionQuery = z.object({
  description: text.optional().meta({ description: "Shown in the ledger." }),
});

const TRANSACTION_EXAMPLE = {
  id: "6c1f0e9a-7d42-8b34-8a00-000000000002",
  creditPoolId: POOL_EXAMPLE.id,
  creditGrantId: GRANT_EXAMPLE.id,
  transactionType: "DEDUCTION" as const,
  amount: -2.5,
  balanceBefore: 752.5,
  balanceAfter: 750,
  eventId: "6c1f0e9a-7d42-8b34-8100-00000000002a",
  draws: [{ grantId: GRANT_EXAMPLE.id, amount: 2.5 }],
  metadata: {
    credit_feature_weight_id: "9e2b7c40-5d1f-4a83-b6e9-0c4d8f1a2b37",
    credits_per_unit: 2.5,
    usage_units: 1,
    weight_match: "MODEL",
    occurred_at: "2027-01-04T10:00:00.000Z",
    ingested_at: "2027-01-04T10:00:01.000Z",
  },
  createdAt: "2027-01-04T10:00:01.000Z",
};

export const TransactionWire = z
  .object({
    id: z.uuid(),
    creditPoolId: z.uuid(),
    creditGrantId: z.uuid().optional().meta({ description: "The one grant that it is about, if there is one." }),
    transactionType: z.enum(CREDIT_ENTRY_TYPES),
    amount: z.number().meta({ description: "Signed." }),
    amountExact: exactTwin,
    balanceBefore: z.number(),
    balanceBeforeExact: exactTwin,
    balanceAfter: z.number(),
    balanceAfterExact: exactTwin,
    description: z.string().optional(),
    eventId: z.uuid().optional().meta({ description: "The event that burned the credits." }),
    reversedTransactionId: z.uuid().optional().meta({ description: "The transaction that this one takes back." }),
    draws: z
      .array(z.object({ grantId: z.uuid(), amount: z.number() }))
      .optional()
      .meta({ description: "Which grants gave the credits, or got them back, and how many each." }),
    metadata: z.record(z.string(), z.unknown()).meta({
      description:
        "What was sent with it. Of what an event burned: credit_feature_weight_id, credits_per_unit, usage_units, weight_match, occurred_at, ingested_at.",
    }),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "CreditTransaction", examples: [TRANSACTION_EXAMPLE] });

export function toWireTransaction(view: EntryView): z.input<typeof TransactionWire> {
  return {
    id: view.entryId,
    creditPoolId: view.poolId,
    creditGrantId: view.grantId,
    transactionType: view.type,
    ...creditSum("amount", view.amountE4),
    ...creditSum("balanceBefore", view.balanceBeforeE4),
    ...creditSum("balanceAfter", view.balanceAfterE4),
    description: view.description,
    eventId: view.eventId,
    reversedTransactionId: view.reversesId,
    draws: view.draws?.map(({ grantId, amountE4 }) => ({ grantId, amount: e4ToNumber(amountE4) })),
    metadata: { ...readMetadata(view.metadata), ...burntMetadata(view) },
    createdAt: instantText(view.atMs),
  };
}

function burntMetadata({ weight, unitsE12, occurredAtMs, atMs }: EntryView): Record<string, unknown> {
  if (weight === undefined) return {};
  return {
    ...(weight.weightId === undefined ? {} : { credit_feature_weight_id: weight.weightId }),
    credits_per_unit: e12ToNumber(weight.creditsPerUnitE12),
    ...(unitsE12 === undefined ? {} : { usage_units: e12ToNumber(unitsE12) }),
    weight_match: weight.match,
    ...(occurredAtMs === undefined ? {} : { occurred_at: instantText(occurredAtMs) }),
    ingested_at: instantText(atMs),
  };
}
