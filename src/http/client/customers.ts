import * as z from "zod";
import { attach, customersNamed, identify, type Known } from "../../catalog/directory.ts";
import { ChangeCustomer, CreateCustomer, CustomerWire, personalData, toWireCustomer } from "../../contract/customer.ts";
import { name } from "../../contract/scalars.ts";
import type { ProfileReply, RegisterCall, Replayable } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { Refusal, Reply } from "../../domain/refusal.ts";
import { customerOf, identityOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { planStatusOf } from "../subscription-answer.ts";
import { catchUp, clockRefusal, enterClock, leaveAgain } from "../test-clock-of.ts";

/** Customers, for the Client API and, with other paths and one more field, for the operator (`admin/customers.ts`). */

type Creation = Call<unknown, unknown, z.output<typeof CreateCustomer>>;

export async function createCustomer(call: Creation, operator: boolean): Promise<Answer> {
  const { accountId } = call.account.account;
  const { customerReferenceId, stripeCustomerId, testClockId } = call.body;
  const named = {
    ...(customerReferenceId === undefined ? {} : { referenceId: customerReferenceId }),
    ...(stripeCustomerId === undefined ? {} : { stripeCustomerId }),
  };
  const owner = await knownOwner(call, named);
  if (owner?.isRegistered) {
    const refused = takenName(named, owner.known);
    if (call.requestKey === undefined) return refused;
    // Its object knows whether this is a repeat. The names that are sent there are its own: a refusal attaches nothing.
    const reply = await register(call, owner.known);
    if (reply.ok && testClockId !== undefined) await catchUp(call, testClockId, owner.known.customerId, 0);
    return reply.ok || reply.code !== "identity_taken" ? changed(call, reply, 201, operator) : refused;
  }
  const refused = testClockId === undefined ? undefined : await joinRefusal(call, testClockId, owner);
  if (refused !== undefined) return refused;
  const [identified] = await identify(call.env.DB, accountId, [named], "MANUAL", Date.now());
  if (identified === undefined || !identified.ok) return identified ?? { ok: false, code: "catalog_unavailable" };
  const known = identified.value;
  if (testClockId === undefined) return changed(call, await register(call, known), 201, operator);
  return changed(call, await registerInClock(call, known, testClockId), 201, operator);
}

/** Why this customer cannot be made for a test clock; undefined: it can. */
async function joinRefusal(call: Call, testClockId: string, owner: Owner | undefined): Promise<Refusal | undefined> {
  const refused = await clockRefusal(call, testClockId);
  if (refused !== undefined || owner === undefined) return refused;
  return {
    ok: false,
    code: "state_conflict",
    why: "An event has made this customer already, and it lives in real time: only a new customer can join a test clock.",
  };
}

async function registerInClock(call: Creation, known: Known, testClockId: string): Promise<Replayable<ProfileReply>> {
  const entered = await enterClock(call, testClockId, known.customerId);
  if (!entered.ok) return entered;
  const reply = await register(call, known, entered.value);
  if (reply.ok) await catchUp(call, testClockId, known.customerId, entered.value.nowMs);
  else await leaveAgain(call, testClockId, known.customerId);
  return reply;
}

function register(
  call: Creation,
  known: Known,
  testClock?: RegisterCall["testClock"],
): Promise<Replayable<ProfileReply>> {
  call.log.customerId = known.customerId;
  return objectOf(call.env, call.account.account.accountId, known.customerId).register({
    identity: identityOf(known),
    data: personalData(call.body),
    ...(testClock === undefined ? {} : { testClock }),
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  });
}

function changed(call: Call, reply: Replayable<ProfileReply>, status: number, operator: boolean): Answer {
  if (!reply.ok) return reply;
  const { subscriptions = [], pools = [], creditBalance = [], ...customer } = reply.value;
  const overview = { customer, subscriptions, pools, creditBalance };
  const shown = toWireCustomer(overview, { operator, planStatus: planStatusOf(call) });
  return { ...answer(status, shown), replayed: reply.replayed === true };
}

type Owner = { known: Known; isRegistered: boolean };

/** A customer that has one of the names: a registered one, before one that an event made and that is completed instead. */
async function knownOwner(call: Call, named: Names): Promise<Owner | undefined> {
  const { accountId } = call.account.account;
  let made: Owner | undefined;
  for (const known of await customersNamed(call.env.DB, accountId, named)) {
    const shown = await objectOf(call.env, accountId, known.customerId).view();
    if (shown === undefined) continue;
    if (shown.source === "MANUAL") return { known, isRegistered: true };
    made = { known, isRegistered: false };
  }
  return made;
}

export async function readCustomer(call: Call, ref: string, operator: boolean): Promise<Answer> {
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const object = objectOf(call.env, call.account.account.accountId, owner.value.customerId);
  const known = await object.overview();
  // One whose first event is still under way is in the directory only.
  if (known === undefined) return { ok: false, code: "customer_not_found", given: ref };
  return answer(200, toWireCustomer(known, { operator, planStatus: planStatusOf(call) }));
}

export async function changeCustomer(
  call: Call<unknown, unknown, z.output<typeof ChangeCustomer>>,
  ref: string,
  operator: boolean,
): Promise<Answer> {
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const { accountId } = call.account.account;
  let known = owner.value;
  const added = addedNames(known, call.body);
  if (!added.ok) return added;
  if (Object.keys(added.value).length > 0) {
    const [holder] = await customersNamed(call.env.DB, accountId, added.value);
    if (holder !== undefined) return takenName(added.value, holder);
    const attached = await attach(call.env.DB, accountId, known, added.value);
    if (!attached.ok) return attached;
    known = attached.value;
  }
  const reply = await objectOf(call.env, accountId, known.customerId).changeProfile({
    identity: identityOf(known),
    data: personalData(call.body),
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  });
  return changed(call, reply, 200, operator);
}

type Names = { referenceId?: string; stripeCustomerId?: string };

/** The identifiers that a change gives a customer who has none of that kind; those it has can only be repeated. */
function addedNames(known: Known, body: z.output<typeof ChangeCustomer>): Reply<Names> {
  const { customerReferenceId, stripeCustomerId } = body;
  const added: Names = {};
  if (customerReferenceId !== undefined && customerReferenceId !== known.referenceId) {
    if (known.referenceId !== undefined) return { ok: false, code: "identity_fixed", kind: "customerReferenceId" };
    added.referenceId = customerReferenceId;
  }
  if (stripeCustomerId !== undefined && stripeCustomerId !== known.stripeCustomerId) {
    if (known.stripeCustomerId !== undefined) return { ok: false, code: "identity_fixed", kind: "stripeCustomerId" };
    added.stripeCustomerId = stripeCustomerId;
  }
  return { ok: true, value: added };
}

/** The refusal for names of which `holder` has one: seen before anything is attached, so that a refused change changes nothing. */
function takenName({ referenceId, stripeCustomerId }: Names, holder: Known): Refusal {
  return referenceId !== undefined && holder.referenceId === referenceId
    ? { ok: false, code: "identity_taken", kind: "customerReferenceId", value: referenceId }
    : { ok: false, code: "identity_taken", kind: "stripeCustomerId", value: stripeCustomerId ?? "" };
}

const Ref = z.object({ ref: name });
const EXAMPLE = { customerReferenceId: "acme", email: "ada@acme.test", firstName: "Ada", lastName: "Lovelace" };

export const clientCustomerRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/client/customers",
    scope: "client",
    tag: "Customers",
    summary: "Register a customer",
    description:
      "A customer that an event made is completed, not refused. Reference and Stripe id are unique in the account and never change. With `testClockId` the customer must be new.",
    body: CreateCustomer,
    examples: { body: EXAMPLE },
    answers: { 201: CustomerWire },
    refuses: ["customer_erased", "thing_not_found", "identity_taken", "identities_differ", "state_conflict"],
    handle: (call) => createCustomer(call, false),
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/client/customers/{ref}",
    scope: "client",
    pinned: ["read", "purchase", "ingest"],
    tag: "Customers",
    summary: "Read a customer",
    description: "`ref` is the customer's reference id, its id, or its Stripe id, looked for in this order.",
    params: Ref,
    answers: { 200: CustomerWire },
    refuses: ["customer_not_found", "other_customer"],
    handle: (call) => readCustomer(call, call.params.ref, false),
  }),
  defineRoute({
    method: "PATCH",
    path: "/api/v1/client/customers/{ref}",
    scope: "client",
    tag: "Customers",
    summary: "Change what is said of a customer",
    description: "Fields that are given are set. A Stripe id can be added where there is none, and never changed.",
    params: Ref,
    body: ChangeCustomer,
    examples: { body: { phoneNumber: "+1 555 0100" } },
    answers: { 200: CustomerWire },
    refuses: ["customer_erased", "customer_not_found", "identity_fixed", "identity_taken"],
    handle: (call) => changeCustomer(call, call.params.ref, false),
  }),
];
