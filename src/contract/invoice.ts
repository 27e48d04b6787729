import * as z from "zod";
import { e12ToNumber, formatDecimal } from "../domain/amount.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { CustomerView } from "../domain/customer.ts";
import {
  INVOICE_STATUSES,
  INVOICE_TYPES,
  invoiceNumberText,
  LINE_KINDS,
  PAID_BY,
  taxOf,
  type UsageDetail,
} from "../domain/invoice.ts";
import { minorToE12 } from "../domain/money.ts";
import type { TierPart } from "../domain/pricing.ts";
import type { InvoiceLineView, InvoiceView } from "../domain/views.ts";
import { csvFormat } from "./csv.ts";
import { exactTwin, idText, instant, instantText, page, queryBoolean, sumFields } from "./scalars.ts";
import { type PlanStatusOf, SubscriptionWire, toWireSubscription } from "./subscription.ts";

/** Invoices on the wire. Amounts are numbers in the currency's units, rounded to its minor unit. */

export const UpcomingQuery = z.object({
  subscriptionId: idText.optional().meta({ description: "Which subscription; needed only where there are several." }),
});

export const VoidQuery = z.object({
  rebill: queryBoolean
    .optional()
    .transform((value) => value ?? false)
    .meta({ description: "Bill the usage of this invoice again, on the next one. Default false." }),
});

const invoiceNumber = z
  .string()
  .trim()
  .regex(/^(?:INV-)?\d{1,15}$/i, "must be an invoice number, such as INV-000042")
  .transform((text) => Number(text.replace(/^INV-/i, "")))
  .meta({ description: "The one of this number; `INV-` and leading zeros may be left out." });

export const InvoicesQuery = z.object({
  number: invoiceNumber.optional(),
  status: z.enum(INVOICE_STATUSES).optional(),
  type: z.enum(INVOICE_TYPES).optional(),
  customerId: idText.optional(),
  subscriptionId: idText.optional(),
  start: instant.optional().meta({ description: "Made then or later." }),
  end: instant.optional().meta({ description: "Made before it." }),
  onlyDue: queryBoolean
    .optional()
    .transform((value) => value ?? false)
    .meta({ description: "Only what is to be paid: DUE and PAST_DUE." }),
  ...csvFormat,
  rows: z
    .enum(["invoices", "lines"])
    .optional()
    .meta({ description: "With `format=csv`: a row for each invoice (default), or for each of their lines." }),
  ...page,
});

export const TierPartWire = z.object({
  tierIndex: z.int().meta({ description: "Which tier of the plan's rule, from 0." }),
  units: z.number(),
  pricePerUnit: z.number(),
  flatFee: z.number().meta({ description: "0 where the tier was entered before." }),
  amount: z.number().meta({ description: "Not rounded: only the item is." }),
});

export const InvoiceItemWire = z
  .object({
    id: z.uuid(),
    invoiceId: z.uuid(),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
    chargeAmount: z.number().meta({ description: "Negative where something is given back." }),
    description: z.string(),
    kind: z.enum(LINE_KINDS),
    periodStart: z.iso.datetime(),
    periodEnd: z.iso.datetime(),
    planId: z.uuid().optional(),
    planVersion: z.int().optional().meta({ description: "Whose price it is; absent for the credit balance." }),
    featureKey: z.string().optional(),
    quantity: z.number().optional(),
    quantityExact: exactTwin,
    unitPrice: z.number().optional(),
    lateQuantity: z
      .number()
      .optional()
      .meta({ description: "Units among them that occurred in a period that was closed when they came." }),
    tiers: z.array(TierPartWire).optional(),
  })
  .meta({ id: "InvoiceItem" });

const SHOWN_STATUSES = [...INVOICE_STATUSES, "DRAFT"] as const;

const SellerWire = z
  .object({
    name: z.string().optional(),
    address: z.string().optional(),
    taxId: z.string().optional(),
    email: z.string().optional(),
    footer: z.string().optional(),
  })
  .meta({ id: "Seller" });

