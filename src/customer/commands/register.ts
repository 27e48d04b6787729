import type { PersonalData, Profile } from "../../domain/customer.ts";
import { jsonText } from "../../domain/json-text.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { ChangeProfileCall, ProfileReply, RegisterCall } from "../calls.ts";
import { commit } from "../commit.ts";
import type { Change, Customer } from "../image.ts";
import { allSubscriptions, creditBalance } from "../questions/billing.ts";
import { allPools } from "../questions/credits.ts";
import { customerView } from "../questions/view.ts";

/**
 * Registers the customer, or completes one that an event made, by then maybe known from the payment provider. Refuses `identity_taken` when somebody registered it before: of
 * two concurrent registrations of one reference the first wins. Only a new customer joins a test clock: what an event made lives
 * in real time, and so does its history.
 */
export function register(customer: Customer, call: RegisterCall, nowMs: number): Reply<ProfileReply> {
  const known = customer.image.state.profile;
  if (known !== undefined && known.source === "MANUAL") return takenBy(call);
  const profile: Profile = {
    ...known,
    ...call.identity,
    ...call.data,
    source: "MANUAL",
    createdAtMs: known?.createdAtMs ?? nowMs,
    modifiedAtMs: nowMs,
  };
  const { testClock } = call;
  if (testClock === undefined) return save(customer, profile, call, nowMs);
  if (known !== undefined)
    return {
      ok: false,
      code: "state_conflict",
      why: "An event has made this customer meanwhile, and it lives in real time: only a new customer can join a test clock.",
    };
  return save(customer, profile, call, nowMs, { clockId: testClock.clockId, atMs: nowMs });
}

/** Changes what is said of a customer: given fields are set, others stay. */
export function changeProfile(customer: Customer, call: ChangeProfileCall, nowMs: number): Reply<ProfileReply> {
  const known = customer.image.state.profile;
  if (known === undefined) return { ok: false, code: "customer_not_found", given: customer.image.owner.customerId };
  const profile: Profile = { ...known, ...call.identity, ...call.data, modifiedAtMs: nowMs };
  return save(customer, profile, call, nowMs);
}

function takenBy({ identity }: RegisterCall): Reply<ProfileReply> {
  return identity.referenceId === undefined
    ? { ok: false, code: "identity_taken", kind: "stripeCustomerId", value: identity.stripeCustomerId ?? "" }
    : { ok: false, code: "identity_taken", kind: "customerReferenceId", value: identity.referenceId };
}

function save(
  customer: Customer,
  profile: Profile,
  call: { data: PersonalData; requestKey?: RegisterCall["requestKey"] },
  nowMs: number,
  clock = customer.image.state.clock,
): Reply<ProfileReply> {
  const { owner, state } = customer.image;
  const subscriptions = allSubscriptions(customer);
  const pools = allPools(customer);
  const balance = creditBalance(customer);
  const reply: Reply<ProfileReply> = {
    ok: true,
    value: {
      ...customerView(owner, profile, { ...state, clock }),
      ...(subscriptions.length === 0 ? {} : { subscriptions }),
      ...(pools.length === 0 ? {} : { pools }),
      ...(balance.length === 0 ? {} : { creditBalance: balance }),
    },
  };
  const changes: Change[] = [{ kind: "profile", profile }];
  if (clock !== state.clock) changes.push({ kind: "clock", clock });
  if (call.requestKey !== undefined) changes.push({ kind: "answered", ...call.requestKey, reply: jsonText(reply) });
  commit(customer, changes, nowMs);
  return reply;
}
