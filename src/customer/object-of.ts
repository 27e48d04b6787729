import { BoundedMap } from "../domain/bounded-map.ts";
import { tagOfCustomer, type Uuid } from "../domain/ids.ts";
import { CUSTOMERS_CACHED_MAX, OBJECT_CALLS_AT_ONCE_MAX } from "../domain/limits.ts";
import { type Jurisdiction, jurisdictionOf, type Region } from "../domain/placement.ts";
import { leaseholder } from "../edge/leases.ts";
import type { Env } from "../env.ts";
import { heard, type Stub } from "./heard-calls.ts";
import type { CustomerObject } from "./object.ts";

/** The object of a customer. What is written to it ends what this isolate repeats about the customer. `region`: see `stubOf`. */
export function objectOf(env: Env, accountId: string, customerId: Uuid, region?: Region): Stub {
  return heard(() => stubOf(env, accountId, customerId, region), leaseholder(accountId, customerId), env.scope);
}

/**
 * The stub itself, as the platform makes it. The one function that makes any: where an account's objects live is decided here and
 * nowhere else. A fresh one for every call: one that saw its object reset stays broken. `region`: where an object is wished that the
 * call may be the first to reach; by default what the request says.
 */
export function stubOf(env: Env, accountId: string, customerId: Uuid, region?: Region): Stub {
  const objects = objectsIn(env.CUSTOMERS, jurisdictionOf(accountId));
  const name = `${accountId}/${tagOfCustomer(customerId)}`;
  let id = objectIds.get(name);
  if (id === undefined) {
    id = objects.idFromName(name);
    objectIds.set(name, id);
  }
  // With every call: whether one before it reached the object nobody here can say, and one that is there heeds no wish.
  const locationHint = region ?? env.scope?.region();
  return objects.get(id, locationHint === undefined ? {} : { locationHint });
}

type Objects = Pick<DurableObjectNamespace<CustomerObject>, "idFromName" | "get">;

/**
 * The objects of a jurisdiction: others than those of the same names without. The local runtime has none, and says so by throwing;
 * there all objects live on one machine anyway.
 */
export function objectsIn(
  objects: Objects & { jurisdiction: (jurisdiction: Jurisdiction) => Objects },
  jurisdiction: Jurisdiction | undefined,
): Objects {
  if (jurisdiction === undefined) return objects;
  try {
    return objects.jurisdiction(jurisdiction);
  } catch (failure) {
    if (!(failure instanceof Error) || !failure.message.includes("not implemented in workerd")) throw failure;
    if (!warned.has(jurisdiction))
      console.warn(JSON.stringify({ at: "placement", jurisdiction, skipped: "local runtime" }));
    warned.add(jurisdiction);
    return objects;
  }
}

/** Of what was warned in this isolate: once is enough. */
const warned = new Set<Jurisdiction>();

/** The platform digests a name for its id, at every call again: an isolate remembers. An id never changes. */
const objectIds = new BoundedMap<string, DurableObjectId>(CUSTOMERS_CACHED_MAX);

/** Whose object: names of rows, which lead to an object only if they are a customer's. `region`: see `stubOf`. */
export type ObjectOwner = { accountId: string; customerId: string; region?: Region | null };

/**
 * Calls many customers' objects, so many at a time that neither they nor the caller drown. Results are in the order of `owners`; a
 * call that fails is told as such and stops none of the others.
 */
export async function callEach<T, O extends ObjectOwner = ObjectOwner>(
  env: Env,
  owners: readonly O[],
  call: (object: DurableObjectStub<CustomerObject>, owner: O) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  const results: PromiseSettledResult<T>[] = [];
  // One iterator for all lines of work: each takes the next owner as soon as it is free.
  const queue = owners.entries();
  const work = async (): Promise<void> => {
    for (const [at, owner] of queue) {
      try {
        const object = objectOf(env, owner.accountId, owner.customerId as Uuid, owner.region ?? undefined);
        results[at] = { status: "fulfilled", value: await call(object, owner) };
      } catch (reason) {
        results[at] = { status: "rejected", reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(owners.length, OBJECT_CALLS_AT_ONCE_MAX) }, work));
  return results;
}
