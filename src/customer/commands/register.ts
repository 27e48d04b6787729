import type { CustomerView, PersonalData, Profile } from "../../domain/customer.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { ChangeProfileCall, RegisterCall } from "../calls.ts";
import { type Change, type Customer, commit } from "../image.ts";
import { customerView } from "../questions/view.ts";
import { replyText } from "../requests.ts";

/**
 * Registers the customer, or completes one that an event made. Refuses `identity_taken` when somebody registered it before: of
 * two concurrent registrations of one reference the first wins.
 */
export function register(customer: Customer, call: RegisterCall, nowMs: number): Reply<CustomerView> {
  const known = customer.image.state.profile;
  if (known !== undefined && known.source !== "EVENT_AUTO_CREATED") return takenBy(call);
  const profile: Profile = {
    ...known,
    ...call.identity,
    ...call.data,
    source: "MANUAL",
    createdAtMs: known?.createdAtMs ?? nowMs,
    modifiedAtMs: nowMs,
  };
  return save(customer, profile, call, nowMs);
}

/** Changes what is said of a customer: given fields are set, others stay. */
export function changeProfile(customer: Customer, call: ChangeProfileCall, nowMs: number): Reply<CustomerView> {
  const known = customer.image.state.profile;
  if (known === undefined) return { ok: false, code: "customer_not_found", given: customer.image.owner.customerId };
  const profile: Profile = { ...known, ...call.identity, ...call.data, modifiedAtMs: nowMs };
  return save(customer, profile, call, nowMs);
}

function takenBy({ identity }: RegisterCall): Reply<CustomerView> {
  return identity.referenceId === undefined
    ? { ok: false, code: "identity_taken", kind: "stripeCustomerId", value: identity.stripeCustomerId ?? "" }
    : { ok: false, code: "identity_taken", kind: "customerReferenceId", value: identity.referenceId };
}

function save(
  customer: Customer,
  profile: Profile,
  call: { data: PersonalData; requestKey?: RegisterCall["requestKey"] },
  nowMs: number,
): Reply<CustomerView> {
  const { owner, state } = customer.image;
  const reply: Reply<CustomerView> = { ok: true, value: customerView(owner, profile, state.lastEventAtMs) };
  const changes: Change[] = [{ kind: "profile", profile }];
  if (call.requestKey !== undefined)
    changes.push({ kind: "answered", ...call.requestKey, reply: replyText(reply), atMs: nowMs });
  commit(customer, changes, nowMs);
  return reply;
}
