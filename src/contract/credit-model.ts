import * as z from "zod";
import { type Allocation, type E4, ROLLOVER_POLICIES, type RolloverPolicy } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { CreditModel } from "../domain/credit-model.ts";
import { GRANT_MONTHS_MAX } from "../domain/limits.ts";
import {
  creditAmount,
  creditsNotNegative,
  idText,
  instantText,
  metadata,
  name,
  queryBoolean,
  queryIntegerWithin,
  readMetadata,
  text,
} from "./scalars.ts";

/** Credit models and what plans give of them, on the wire. */

/** CAPPED has a cap above 0, and no other policy has one. One below 0 is told by its own field. */
export function capGoesWithPolicy(
  { rolloverPolicy, rolloverCap = 0n }: { rolloverPolicy?: RolloverPolicy | undefined; rolloverCap?: E4 | undefined },
  context: z.RefinementCtx,
): void {
  if (rolloverCap < 0n || (rolloverPolicy === "CAPPED") === rolloverCap > 0n) return;
  const message = rolloverCap > 0n ? "goes with the policy CAPPED alone" : "CAPPED needs a cap greater than 0";
  context.addIssue({ code: "custom", path: ["rolloverCap"], message });
}

export const CreateCreditModel = z
  .object({
    name,
    denomination: name.meta({
      description: "What the credits are counted in. Models may share one; each feature burns one.",
    }),
    description: text.optional(),
    hardLimit: z
      .boolean()
      .optional()
      .meta({ description: "Usage that the credits do not cover is refused; otherwise it is billed. Default: true." }),
    rolloverPolicy: z.enum(ROLLOVER_POLICIES).optional().meta({
      description:
        "What becomes of a plan's credits at the end of its period: gone, kept, or kept up to a cap. Default: NONE.",
    }),
    rolloverCap: creditsNotNegative.optional().meta({
      description: "Under CAPPED: how many of the plan's credits are carried into the next period at most.",
    }),
    metadata: metadata.optional(),
  })
  .superRefine(capGoesWithPolicy)
  .meta({ id: "CreateCreditModel" });

const MODEL_EXAMPLE = {
  id: "c4a7e2d9-3f58-4b16-8d0c-7e9f1a2b3c4d",
  name: "AI credits",
  denomination: "AI_CREDITS",
  hardLimit: true,
  rolloverPolicy: "CAPPED" as const,
  rolloverCap: 500,
  metadata: {},
  createdAt: "2027-01-04T09:30:00.000Z",
  modifiedAt: "2027-01-04T09:30:00.000Z",
};

export const CreditModelWire = z
  .object({
    id: z.uuid(),
    name: z.string(),
    denomination: z.string(),
    description: z.string().optional(),
    hardLimit: z.boolean(),
    rolloverPolicy: z.enum(ROLLOVER_POLICIES),
    rolloverCap: z.number().optional(),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "CreditModel", examples: [MODEL_EXAMPLE] });

export function toWireCreditModel(model: CreditModel): z.input<typeof CreditModelWire> {
  return {
    id: model.creditModelId,
    name: model.name,
    denomination: model.denomination,
    ...(model.description === undefined ? {} : { description: model.description }),
    hardLimit: model.hardLimit,
    rolloverPolicy: model.rolloverPolicy,
    ...(model.rolloverCapE4 === undefined ? {} : { rolloverCap: e4ToNumber(model.rolloverCapE4) }),
    metadata: readMetadata(model.metadata),
    createdAt: instantText(model.createdAtMs),
    modifiedAt: instantText(model.modifiedAtMs),
  };
}

export const AllocationParams = z.object({ id: idText, planId: idText });

export const AllocationQuery = z.object({
  creditAmount,
  grantExpiresMonths: queryIntegerWithin(1, GRANT_MONTHS_MAX)
    .optional()
    .meta({
      description: `Months after which each grant is gone, 1…${GRANT_MONTHS_MAX}; it may be gone sooner by the model's rollover.`,
    }),
  hardLimit: queryBoolean.optional().meta({ description: "Default: the credit model's." }),
});

export const AllocationWire = z
  .object({
    id: z.uuid(),
    creditModelId: z.uuid(),
    creditModelName: z.string(),
    denomination: z.string(),
    creditAmount: z.number(),
    grantExpiresMonths: z.int().optional(),
    hardLimit: z.boolean(),
    rolloverPolicy: z.enum(ROLLOVER_POLICIES),
    rolloverCap: z.number().optional(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "CreditAllocation" });

export function toWireAllocation(allocation: Allocation): z.input<typeof AllocationWire> {
  const { grantExpiresMonths, rolloverCapE4 } = allocation;
  return {
    id: allocation.allocationId,
    creditModelId: allocation.creditModelId,
    creditModelName: allocation.creditModelName,
    denomination: allocation.denomination,
    creditAmount: e4ToNumber(allocation.amountE4),
    ...(grantExpiresMonths === undefined ? {} : { grantExpiresMonths }),
    hardLimit: allocation.hardLimit,
    rolloverPolicy: allocation.rolloverPolicy,
    ...(rolloverCapE4 === undefined ? {} : { rolloverCap: e4ToNumber(rolloverCapE4) }),
    createdAt: instantText(allocation.createdAtMs),
  };
}
