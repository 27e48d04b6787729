import type { E12 } from "./amount.ts";
import { assert } from "./assert.ts";
import type { HandedOut } from "./block-id.ts";
import type { Draft } from "./book.ts";
import { splitHeld } from "./charge.ts";
import type { E4 } from "./credit.ts";
import { freeCredits, giveBackHeld } from "./credit-holds.ts";
import { creditsFor, lesser, sumOfDraws } from "./credit-ledger.ts";
import { nextWeightAtMs } from "./credit-weight.ts";
import { drawable } from "./drawable.ts";
import { type Question, type Serving, servingSubscription, type Verdict, verdictUnder } from "./entitlement.ts";
import { BLOCK_HOLD_SECONDS_MAX, BLOCK_RESERVATIONS_MIN, BLOCK_SHARE, BLOCK_USE_MS, HOLDS_OPEN_MAX } from "./limits.ts";
import { holdUnits, modelOf } from "./reservation.ts";
import type { Hold } from "./usage.ts";

/**
 * Blocks: units, and the credits that they burn, which are held for one isolate, so that it can make reservations without asking. Owns
 * how many, for how long, and how a reservation from a block becomes one like all others; leaves handing out to `edge/blocks.ts`.
 *
 * Laws: a block is a reservation, so whatever is true of what those hold is true of it; its parts never take more than it holds; a
 * sequence is taken once, which the caller sees to; no part outlives its block.
 */

/** What an isolate would like to hold, by what it handed out lately, and blocks that it will hand out of no more. */
export type BlockWish = {
  /** Expected to be reserved within `BLOCK_USE_MS`. */
  unitsE12: E12;
  /** One reservation, as they come. */
  eachE12: E12;
  closed: readonly ClosedBlock[];
};

/** What was never handed out of a block. */
export type ClosedBlock = { block: number; unitsE12: E12; creditsE4: E4 };

/** What an isolate is told of the block that it may hand out of. Times are durations, since its clock is another. */
export type GrantedBlock = {
  block: number;
  secret: string;
  unitsE12: E12;
  creditsE4: E4;
  creditsPerUnitE12?: E12;
  grantedAtMs: number;
  /** How long it may hand out. */
  useMs: number;
  /** What was true when it was granted: all of the block is held. */
  verdict: Verdict;
};

/**
 * Holds a block, if there is so much left that nobody misses it; undefined: the object is to be asked each time. `untilMs`: what falls
 * due then may change the answer, so nothing is handed out from then on, nor once another weight takes effect.
 */
export function decideBlock(
  draft: Draft,
  question: Question,
  wish: BlockWish,
  {
    secret,
    openCount,
    untilMs = Number.POSITIVE_INFINITY,
  }: { secret: string; openCount: number; untilMs?: number | undefined },
  nowMs: number,
): GrantedBlock | undefined {
  const serving = servingSubscription(draft, question, question.wanted);
  if (typeof serving === "string" || openCount >= HOLDS_OPEN_MAX) return undefined;
  const before = verdictUnder(draft, serving, question);
  const { credit } = before;
  // By another weight a unit needs other credits than the block holds for it.
  const weightAtMs =
    credit === undefined ? untilMs : nextWeightAtMs(question.weighing ?? { atMs: nowMs }, credit.featureId);
  const useMs = Math.min(BLOCK_USE_MS, untilMs - nowMs, weightAtMs - nowMs);
  if (useMs <= 0) return undefined;
  const blocks = [...draft.holds.values()].filter(({ status, block }) => status === "HELD" && block !== undefined);
  const unitsE12 = sizeOf(draft, serving, before, { wish, blocks });
  if (unitsE12 === 0n) return undefined;
  const verdict = verdictUnder(draft, serving, { ...question, requestedE12: unitsE12 });
  if (!verdict.allowed) return undefined;
  const { weight } = verdict.credit ?? {};
  const terms = { secret, ...(weight === undefined ? {} : { creditsPerUnitE12: weight.creditsPerUnitE12 }) };
  const expiresAtMs = nowMs + BLOCK_USE_MS + BLOCK_HOLD_SECONDS_MAX * 1000;
  const held = holdUnits(
    draft,
    { serving, verdict, unitsE12 },
    { expiresAtMs, ...modelOf(question), block: terms },
    nowMs,
  );
  if (!held.ok) return undefined;
  return {
    block: held.value.number,
    unitsE12,
    creditsE4: sumOfDraws(held.value.credits ?? []),
    grantedAtMs: nowMs,
    useMs,
    verdict: verdictUnder(draft, serving, question),
    ...terms,
  };
}

