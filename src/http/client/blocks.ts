import type { Known } from "../../catalog/directory.ts";
import { toWireEntitlement } from "../../contract/entitlement.ts";
import { instantText } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { LendCall, ReserveCall } from "../../customer/reservation-calls.ts";
import { tagOfCustomer } from "../../domain/ids.ts";
import { type Ask, blocks, type Handed, handOut, keepBlock } from "../../edge/blocks.ts";
import { leaseholder } from "../../edge/leases.ts";
import { type Answer, answer, type Call } from "../route.ts";
import { aboutOf } from "./entitlements.ts";

/** Reservations from blocks, for the route that reserves. */

/** A reservation without a trip, where this isolate holds a block for it; `ask`: what the object should be asked for as well. */
export function handOutHere(call: Call, { customerId }: Known, asked: ReserveCall): ReturnType<typeof handOut> {
  const { accountId } = call.account.account;
  // What is to be remembered is remembered by the object, and a feature that is switched off is refused by it.
  if (asked.key !== undefined || asked.requestKey !== undefined || !asked.isEnabled) return {};
  const { featureKey, subscriptionId, model } = asked;
  const customer = leaseholder(accountId, customerId);
  const key = { customer, tag: tagOfCustomer(customerId), featureKey, subscriptionId, model };
  return handOut(blocks, key, asked, Date.now());
}

/** Asks for the next block while others are answered: nobody waits for it. */
export function askAhead(call: Call, { customerId }: Known, asked: ReserveCall, ask: Ask): void {
  const { featureKey, isEnabled, subscriptionId, model, credits } = asked;
  const lend: LendCall = {
    featureKey,
    isEnabled,
    wish: ask.wish,
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...(model === undefined ? {} : { model }),
    ...(credits === undefined ? {} : { credits }),
  };
  const object = objectOf(call.env, call.account.account.accountId, customerId);
  // Without an answer nothing was lent that anybody knows of: it lapses, and the object is asked again.
  const lent = object.lend(lend).then(
    (reply) => keepBlock(ask, reply.ok ? reply.value.block : undefined),
    () => {},
  );
  call.waitUntil(lent);
}

export function handedAnswer(call: Call, owner: Known, reference: string | undefined, handed: Handed): Answer {
  const { reservationId, expiresAtMs, verdict, asOfMs } = handed;
  const entitlement = { ...toWireEntitlement(verdict, asOfMs, aboutOf(owner, reference)), source: "block" as const };
  if (call.env.scope !== undefined) call.env.scope.source = "block";
  return answer(201, { reservationId, expiresAt: instantText(expiresAtMs), entitlement });
}
