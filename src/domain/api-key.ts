import type { AccountScope, CustomerScope } from "./account.ts";

/** How many requests a key may make within `RATE_WINDOW_MS`: what the platform's limiters are bound for. */
export const RATE_TIERS = [100, 1000, 10_000] as const;
export type RateTier = (typeof RATE_TIERS)[number];

/** Of a key without a tier of its own: a thousand a second. */
export const RATE_TIER_DEFAULT: RateTier = 10_000;

/** A key as lists show it: everything but the secret, which nobody keeps. Times are UTC milliseconds. */
export type StoredKey<S extends AccountScope | CustomerScope = AccountScope | CustomerScope> = {
  keyId: string;
  /** SHA-256 of the secret: what finds the key. */
  digest: string;
  name?: string;
  scopes: readonly S[];
  hint: string;
  rateLimit?: RateTier;
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