const BuyerWire = z
  .object({
    name: z.string().optional(),
    email: z.string().optional(),
    phoneNumber: z.string().optional(),
    address: z.string().optional(),
    taxId: z.string().optional(),
    referenceId: z.string().optional(),
  })
  .meta({ id: "Buyer" });

export const InvoiceWire = z
  .object({
    id: z.uuid(),
    number: z.string().optional().meta({
      description:
        "Gapless within the account, given once it is due (a first invoice: once it is paid); absent where there is nothing to pay, and for the moments until the database has given it.",
    }),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
    amount: z.number().meta({ description: "What is to be paid: the sum of the items and the tax on them." }),
    amountExact: exactTwin,
    subtotal: z.number().meta({ description: "The sum of the items." }),
    subtotalExact: exactTwin,
    tax: z.number(),
    taxExact: exactTwin,
    taxLines: z.array(z.object({ name: z.string(), ratePercent: z.number(), amount: z.number() })),
    total: z.number().meta({ description: "The same as amount." }),
    totalExact: exactTwin,
    dueDate: z.iso.datetime().meta({ description: "When it became due; while PENDING, when it will." }),
    currency: z.string(),
    subscription: SubscriptionWire.optional().meta({
      description: "Absent where it is of none: a purchase of credits.",
    }),
    status: z.enum(SHOWN_STATUSES).meta({ description: "DRAFT: a forecast that is stored nowhere." }),
    type: z.enum(INVOICE_TYPES),
    periodStart: z.iso.datetime(),
    periodEnd: z.iso.datetime(),
    paidAt: z.iso.datetime().optional(),
    paidBy: z.enum(PAID_BY).optional().meta({
      description:
        "BALANCE: credit paid all of it. CARRIED: too little to be collected, it is on the next invoice. NOTHING: nothing was to be paid.",
    }),
    refundedAmount: z.number().optional().meta({
      description: "Of what was paid, given back through the payment provider, or lost in a dispute. It stays PAID.",
    }),
    overpaid: z
      .object({ amount: z.number(), refundedAmount: z.number(), state: z.enum(["OPEN", "REFUNDED"]) })
      .optional()
      .meta({
        description:
          "Money that came though nothing was to be paid any more. OPEN: it is with you, to be given back; with the setting `refundOverpayments` that happens by itself.",
      }),
    checkoutUrl: z.string().optional().meta({ description: "Where it can be paid now; absent where no page is open." }),
    checkoutSessionId: z.uuid().optional(),
    paymentProcessing: z.boolean().optional().meta({
      description: "True while money for it is on its way, which may take days: nobody loses access for it until then.",
    }),
    seller: SellerWire.optional().meta({ description: "As the account's settings were when the invoice became due." }),
    buyer: BuyerWire.optional().meta({ description: "As the customer was when the invoice became due." }),
    terms: z.object({ gracePeriodDays: z.int() }).optional(),
    metadata: z.record(z.string(), z.unknown()),
    items: z.array(InvoiceItemWire),
  })
  .meta({ id: "Invoice" });

function toWireUsage({ featureKey, quantityE12, unitPriceE12, lateE12, tiers }: UsageDetail) {
  return {
    featureKey,
    ...(sumFields("quantity", quantityE12) as { quantity: number; quantityExact?: string }),
    unitPrice: unitPriceE12 === undefined ? undefined : e12ToNumber(unitPriceE12),
    lateQuantity: e12ToNumber(lateE12),
    tiers: tiers?.map(toWireTierPart),
  };
}

/** What one tier of a line costs. */
export function toWireTierPart({
  tierIndex,
  units,
  pricePerUnit,
  flatFee,
  amountE24,
}: TierPart): z.input<typeof TierPartWire> {
  return {
    tierIndex,
    units: e12ToNumber(units),
    pricePerUnit: e12ToNumber(pricePerUnit),
    flatFee: e12ToNumber(flatFee),
    amount: Number(formatDecimal(amountE24, 24)),
  };
}

