/**
 * Seals answers that show a secret, so that D1 holds neither the secret nor what would open it: AES-GCM under a key derived
 * (HKDF, SHA-256) from the secret that the caller authenticated with and the digest of its Idempotency-Key. Only the same caller
 * with the same key can open it again. D1 has the digest of the caller's secret, from which nothing can be derived.
 */

const IV_BYTES = 12;
const PURPOSE = new TextEncoder().encode("tanso-edge: answer under an Idempotency-Key");

async function sealingKey(secret: string, requestDigest: string): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: encoder.encode(requestDigest), info: PURPOSE },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/** Text → base64 of nonce and ciphertext. The nonce is random: two requests may race under one key. */
export async function seal(text: string, secret: string, requestDigest: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await sealingKey(secret, requestDigest);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...iv, ...new Uint8Array(sealed)));
}

/** Undefined when it was sealed by another secret. */
export async function unseal(sealed: string, secret: string, requestDigest: string): Promise<string | undefined> {
  const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0));
  const key = await sealingKey(secret, requestDigest);
  try {
    const iv = bytes.subarray(0, IV_BYTES);
    const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.subarray(IV_BYTES));
    return new TextDecoder().decode(text);
  } catch {
    // AES-GCM tells only that the key does not fit.
    return undefined;
  }
}
