import { BoundedMap } from "../domain/bounded-map.ts";
import { type Named, type NameKind, nameDigest } from "../domain/customer.ts";
import { customerId as customerIdOf, readCustomerThingId, tagFromBytes, type Uuid } from "../domain/ids.ts";
import { CUSTOMERS_CACHED_MAX } from "../domain/limits.ts";
import { invalid, type Refusal, type Reply } from "../domain/refusal.ts";
import { isDatabaseFailure } from "./database-failure.ts";
import { namesOf, withDigests } from "./erased-names.ts";

/**
 * The customer directory: from a reference id, a Stripe id or a customer id to the customer. D1 decides, by
 * unique keys, so any number of concurrent first events of one reference make one customer. A mapping is never changed or
 * freed; that is what lets an isolate remember it without expiry. An erased customer's names lead nowhere, and to nobody else ever: an
 * isolate that still remembers one finds an object that takes nothing on.
 */

/** A customer of the directory with all its identifiers. */
export type Known = { customerId: Uuid; referenceId?: string; stripeCustomerId?: string };

type Source = "MANUAL" | "EVENT_AUTO_CREATED";

const byName = new BoundedMap<string, Uuid>(CUSTOMERS_CACHED_MAX);
const byId = new BoundedMap<string, Known>(CUSTOMERS_CACHED_MAX);

/** Empties the isolate's memory of the directory: for tests. */
export function clearDirectory(): void {
  byName.clear();
  byId.clear();
}

/** Forgets a customer who was erased, in this isolate. */
export function forgetCustomer(accountId: string, customerId: Uuid): void {
  // Names lead to the id, and to nobody without it.
  byId.delete(`${accountId}\n${customerId}`);
}

const STRIPE_ID = /^cus_/;

function nameKey(accountId: string, kind: "reference" | "stripe", value: string): string {
  return `${accountId}\n${kind}\n${value}`;
}

/** Notes what D1 said of a customer. */
export function remember(accountId: string, known: Known): Known {
  byId.set(`${accountId}\n${known.customerId}`, known);
  if (known.referenceId !== undefined) byName.set(nameKey(accountId, "reference", known.referenceId), known.customerId);
  if (known.stripeCustomerId !== undefined)
    byName.set(nameKey(accountId, "stripe", known.stripeCustomerId), known.customerId);
  return known;
}

/** What the isolate knows of a named customer; undefined when it must ask D1. */
function recall(accountId: string, named: Named): Known | undefined {
  const id =
    named.referenceId !== undefined
      ? byName.get(nameKey(accountId, "reference", named.referenceId))
      : named.stripeCustomerId !== undefined
        ? byName.get(nameKey(accountId, "stripe", named.stripeCustomerId))
        : named.customerId?.toLowerCase();
  const known = id === undefined ? undefined : byId.get(`${accountId}\n${id}`);
  if (known === undefined) return undefined;
  if (named.referenceId !== undefined && known.referenceId !== named.referenceId) return undefined;
  if (named.stripeCustomerId !== undefined && known.stripeCustomerId !== named.stripeCustomerId) return undefined;
  if (named.customerId !== undefined && known.customerId !== named.customerId.toLowerCase()) return undefined;
  return known;
}

/** What the isolate knows of one string that may be a reference, a customer id or a Stripe id, in this order. */
export function recallAny(accountId: string, ref: string): Known | undefined {
  return (
    recall(accountId, { referenceId: ref }) ??
    recall(accountId, { customerId: ref }) ??
    recall(accountId, { stripeCustomerId: ref })
  );
}

/**
 * The customer that `{ref}` in a path names: a reference, else a customer id, else a Stripe id. Undefined when unknown.
 */
export async function findCustomer(database: D1Database, accountId: string, ref: string): Promise<Known | undefined> {
  const remembered = recallAny(accountId, ref);
  if (remembered !== undefined) return remembered;
  const [found] = await lookUp(database, accountId, [pathNames(ref)]);
  return found?.asReference ?? found?.asId ?? found?.asStripe;
}

/** The one string of a path or of `customerReferenceId`, as each kind it may be. */
export function pathNames(ref: string): Named {
  return {
    referenceId: ref,
    ...(readCustomerThingId(ref)?.kind === "customer" ? { customerId: ref.toLowerCase() } : {}),
    ...(STRIPE_ID.test(ref) ? { stripeCustomerId: ref } : {}),
  };
}

/** `erased`: one of the names was a customer's who was erased. */
type Found = { asReference?: Known; asStripe?: Known; asId?: Known; erased?: true };

/** Of a name that was erased `erased_digest` alone is there. */
type DirectoryRow = {
  customer_id: string;
  reference_id: string | null;
  stripe_customer_id: string | null;
  erased_digest: string | null;
};

