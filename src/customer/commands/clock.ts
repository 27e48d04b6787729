import type { Advanced } from "../calls.ts";
import { commit } from "../commit.ts";
import type { Customer } from "../image.ts";
import { settleStepwise } from "../settle.ts";

/** Test clocks, as a customer lives by them: the object stores its clock's instant, so that "now" is one thing everywhere. */

/**
 * Moves the customer's clock towards `toMs`, each thing that is due until then happening at its instant; to be repeated until `isThere`.
 * Interrupted, it goes on where it was; an instant that is past already, and a customer without a clock, are left alone.
 */
export function advanceClock(customer: Customer, toMs: number): Advanced & { isThere: boolean } {
  const { clock } = customer.image.state;
  if (clock === undefined || toMs <= clock.atMs)
    return { steps: 0, periods: 0, invoices: 0, grants: 0, expirations: 0, isThere: true };
  const advanced = settleStepwise(customer, toMs);
  if (advanced.isThere) commit(customer, [{ kind: "clock", clock: { ...clock, atMs: toMs } }], toMs);
  return advanced;
}

/** Lets the customer live in real time from now on. */
export function releaseClock(customer: Customer, nowMs: number): void {
  if (customer.image.state.clock !== undefined) commit(customer, [{ kind: "clock", clock: undefined }], nowMs);
}
