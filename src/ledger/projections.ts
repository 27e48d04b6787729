import type { CustomerView } from "../domain/customer.ts";
import type { StoredEvent } from "../domain/event.ts";
import { limbsOf, type Rollup } from "../domain/rollup.ts";
import { eventText } from "./feed.ts";

/**
 * Writes what customers' objects send: absolute values, and only over a lower `rev`. So a batch may come twice, late or after a
 * newer one, and its answer may be lost: the table ends the same.
 */

export type HealthRow = {
  oldestUnsentAtMs: number | undefined;
  parkedRows: number;
  quarantinedAtMs: number | undefined;
  sizeBytes: number;
};

export type Projection =
  | { kind: "customer"; view: CustomerView; rev: number }
  | { kind: "rollups"; rollups: readonly (Rollup & { rev: number })[] }
  | { kind: "feed"; events: readonly StoredEvent[]; rev: number }
  | { kind: "health"; health: HealthRow; rev: number };

/** The statements that write one customer's projections; run them as one batch. */
export function projectionStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  projections: readonly Projection[],
): D1PreparedStatement[] {
  return projections.map((projection) => {
    switch (projection.kind) {
      case "customer":
        return customerStatement(database, accountId, projection.view, projection.rev);
      case "rollups":
        return rollupStatement(database, accountId, customerId, projection.rollups);
      case "feed":
        return feedStatement(database, accountId, customerId, projection);
      case "health":
        return healthStatement(database, accountId, customerId, projection);
      default:
        return projection satisfies never;
    }
  });
}

/** The identifiers are the directory's: this row never changes them once they are there. */
function customerStatement(database: D1Database, accountId: string, view: CustomerView, rev: number) {
  return database
    .prepare(
      `INSERT INTO customers (account_id, customer_id, reference_id, stripe_customer_id, first_name, last_name, email,
         phone_number, address, source, last_event_at_ms, created_at_ms, modified_at_ms, rev)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET reference_id = COALESCE(reference_id, excluded.reference_id),
         stripe_customer_id = COALESCE(stripe_customer_id, excluded.stripe_customer_id),
         first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
         phone_number = excluded.phone_number, address = excluded.address, source = excluded.source,
         last_event_at_ms = excluded.last_event_at_ms, created_at_ms = excluded.created_at_ms,
         modified_at_ms = excluded.modified_at_ms, rev = excluded.rev
       WHERE excluded.rev > rev`,
    )
    .bind(
      accountId,
      view.customerId,
      view.referenceId ?? null,
      view.stripeCustomerId ?? null,
      view.firstName ?? null,
      view.lastName ?? null,
      view.email ?? null,
      view.phoneNumber ?? null,
      view.address ?? null,
      view.source,
      view.lastEventAtMs ?? null,
      view.createdAtMs,
      view.modifiedAtMs,
      rev,
    );
}

/** All rollups as one statement: JSON integers stay integers, and one parameter holds thousands of rows. */
function rollupStatement(
  database: D1Database,
  accountId: string,
  customerId: string,
  rollups: readonly (Rollup & { rev: number })[],
) {
  const rows = rollups.map((rollup) => {
    const usage = limbsOf(rollup.usageE12);
    const cost = limbsOf(rollup.costE12);
    const revenue = limbsOf(rollup.revenueE12);
    return [
      rollup.bucketStartMs,
      rollup.spanMs,
      rollup.featureId,
      rollup.provider,
      rollup.model,
      rollup.currency,
      rollup.events,
      rollup.costUnknownEvents,
      rollup.inputTokens,
      rollup.outputTokens,
      usage.hi,
      usage.mid,
      usage.lo,
      cost.hi,
      cost.mid,
      cost.lo,
      revenue.hi,
      revenue.mid,
      revenue.lo,
      rollup.rev,
    ];
  });
  return database
    .prepare(
      `INSERT INTO rollups (account_id, customer_id, bucket_start_ms, span_ms, feature_id, provider, model, currency, events,
         cost_unknown_events, input_tokens, output_tokens, usage_hi, usage_mid, usage_lo, cost_hi, cost_mid, cost_lo,
         revenue_hi, revenue_mid, revenue_lo, rev)
       SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
         value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15,
         value ->> 16, value ->> 17, value ->> 18, value ->> 19
       FROM json_each(?3) WHERE true
       ON CONFLICT DO UPDATE SET events = excluded.events, cost_unknown_events = excluded.cost_unknown_events,
         input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, usage_hi = excluded.usage_hi,
         usage_mid = excluded.usage_mid, usage_lo = excluded.usage_lo, cost_hi = excluded.cost_hi,
         cost_mid = excluded.cost_mid, cost_lo = excluded.cost_lo, revenue_hi = excluded.revenue_hi,
         revenue_mid = excluded.revenue_mid, revenue_lo = excluded.revenue_lo, rev = excluded.rev
       WHERE excluded.rev > rev`,
    )
    .bind(accountId, customerId, JSON.stringify(rows));
}

function feedStatement(
  database: D1Database,
  accountId: string,
  customerId: string,
  { events, rev }: Extract<Projection, { kind: "feed" }>,
) {
  const rows = events.map((event) => [
    event.eventId,
    event.occurredAtMs,
    event.featureId,
    event.provider,
    event.model,
    event.eventName,
    eventText(event),
  ]);
  return database
    .prepare(
      `INSERT INTO feed (account_id, customer_id, event_id, occurred_at_ms, feature_id, provider, model, event_name, event, rev)
       SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
         CAST(?4 AS INTEGER)
       FROM json_each(?3) WHERE true
       ON CONFLICT DO UPDATE SET event = excluded.event, rev = excluded.rev WHERE excluded.rev > rev`,
    )
    .bind(accountId, customerId, JSON.stringify(rows), rev);
}

function healthStatement(
  database: D1Database,
  accountId: string,
  customerId: string,
  { health, rev }: Extract<Projection, { kind: "health" }>,
) {
  return database
    .prepare(
      `INSERT INTO object_health (account_id, customer_id, oldest_unsent_at_ms, parked_rows, quarantined_at_ms, size_bytes, rev)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET oldest_unsent_at_ms = excluded.oldest_unsent_at_ms, parked_rows = excluded.parked_rows,
         quarantined_at_ms = excluded.quarantined_at_ms, size_bytes = excluded.size_bytes, rev = excluded.rev
       WHERE excluded.rev > rev`,
    )
    .bind(
      accountId,
      customerId,
      health.oldestUnsentAtMs ?? null,
      health.parkedRows,
      health.quarantinedAtMs ?? null,
      health.sizeBytes,
      rev,
    );
}