/**
 * Whom each name of each entry leads to. One D1 query for all of them. CROSS JOIN, since D1 keeps no statistics: left to itself
 * SQLite goes through all customers of the account and looks each up among the few that were asked for.
 */
async function lookUp(database: D1Database, accountId: string, entries: readonly Named[]): Promise<Found[]> {
  const asked = new Map<string, readonly [NameKind, string]>();
  for (const name of entries.flatMap(namesOf)) asked.set(name.join("\n"), name);
  const { results } = await database
    .prepare(
      `WITH asked AS (SELECT value ->> 0 AS kind, value ->> 1 AS value FROM json_each(?2)),
       ids AS (
         SELECT i.customer_id FROM asked CROSS JOIN customer_identities i
           ON i.account_id = ?1 AND i.kind = asked.kind AND i.value = asked.value
         UNION SELECT value FROM asked WHERE kind = 'id'
       ),
       erased AS (
         SELECT e.digest FROM json_each(?2) a CROSS JOIN erased_names e ON e.account_id = ?1 AND e.digest = a.value ->> 2
       )
       SELECT c.customer_id,
         (SELECT value FROM customer_identities r WHERE r.account_id = ?1 AND r.customer_id = c.customer_id
            AND r.kind = 'reference') AS reference_id,
         (SELECT value FROM customer_identities s WHERE s.account_id = ?1 AND s.customer_id = c.customer_id
            AND s.kind = 'stripe') AS stripe_customer_id,
         NULL AS erased_digest
       FROM ids CROSS JOIN customers c ON c.account_id = ?1 AND c.customer_id = ids.customer_id
       WHERE c.erased_at_ms IS NULL
       UNION ALL SELECT '', NULL, NULL, digest FROM erased`,
    )
    .bind(accountId, withDigests(accountId, asked.values()))
    .all<DirectoryRow>();
  const erased = new Set(results.flatMap(({ erased_digest }) => erased_digest ?? []));
  const here = results.filter(({ erased_digest }) => erased_digest === null);
  const known = here.map((row) =>
    remember(accountId, {
      customerId: row.customer_id as Uuid,
      ...(row.reference_id === null ? {} : { referenceId: row.reference_id }),
      ...(row.stripe_customer_id === null ? {} : { stripeCustomerId: row.stripe_customer_id }),
    }),
  );
  const references = new Map(known.map((customer) => [customer.referenceId, customer]));
  const stripes = new Map(known.map((customer) => [customer.stripeCustomerId, customer]));
  const ids = new Map<string, Known>(known.map((customer) => [customer.customerId, customer]));
  return entries.map((entry) => {
    const found: Found = {};
    const asReference = entry.referenceId === undefined ? undefined : references.get(entry.referenceId);
    const asStripe = entry.stripeCustomerId === undefined ? undefined : stripes.get(entry.stripeCustomerId);
    const asId = entry.customerId === undefined ? undefined : ids.get(entry.customerId.toLowerCase());
    if (asReference !== undefined) found.asReference = asReference;
    if (asStripe !== undefined) found.asStripe = asStripe;
    if (asId !== undefined) found.asId = asId;
    if (erased.size > 0 && namesOf(entry).some(([kind, value]) => erased.has(nameDigest(accountId, kind, value))))
      found.erased = true;
    return found;
  });
}

/**
 * Customers that requests name, made where their reference or Stripe id is new. Each entry answers for
 * itself; the entries of a batch share two or three D1 round trips, and none when the isolate knows them all.
 */
export async function identify(
  database: D1Database,
  accountId: string,
  entries: readonly Named[],
  source: Source,
  nowMs: number,
): Promise<Reply<Known>[]> {
  const answers = entries.map((entry): Reply<Known> | undefined => {
    const known = isLoneReference(entry) ? recallAny(accountId, entry.referenceId) : recall(accountId, entry);
    return known === undefined ? undefined : { ok: true, value: known };
  });
  const open = entries.flatMap((entry, index) => (answers[index] === undefined ? [{ entry, index }] : []));
  if (open.length === 0) return answers as Reply<Known>[];
  try {
    const asked = open.map(({ entry }) => entry);
    const replies = await identifyInD1(database, accountId, asked, source, nowMs);
    for (const [at, { index }] of open.entries()) answers[index] = replies[at];
  } catch (failure) {
    if (!isDatabaseFailure(failure)) throw failure;
    // Customers that the isolate knows go on; only the others must wait for D1.
    console.error(JSON.stringify({ at: "directory", accountId, failure: String(failure) }));
    for (const { index } of open) answers[index] = { ok: false, code: "catalog_unavailable" };
  }
  return answers as Reply<Known>[];
}

