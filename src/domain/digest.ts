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

/** Keys up to this many bytes are remembered as they are: a UUID is one, and hashing it costs more than the room it saves. */
const PLAIN_KEY_BYTES_MAX = 64;
/** No UTF-8 text begins with this byte: a digest is never taken for a short key. */
const DIGEST_MARK = 0xff;

/** What an event key is remembered by, for ever: its own bytes when it is short, else a mark and 16 bytes of its SHA-256. */
export function eventKeyBytes(key: string): Uint8Array {
  const bytes = encoder.encode(key);
  if (bytes.byteLength <= PLAIN_KEY_BYTES_MAX) return bytes;
  const marked = new Uint8Array(17);
  marked[0] = DIGEST_MARK;
  marked.set(sha256(bytes).subarray(0, 16), 1);
  return marked;
}
