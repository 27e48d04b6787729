import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/**
 * SHA-256 in the middle of a turn. The platform's own digest is asynchronous, which an object may not wait for between reading
 * and writing, and its Node emulation costs several times more for texts as short as keys.
 */

const encoder = new TextEncoder();

/** Digest of text (as UTF-8) or bytes, as lower-case hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return bytesToHex(sha256(typeof data === "string" ? encoder.encode(data) : data));
}

/** The first 16 bytes of the digest of text: what an event key is remembered by, for ever. */
export function sha256Short(text: string): Uint8Array {
  return sha256(encoder.encode(text)).subarray(0, 16);
}
