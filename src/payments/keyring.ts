/**
 * Seals secrets that D1 keeps: AES-GCM under a key of the deployment's secret `ENCRYPTION_KEYS`, with a random nonce and the account's
 * id as additional data, so that a row copied to another account opens nothing. Owns that secret's form and the sealed text's.
 *
 * `ENCRYPTION_KEYS` is `id:base64,id2:base64,…`, each key 32 bytes: the first seals, all of them open. A sealed text begins with the id of
 * its key, so that it is known without trying which it needs and whether it is to be sealed anew.
 */

export type Keyring = { firstId: string; keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>> };

/** `unset`: there is no such secret. `malformed`: it is there, and cannot be read. */
export type KeyringProblem = "unset" | "malformed";

const KEY_FORM = /^([\w-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;

export function readKeyring(secret: string | undefined): Keyring | KeyringProblem {
  if (secret === undefined || secret.trim() === "") return "unset";
  const keys = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of secret.split(",")) {
    const [, id, text] = KEY_FORM.exec(entry.trim()) ?? [];
    const key = text === undefined ? undefined : bytesOf(text);
    // Of two keys with one id nobody could say which sealed a text.
    if (id === undefined || key?.byteLength !== KEY_BYTES || keys.has(id)) return "malformed";
    keys.set(id, key);
  }
  const [firstId = ""] = keys.keys();
  return { firstId, keys };
}

/** Text → `key id:base64 of nonce and ciphertext`. */
export async function seal(keyring: Keyring, text: string, accountId: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const key = await cryptoKey(keyring, keyring.firstId);
  if (key === undefined) throw new Error("a keyring has its first key");
  const sealed = await crypto.subtle.encrypt(algorithm(nonce, accountId), key, new TextEncoder().encode(text));
  return `${keyring.firstId}:${btoa(String.fromCharCode(...nonce, ...new Uint8Array(sealed)))}`;
}

/** Undefined when its key is not in the ring, or it was sealed for another account, or changed. */
export async function open(keyring: Keyring, sealed: string, accountId: string): Promise<string | undefined> {
  const [id = "", text = ""] = sealed.split(":");
  const key = await cryptoKey(keyring, id);
  if (key === undefined) return undefined;
  try {
    const bytes = bytesOf(text);
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const opened = await crypto.subtle.decrypt(algorithm(nonce, accountId), key, bytes.subarray(NONCE_BYTES));
    return new TextDecoder().decode(opened);
  } catch {
    // AES-GCM tells only that something does not fit.
    return undefined;
  }
}

/** Was it sealed by a key that is no longer the first? Then it is to be sealed anew, before that key can be taken away. */
export function isOutdated({ firstId }: Keyring, sealed: string): boolean {
  return !sealed.startsWith(`${firstId}:`);
}

function algorithm(nonce: Uint8Array<ArrayBuffer>, accountId: string) {
  return { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(accountId) };
}

async function cryptoKey(keyring: Keyring, id: string): Promise<CryptoKey | undefined> {
  const bytes = keyring.keys.get(id);
  if (bytes === undefined) return undefined;
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Base64, in its common form or the one for addresses. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
