import type { Invoice } from "../../wire.ts";

/** What invoices are called and what their states mean, in words. */

export const INVOICES_PATH = "/api/v1/monetization/billing/invoices";

export const TYPES: { [T in Invoice["type"]]: string } = {
  IN_ADVANCE_INITIAL: "First",
  REGULAR: "Regular",
  ADJUSTMENT: "Adjustment",
  CREDIT: "Credit",
};

export const STATES: readonly Invoice["status"][] = ["DUE", "PAST_DUE", "PENDING", "PAID", "VOID", "CANCELLED"];

/** How it was settled. */
export const PAID_BY: { [P in NonNullable<Invoice["paidBy"]>]: string } = {
  MANUAL: "by hand",
  STRIPE: "through Stripe",
  BALANCE: "from the customer's balance",
  CARRIED: "carried over: too little to be collected, the next invoice asks for it",
  NOTHING: "nothing was to be paid",
};

/** An invoice without a number has none yet, or needs none. */
export function nameOf({ number, status }: Pick<Invoice, "number" | "status">): string {
  return number ?? (status === "PENDING" ? "Not yet due" : "No number");
}

export function isOpen({ status }: Pick<Invoice, "status">): boolean {
  return status === "DUE" || status === "PAST_DUE";
}
