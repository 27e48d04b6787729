import type { CustomerSource, CustomerView } from "../domain/customer.ts";
import type { Uuid } from "../domain/ids.ts";

/** The customer beside a copy of something of theirs, as far as answers show it: read in the query that reads the copy. */

/** Columns of `customers`, under the alias `c`. */
export const CUSTOMER_COLUMNS = `c.customer_id, c.reference_id, c.stripe_customer_id, c.first_name, c.last_name, c.email,
  c.phone_number, c.address, c.tax_id, c.source, c.last_event_at_ms, c.created_at_ms, c.modified_at_ms, c.test_clock_id`;

export type CustomerRow = {
  customer_id: string;
  reference_id: string | null;
  stripe_customer_id: string | null;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  phone_number: string | null;
  address: string | null;
  tax_id: string | null;
  source: string;
  last_event_at_ms: number | null;
  created_at_ms: number;
  modified_at_ms: number;
  test_clock_id: string | null;
};

export function customerFromRow(row: CustomerRow): CustomerView {
  return {
    customerId: row.customer_id as Uuid,
    ...(row.reference_id === null ? {} : { referenceId: row.reference_id }),
    ...(row.stripe_customer_id === null ? {} : { stripeCustomerId: row.stripe_customer_id }),
    ...(row.first_name === null ? {} : { firstName: row.first_name }),
    ...(row.last_name === null ? {} : { lastName: row.last_name }),
    ...(row.email === null ? {} : { email: row.email }),
    ...(row.phone_number === null ? {} : { phoneNumber: row.phone_number }),
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.tax_id === null ? {} : { taxId: row.tax_id }),
    // The column's CHECK knows the same three.
    source: row.source as CustomerSource,
    ...(row.last_event_at_ms === null ? {} : { lastEventAtMs: row.last_event_at_ms }),
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...(row.test_clock_id === null ? {} : { testClockId: row.test_clock_id }),
  };
}
