import type { Owner, Profile } from "../domain/customer.ts";
import type { CostSource, StoredEvent } from "../domain/event.ts";
import { DAY_MS, HOUR_MS } from "../domain/limits.ts";
import {
  addSums,
  hourEndsAtMs,
  type Rollup,
  type RollupKey,
  type RollupSums,
  rollupKeyText,
} from "../domain/rollup.ts";
import * as store from "./store.ts";

/**
 * A customer in memory: what every command and question needs without touching SQL. It holds nothing that grows with history:
 * sums and pairs are small caches over the tables, and may be dropped at any time.
 */
export type Image = {
  readonly owner: Owner;
  state: store.StateRow;
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
  /** When the alarm is set for, as far as this instance set it. */
  alarmAtMs: number | undefined;
};

const ROLLUPS_CACHED_MAX = 32;
const PAIR_DAYS_CACHED_MAX = 3;
const OUTBOX_KNOWN_MAX = 200;

export type OutboxKind = "customer" | "feed" | "health" | "rollup";

/** What a command decided, one fact each. `commit` writes it to SQL and memory; nobody else writes either. */
export type Change =
  | { kind: "profile"; profile: Profile }
  | { kind: "event"; event: StoredEvent; keyDigest: Uint8Array }
  /** Added to the rollup of this key; may be negative (an hour that becomes part of a day). */
  | { kind: "rollup"; key: RollupKey; sums: RollupSums }
  | { kind: "recosted"; seq: number; costE12: bigint; source: CostSource; atMs: number }
  | { kind: "fed"; seq: number }
  | { kind: "quarantined"; atMs: number; reason: string }
  | { kind: "released" }
  | { kind: "answered"; digest: string; bodyDigest: string; reply: string; atMs: number }
  /** Puts a projection into the outbox without changing it: a rebuild of D1. */
  | { kind: "unsent"; outboxKind: OutboxKind; key: string };

/** What `commit` needs of the object around it. */
export type Customer = {
  image: Image;
  readonly sql: SqlStorage;
  readonly transact: <T>(work: () => T) => T;
};

export function loadImage(sql: SqlStorage, owner: Owner): Image {
  return {
    owner,
    state: store.loadState(sql),
    lastSeq: store.newestSeq(sql),
    outboxKnown: new Set(),
    parkedRows: store.parkedRows(sql),
    rollups: new Map(),
    pairs: new Map(),
    fedRev: 0,
    compactAtMs: compactionDue(store.oldestHour(sql)),
    alarmAtMs: undefined,
  };
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

/** A pair as text. A model is one provider's: providers are named by callers, too, and must not make rows without end. */
export function pairText({ featureId, provider, model }: store.Pair): string {
  return `${featureId}\n${provider}\n${model}`;
}

/**
 * Makes decided changes true: one transaction, then memory. A throw inside keeps nothing of either. `nowMs` is the command's
 * instant, stored as the last settled one, so that time never runs backwards for this customer.
 */
export function commit(customer: Customer, changes: readonly Change[], nowMs: number): void {
  if (changes.length === 0) return;
  const { image, sql } = customer;
  const state: store.StateRow = {
    ...image.state,
    rev: image.state.rev + 1,
    lastSettledAtMs: Math.max(image.state.lastSettledAtMs, nowMs),
  };
  const rollups = new Map<string, Rollup & { rev: number }>();
  const unsent = new Map<string, { kind: OutboxKind; key: string }>();
  const toSend = (kind: OutboxKind, key: string) => unsent.set(`${kind}\n${key}`, { kind, key });
  const pairs: { atMs: number; pair: string }[] = [];
  let lastSeq = image.lastSeq;
  let profileChanged = false;
  let fedRev = image.fedRev;

  customer.transact(() => {
    for (const change of changes) {
      switch (change.kind) {
        case "profile":
          state.profile = change.profile;
          profileChanged = true;
          toSend("customer", "");
          break;
        case "event":
          store.insertEvent(sql, change.event, change.keyDigest);
          lastSeq = Math.max(lastSeq, change.event.seq);
          state.lastEventAtMs = Math.max(state.lastEventAtMs ?? change.event.occurredAtMs, change.event.occurredAtMs);
          toSend("customer", "");
          toSend("feed", "");
          break;
        case "rollup": {
          const key = rollupKeyText(change.key);
          let rollup = rollups.get(key);
          if (rollup === undefined) {
            const before = image.rollups.get(key) ?? store.readRollup(sql, change.key);
            rollup = before === undefined ? emptyRollup(change.key) : { ...before };
            rollup.rev = state.rev;
            rollups.set(key, rollup);
          }
          addSums(rollup, change.sums);
          pairs.push({ atMs: change.key.bucketStartMs, pair: pairText(change.key) });
          break;
        }
        case "recosted":
          store.setEventCost(sql, change.seq, change.costE12, change.source, change.atMs);
          break;
        case "fed":
          state.fedSeq = change.seq;
          fedRev = state.rev;
          break;
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
            change.atMs,
          );
          break;
        case "unsent":
          toSend(change.outboxKind, change.key);
          break;
        default:
          change satisfies never;
      }
    }
    for (const [key, rollup] of rollups) {
      assertRollup(rollup);
      store.writeRollup(sql, rollup, state.rev);
      toSend("rollup", key);
    }
    if (image.parkedRows > 0 && unsent.size > 0) toSend("health", "");
    for (const [known, { kind, key }] of unsent) {
      if (image.outboxKnown.has(known)) continue;
      // A row that waits already, or is parked, keeps its age; a change gives a parked one another chance.
      sql.exec(
        `INSERT INTO outbox (lane, kind, key, since_ms) VALUES ('d1', ?, ?, ?)
         ON CONFLICT DO UPDATE SET failures = 0, parked_at_ms = NULL WHERE parked_at_ms IS NOT NULL`,
        kind,
        key,
        nowMs,
      );
    }
    store.saveState(sql, state, profileChanged);
  });

  image.state = state;
  image.lastSeq = lastSeq;
  image.fedRev = fedRev;
  for (const [key, rollup] of rollups) {
    image.rollups.delete(key);
    image.rollups.set(key, rollup);
    if (image.rollups.size > ROLLUPS_CACHED_MAX) image.rollups.delete(image.rollups.keys().next().value ?? key);
  }
  for (const rollup of rollups.values()) {
    if (rollup.spanMs !== HOUR_MS || rollup.events === 0) continue;
    image.compactAtMs = Math.min(image.compactAtMs ?? Number.POSITIVE_INFINITY, hourEndsAtMs(rollup.bucketStartMs));
  }
  for (const { atMs, pair } of pairs) image.pairs.get(Math.floor(atMs / DAY_MS) * DAY_MS)?.add(pair);
  for (const known of unsent.keys()) image.outboxKnown.add(known);
  if (image.outboxKnown.size > OUTBOX_KNOWN_MAX) image.outboxKnown.clear();
}

function emptyRollup(key: RollupKey): Rollup & { rev: number } {
  return {
    ...key,
    events: 0,
    costUnknownEvents: 0,
    inputTokens: 0,
    outputTokens: 0,
    usageE12: 0n,
    costE12: 0n,
    revenueE12: 0n,
    rev: 0,
  };
}

function assertRollup(rollup: Rollup): void {
  if (rollup.events < 0 || rollup.costUnknownEvents < 0 || rollup.costUnknownEvents > rollup.events)
    throw new Error("invariant broken: a rollup counts no less than nothing, and no more unknown costs than events");
}
