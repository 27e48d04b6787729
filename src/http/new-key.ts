import type { AccountMode } from "../domain/account.ts";
import { sha256Hex } from "../domain/digest.ts";
import { KEY_BYTES } from "../domain/limits.ts";

/** A key just made: the secret is shown once and never stored; its digest is what D1 keeps. */
export type NewKey = { keyId: string; secret: string; digest: string; hint: string };

/** `sk_live_…`, `sk_test_…` for an account, `ck_live_…`, `ck_test_…` for one customer; 32 random bytes as base64url. */
export function newKey(mode: AccountMode, kind: "account" | "customer"): NewKey {
  const secret = `${kind === "account" ? "sk" : "ck"}_${mode}_${randomText()}`;
  return { keyId: crypto.randomUUID(), secret, digest: sha256Hex(secret), hint: `…${secret.slice(-4)}` };
}

/** 32 random bytes as base64url: not to be guessed. */
export function randomText(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
