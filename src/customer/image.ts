import type { Draft } from "../domain/book.ts";
import type { Owner, Profile } from "../domain/customer.ts";
import { nextBillingAtMs, nextDueAtMs } from "../domain/due.ts";
import type { Verdict } from "../domain/entitlement.ts";
import type { CostSource, StoredEvent } from "../domain/event.ts";
import { type CustomerTag, customerId } from "../domain/ids.ts";
import type { Invoice } from "../domain/invoice.ts";
import { DAY_MS } from "../domain/limits.ts";
import { newPaces, type Paces } from "../domain/pace.ts";
import { hourEndsAtMs, pairText, type Rollup, type RollupKey, type RollupSums } from "../domain/rollup.ts";
import { loadBook, type MutableBook, readLast } from "./book-store.ts";
import { waitingCalls } from "./payment-store.ts";
import * as store from "./store.ts";
import { WriteBehind } from "./write-behind.ts";

/**
 * A customer in memory: what every command and question needs without touching SQL. It holds nothing that grows with history:
 * sums and pairs are small caches over the tables, and may be dropped at any time.
 */
export type Image = {
  readonly owner: Owner;
  state: store.StateRow;
  /** What the customer has bought, used and owes, as far as it is live. */
  readonly book: MutableBook;
  /**
   * Nothing of the book falls due before this instant; undefined: nothing ever does. It may be earlier than the first due thing,
   * never later: reservations end all the time, and looking through all of them each time would cost more than a settle in vain.
   */
  dueAtMs: number | undefined;
  /** What kept the book from being read; undefined: nothing did. Then it is empty, and `settle` throws. */
  unreadable: string | undefined;
  /** When the customer must be woken for billing; reservations lapse by themselves. */
  billingAtMs: number | undefined;
  /** Events are numbered 1, 2, 3 …; the newest one's number. */
  lastSeq: number;
  /** Outbox rows known to be there, so that the next event of the hour does not write them again. */
  readonly outboxKnown: Set<string>;
  /** Outbox rows that were given up; D1 is told when their number changes. */
  parkedRows: number;
  readonly rollups: Map<string, Rollup & { rev: number }>;
  /** UTC day → pairs of feature and model counted that day. */
  readonly pairs: Map<number, Set<string>>;
  /** The commit that last said where the feed goes on: one under way may not overwrite what was said meanwhile. */
  fedRev: number;
  /** When the oldest hour becomes part of a day; undefined without hours. */
  compactAtMs: number | undefined;
  /** Answers to plain questions of access, good until the next commit: they are asked all the time. */
  readonly verdicts: { rev: number; readonly byQuestion: Map<string, WrittenVerdict> };
  /** How fast things were used up lately: for how long an answer may be repeated. */
  readonly paces: Paces;
  /** When the payment provider is next to be asked, in real time; undefined: never. It may be too early, never too late. */
  callsAtMs: number | undefined;
  /** When the alarm is set for, as far as this instance set it. */
  alarmAtMs: number | undefined;
};

/** A verdict, and the same as JSON text. */
export type WrittenVerdict = { readonly verdict: Verdict; readonly text: string };

const PAIR_DAYS_CACHED_MAX = 3;

export type OutboxKind =
  | "customer"
  | "feed"
  | "health"
  | "rollup"
  | "subscription"
  | "invoice"
  | "pool"
  | "mrr"
  | "erasure";

/** What a command decided, one fact each. `commit` writes it to SQL and memory; nobody else writes either. */
export type Change =
  | { kind: "profile"; profile: Profile }
  /** What was decided on the book; one in a commit. */
  | { kind: "draft"; draft: Draft }
  /** The test clock that the customer lives by; undefined: in real time from now on. */
  | { kind: "clock"; clock: { clockId: string; atMs: number } | undefined }
  | { kind: "event"; event: StoredEvent; keyDigest: Uint8Array }
  /** A pending event, counted at last. */
  | { kind: "counted"; event: StoredEvent }
  /** Added to the rollup of this key; may be negative (an hour that becomes part of a day). */
  | { kind: "rollup"; key: RollupKey; sums: RollupSums }
  | { kind: "recosted"; seq: number; costE12: bigint; source: CostSource; atMs: number }
  | { kind: "fed"; seq: number }
  /** Personal data goes for ever; what of it stands in long tables goes page by page afterwards (`erasure.ts`). */
  | { kind: "erased"; atMs: number }
  /** What D1 gave an invoice: its number, and who sold it. */
  | { kind: "invoiceFacts"; invoice: number; facts: Pick<Invoice, "sequence" | "seller"> }
  | { kind: "quarantined"; atMs: number; reason: string }
  | { kind: "released" }
  | { kind: "answered"; digest: string; bodyDigest: string; reply: string }
  /** Puts a projection into the outbox without changing it: a rebuild of D1. */
  | { kind: "unsent"; outboxKind: OutboxKind; key: string };

