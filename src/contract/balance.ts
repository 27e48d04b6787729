import * as z from "zod";
import { BALANCE_ENTRY_KINDS } from "../domain/book.ts";
import { minorDigits, minorToE12 } from "../domain/money.ts";
import type { BalanceEntryView } from "../domain/views.ts";
import { currency, decimalPositive, exactTwin, instantText, name, pageOf, sumFields, text } from "./scalars.ts";

/** The customer's money balance on the wire: what they are owed, below 0 what they owe, and the ledger that explains it. */

export const CreatePayout = z
  .object({
    currency,
    amount: decimalPositive,
    reference: text.optional().meta({ description: "Your own note: the transfer's reference, for example." }),
    method: z.enum(["RECORDED", "REFUND"]).default("RECORDED").meta({
      description:
        "RECORDED: you sent the money by other ways. REFUND: Stripe gives it back on a payment of this customer; where it refuses, the balance has it again.",
    }),
    idempotencyKey: name.optional().meta({ description: "A repeat under the same key answers the first payout, 200." }),
  })
  .transform((body, context) => {
    const perMinor = 10n ** BigInt(12 - minorDigits(body.currency));
    const amountMinor = Number(body.amount / perMinor);
    if (body.amount % perMinor === 0n && Number.isSafeInteger(amountMinor)) return { ...body, amountMinor };
    context.addIssue({
      code: "custom",
      path: ["amount"],
      message: `must be a whole number of the smallest unit of ${body.currency}`,
    });
    return z.NEVER;
  })
  .meta({ id: "CreatePayout" });

export const BalanceEntryWire = z
  .object({
    id: z.uuid(),
    currency: z.string(),
    amount: z.number().meta({ description: "Positive: owed to the customer from then on." }),
    amountExact: exactTwin,
    balanceAfter: z.number(),
    balanceAfterExact: exactTwin,
    kind: z.enum(BALANCE_ENTRY_KINDS).meta({
      description:
        "CREDIT_INVOICE: a credit invoice. REMAINDER: what an invoice left below 0. VOIDED: given back by a void invoice. APPLIED: taken by an invoice, or a carried debt that it asked for. CORRECTION: usage taken back after the end, or, below 0, what a void invoice takes back of that. PAYOUT: paid to the customer. CARRIED: too little to be collected.",
    }),
    invoiceId: z.uuid().optional(),
    reference: z.string().optional(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "BalanceEntry" });

const entries = pageOf(BalanceEntryWire);

export const BalanceWire = z
  .object({
    balances: z.array(z.object({ currency: z.string(), amount: z.number(), amountExact: exactTwin })),
    entries,
  })
  .meta({ id: "Balance" });

/** An amount of a balance, by the name of its field. */
export function balanceSum(field: string, amountMinor: number, code: string): Record<string, number | string> {
  return sumFields(field, minorToE12(amountMinor, code));
}

export function toWireBalanceEntry(entry: BalanceEntryView): z.input<typeof BalanceEntryWire> {
  return {
    id: entry.entryId,
    currency: entry.currency,
    ...(balanceSum("amount", entry.amountMinor, entry.currency) as { amount: number }),
    ...(balanceSum("balanceAfter", entry.balanceMinor, entry.currency) as { balanceAfter: number }),
    kind: entry.kind,
    invoiceId: entry.invoiceId,
    reference: entry.reference,
    createdAt: instantText(entry.atMs),
  };
}
