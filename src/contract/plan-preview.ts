import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { InvoiceLine } from "../domain/invoice.ts";
import { PREVIEW_CUSTOMERS_DEFAULT, PREVIEW_CUSTOMERS_MAX } from "../domain/limits.ts";
import { minorToE12 } from "../domain/money.ts";
import type { PlanPreview, PreviewFeature } from "../domain/plan-preview.ts";
import { TierPartWire, toWireTierPart } from "./invoice.ts";
import { ChangePlan } from "./plan.ts";
import { ReplaceRules } from "./rule.ts";
import { exactTwin, name, sumFields } from "./scalars.ts";

/** What a plan would have charged real customers, on the wire. */

export const PreviewPlan = z
  .object({
    customers: z
      .array(name)
      .min(1)
      .max(PREVIEW_CUSTOMERS_MAX)
      .optional()
      .meta({
        description: `References or ids. Default: the ${PREVIEW_CUSTOMERS_DEFAULT} customers with most events of the plan's features in the period.`,
      }),
    priceAmount: ChangePlan.shape.priceAmount.meta({ description: "Instead of the plan's own price." }),
    features: ReplaceRules.shape.features
      .optional()
      .meta({ description: "Instead of the plan's own rules, all of them." }),
    version: z.int().min(1).optional().meta({ description: "A version as it was sold, instead of the plan as it is." }),
  })
  .refine(
    ({ version, priceAmount, features }) =>
      version === undefined || (priceAmount === undefined && features === undefined),
    { message: "goes without priceAmount and features: a version has its own", path: ["version"] },
  )
  .meta({ id: "PreviewPlan" });

const line = z.object({
  kind: z.enum(["BASE", "USAGE"]),
  description: z.string(),
  amount: z.number().meta({ description: "Rounded once, like an invoice's item." }),
  featureKey: z.string().optional(),
  unitLabel: z.string().optional(),
  usage: z
    .object({
      used: z.number().meta({ description: "used = refused + covered + billable" }),
      usedExact: exactTwin,
      refused: z.number().meta({
        description: "Beyond the rule's limit or beyond credits with a hard limit, or all of it where the rule is off.",
      }),
      covered: z.number().meta({ description: "Paid by the plan's credits." }),
      billable: z.number(),
    })
    .optional(),
  unitPrice: z.number().optional(),
  tiers: z.array(TierPartWire).optional(),
});

const credits = z.object({
  denomination: z.string(),
  given: z.number().meta({ description: "By the plan, for one period; nothing is carried over." }),
  needed: z.number().meta({ description: "Units × the weights that are in force now." }),
  drawn: z.number(),
});

const previewed = z.object({
  customerId: z.uuid(),
  customerReferenceId: z.string().optional(),
  customerName: z.string(),
  events: z.int().meta({ description: "Of the plan's features, in the period." }),
  amount: z.number().meta({ description: "The sum of the lines, before tax." }),
  amountExact: exactTwin,
  lines: z.array(line),
  credits: z.array(credits),
  cost: z.number().meta({ description: "What these events cost, in the account's currency (`costCurrency`)." }),
  costExact: exactTwin,
  costUnknownEvents: z.int(),
  marginPercent: z.number().nullable().meta({
    description: "(amount − cost) ÷ amount × 100; null where nothing is charged, or where currencies have no rate.",
  }),
});

export const PlanPreviewWire = z
  .object({
    planId: z.uuid(),
    version: z.int().meta({ description: "The plan's version now; 0 for a draft." }),
    currency: z.string(),
    costCurrency: z.string(),
    periodStart: z.iso.datetime(),
    periodEnd: z.iso.datetime(),
    asOf: z.iso.datetime(),
    customers: z.array(previewed),
  })
  .meta({ id: "PlanPreview" });

type Lines = z.input<typeof line>[];

function amountOf({ amountMinor }: Pick<InvoiceLine, "amountMinor">, currency: string): number {
  return e12ToNumber(minorToE12(amountMinor, currency));
}

function toWireFeatureLine(feature: PreviewFeature, currency: string): Lines[number] {
  const { line: charged, featureKey, unitLabel, usedE12, refusedE12, coveredE12, billableE12 } = feature;
  const { unitPriceE12, tiers } = charged?.usage ?? {};
  return {
    kind: "USAGE",
    description: charged?.description ?? featureKey,
    amount: charged === undefined ? 0 : amountOf(charged, currency),
    featureKey,
    ...(unitLabel === undefined ? {} : { unitLabel }),
    usage: {
      ...(sumFields("used", usedE12) as { used: number; usedExact?: string }),
      refused: e12ToNumber(refusedE12),
      covered: e12ToNumber(coveredE12),
      billable: e12ToNumber(billableE12),
    },
    ...(unitPriceE12 === undefined ? {} : { unitPrice: e12ToNumber(unitPriceE12) }),
    ...(tiers === undefined ? {} : { tiers: tiers.map(toWireTierPart) }),
  };
}

/** What one customer would have paid: a line for the base, and one for each feature that was used, charged or not. */
export function previewFields(preview: PlanPreview, currency: string) {
  const lines: Lines = [
    ...preview.base.map((one) => ({
      kind: "BASE" as const,
      description: one.description,
      amount: amountOf(one, currency),
    })),
    ...preview.features.map((feature) => toWireFeatureLine(feature, currency)),
  ];
  return {
    ...sumFields("amount", minorToE12(preview.amountMinor, currency)),
    lines,
    credits: preview.credits.map(({ denomination, givenE4, neededE4, drawnE4 }) => ({
      denomination,
      given: e4ToNumber(givenE4),
      needed: e4ToNumber(neededE4),
      drawn: e4ToNumber(drawnE4),
    })),
  };
}