/** What `commit` needs of the object around it. */
export type Customer = {
  image: Image;
  /**
   * Tables that are never behind, and a transaction of them. What commits inside one does so last: memory, and what waits for its
   * tables, know of no rollback.
   */
  readonly sql: SqlStorage;
  readonly transact: <T>(work: () => T) => T;
  readonly behind: WriteBehind;
  /** The real time: for what belongs to callers and not to the customer, who may live by a test clock. */
  readonly wallMs: () => number;
};

/** The object's name is `accountId/tag`; objects are made by that name alone. */
export function ownerOf(name: string | undefined): Owner {
  const [accountId, tag] = (name ?? "").split("/");
  if (accountId === undefined || accountId === "" || tag === undefined || tag === "")
    throw new Error("invariant broken: a customer's object is named accountId/tag");
  return { accountId, tag: tag as CustomerTag, customerId: customerId(tag as CustomerTag) };
}

/** The customer of an object, as its tables have it. */
export function openCustomer(storage: DurableObjectStorage, owner: Owner, wallMs: () => number): Customer {
  const transact = <T>(work: () => T): T => storage.transactionSync(work);
  const behind = new WriteBehind(storage.sql, transact);
  const sql = behind.upToDate();
  return {
    image: loadImage(sql, owner, behind.fault),
    sql,
    transact(work) {
      behind.putIn();
      return transact(work);
    },
    behind,
    wallMs,
  };
}

/** `fault`: what keeps the tables from being read at all. */
export function loadImage(sql: SqlStorage, owner: Owner, fault?: string): Image {
  return {
    owner,
    state: store.loadState(sql),
    ...(fault === undefined ? readBook(sql) : unread(sql, fault)),
    lastSeq: store.newestSeq(sql),
    outboxKnown: new Set(),
    parkedRows: store.parkedRows(sql),
    rollups: new Map(),
    pairs: new Map(),
    fedRev: 0,
    compactAtMs: compactionDue(store.oldestHour(sql)),
    verdicts: { rev: -1, byQuestion: new Map() },
    paces: newPaces(),
    callsAtMs: waitingCalls(sql)[0]?.nextAtMs,
    alarmAtMs: undefined,
  };
}

/**
 * A row that somebody made unreadable must not close the object to whoever asks which one it is: its books are read from the tables.
 * Everything else waits until the object starts with rows that are mended: `settle` throws, and so quarantines the customer.
 */
function readBook(sql: SqlStorage): Pick<Image, "book" | "unreadable" | "dueAtMs" | "billingAtMs"> {
  try {
    const book = loadBook(sql);
    return { book, unreadable: undefined, dueAtMs: nextDueAtMs(book), billingAtMs: nextBillingAtMs(book) };
  } catch (error) {
    return unread(sql, faultOf(error));
  }
}

function unread(sql: SqlStorage, fault: string): ReturnType<typeof readBook> {
  return { book: emptyBook(readLast(sql)), unreadable: fault, dueAtMs: undefined, billingAtMs: undefined };
}

/**
 * What is wrong with a row, for the log, into which nothing of the row may come: what parses text quotes it. Throws on whatever else went
 * wrong: a statement that failed says nothing of any row, and the object starts anew.
 */
function faultOf(error: unknown): string {
  if (error instanceof SyntaxError) return "text that is no JSON, or no number";
  if (error instanceof TypeError || error instanceof RangeError) return error.name;
  throw error;
}

function emptyBook(last: MutableBook["last"]): MutableBook {
  return {
    subscriptions: new Map(),
    invoices: new Map(),
    counters: new Map(),
    segments: new Map(),
    holds: new Map(),
    held: new Map(),
    pins: new Map(),
    balances: new Map(),
    pools: new Map(),
    grants: new Map(),
    drawOrders: new Map(),
    payments: new Map(),
    payer: {},
    mrrSpans: new Map(),
    last,
  };
}

/** Throws while the book could not be read: nobody knows what is due, and what is told of an empty book would be wrong. */
export function assertReadable({ unreadable }: Image): void {
  if (unreadable !== undefined)
    throw new Error(`rows of the customer cannot be read, its books name them: ${unreadable}`);
}

export function compactionDue(oldestHourMs: number | undefined): number | undefined {
  return oldestHourMs === undefined ? undefined : hourEndsAtMs(oldestHourMs);
}

/** The pairs counted on the UTC day of `atMs`; read once and kept for the newest days. */
export function pairsOn(customer: Customer, atMs: number): Set<string> {
  const { image, sql } = customer;
  const dayStartMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  let pairs = image.pairs.get(dayStartMs);
  if (pairs === undefined) {
    pairs = new Set(store.pairsOfDay(sql, dayStartMs, dayStartMs + DAY_MS).map(pairText));
    image.pairs.set(dayStartMs, pairs);
    if (image.pairs.size > PAIR_DAYS_CACHED_MAX) image.pairs.delete(image.pairs.keys().next().value ?? dayStartMs);
  }
  return pairs;
}
