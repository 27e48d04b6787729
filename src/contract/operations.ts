import * as z from "zod";
import { instantText } from "./scalars.ts";

/** How the server itself is, on the wire: what waits, what was given up, and when the cron ran. */

export const CronRunWire = z
  .object({
    task: z.string(),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    processed: z.int(),
    failed: z.int(),
    failure: z.string().optional(),
  })
  .meta({ id: "CronRun" });

export const OperationsStatusWire = z
  .object({
    asOf: z.iso.datetime(),
    oldestUnsentAt: z.iso.datetime().optional().meta({ description: "Since when the oldest row waits for D1." }),
    waitingRows: z.int(),
    parkedRows: z.int(),
    quarantinedObjects: z.int(),
    failedWebhooks: z.int().meta({
      description:
        "Of Stripe's: what failed is tried again for three days; /api/v1/data/stripe/webhook/events lists them.",
    }),
    objectsAsked: z.int().meta({ description: "Objects this was asked of: the troubled and the most recent ones." }),
    silentObjects: z.array(z.string()).meta({ description: "Customers whose objects did not answer." }),
    troubled: z.array(
      z.object({
        customerId: z.string(),
        parkedRows: z.int(),
        quarantinedAt: z.iso.datetime().optional(),
        sizeBytes: z.int(),
      }),
    ),
    cronRuns: z.array(CronRunWire),
  })
  .meta({ id: "OperationsStatus" });

/** A run as it is kept; times are UTC milliseconds. */
type Run = {
  task: string;
  startedAtMs: number;
  finishedAtMs: number;
  processed: number;
  failed: number;
  failure?: string;
};

export function toWireRun(run: Run): z.input<typeof CronRunWire> {
  return {
    task: run.task,
    startedAt: instantText(run.startedAtMs),
    finishedAt: instantText(run.finishedAtMs),
    processed: run.processed,
    failed: run.failed,
    ...(run.failure === undefined ? {} : { failure: run.failure }),
  };
}
