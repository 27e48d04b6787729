import { attach } from "../catalog/directory.ts";
import { objectOf } from "../customer/object-of.ts";
import type { Uuid } from "../domain/ids.ts";
import type { Region } from "../domain/placement.ts";
import type { Env } from "../env.ts";

/**
 * Tells the directory, and through it the object's profile, of a customer that was made at the provider: from then on its id names the
 * customer. Nothing happens where the id names another one, and nothing is thrown: what tells of the customer next brings the id again.
 * `region`: as for `objectOf`.
 */
export async function knowProviderCustomer(
  env: Env,
  accountId: string,
  customerId: Uuid,
  stripeCustomerId: string,
  region?: Region,
): Promise<void> {
  try {
    const known = await attach(env.DB, accountId, { customerId }, { stripeCustomerId });
    if (!known.ok) return;
    await objectOf(env, accountId, customerId, region).changeProfile({ identity: { stripeCustomerId }, data: {} });
  } catch (failure) {
    console.error(JSON.stringify({ at: "provider customer", failure: String(failure), accountId, customerId }));
  }
}
