import type { Book } from "../domain/book.ts";
import { poolViewOf } from "../domain/credit-views.ts";
import type { ErasedName } from "../domain/customer.ts";
import type { StoredEvent } from "../domain/event.ts";
import { customerThingId } from "../domain/ids.ts";
import { FEED_BYTES_PER_FLUSH_MAX, FEED_EVENTS_PER_FLUSH_MAX } from "../domain/limits.ts";
import { isEmptyRollup, type RollupKey } from "../domain/rollup.ts";
import type { InvoiceView } from "../domain/views.ts";
import type { InvoiceFacts } from "../ledger/invoices.ts";
import type { HealthRow, Projection } from "../ledger/projections.ts";
import { bodyOf, readMrrSpans, readSubscription } from "./book-store.ts";
import { earlier } from "./commit.ts";
import { readPool } from "./credit-store.ts";
import type { Change, Customer, OutboxKind } from "./image.ts";
import { readInvoice } from "./invoice-store.ts";
import { viewOfInvoice, viewOfSubscription } from "./questions/billing.ts";
import { viewOrPseudonym } from "./questions/view.ts";
import { deleteEmptyRollup, EVENT_COLUMNS, readEvents, readRollup } from "./store.ts";

/**
 * What the rows of the outbox send to D1: each is read afresh when it is sent, as absolute values, and tells afterwards whether it
 * has changed since. When they are sent, and what becomes of those that do not arrive, is `outbox.ts`.
 */

export type OutboxRow = { kind: OutboxKind; key: string; since_ms: number; failures: number };

/**
 * What one row sends, and whether the row may be forgotten afterwards: false when the thing has changed since. `seen` is what to
 * note once it arrived.
 */
export type Parcel = {
  row: OutboxRow;
  projection: Projection | undefined;
  unchanged: () => boolean;
  seen?: (facts: Facts) => Change | undefined;
};

/** What D1 gave the invoices of a batch, by id. */
export type Facts = ReadonlyMap<string, InvoiceFacts>;

/** What a row sends, as it is now. Throws where that cannot be read. */
export function parcelOf(
  customer: Customer,
  row: OutboxRow,
  healthNow: () => HealthRow & { waitingRows: number },
): Parcel {
  const { image, sql } = customer;
  const rev = image.state.rev;
  switch (row.kind) {
    case "customer": {
      const { profile, lastEventAtMs, clock } = image.state;
      const { billingAtMs, callsAtMs } = image;
      const nextDueAtMs = earlier(billingAtMs, callsAtMs);
      const shown = viewOrPseudonym(customer);
      return {
        row,
        projection:
          shown === undefined
            ? undefined
            : {
                kind: "customer",
                view: shown,
                // A test clock is moved by command alone: its customers need no waking.
                ...(nextDueAtMs === undefined || clock !== undefined ? {} : { nextDueAtMs }),
                rev,
              },
        // The profile itself, not its times: two changes may fall into one millisecond.
        unchanged: () =>
          image.state.profile === profile &&
          image.state.lastEventAtMs === lastEventAtMs &&
          image.billingAtMs === billingAtMs &&
          image.callsAtMs === callsAtMs &&
          image.state.clock === clock,
      };
    }
    case "feed": {
      const events = newestEvents(customer);
      const last = image.lastSeq;
      const { fedRev } = image;
      // Set anew meanwhile, by a recost or a rebuild, the feed wants these events once more.
      const goesOn = () => image.fedRev === fedRev;
      return {
        row,
        projection: events.length === 0 ? undefined : { kind: "feed", events, rev },
        unchanged: () => image.lastSeq === last && goesOn(),
        seen: () => (goesOn() ? { kind: "fed", seq: last } : undefined),
      };
    }
    case "health": {
      const health = healthToTell(healthNow());
      return {
        row,
        projection: { kind: "health", health, rev },
        unchanged: () =>
          image.state.quarantinedAtMs === health.quarantinedAtMs && healthNow().parkedRows === health.parkedRows,
      };
    }
    case "erasure": {
      const isErased = image.state.profile?.erased !== undefined;
      // Said once and for all: the row is what it says.
      const names = JSON.parse(row.key) as ErasedName[];
      return {
        row,
        // Keys end in real time, whatever clock the customer lives by.
        projection: isErased ? { kind: "erasure", names, atMs: customer.wallMs() } : undefined,
        unchanged: () => true,
      };
    }
    case "rollup": {
      const key = rollupKey(row.key);
      const rollup = readRollup(sql, key);
      return {
        row,
        projection: rollup === undefined ? undefined : { kind: "rollups", rollups: [rollup] },
        unchanged: () => readRollup(sql, key)?.rev === rollup?.rev,
      };
    }
    case "subscription":
    case "invoice":
    case "pool":
    case "mrr": {
      const number = Number(row.key);
      const { kind } = row;
      // A live thing is replaced whenever it changes: it is its own mark. Of one that ended the text is.
      const thing = () => liveOf(image.book, kind, number) ?? bodyOf(sql, kind, number);
      const before = thing();
      const copy = copyOf(customer, kind, number);
      return {
        row,
        projection: { ...copy, rev },
        unchanged: () => thing() === before,
        ...(copy.kind === "invoice"
          ? { seen: (facts: Facts) => learnt(number, copy.view, facts.get(copy.view.invoiceId)) }
          : {}),
      };
    }
    default:
      return row.kind satisfies never;
  }
}

