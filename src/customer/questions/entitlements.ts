import { pinOf } from "../../domain/book.ts";
import { verdictUnder } from "../../domain/entitlement.ts";
import { customerThingId } from "../../domain/ids.ts";
import type { Reply } from "../../domain/refusal.ts";
import type { EntitlementsCall, EntitlementsReply } from "../calls.ts";
import type { Customer } from "../image.ts";
import { unknownCustomer, weighedBy } from "./check.ts";

/** What each ACTIVE subscription gives access to, newest first. The features' own switches are the border's to apply. */
export function entitlements(customer: Customer, call: EntitlementsCall, nowMs: number): Reply<EntitlementsReply> {
  const { limit, offset } = call;
  const asked = { isEnabled: true, weighing: weighedBy(call, nowMs) };
  const { book, owner, state } = customer.image;
  if (state.profile === undefined) return unknownCustomer(customer);
  const active = [...book.subscriptions.values()]
    .filter(({ status }) => status === "ACTIVE")
    .sort((a, b) => b.number - a.number);
  const items = active.slice(offset, offset + limit).map((subscription) => {
    const pin = pinOf(book, subscription);
    return {
      subscriptionId: customerThingId(owner.tag, "subscription", subscription.number),
      features: pin.rules.map((rule) => ({
        featureKey: rule.featureKey,
        featureId: rule.featureId,
        allowed: verdictUnder(book, { subscription, pin, rule }, asked).allowed,
      })),
    };
  });
  return { ok: true, value: { items, total: active.length } };
}
