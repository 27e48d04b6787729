import type { E12 } from "../domain/amount.ts";
import { type BlockWish, type ClosedBlock, type GrantedBlock, partCredits } from "../domain/block.ts";
import { blockIdOf, handedOutId, type Signer, signerOf } from "../domain/block-id.ts";
import { BoundedMap } from "../domain/bounded-map.ts";
import type { E4 } from "../domain/credit.ts";
import type { Verdict } from "../domain/entitlement.ts";
import type { CustomerTag } from "../domain/ids.ts";
import {
  BLOCK_ASK_AGAIN_MS,
  BLOCK_CUSTOMERS_MAX,
  BLOCK_FEATURES_MAX,
  BLOCK_HOLD_SECONDS_MAX,
  BLOCK_RESERVATIONS_MIN,
} from "../domain/limits.ts";
import { type Demand, expectedUnits, NO_DEMAND, withReservation } from "./demand.ts";

/**
 * What an isolate holds of its customers' units, and how it makes reservations of them without asking. Has no clock of its own and
 * asks nobody: the caller tells the time, and takes wishes to the object and blocks back.
 *
 * Laws: nothing is handed out that the object does not hold for this isolate; nothing once the time for it is over, by a clock that
 * started before the object's did; what cannot be handed out is asked for, never refused.
 */
export type Blocks = BoundedMap<string, BoundedMap<string, Shelf>>;

export function openBlocks(): Blocks {
  return new BoundedMap(BLOCK_CUSTOMERS_MAX);
}

/** The blocks of this isolate. */
export const blocks = openBlocks();

/** Whose (`customer`: as leases name it), and of what: a model burns its own weight, and a subscription that is wanted serves. */
export type BlockKey = {
  customer: string;
  tag: CustomerTag;
  featureKey: string;
  subscriptionId?: string | undefined;
  model?: string | undefined;
};

/** The blocks for one kind of reservation, oldest first, and how many were wanted lately. */
type Shelf = {
  lent: Lent[];
  closed: ClosedBlock[];
  demand: Demand;
  /** A block was asked for then, and did not come yet. */
  askedAtMs?: number | undefined;
};

type Lent = {
  granted: GrantedBlock;
  /** When it was asked for by the isolate's clock: no later than it was granted, so use ends in time however long the answer took. */
  askedAtMs: number;
  sign: Signer;
  unitsE12: E12;
  creditsE4: E4;
  sequence: number;
};

/** A reservation from a block, as its caller is told of it. */
export type Handed = { reservationId: string; expiresAtMs: number; verdict: Verdict; asOfMs: number };

/** A wish to be taken to the object; its answer comes back by `keepBlock`. */
export type Ask = { wish: BlockWish; askedAtMs: number; shelf: Shelf };

/**
 * Makes a reservation from a block. Without `handed` the object must be asked. With `ask` a block should be asked for: along with that
 * reservation, or by itself, before what there is runs out.
 */
export function handOut(
  blocks: Blocks,
  key: BlockKey,
  { unitsE12, ttlSeconds }: { unitsE12: E12; ttlSeconds: number },
  nowMs: number,
): { handed?: Handed; ask?: Ask } {
  if (ttlSeconds > BLOCK_HOLD_SECONDS_MAX) return {};
  const shelf = shelfOf(blocks, key);
  shelf.demand = withReservation(shelf.demand, unitsE12, nowMs);
  retire(shelf, nowMs);
  const lent = shelf.lent.find(
    (one) => one.unitsE12 >= unitsE12 && one.creditsE4 >= partCredits(one.granted, unitsE12),
  );
  const handed = lent === undefined ? undefined : handOutOf(lent, key.tag, { unitsE12, ttlSeconds }, nowMs);
  const ask = isLow(shelf, nowMs) ? askFor(shelf, unitsE12, nowMs) : undefined;
  return { ...(handed === undefined ? {} : { handed }), ...(ask === undefined ? {} : { ask }) };
}

function shelfOf(blocks: Blocks, key: BlockKey): Shelf {
  const { customer } = key;
  let shelves = blocks.get(customer);
  if (shelves === undefined) {
    shelves = new BoundedMap(BLOCK_FEATURES_MAX);
    blocks.set(customer, shelves);
  }
  const question = `${key.featureKey}\n${key.subscriptionId ?? ""}\n${key.model ?? ""}`;
  let shelf = shelves.get(question);
  if (shelf === undefined) {
    shelf = { lent: [], closed: [], demand: NO_DEMAND };
    shelves.set(question, shelf);
  }
  return shelf;
}

