import { freezeBuyer } from "../domain/billing.ts";
import type { Draft } from "../domain/book.ts";
import { buyerOf, type Profile } from "../domain/customer.ts";
import { nextBillingAtMs } from "../domain/due.ts";
import { type Invoice, isOpen } from "../domain/invoice.ts";
import { assertDraft } from "../domain/laws.ts";
import { DAY_MS, HOUR_MS } from "../domain/limits.ts";
import { notePaces } from "../domain/pace.ts";
import {
  addSums,
  hourEndsAtMs,
  isEmptyRollup,
  pairText,
  type Rollup,
  type RollupKey,
  rollupKeyText,
} from "../domain/rollup.ts";
import { applyDraft, isOfUsage, writeAdded, writeDraft } from "./book-store.ts";
import { eraseRows } from "./erasure.ts";
import { type Change, type Customer, loadImage, type OutboxKind } from "./image.ts";
import { withFacts } from "./invoice-store.ts";
import { writeCall, writePayments } from "./payment-store.ts";
import { fromRows, rowsText, writeOver } from "./rows.ts";
import * as store from "./store.ts";

const ROLLUPS_CACHED_MAX = 32;
const OUTBOX_KNOWN_MAX = 200;
const INSERT_UNSENT = `INSERT INTO outbox (lane, kind, key, since_ms) ${fromRows(4)}
  ON CONFLICT DO UPDATE SET failures = 0, parked_at_ms = NULL WHERE parked_at_ms IS NOT NULL`;

/**
 * Makes decided changes true: one transaction, then memory. A throw inside keeps nothing of either. `nowMs` is the command's
 * instant, stored as the last settled one, so that time never runs backwards for this customer.
 */
export function commit(customer: Customer, changes: readonly Change[], nowMs: number): void {
  if (changes.length === 0) return;
  const { image } = customer;
  const waits = changes.every(mayWait);
  const sql = waits ? customer.behind.stored : customer.sql;
  const state: store.StateRow = {
    ...image.state,
    rev: image.state.rev + 1,
    lastSettledAtMs: Math.max(image.state.lastSettledAtMs, nowMs),
    lastEventAtMs: newestEventAtMs(image.state, changes),
  };
  const draft = changes.find((change) => change.kind === "draft")?.draft;
  const rollups = addedUp(customer, changes, state.rev);
  const unsent = new Map<string, { kind: OutboxKind; key: string }>();
  const toSend = (kind: OutboxKind, key: string) => unsent.set(`${kind}\n${key}`, { kind, key });
  const pairs: { atMs: number; pair: string }[] = [];
  const learnt: Invoice[] = [];
  let lastSeq = image.lastSeq;
  let profileChanged = false;
  let fedRev = image.fedRev;
  let hasCalls = false;

  const write = () => {
    for (const change of changes) {
      switch (change.kind) {
        case "profile":
          // Who was named by the provider's id alone: it knows their name and e-mail.
          if (state.profile === undefined && isNamedByProvider(change.profile)) {
            writeCall(sql, "profile", 0, customer.wallMs());
            hasCalls = true;
          }
          state.profile = change.profile;
          profileChanged = true;
          toSend("customer", "");
          break;
        case "draft": {
          const { draft } = change;
          freezeBuyer(draft, buyerOf(state.profile ?? {}));
          assertDraft(image.book, draft);
          if (waits) writeAdded(sql, draft);
          else writeDraft(sql, draft);
          writePayments(sql, draft, customer.wallMs());
          hasCalls ||= draft.calls.length > 0;
          for (const number of draft.subscriptions.written.keys()) toSend("subscription", String(number));
          for (const number of draft.invoices.written.keys()) toSend("invoice", String(number));
          for (const number of draft.pools.written.keys()) toSend("pool", String(number));
          for (const number of draft.mrrSpans.written.keys()) toSend("mrr", String(number));
          // The directory knows when the customer is next to be woken.
          if (mayMoveDues(draft) || draft.calls.length > 0) toSend("customer", "");
          break;
        }
        case "clock":
          state.clock = change.clock;
          toSend("customer", "");
          break;
        case "event":
          store.insertEvent(sql, change.event, change.keyDigest);
          lastSeq = Math.max(lastSeq, change.event.seq);
          toSend("customer", "");
          toSend("feed", "");
          break;
        case "counted":
          store.setEventCounted(sql, change.event);
          break;
        case "rollup":
          pairs.push({ atMs: change.key.bucketStartMs, pair: pairText(change.key) });
          break;
        case "recosted":
          store.setEventCost(sql, change.seq, change.costE12, change.source, change.atMs);
          break;
        case "erased":
          state.profile = eraseRows(sql, state.profile, change.atMs);
          profileChanged = true;
          // The feed has lost them all, and is offered none again.
          state.fedSeq = lastSeq;
          fedRev = state.rev;
          break;
        case "fed":
          state.fedSeq = change.seq;
          fedRev = state.rev;
          break;
        case "invoiceFacts": {
          const told = withFacts(sql, change.invoice, change.facts);
          if (told !== undefined) learnt.push(told);
          break;
        }
        case "quarantined":
          state.quarantinedAtMs = change.atMs;
          state.quarantineReason = change.reason;
          toSend("health", "");
          break;
        case "released":
          state.quarantinedAtMs = undefined;
          state.quarantineReason = undefined;
          toSend("health", "");
          break;
        case "answered":
          sql.exec(
            // Over an older one that no longer counts.
            `INSERT INTO requests (digest, body_digest, reply, created_at_ms) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET body_digest = excluded.body_digest, reply = excluded.reply,
               created_at_ms = excluded.created_at_ms`,
            change.digest,
            change.bodyDigest,
            change.reply,
            customer.wallMs(),
          );
          break;
        case "unsent":
          toSend(change.outboxKind, change.key);
          break;
        default:
          change satisfies never;
      }
    }
    for (const key of rollups.keys()) toSend("rollup", key);
    if (image.parkedRows > 0 && unsent.size > 0) toSend("health", "");
    const unknown = [...unsent].filter(([known]) => !image.outboxKnown.has(known));
    // A row that waits already, or is parked, keeps its age; a change gives a parked one another chance.
    if (unknown.length > 0)
      sql.exec(INSERT_UNSENT, rowsText(unknown.map(([, { kind, key }]) => ["d1", kind, key, nowMs])));
    if (waits) return;
    writeOver(sql, store.ROLLUPS, [...rollups.values()].map(store.rollupRow));
    store.saveState(sql, state, profileChanged);
  };
  if (waits) customer.behind.commit({ draft, rollups, state }, write);
  else customer.transact(write);

  image.state = state;
  if (changes.some(({ kind }) => kind === "erased")) reload(customer);
  if (draft !== undefined) {
    notePaces(image.paces, image.book, draft, nowMs);
    applyToBook(customer, draft);
  }
  for (const invoice of learnt) if (isOpen(invoice)) image.book.invoices.set(invoice.number, invoice);
  if (hasCalls) image.callsAtMs = earlier(image.callsAtMs, customer.wallMs());
  image.lastSeq = lastSeq;
  image.fedRev = fedRev;
  for (const [key, rollup] of rollups) {
    image.rollups.delete(key);
    image.rollups.set(key, rollup);
    if (image.rollups.size > ROLLUPS_CACHED_MAX) image.rollups.delete(image.rollups.keys().next().value ?? key);
  }
  for (const rollup of rollups.values()) {
    if (rollup.spanMs !== HOUR_MS || isEmptyRollup(rollup)) continue;
    image.compactAtMs = Math.min(image.compactAtMs ?? Number.POSITIVE_INFINITY, hourEndsAtMs(rollup.bucketStartMs));
  }
  for (const { atMs, pair } of pairs) image.pairs.get(Math.floor(atMs / DAY_MS) * DAY_MS)?.add(pair);
  for (const known of unsent.keys()) image.outboxKnown.add(known);
  if (image.outboxKnown.size > OUTBOX_KNOWN_MAX) image.outboxKnown.clear();
}

