import type { CostTerms } from "../domain/cost.ts";
import type { Identity, PersonalData } from "../domain/customer.ts";
import type { Receipt, TrackEvent } from "../domain/event.ts";
import type { Reply } from "../domain/refusal.ts";
import type { RequestKey } from "./requests.ts";

/**
 * Arguments and replies of the object's methods. They cross from Workers of one release to objects of another: fields are added
 * as optional and never renamed.
 */

export type TrackCall = {
  /** What the directory knows of this customer; makes an unregistered one EVENT_AUTO_CREATED. */
  identity: Identity;
  terms: CostTerms;
  /** In the order of the request. All or nothing is each event's own: a duplicate refuses itself, not its neighbours. */
  events: readonly TrackEvent[];
  requestKey?: RequestKey;
};

export type TrackResult = { status: "accepted" | "duplicate"; receipt: Receipt };

export type RegisterCall = { identity: Identity; data: PersonalData; requestKey?: RequestKey };

export type ChangeProfileCall = { identity: Identity; data: PersonalData; requestKey?: RequestKey };

/** Which of one customer's events; all conditions must hold. Times are `[startMs, endMs)` of occurrence. */
export type EventFilter = {
  startMs?: number;
  endMs?: number;
  featureId?: string;
  model?: string;
  modelProvider?: string;
  eventName?: string;
};

export type RecostCall = {
  model: string;
  fromMs: number;
  toMs: number;
  terms: CostTerms;
  dryRun: boolean;
  /** Goes on behind this event; pages keep a call short. */
  afterSeq: number;
};

/** `afterSeq` is where the next page begins; absent when all is done. */
export type RecostResult = { examined: number; priced: number; costE12: bigint; afterSeq?: number };

/** A reply that may be a repeat of an earlier one under the same Idempotency-Key. */
export type Replayable<T> = Reply<T> & { replayed?: true };
