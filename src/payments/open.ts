import { isDatabaseFailure } from "../catalog/database-failure.ts";
import { readPaymentTerms } from "../catalog/stripe-connections.ts";
import { BoundedMap } from "../domain/bounded-map.ts";
import { PROVIDERS_CACHED_MAX } from "../domain/limits.ts";
import type { PaymentTerms } from "../domain/payments.ts";
import type { Env } from "../env.ts";
import { type Opened as OpenedConnection, openConnection } from "./connection.ts";
import type { PaymentProvider } from "./provider.ts";
import { stripeProvider } from "./stripe.ts";
import { stripeClient } from "./stripe-client.ts";

/** `off`: the account has stored no key. `unavailable`: that cannot be found out now, or its key cannot be opened. */
export type Opened = PaymentProvider | "off" | "unavailable";

/** Clients by the server and key that they talk with: making one costs more than a call needs it for. */
const providers = new BoundedMap<string, PaymentProvider>(PROVIDERS_CACHED_MAX);

/** The payment provider of an account, by the key that it stored. */
export async function openProvider(env: Env, accountId: string): Promise<Opened> {
  const opened = await openConnection(env, accountId, Date.now());
  if (opened === "never") return "off";
  if (opened === "sealed" || opened === "unavailable") return "unavailable";
  return opened.key === undefined ? "off" : providerOf(env, opened.key, opened);
}

/**
 * What the account's settings say of payments now: what falls due by itself has no command to bring it. Undefined while nobody can say.
 */
export async function currentTerms(env: Env, accountId: string): Promise<PaymentTerms | undefined> {
  try {
    return await readPaymentTerms(env.DB, accountId);
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    console.error(JSON.stringify({ at: "payment terms", accountId, failure: String(failure) }));
    return undefined;
  }
}

/** The provider by a key that is not stored yet, or that was opened. `STRIPE_API_BASE` holds for test accounts alone. */
export async function providerOf(
  env: Env,
  key: string,
  { connection, isTest }: { connection: Pick<OpenedConnection["connection"], "origin">; isTest: boolean },
): Promise<PaymentProvider> {
  const base =
    isTest && env.STRIPE_API_BASE !== undefined && env.STRIPE_API_BASE !== "" ? env.STRIPE_API_BASE : undefined;
  const thanksUrl = `${connection.origin}${THANKS_PATH}`;
  const name = `${base ?? ""}\n${key}\n${thanksUrl}`;
  let provider = providers.get(name);
  if (provider === undefined) {
    provider = stripeProvider(await stripeClient(key, base), thanksUrl);
    providers.set(name, provider);
  }
  return provider;
}

/** The page that thanks a payer whom nobody told where to go. */
export const THANKS_PATH = "/public/stripe/paid";
