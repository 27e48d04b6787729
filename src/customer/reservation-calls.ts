import type { E12 } from "../domain/amount.ts";
import type { BlockWish, GrantedBlock } from "../domain/block.ts";
import type { CreditTerms } from "../domain/credit-weight.ts";
import type { Receipt } from "../domain/event.ts";
import type { CheckReply, Repeatable, TrackCall } from "./calls.ts";

/** Arguments and replies of the object's methods about reservations; of `calls.ts`, and changed like them. */

export type ReserveCall = Repeatable & {
  featureKey: string;
  isEnabled: boolean;
  subscriptionId?: string;
  unitsE12: E12;
  ttlSeconds: number;
  /** The caller's own key for this reservation. */
  key?: string;
  model?: string;
  /** Weights of the feature; absent where it has none. */
  credits?: CreditTerms;
  /** The caller could do with a block of the same. */
  wish?: BlockWish;
};

/** A block of what a reservation would ask for, ahead of those that will be made from it. */
export type LendCall = Pick<ReserveCall, "featureKey" | "isEnabled" | "subscriptionId" | "model" | "credits"> & {
  wish: BlockWish;
};

/** Without a block there is too little left to lend any. */
export type LendReply = { block?: GrantedBlock };

/** Refused: `verdict` says why and nothing is held. `isRepeat`: the key was used before, this is what it got then. */
export type ReserveReply = CheckReply &
  LendReply & { reservationId?: string; expiresAtMs?: number; isRepeat?: boolean };

/** One event; without `usageE12` it used what is held. `feature`: what the caller says was reserved. */
export type CommitCall = {
  reservationId: string;
  track: TrackCall;
  feature?: { featureKey?: string; featureId?: string };
};

export type ReleaseCall = Repeatable & { reservationId: string };

/** `key_taken`: the event's key was used by something else, whose receipt this is; nothing was done. */
export type CommitReply = { receipt: Receipt; outcome: "committed" | "repeated" | "key_taken" };