async function identifyInD1(
  database: D1Database,
  accountId: string,
  entries: readonly Named[],
  source: Source,
  nowMs: number,
): Promise<Reply<Known>[]> {
  // A lone `customerReferenceId` may hold any of the three kinds: look it up as each.
  const asked = entries.map((entry) => (isLoneReference(entry) ? pathNames(entry.referenceId) : entry));
  const found = await lookUp(database, accountId, asked);
  const replies = new Array<Reply<Known>>(entries.length);
  const fresh: { names: Names; index: number }[] = [];
  for (const [index, entry] of entries.entries()) {
    const decision = decide(entry, found[index] ?? {}, isLoneReference(entry));
    if (decision.kind === "answer") replies[index] = decision.reply;
    else if (decision.kind === "attach")
      replies[index] = await attach(database, accountId, decision.to, decision.names);
    else fresh.push({ names: decision.names, index });
  }
  if (fresh.length > 0) {
    const names = fresh.map((entry) => entry.names);
    const made = await create(database, accountId, names, source, nowMs);
    for (const [at, { index }] of fresh.entries()) replies[index] = made[at] as Reply<Known>;
  }
  return replies;
}

function isLoneReference(named: Named): named is Named & { referenceId: string } {
  return named.referenceId !== undefined && named.stripeCustomerId === undefined && named.customerId === undefined;
}

type Names = Omit<Named, "customerId">;

type Decision =
  | { kind: "answer"; reply: Reply<Known> }
  | { kind: "attach"; to: Known; names: Names }
  | { kind: "create"; names: Names };

/** Pure: what to do with the names of one request, given whom the directory knows by each. */
function decide(named: Named, found: Found, lone: boolean): Decision {
  if (found.erased) return { kind: "answer", reply: { ok: false, code: "customer_erased" } };
  if (lone) {
    const known = found.asReference ?? found.asId ?? found.asStripe;
    if (known !== undefined) return { kind: "answer", reply: { ok: true, value: known } };
    const value = named.referenceId ?? "";
    return { kind: "create", names: STRIPE_ID.test(value) ? { stripeCustomerId: value } : { referenceId: value } };
  }
  const known = [found.asReference, found.asStripe, found.asId].filter((customer) => customer !== undefined);
  const first = known[0];
  if (known.some((customer) => customer.customerId !== first?.customerId))
    return { kind: "answer", reply: { ok: false, code: "identities_differ" } };
  if (named.customerId !== undefined && found.asId === undefined)
    return { kind: "answer", reply: { ok: false, code: "customer_not_found", given: named.customerId } };
  const { referenceId, stripeCustomerId } = named;
  const names: Names = {
    ...(referenceId === undefined ? {} : { referenceId }),
    ...(stripeCustomerId === undefined ? {} : { stripeCustomerId }),
  };
  if (first === undefined) return { kind: "create", names };
  const clash = clashOf(first, names);
  if (clash !== undefined) return { kind: "answer", reply: clash };
  const complete =
    (referenceId === undefined || first.referenceId === referenceId) &&
    (stripeCustomerId === undefined || first.stripeCustomerId === stripeCustomerId);
  return complete ? { kind: "answer", reply: { ok: true, value: first } } : { kind: "attach", to: first, names };
}

/** A name of a kind that the customer already has otherwise: names are never changed, since isolates remember them for ever. */
function clashOf(known: Names, names: Names): Refusal | undefined {
  if (names.referenceId !== undefined && known.referenceId !== undefined && known.referenceId !== names.referenceId)
    return invalid("customerReferenceId", "the customer has another reference already, and it can never be changed");
  if (
    names.stripeCustomerId !== undefined &&
    known.stripeCustomerId !== undefined &&
    known.stripeCustomerId !== names.stripeCustomerId
  )
    return invalid("stripeCustomerId", "the customer has another Stripe id already, and it can never be changed");
  return undefined;
}

/**
 * Gives a customer further names. Each is taken by at most one customer, and a customer has one of each kind: what another
 * request did in between is seen in what D1 then holds, and refused.
 */