/** How many units: what is wished for, as far as the share of all blocks in what is left allows, in whole reservations. */
function sizeOf(
  draft: Draft,
  { subscription, rule: { featureId, denomination } }: Serving,
  { limitE12, usedE12, heldE12, credit }: Verdict,
  { wish, blocks }: { wish: BlockWish; blocks: readonly Hold[] },
): E12 {
  let sizeE12 = wish.unitsE12;
  if (limitE12 !== undefined) {
    const own = blocks.filter((one) => one.subscription === subscription.number && one.featureId === featureId);
    const inBlocks = own.reduce((sum, { unitsE12 }) => sum + unitsE12, 0n);
    sizeE12 = lesser(sizeE12, shareOf(limitE12 - usedE12 - heldE12, inBlocks));
  }
  if (denomination !== undefined && credit !== undefined) {
    const { sources, sumE4 } = drawable(draft, { denomination, subscription: subscription.number });
    const pools = new Set(sources.map(({ pool }) => pool.number));
    const held = blocks.flatMap(({ credits = [] }) => credits).filter(({ pool }) => pools.has(pool));
    const shareE4 = shareOf(sumE4, sumOfDraws(held));
    sizeE12 = lesser(sizeE12, (shareE4 * 10n ** 20n) / credit.weight.creditsPerUnitE12);
  }
  if (sizeE12 < wish.eachE12 * BigInt(BLOCK_RESERVATIONS_MIN)) return 0n;
  return sizeE12 - (sizeE12 % wish.eachE12);
}

/** What one more block may take of what is left, beside what the others have of it. */
function shareOf(left: bigint, inBlocks: bigint): bigint {
  const share = (left + inBlocks) / BigInt(BLOCK_SHARE) - inBlocks;
  return share > 0n ? share : 0n;
}

/**
 * Makes a reservation that was handed out from a block one of the book, held like all others, in the block's place. `LAPSED`: it is too
 * late for that. Its sequence was not taken before, and its id is proven: more than the block holds is a bug.
 */
export function takePart(draft: Draft, block: Hold, handedOut: HandedOut, nowMs: number): Hold | "LAPSED" {
  const { sequence, unitsE12, expiresAtMs } = handedOut;
  if (block.status !== "HELD" || expiresAtMs <= nowMs) return "LAPSED";
  assert(unitsE12 > 0n && unitsE12 <= block.unitsE12, "no more is handed out than a block holds");
  assert(expiresAtMs <= block.expiresAtMs, "no part outlives its block");
  const neededE4 = partCredits(block.block, unitsE12);
  const { taken, left } = splitHeld(block.credits ?? [], neededE4);
  assert(sumOfDraws(taken) === neededE4, "a part's credits are in its block");
  const { block: _, key: __, credits: ___, ...own } = block;
  draft.last.hold += 1;
  const part = draft.holds.put({
    ...own,
    number: draft.last.hold,
    unitsE12,
    ...(taken.length === 0 ? {} : { credits: taken }),
    expiresAtMs,
    part: { block: block.number, sequence },
  });
  endIfEmpty(draft, { ...block, unitsE12: block.unitsE12 - unitsE12, credits: left }, nowMs);
  return part;
}

/** Credits that a reservation of so many units takes of its block. */
export function partCredits({ creditsPerUnitE12 }: Pick<GrantedBlock, "creditsPerUnitE12"> = {}, unitsE12: E12): E4 {
  return creditsPerUnitE12 === undefined ? 0n : creditsFor(unitsE12, creditsPerUnitE12);
}

/** Gives back what an isolate never handed out and never will. Told twice, or too late: nothing changes. */
export function closeBlock(draft: Draft, hold: Hold, rest: Omit<ClosedBlock, "block">, nowMs: number): void {
  const { block } = hold;
  if (hold.status !== "HELD" || block === undefined || block.isClosed) return;
  assert(rest.unitsE12 >= 0n && rest.unitsE12 <= hold.unitsE12, "what was never handed out is still in the block");
  // What parts take comes off the front, so the end is what nobody was promised.
  const { taken: back, left } = splitHeld((hold.credits ?? []).toReversed(), rest.creditsE4);
  const credits = left.toReversed();
  const closed: Hold = {
    ...hold,
    unitsE12: hold.unitsE12 - rest.unitsE12,
    credits,
    block: { ...block, isClosed: true },
  };
  draft.holds.put(closed);
  for (const held of back) giveBackHeld(draft, hold.subscription, held, nowMs);
  endIfEmpty(draft, closed, nowMs);
}

/** A block without units can be asked for nothing any more: credits that roundings left are free again. */
function endIfEmpty(draft: Draft, block: Hold, nowMs: number): void {
  const isEmpty = block.unitsE12 === 0n;
  draft.holds.put(isEmpty ? { ...block, status: "RELEASED" } : block);
  if (isEmpty) freeCredits(draft, block, nowMs);
}
