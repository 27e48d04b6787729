import * as z from "zod";
import { attach, customersNamed, identify, type Known } from "../../catalog/directory.ts";
import { ChangeCustomer, CreateCustomer, CustomerWire, personalData, toWireCustomer } from "../../contract/customer.ts";
import { name } from "../../contract/scalars.ts";
import type { Replayable } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { CustomerView } from "../../domain/customer.ts";
import type { Refusal, Reply } from "../../domain/refusal.ts";
import { customerOf, identityOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** Customers, for the Client API and, with other paths and one more field, for the operator (`admin/customers.ts`). */

export async function createCustomer(
  call: Call<unknown, unknown, z.output<typeof CreateCustomer>>,
  operator: boolean,
): Promise<Answer> {
  const { accountId } = call.account.account;
  const { customerReferenceId, stripeCustomerId } = call.body;
  const named = {
    ...(customerReferenceId === undefined ? {} : { referenceId: customerReferenceId }),
    ...(stripeCustomerId === undefined ? {} : { stripeCustomerId }),
  };
  const owner = await registeredOwner(call, named);
  if (owner !== undefined) {
    const refused = takenName(named, owner);
    if (call.requestKey === undefined) return refused;
    // Its object knows whether this is a repeat. The names that are sent there are its own: a refusal attaches nothing.
    const reply = await register(call, owner);
    return reply.ok || reply.code !== "identity_taken" ? registered(reply, operator) : refused;
  }
  const [identified] = await identify(call.env.DB, accountId, [named], "MANUAL", Date.now());
  if (identified === undefined || !identified.ok) return identified ?? { ok: false, code: "catalog_unavailable" };
  return registered(await register(call, identified.value), operator);
}

function register(
  call: Call<unknown, unknown, z.output<typeof CreateCustomer>>,
  known: Known,
): Promise<Replayable<CustomerView>> {
  call.log.customerId = known.customerId;
  return objectOf(call.env, call.account.account.accountId, known.customerId).register({
    identity: identityOf(known),
    data: personalData(call.body),
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  });
}

function registered(reply: Replayable<CustomerView>, operator: boolean): Answer {
  return reply.ok
    ? { ...answer(201, toWireCustomer(reply.value, operator)), replayed: reply.replayed === true }
    : reply;
}

/** A customer that has one of the names and is registered already; one that an event made is completed instead. */
async function registeredOwner(call: Call, named: Names): Promise<Known | undefined> {
  const { accountId } = call.account.account;
  const owners = await customersNamed(call.env.DB, accountId, named);
  for (const owner of owners) {
    const shown = await objectOf(call.env, accountId, owner.customerId).view();
    if (shown !== undefined && shown.source !== "EVENT_AUTO_CREATED") return owner;
  }
  return undefined;
}

export async function readCustomer(call: Call, ref: string, operator: boolean): Promise<Answer> {
  const owner = await customerOf(call, ref);
  if (!owner.ok) return owner;
  const shown = await viewOf(call, owner.value);
  return shown === undefined
    ? { ok: false, code: "customer_not_found", given: ref }
    : answer(200, toWireCustomer(shown, operator));
}

/** The customer as its object knows it; one whose first event is still under way is in the directory only. */
function viewOf(call: Call, known: Known): Promise<CustomerView | undefined> {
  return objectOf(call.env, call.account.account.accountId, known.customerId).view();
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
  return reply.ok
    ? { ...answer(200, toWireCustomer(reply.value, operator)), replayed: reply.replayed === true }
    : reply;
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
      "A customer that an event made is completed, not refused. Reference and Stripe id are unique in the account and never change.",
    body: CreateCustomer,
    examples: { body: EXAMPLE },
    answers: { 201: CustomerWire },
    refuses: ["identity_taken", "identities_differ"],
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
    refuses: ["customer_not_found", "identity_fixed", "identity_taken"],
    handle: (call) => changeCustomer(call, call.params.ref, false),
  }),
];