/** Rows that merely wait will have gone when this arrives: only parked ones are told, with their age. */
function healthToTell({ oldestUnsentAtMs, waitingRows: _, ...health }: HealthRow & { waitingRows: number }): HealthRow {
  return { ...health, oldestUnsentAtMs: health.parkedRows > 0 ? oldestUnsentAtMs : undefined };
}

/** What is to be noted of an invoice after D1 gave it something it did not have. */
function learnt(invoice: number, { sequence, seller }: InvoiceView, facts?: InvoiceFacts): Change | undefined {
  if (facts === undefined || (facts.sequence === sequence && (seller !== undefined || facts.seller === undefined)))
    return undefined;
  return { kind: "invoiceFacts", invoice, facts };
}

type CopiedKind = "subscription" | "invoice" | "pool" | "mrr";

/** The thing in memory; undefined once it has ended. */
function liveOf({ subscriptions, invoices, pools, mrrSpans }: Book, kind: CopiedKind, number: number) {
  switch (kind) {
    case "subscription":
      return subscriptions.get(number);
    case "invoice":
      return invoices.get(number);
    case "pool":
      return pools.get(number);
    case "mrr":
      return mrrSpans.get(number);
    default:
      return kind satisfies never;
  }
}

/** A thing as it is now. It is there: a row is written in the transaction that makes it. */
function copyOf(customer: Customer, kind: CopiedKind, number: number) {
  const { book, owner } = customer.image;
  const missing = (): never => {
    throw new Error(`invariant broken: no ${kind} ${number} to copy`);
  };
  if (kind === "subscription") {
    const found = book.subscriptions.get(number) ?? readSubscription(customer.sql, number) ?? missing();
    return { kind, view: viewOfSubscription(customer, book, found) } as const;
  }
  if (kind === "mrr") {
    const span = book.mrrSpans.get(number) ?? readMrrSpans(customer.sql, "WHERE number = ?", number)[0] ?? missing();
    return { kind, span, subscriptionId: customerThingId(owner.tag, "subscription", span.subscription) } as const;
  }
  if (kind === "pool") {
    const found = book.pools.get(number) ?? readPool(customer.sql, number) ?? missing();
    return { kind, view: poolViewOf(owner.tag, found) } as const;
  }
  const found = book.invoices.get(number) ?? readInvoice(customer.sql, number) ?? missing();
  return { kind, view: viewOfInvoice(customer, book, found) } as const;
}

/** One projection of each kind: all rollups in one statement, whatever their number. */
export function merged(parcels: readonly Parcel[]): Projection[] {
  const rollups = parcels.flatMap(({ projection }) => (projection?.kind === "rollups" ? projection.rollups : []));
  const others = parcels.flatMap(({ projection }) =>
    projection === undefined || projection.kind === "rollups" ? [] : [projection],
  );
  return rollups.length === 0 ? others : [...others, { kind: "rollups", rollups }];
}

function rollupKey(text: string): RollupKey {
  const [bucketStartMs, spanMs, featureId, provider, model, currency] = JSON.parse(text) as [
    number,
    number,
    string,
    string,
    string,
    string,
  ];
  return { bucketStartMs, spanMs, featureId, provider, model, currency };
}

/** An hour that became part of a day is zero; once D1 knows, the object needs it no more. */
export function deleteEmptied(sql: SqlStorage, text: string): void {
  deleteEmptyRollup(sql, rollupKey(text));
}

export function forgetEmptied(customer: Customer, text: string): void {
  const known = customer.image.rollups.get(text);
  if (known !== undefined && isEmptyRollup(known)) customer.image.rollups.delete(text);
}

/** Numbers, names of fields and ids of one event in the feed. */
const FEED_FIXED_BYTES = 2000;
/** What one UTF-16 unit becomes at most, as JSON text inside JSON text: an escape that is escaped again. */
const FEED_BYTES_PER_UNIT = 8;

/** No event takes more in the feed than this; counted from lengths, since writing it out to know costs more than sending it. */
function feedBytesAtMost(event: StoredEvent): number {
  const {
    key,
    eventName,
    provider,
    model,
    flowId = "",
    subscriptionId = "",
    invoiceId = "",
    entitlementId = "",
  } = event;
  // Three of the names stand in columns of their own as well.
  const columns = eventName.length + provider.length + model.length;
  const others = key.length + flowId.length + subscriptionId.length + invoiceId.length + entitlementId.length;
  return FEED_FIXED_BYTES + FEED_BYTES_PER_UNIT * (2 * columns + others);
}

/**
 * The newest events the feed has not been offered, as many as one statement may carry; older ones are only in the object. A
 * single event is far smaller than the bound.
 */
function newestEvents(customer: Customer): StoredEvent[] {
  const { state, owner } = customer.image;
  const events = readEvents(
    customer.sql,
    owner.tag,
    `SELECT ${EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq DESC LIMIT ?`,
    state.fedSeq,
    FEED_EVENTS_PER_FLUSH_MAX,
  );
  let bytes = 0;
  const over = events.findIndex((event) => {
    bytes += feedBytesAtMost(event);
    return bytes > FEED_BYTES_PER_FLUSH_MAX;
  });
  return over === -1 ? events : events.slice(0, Math.max(1, over));
}
