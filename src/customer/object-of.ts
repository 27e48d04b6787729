import { tagOfCustomer, type Uuid } from "../domain/ids.ts";
import type { Env } from "../env.ts";
import type { CustomerObject } from "./object.ts";

/**
 * The object of a customer. The one function that makes stubs: where an account's objects live is decided here and nowhere
 * else. A fresh stub for every call: one that saw its object reset stays broken.
 */
export function objectOf(env: Env, accountId: string, customerId: Uuid): DurableObjectStub<CustomerObject> {
  return env.CUSTOMERS.getByName(`${accountId}/${tagOfCustomer(customerId)}`);
}
