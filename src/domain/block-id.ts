import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { E12 } from "./amount.ts";
import { type CustomerTag, customerThingId, readCustomerThingId, type Uuid } from "./ids.ts";

/**
 * Ids of reservations that were handed out from a block: the block's own id, which leads to the object, then sequence, units and
 * expiry, and a signature of all of it by the block's secret. The object has never heard of them: what it must know stands in the id,
 * and nobody but the isolate that held the block can have written it.
 */

/** A reservation as its isolate handed it out. */
export type HandedOut = { sequence: number; unitsE12: E12; expiresAtMs: number };

/** 128 bits: not to be guessed, and short enough for an id that is sent around. */
const SIGNATURE_DIGITS = 32;
const HEX = /^[0-9a-f]+$/;
const encoder = new TextEncoder();

/** Signs ids of one block; the work that depends on the secret alone is done once. */
export type Signer = (text: string) => string;

export function signerOf(secret: string): Signer {
  const keyed = hmac.create(sha256, hexToBytes(secret));
  return (text) => bytesToHex(keyed.clone().update(encoder.encode(text)).digest()).slice(0, SIGNATURE_DIGITS);
}

export function blockIdOf(tag: CustomerTag, number: number): Uuid {
  return customerThingId(tag, "reservation", number);
}

/** The id of a reservation from a block. */
export function handedOutId(blockId: Uuid, { sequence, unitsE12, expiresAtMs }: HandedOut, sign: Signer): string {
  const text = `${blockId}.${sequence.toString(16)}.${unitsE12.toString(16)}.${expiresAtMs.toString(16)}`;
  return `${text}.${sign(text)}`;
}

/** An id taken apart. Nothing of it is proven before `isSignedBy` said so. */
export type HandedOutId = HandedOut & { tag: CustomerTag; block: number; signed: string; signature: string };

/** Undefined: it is no id of a reservation from a block. */
export function readHandedOutId(given: string): HandedOutId | undefined {
  const id = given.toLowerCase();
  const [blockId = "", sequence = "", units = "", expires = "", signature = "", ...more] = id.split(".");
  const block = readCustomerThingId(blockId);
  if (block?.kind !== "reservation" || more.length > 0 || signature.length !== SIGNATURE_DIGITS) return undefined;
  if (![sequence, units, expires, signature].every((digits) => HEX.test(digits))) return undefined;
  return {
    tag: block.tag,
    block: block.number,
    sequence: Number.parseInt(sequence, 16),
    unitsE12: BigInt(`0x${units}`),
    expiresAtMs: Number.parseInt(expires, 16),
    signed: id.slice(0, -SIGNATURE_DIGITS - 1),
    signature,
  };
}

/** Did the isolate that held the block write this? Looks at every digit, so that its time tells nothing of them. */
export function isSignedBy({ signed, signature }: HandedOutId, secret: string): boolean {
  const right = signerOf(secret)(signed);
  let difference = 0;
  for (let at = 0; at < SIGNATURE_DIGITS; at += 1) difference |= right.charCodeAt(at) ^ signature.charCodeAt(at);
  return difference === 0;
}