function newestEventAtMs({ lastEventAtMs }: store.StateRow, changes: readonly Change[]): number | undefined {
  let newest = lastEventAtMs;
  for (const change of changes)
    if (change.kind === "event") newest = Math.max(newest ?? change.event.occurredAtMs, change.event.occurredAtMs);
  return newest;
}

/** Does it write nothing but rows that are added, and such as may wait for their tables? */
function mayWait(change: Change): boolean {
  switch (change.kind) {
    case "event":
    case "rollup":
    case "answered":
      return true;
    case "draft":
      return isOfUsage(change.draft);
    default:
      return false;
  }
}

/** The rollups that changes add to, with what they add; throws where they would count less than nothing. */
function addedUp(customer: Customer, changes: readonly Change[], rev: number): Map<string, Rollup & { rev: number }> {
  const rollups = new Map<string, Rollup & { rev: number }>();
  for (const change of changes) {
    if (change.kind !== "rollup") continue;
    const key = rollupKeyText(change.key);
    let rollup = rollups.get(key);
    if (rollup === undefined) {
      const before = customer.image.rollups.get(key) ?? store.readRollup(customer.sql, change.key);
      rollup = { ...(before ?? emptyRollup(change.key)), rev };
      rollups.set(key, rollup);
    }
    addSums(rollup, change.sums);
  }
  for (const rollup of rollups.values()) assertRollup(rollup);
  return rollups;
}

/** Memory as the tables have it now. The image stays the same object: a flush under way compares with it when it comes back. */
function reload({ image, sql }: Customer): void {
  const { alarmAtMs } = image;
  Object.assign(image, loadImage(sql, image.owner), { alarmAtMs });
}

function emptyRollup(key: RollupKey): Rollup {
  return {
    ...key,
    events: 0,
    costUnknownEvents: 0,
    inputTokens: 0,
    outputTokens: 0,
    usageE12: 0n,
    costE12: 0n,
    revenueE12: 0n,
  };
}

function assertRollup(rollup: Rollup): void {
  if (rollup.events < 0 || rollup.costUnknownEvents < 0 || rollup.costUnknownEvents > rollup.events)
    throw new Error("invariant broken: a rollup counts no less than nothing, and no more unknown costs than events");
}

function isNamedByProvider({ source, stripeCustomerId }: Profile): boolean {
  return source === "EVENT_AUTO_CREATED" && stripeCustomerId !== undefined;
}

/** Did the draft write anything that falls due by itself, or that holds credits which expire? */
function mayMoveDues({ subscriptions, invoices, drawOrders }: Draft): boolean {
  return subscriptions.written.size > 0 || invoices.written.size > 0 || drawOrders.written.size > 0;
}

/** The draft becomes the book, and what falls due next is known again. */
function applyToBook({ image }: Customer, draft: Draft): void {
  applyDraft(image.book, draft);
  if (mayMoveDues(draft)) {
    const billingAtMs = nextBillingAtMs(image.book);
    image.billingAtMs = billingAtMs;
    image.dueAtMs = earlier(image.dueAtMs, billingAtMs);
  }
  for (const hold of draft.holds.written.values())
    if (hold.status === "HELD") image.dueAtMs = earlier(image.dueAtMs, hold.expiresAtMs);
}

/** The earlier of two instants that need not be. */
export function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
