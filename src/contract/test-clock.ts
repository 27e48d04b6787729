import * as z from "zod";
import { CLOCK_YEAR_MAX, CLOCK_YEAR_MIN } from "../domain/limits.ts";
import type { TestClock } from "../domain/test-clock.ts";
import { instant, instantText, name } from "./scalars.ts";

/** Test clocks on the wire. */

const clockTime = instant.refine(
  (atMs) => atMs >= Date.UTC(CLOCK_YEAR_MIN, 0) && atMs < Date.UTC(CLOCK_YEAR_MAX + 1, 0),
  { message: `must be in the years ${CLOCK_YEAR_MIN} to ${CLOCK_YEAR_MAX}` },
);

export const CreateTestClock = z
  .object({
    name: name.optional(),
    frozenTime: clockTime.meta({ description: "Where the clock stands at first; may be in the past or the future." }),
  })
  .meta({ id: "CreateTestClock" });

export const AdvanceTestClock = z
  .object({ frozenTime: clockTime.meta({ description: "Where the clock shall stand." }) })
  .meta({ id: "AdvanceTestClock" });

const EXAMPLE = {
  id: "5b1f0a52-6d3e-4d0b-9c57-2f8c1f0e7a11",
  name: "A year of renewals",
  frozenTime: "2027-01-31T09:00:00.000Z",
  createdAt: "2027-01-04T09:30:00.000Z",
};

export const TestClockWire = z
  .object({
    id: z.uuid(),
    name: z.string().optional(),
    frozenTime: z.iso.datetime().meta({ description: "Every customer of the clock has come at least so far." }),
    advancingTo: z.iso.datetime().optional().meta({
      description:
        "While an advance is under way, or was interrupted: advance to this instant, or a later one, to finish it.",
    }),
    customers: z.int().optional().meta({ description: "How many live by it: where clocks are read or listed." }),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "TestClock", examples: [EXAMPLE] });

/** What an advance did, over all customers of the clock. */
export type Settled = { customers: number; periods: number; invoices: number; grants: number; expirations: number };

export const AdvancedClockWire = TestClockWire.extend({
  settled: z
    .object({
      customers: z.int().meta({ description: "For whom anything fell due." }),
      periods: z.int().meta({ description: "Billing periods that ended." }),
      invoices: z.int().meta({ description: "Invoices that became DUE, or PAID at once." }),
      grants: z.int().meta({ description: "Credits granted." }),
      expirations: z.int().meta({ description: "Credits expired and reservations lapsed." }),
    })
    .meta({ description: "What fell due in this call." }),
}).meta({
  id: "AdvancedTestClock",
  examples: [
    {
      ...EXAMPLE,
      frozenTime: "2027-03-01T00:00:00.000Z",
      settled: { customers: 1, periods: 1, invoices: 1, grants: 0, expirations: 0 },
    },
  ],
});

/** `customers`: how many live by it, where that was asked. */
export function toWireTestClock(clock: TestClock, customers?: number): z.input<typeof TestClockWire> {
  return {
    id: clock.clockId,
    ...(clock.name === undefined ? {} : { name: clock.name }),
    frozenTime: instantText(clock.frozenAtMs),
    ...(clock.targetAtMs === undefined ? {} : { advancingTo: instantText(clock.targetAtMs) }),
    ...(customers === undefined ? {} : { customers }),
    createdAt: instantText(clock.createdAtMs),
  };
}

/** The clock where an advance has brought it. */
export function toWireAdvancedClock(
  { targetAtMs: _, ...clock }: TestClock,
  atMs: number,
  settled: Settled,
): z.input<typeof AdvancedClockWire> {
  return { ...toWireTestClock({ ...clock, frozenAtMs: atMs }), settled };
}
