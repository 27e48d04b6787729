import type { PoolView } from "../domain/credit-views.ts";
import type { CustomerView, ErasedName } from "../domain/customer.ts";
import type { StoredEvent } from "../domain/event.ts";
import type { MrrSpan } from "../domain/mrr.ts";
import { limbsOf, type Rollup } from "../domain/rollup.ts";
import type { InvoiceView, SubscriptionView } from "../domain/views.ts";
import { erasureStatements } from "./erasure.ts";
import { eventText } from "./feed.ts";
import { invoiceStatements } from "./invoices.ts";
import { mrrStatements } from "./mrr.ts";
import { poolStatements } from "./pools.ts";
import { subscriptionStatements } from "./subscriptions.ts";

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

/** `nextDueAtMs`: when something falls due for the customer by itself; absent while nothing does. */
export type Projection =
  | { kind: "customer"; view: CustomerView; nextDueAtMs?: number; rev: number }
  | { kind: "subscription"; view: SubscriptionView; rev: number }
  | { kind: "invoice"; view: InvoiceView; rev: number }
  | { kind: "pool"; view: PoolView; rev: number }
  | { kind: "mrr"; span: MrrSpan; subscriptionId: string; rev: number }
  | { kind: "rollups"; rollups: readonly (Rollup & { rev: number })[] }
  | { kind: "feed"; events: readonly StoredEvent[]; rev: number }
  | { kind: "health"; health: HealthRow; rev: number }
  | { kind: "erasure"; names: readonly ErasedName[]; atMs: number };

/**
 * The statements that write one customer's projections; run them as one batch. Subscriptions, invoices, pools and spans share statements,
 * however many projections they are.
 */
export function projectionStatements(
  database: D1Database,
  accountId: string,
  customerId: string,
  projections: readonly Projection[],
): D1PreparedStatement[] {
  const subscriptions: Extract<Projection, { kind: "subscription" }>[] = [];
  const invoices: Extract<Projection, { kind: "invoice" }>[] = [];
  const pools: Extract<Projection, { kind: "pool" }>[] = [];
  const spans: Extract<Projection, { kind: "mrr" }>[] = [];
  const statements: D1PreparedStatement[] = [];
  for (const projection of projections) {
    switch (projection.kind) {
      case "customer":
        statements.push(customerStatement(database, accountId, projection));
        break;
      case "subscription":
        subscriptions.push(projection);
        break;
      case "invoice":
        invoices.push(projection);
        break;
      case "pool":
        pools.push(projection);
        break;
      case "mrr":
        spans.push(projection);
        break;
      case "rollups":
        statements.push(rollupStatement(database, accountId, customerId, projection.rollups));
        break;
      case "feed":
        statements.push(feedStatement(database, accountId, customerId, projection));
        break;
      case "health":
        statements.push(healthStatement(database, accountId, customerId, projection));
        break;
      case "erasure":
        statements.push(...erasureStatements(database, accountId, customerId, projection));
        break;
      default:
        projection satisfies never;
    }
  }
  return [
    ...statements,
    ...subscriptionStatements(database, accountId, customerId, subscriptions),
    ...invoiceStatements(database, accountId, customerId, invoices),
    ...poolStatements(database, accountId, customerId, pools),
    ...mrrStatements(database, accountId, customerId, spans),
  ];
}

/** The identifiers are the directory's: this row never changes them once they are there, but for a customer who was erased. */
function customerStatement(
  database: D1Database,
  accountId: string,
  { view, nextDueAtMs, rev }: Extract<Projection, { kind: "customer" }>,
) {
  return database
    .prepare(
      `INSERT INTO customers (account_id, customer_id, reference_id, stripe_customer_id, first_name, last_name, email,
         phone_number, address, tax_id, source, last_event_at_ms, created_at_ms, modified_at_ms, test_clock_id, next_due_at_ms,
         erased_at_ms, rev)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         reference_id = IIF(excluded.erased_at_ms IS NULL, COALESCE(reference_id, excluded.reference_id), NULL),
         stripe_customer_id =
           IIF(excluded.erased_at_ms IS NULL, COALESCE(stripe_customer_id, excluded.stripe_customer_id), NULL),
         erased_at_ms = excluded.erased_at_ms,
         first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
         phone_number = excluded.phone_number, address = excluded.address, tax_id = excluded.tax_id, source = excluded.source,
         last_event_at_ms = excluded.last_event_at_ms, created_at_ms = excluded.created_at_ms,
         modified_at_ms = excluded.modified_at_ms, test_clock_id = excluded.test_clock_id,
         next_due_at_ms = excluded.next_due_at_ms, rev = excluded.rev
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
      view.taxId ?? null,
      view.source,
      view.lastEventAtMs ?? null,
      view.createdAtMs,
      view.modifiedAtMs,
      view.testClockId ?? null,
      nextDueAtMs ?? null,
      view.erased?.atMs ?? null,
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
       FROM json_each(?3)
       -- A batch that was under way when the customer was erased may come after it.
       WHERE NOT EXISTS (SELECT 1 FROM customers WHERE account_id = ?1 AND customer_id = ?2 AND erased_at_ms IS NOT NULL)
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