export function toWireItem(invoice: InvoiceView, line: InvoiceLineView): z.input<typeof InvoiceItemWire> {
  return {
    id: line.lineId,
    invoiceId: invoice.invoiceId,
    createdAt: instantText(invoice.createdAtMs),
    modifiedAt: instantText(invoice.modifiedAtMs),
    chargeAmount: e12ToNumber(minorToE12(line.amountMinor, invoice.currency)),
    description: line.description,
    kind: line.kind,
    periodStart: instantText(line.periodStartMs),
    periodEnd: instantText(line.periodEndMs),
    planId: line.plan?.planId,
    planVersion: line.plan?.version,
    ...(line.usage === undefined ? {} : toWireUsage(line.usage)),
    ...(line.credits === undefined
      ? {}
      : { quantity: e4ToNumber(line.credits.creditsE4), unitPrice: e12ToNumber(line.credits.unitPriceE12) }),
  };
}

/** How far it is paid, and where it can be. */
function toWirePayment({ currency, refundedMinor, overpaid, page, isProcessing }: InvoiceView) {
  const money = (amountMinor: number): number => e12ToNumber(minorToE12(amountMinor, currency));
  return {
    refundedAmount: refundedMinor === undefined ? undefined : money(refundedMinor),
    overpaid:
      overpaid === undefined
        ? undefined
        : {
            amount: money(overpaid.amountMinor),
            refundedAmount: money(overpaid.refundedMinor),
            state: overpaid.state,
          },
    checkoutUrl: page?.url,
    checkoutSessionId: page?.paymentId,
    paymentProcessing: isProcessing,
  };
}

function toWireTotals(view: InvoiceView) {
  const { amountMinor, currency, taxLines = [] } = view;
  const taxMinor = taxOf(view);
  const total = sumFields("amount", minorToE12(amountMinor, currency)) as { amount: number; amountExact?: string };
  return {
    ...total,
    ...(sumFields("subtotal", minorToE12(amountMinor - taxMinor, currency)) as {
      subtotal: number;
      subtotalExact?: string;
    }),
    ...(sumFields("tax", minorToE12(taxMinor, currency)) as { tax: number; taxExact?: string }),
    taxLines: taxLines.map((line) => ({
      name: line.name,
      ratePercent: Number(line.ratePercent),
      amount: e12ToNumber(minorToE12(line.amountMinor, currency)),
    })),
    total: total.amount,
    totalExact: total.amountExact,
  };
}

/** `isDraft`: an invoice as it would be. Fields that are undefined are left out where the answer is written as JSON. */
export function toWireInvoice(
  view: InvoiceView,
  customer: CustomerView,
  { planStatus, isDraft = false }: { planStatus?: PlanStatusOf; isDraft?: boolean } = {},
): z.input<typeof InvoiceWire> {
  return {
    id: view.invoiceId,
    createdAt: instantText(view.createdAtMs),
    modifiedAt: instantText(view.modifiedAtMs),
    number: view.sequence === undefined ? undefined : invoiceNumberText(view.sequence),
    ...toWireTotals(view),
    dueDate: instantText(view.dueAtMs),
    currency: view.currency,
    subscription:
      view.subscription === undefined ? undefined : toWireSubscription(view.subscription, customer, planStatus),
    status: isDraft ? "DRAFT" : view.status,
    type: view.type,
    periodStart: instantText(view.periodStartMs),
    periodEnd: instantText(view.periodEndMs),
    paidAt: view.paidAtMs === undefined ? undefined : instantText(view.paidAtMs),
    paidBy: view.paidBy,
    ...toWirePayment(view),
    seller: view.seller,
    buyer: view.buyer,
    terms: view.terms,
    metadata: {},
    items: view.lines.map((line) => toWireItem(view, line)),
  };
}
