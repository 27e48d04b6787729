import type { AccountScope, CustomerScope } from "./account.ts";

/** A key as lists show it: everything but the secret, which nobody keeps. Times are UTC milliseconds. */
export type StoredKey<S extends AccountScope | CustomerScope = AccountScope | CustomerScope> = {
  keyId: string;
  /** SHA-256 of the secret: what finds the key. */
  digest: string;
  name?: string;
  scopes: readonly S[];
  hint: string;
  createdAtMs: number;
  expiresAtMs?: number;
  /** In the future for a rotated key that still works for a while. */
  revokedAtMs?: number;
};

/** Is the key let in at this instant? Revocation and expiry hold from their instants on. */
export function isActive(key: { expiresAtMs?: number; revokedAtMs?: number }, atMs: number): boolean {
  return (
    (key.revokedAtMs === undefined || key.revokedAtMs > atMs) &&
    (key.expiresAtMs === undefined || key.expiresAtMs > atMs)
  );
}
