import { isDatabaseFailure } from "../catalog/database-failure.ts";
import { readConnection, resealedStatement } from "../catalog/stripe-connections.ts";
import type { StripeConnection, WebhookSecret } from "../domain/account.ts";
import { BoundedMap } from "../domain/bounded-map.ts";
import { CONNECTION_FRESH_MS_MAX, KEYS_CACHED_MAX, STALE_WHILE_D1_FAILS_MS } from "../domain/limits.ts";
import type { Env } from "../env.ts";
import { isOutdated, type Keyring, open, readKeyring, seal } from "./keyring.ts";

/**
 * An account's connection with its secrets opened, in isolate memory alone and for seconds: every request of the provider, and every
 * webhook, needs them. A secret that an older key sealed is sealed anew when it is met here.
 */

/** `key` absent: the account is disconnected. `isTest`: it may talk to another server than the provider's own. */
export type Opened = {
  connection: StripeConnection;
  key?: string;
  webhookSecrets: readonly string[];
  isTest: boolean;
};

type Entry = { opened: Opened | "never" | "sealed"; readAtMs: number };

const entries = new BoundedMap<string, Entry>(KEYS_CACHED_MAX);

/** After a change: this isolate reads again, others follow within seconds. */
export function forgetConnection(accountId: string): void {
  entries.delete(accountId);
}

/** `never`: the account was never connected. `sealed`: what it stored cannot be opened here. `unavailable`: nobody knows now. */
export async function openConnection(
  env: Env,
  accountId: string,
  nowMs: number,
): Promise<Opened | "never" | "sealed" | "unavailable"> {
  const entry = entries.get(accountId);
  if (entry !== undefined && nowMs - entry.readAtMs < CONNECTION_FRESH_MS_MAX) return entry.opened;
  try {
    const opened = await openStored(env, accountId);
    entries.set(accountId, { opened, readAtMs: nowMs });
    return opened;
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    console.error(JSON.stringify({ at: "connection", accountId, failure: String(failure) }));
    const isUsable = entry !== undefined && nowMs - entry.readAtMs < STALE_WHILE_D1_FAILS_MS;
    return isUsable ? entry.opened : "unavailable";
  }
}

async function openStored(env: Env, accountId: string): Promise<Entry["opened"]> {
  const stored = await readConnection(env.DB, accountId);
  if (stored === undefined) return "never";
  const { connection, mode } = stored;
  const keyring = readKeyring(env.ENCRYPTION_KEYS);
  if (typeof keyring === "string") return "sealed";
  const { sealedKey } = connection;
  const key = sealedKey === undefined ? undefined : await open(keyring, sealedKey, accountId);
  if (sealedKey !== undefined && key === undefined) return "sealed";
  const secrets: string[] = [];
  for (const { sealed } of connection.webhookSecrets) {
    const secret = await open(keyring, sealed, accountId);
    // Of two secrets one may be lost with its key: the other still tells true webhooks from false ones.
    if (secret !== undefined) secrets.push(secret);
  }
  if (needsSealing(keyring, connection)) await sealAnew(env.DB, keyring, connection).catch(unsealed(accountId));
  return { connection, ...(key === undefined ? {} : { key }), webhookSecrets: secrets, isTest: mode === "test" };
}

/** What cannot be written now is opened by the older key once more; the cron makes up for it too. */
function unsealed(accountId: string): (failure: unknown) => void {
  return (failure) => console.error(JSON.stringify({ at: "connection", accountId, unsealed: String(failure) }));
}

function needsSealing(keyring: Keyring, { sealedKey, webhookSecrets }: StripeConnection): boolean {
  const sealed = [...(sealedKey === undefined ? [] : [sealedKey]), ...webhookSecrets.map((secret) => secret.sealed)];
  return sealed.some((text) => isOutdated(keyring, text));
}

/** Seals all secrets of a connection by the first key. What no key opens stays as it is: its key may come back. */
export async function sealAnew(database: D1Database, keyring: Keyring, connection: StripeConnection): Promise<boolean> {
  const { accountId, sealedKey, webhookSecrets } = connection;
  let isWhole = true;
  const anew = async (sealed: string): Promise<string> => {
    if (!isOutdated(keyring, sealed)) return sealed;
    const text = await open(keyring, sealed, accountId);
    if (text === undefined) isWhole = false;
    return text === undefined ? sealed : seal(keyring, text, accountId);
  };
  const secrets: WebhookSecret[] = [];
  for (const secret of webhookSecrets) secrets.push({ ...secret, sealed: await anew(secret.sealed) });
  const changed = {
    ...(sealedKey === undefined ? {} : { sealedKey: await anew(sealedKey) }),
    webhookSecrets: secrets,
  };
  await database.batch([resealedStatement(database, connection, changed)]);
  return isWhole;
}