export async function attach(database: D1Database, accountId: string, to: Known, names: Names): Promise<Reply<Known>> {
  // Neither a name that was erased, nor to a customer who was.
  const statements = namesOf(names).map(([kind, value]) =>
    database
      .prepare(
        `INSERT INTO customer_identities (account_id, kind, value, customer_id) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM erased_names WHERE account_id = ?1 AND digest IN (?5, ?6))
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        accountId,
        kind,
        value,
        to.customerId,
        nameDigest(accountId, kind, value),
        nameDigest(accountId, "id", to.customerId),
      ),
  );
  statements.push(
    database
      .prepare(
        `UPDATE customers SET
           reference_id = (SELECT value FROM customer_identities i WHERE i.account_id = ?1 AND i.customer_id = ?2
             AND i.kind = 'reference'),
           stripe_customer_id = (SELECT value FROM customer_identities i WHERE i.account_id = ?1 AND i.customer_id = ?2
             AND i.kind = 'stripe')
         WHERE account_id = ?1 AND customer_id = ?2`,
      )
      .bind(accountId, to.customerId),
  );
  await database.batch(statements);
  const [now] = await lookUp(database, accountId, [{ ...names, customerId: to.customerId }]);
  if (now?.erased) return { ok: false, code: "customer_erased" };
  if (now?.asId === undefined) return { ok: false, code: "customer_not_found", given: to.customerId };
  const others = [now.asReference, now.asStripe].filter(
    (customer) => customer !== undefined && customer.customerId !== to.customerId,
  );
  if (others.length > 0) return { ok: false, code: "identities_differ" };
  return clashOf(now.asId, names) ?? { ok: true, value: now.asId };
}

/**
 * The customers that entries ask for together. Entries that share a name mean one customer, which has all their names: the same
 * as if each entry had come alone, in this order. An entry that contradicts an earlier one adds nothing and is refused later.
 */
function candidatesOf(entries: readonly Names[]): (Names & { id: Uuid })[] {
  const candidates: (Names & { id: Uuid })[] = [];
  const byName = new Map<string, Names & { id: Uuid }>();
  for (const names of entries) {
    const keys = Object.entries(names).map(([kind, value]) => `${kind}\n${value}`);
    const owners = new Set(keys.flatMap((key) => byName.get(key) ?? []));
    let [owner] = owners;
    if (owner === undefined) {
      owner = { id: customerIdOf(tagFromBytes(crypto.getRandomValues(new Uint8Array(8)))) };
      candidates.push(owner);
    } else if (owners.size > 1 || clashOf(owner, names) !== undefined) continue;
    Object.assign(owner, names);
    for (const key of keys) byName.set(key, owner);
  }
  return candidates;
}

/** Makes customers, each with all of its names or, where another request was faster, finds the one that has them. */
async function create(
  database: D1Database,
  accountId: string,
  entries: readonly Names[],
  source: Source,
  nowMs: number,
): Promise<Reply<Known>[]> {
  const candidates = candidatesOf(entries);
  const identities = candidates.flatMap((candidate) => {
    const names = namesOf(candidate);
    const digests = names.map(([kind, value]) => nameDigest(accountId, kind, value));
    return names.map(([kind, value]) => {
      const [otherKind = null, other = null] = names.find(([name]) => name !== kind) ?? [];
      return [kind, value, candidate.id, otherKind, other, digests];
    });
  });
  await database.batch([
    // A name is taken only when the request's other name is free too: one customer has both, or none was made here. No name that
    // was erased is free.
    database
      .prepare(
        `INSERT INTO customer_identities (account_id, kind, value, customer_id)
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2) AS given
         WHERE NOT EXISTS (SELECT 1 FROM customer_identities i
           WHERE i.account_id = ?1 AND i.kind = given.value ->> 3 AND i.value = given.value ->> 4)
         AND NOT EXISTS (SELECT 1 FROM json_each(given.value -> 5) d
           CROSS JOIN erased_names e ON e.account_id = ?1 AND e.digest = d.value)
         ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, JSON.stringify(identities)),
    database
      .prepare(
        `INSERT INTO customers (account_id, customer_id, reference_id, stripe_customer_id, source, created_at_ms,
           modified_at_ms)
         SELECT ?1, i.customer_id, MAX(CASE i.kind WHEN 'reference' THEN i.value END),
           MAX(CASE i.kind WHEN 'stripe' THEN i.value END), ?3, CAST(?4 AS INTEGER), CAST(?4 AS INTEGER)
         FROM customer_identities i WHERE i.account_id = ?1 AND i.customer_id IN (SELECT value FROM json_each(?2))
         GROUP BY i.customer_id
         ON CONFLICT DO NOTHING`,
      )
      .bind(accountId, JSON.stringify(candidates.map(({ id }) => id)), source, nowMs),
  ]);
  const found = await lookUp(database, accountId, entries);
  const answers: Reply<Known>[] = [];
  for (const [at, names] of entries.entries()) {
    const decision = decide(names, found[at] ?? {}, false);
    if (decision.kind === "answer") answers.push(decision.reply);
    else if (decision.kind === "attach") answers.push(await attach(database, accountId, decision.to, decision.names));
    else answers.push({ ok: false, code: "catalog_unavailable" });
  }
  return answers;
}

/** The customers that have any of these names, without making or attaching anything. */
export async function customersNamed(database: D1Database, accountId: string, named: Named): Promise<Known[]> {
  const [found] = await lookUp(database, accountId, [named]);
  const all = [found?.asReference, found?.asStripe, found?.asId].filter((known) => known !== undefined);
  return [...new Map(all.map((known) => [known.customerId, known])).values()];
}
