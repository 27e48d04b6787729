import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { MIGRATE_SUBSCRIPTIONS_DEFAULT, MIGRATE_SUBSCRIPTIONS_MAX } from "../domain/limits.ts";
import { minorToE12 } from "../domain/money.ts";
import type { PlanPin } from "../domain/subscription.ts";
import type { InvoiceView, SubscriptionView } from "../domain/views.ts";
import { instantText } from "./scalars.ts";

/** Moving a plan's subscribers to its newest version. */

export const MIGRATION_TIMES = ["NOW", "NEXT_PERIOD"] as const;

export const MigratePlan = z
  .object({
    fromVersion: z.int().min(1).optional().meta({ description: "Only subscribers of this version; default: all." }),
    when: z.enum(MIGRATION_TIMES).meta({
      description:
        "NOW: at once, with an ADJUSTMENT invoice for the time left. NEXT_PERIOD: when each one's period ends.",
    }),
    dryRun: z
      .boolean()
      .optional()
      .transform((value) => value ?? false)
      .meta({ description: "Say who would move, and move nobody." }),
    cursor: z
      .string()
      .regex(/^\d{1,9}\/[\da-f-]{36}$/, "must be the nextCursor of an answer of this route")
      .optional()
      .meta({ description: "nextCursor of the page before; absent for the first." }),
    limit: z
      .int()
      .min(1)
      .max(MIGRATE_SUBSCRIPTIONS_MAX)
      .optional()
      .transform((value) => value ?? MIGRATE_SUBSCRIPTIONS_DEFAULT)
      .meta({ description: `Subscriptions of a page; default ${MIGRATE_SUBSCRIPTIONS_DEFAULT}.` }),
  })
  .meta({ id: "MigratePlan" });

/** Whose it is. */
const owner = {
  subscriptionId: z.uuid(),
  customerId: z.uuid(),
  customerName: z.string().meta({ description: "First and last name, else the reference, else the id." }),
};

const movedWire = z
  .object({
    ...owner,
    fromVersion: z.int(),
    toVersion: z.int(),
    effectiveAt: z.iso.datetime(),
    priceAmount: z
      .object({ before: z.number(), after: z.number() })
      .meta({ description: "What is paid per period, before usage." }),
    adjustmentAmount: z
      .number()
      .optional()
      .meta({ description: "The invoice that the move makes at once; absent where it makes none." }),
  })
  .meta({ id: "MigratedSubscription" });

export const SKIP_REASONS = [
  "ENDED",
  "OTHER_VERSION",
  "ENDS",
  "CHANGE_SCHEDULED",
  "SCHEDULED_ALREADY",
  "FAILED",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

const skippedWire = z
  .object({
    ...owner,
    reason: z.enum(SKIP_REASONS).meta({
      description: [
        "- ENDED: it ended meanwhile.",
        "- OTHER_VERSION: it has another version by now, such as the newest one.",
        "- ENDS: it is cancelled to the end of its period, which is when it would move.",
        "- CHANGE_SCHEDULED: it goes to another plan when its period ends.",
        "- SCHEDULED_ALREADY: the move waits for the end of its period already.",
        "- FAILED: its customer could not be reached, or is quarantined; repeat the page.",
      ].join("\n"),
    }),
  })
  .meta({ id: "SkippedSubscription" });

export const MigrationWire = z
  .object({
    planId: z.uuid(),
    toVersion: z.int(),
    dryRun: z.boolean(),
    counts: z.object({ moved: z.int(), skipped: z.int() }),
    moved: z.array(movedWire),
    skipped: z.array(skippedWire),
    nextCursor: z.string().optional(),
  })
  .meta({ id: "Migration" });

/** What a subscriber that moves has and pays, before and after. */
export function toWireMoved(
  { customerId, customerName }: { customerId: string; customerName: string },
  to: PlanPin,
  { before, effectiveAtMs, invoice }: { before: SubscriptionView; effectiveAtMs: number; invoice?: InvoiceView },
): z.input<typeof movedWire> {
  return {
    subscriptionId: before.subscriptionId,
    customerId,
    customerName,
    fromVersion: before.plan.version,
    toVersion: to.version,
    effectiveAt: instantText(effectiveAtMs),
    priceAmount: { before: e12ToNumber(before.plan.price), after: e12ToNumber(to.price) },
    ...(invoice === undefined
      ? {}
      : { adjustmentAmount: e12ToNumber(minorToE12(invoice.amountMinor, invoice.currency)) }),
  };
}