function handOutOf(
  lent: Lent,
  tag: CustomerTag,
  { unitsE12, ttlSeconds }: { unitsE12: E12; ttlSeconds: number },
  nowMs: number,
): Handed {
  const { granted, askedAtMs } = lent;
  lent.sequence += 1;
  lent.unitsE12 -= unitsE12;
  lent.creditsE4 -= partCredits(granted, unitsE12);
  // In the object's time, which went on for no longer than this.
  const expiresAtMs = granted.grantedAtMs + (nowMs - askedAtMs) + ttlSeconds * 1000;
  const { sequence } = lent;
  return {
    reservationId: handedOutId(blockIdOf(tag, granted.block), { sequence, unitsE12, expiresAtMs }, lent.sign),
    expiresAtMs,
    verdict: verdictWith(lent),
    asOfMs: granted.grantedAtMs,
  };
}

/** What the object said, but that of the block only what was handed out is held from this isolate's callers. */
function verdictWith({ granted: { verdict }, unitsE12, creditsE4 }: Lent): Verdict {
  const { credit } = verdict;
  return {
    ...verdict,
    heldE12: verdict.heldE12 - unitsE12,
    ...(credit === undefined ? {} : { credit: { ...credit, availableE4: credit.availableE4 + creditsE4 } }),
  };
}

function isUsable({ granted, askedAtMs }: Lent, nowMs: number): boolean {
  const usedMs = nowMs - askedAtMs;
  // A clock that was set back says nothing.
  return usedMs >= 0 && usedMs < granted.useMs;
}

/** What may be handed out of no more is told to the object with the next wish. */
function retire(shelf: Shelf, nowMs: number): void {
  shelf.closed.push(...shelf.lent.filter((one) => !isUsable(one, nowMs)).map(closedOf));
  shelf.lent = shelf.lent.filter((one) => isUsable(one, nowMs));
}

function closedOf({ granted: { block }, unitsE12, creditsE4 }: Lent): ClosedBlock {
  return { block, unitsE12, creditsE4 };
}

/** The last quarter of what was lent last is begun, in units or in time. */
function isLow({ lent }: Shelf, nowMs: number): boolean {
  const newest = lent.at(-1);
  if (newest === undefined) return true;
  const { granted, askedAtMs, unitsE12, creditsE4 } = newest;
  return (
    unitsE12 * 4n <= granted.unitsE12 ||
    (granted.creditsPerUnitE12 !== undefined && creditsE4 * 4n <= granted.creditsE4) ||
    (nowMs - askedAtMs) * 4 >= granted.useMs * 3
  );
}

/** One wish at a time: a crowd in front of an empty shelf would hold more than it needs. */
function askFor(shelf: Shelf, eachE12: E12, nowMs: number): Ask | undefined {
  if (shelf.askedAtMs !== undefined && Math.abs(nowMs - shelf.askedAtMs) < BLOCK_ASK_AGAIN_MS) return undefined;
  const unitsE12 = expectedUnits(shelf.demand, nowMs);
  if (unitsE12 < eachE12 * BigInt(BLOCK_RESERVATIONS_MIN)) return undefined;
  shelf.askedAtMs = nowMs;
  return { wish: { unitsE12, eachE12, closed: shelf.closed.splice(0) }, askedAtMs: nowMs, shelf };
}

/** Takes what the object lent, if it did. */
export function keepBlock({ shelf, askedAtMs }: Ask, granted: GrantedBlock | undefined): void {
  // There is too little left: what was asked just now need not be asked again with each reservation.
  if (granted === undefined) return;
  shelf.askedAtMs = undefined;
  const { unitsE12, creditsE4 } = granted;
  shelf.lent.push({ granted, askedAtMs, sign: signerOf(granted.secret), unitsE12, creditsE4, sequence: 0 });
}

/**
 * Hands out nothing more of what this customer was lent so far: something was changed here that may change the answer. A block that is
 * on its way comes to a shelf that nobody looks at any more, and lapses.
 */
export function dropBlocks(blocks: Blocks, customer: string): void {
  const shelves = blocks.get(customer);
  if (shelves === undefined) return;
  for (const [question, shelf] of shelves.entries()) {
    const { closed, demand, lent } = shelf;
    shelves.set(question, { lent: [], closed: [...closed, ...lent.map(closedOf)], demand });
  }
}
