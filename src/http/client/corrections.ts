import * as z from "zod";
import { CorrectBody } from "../../contract/entitlement.ts";
import { ReceiptWire, toWireReceipt } from "../../contract/event.ts";
import { idText } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import { allCreditTerms } from "../credit-terms.ts";
import { ownerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** Events that said the wrong number of units, of any age. */

async function correct(call: Call<{ eventId: string }, unknown, z.output<typeof CorrectBody>>): Promise<Answer> {
  const { eventId } = call.params;
  const owner = ownerOf(call, "event", eventId);
  if (!owner.ok) return owner;
  const { usageUnits: usageE12, reason, idempotencyKey } = call.body;
  const reply = await objectOf(call.env, call.account.account.accountId, owner.value).correct({
    eventId,
    usageE12,
    ...allCreditTerms(call.account),
    ...(reason === undefined ? {} : { reason }),
    ...(idempotencyKey === undefined ? {} : { key: idempotencyKey }),
    ...(call.requestKey === undefined ? {} : { requestKey: call.requestKey }),
  });
  if (!reply.ok) return reply;
  const { receipt, isRepeat } = reply.value;
  return { ...answer(isRepeat ? 200 : 201, toWireReceipt(receipt, owner.value)), replayed: reply.replayed === true };
}

export const correctionRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/client/events/{eventId}/correct",
    aliases: ["/api/v1/events/{eventId}/correct"],
    scope: "client",
    tag: "Events",
    summary: "Correct how much an event used",
    description: `Say the right total; nothing that was recorded is changed: the difference becomes an event of its own (\`CORRECTION\`), now, with its own receipt.

More units count in the current period, as late ones. Fewer are taken from the counter while the event's period is open, at the price of the version that counted them, as if they had never been counted; where units accumulate they leave the counter at any time. Of a period that was billed they are given back as money: \`creditAmount\`, a CREDIT line on the subscription's next invoice, or, if it has ended, in the customer's credit balance; a billed period never gives back more than it was billed. Credits that paid for what is less go back to their grants, those of an expired one leave at once; units with a price go before units that credits paid for. More units burn credits by the event's own weight, and a hard pool that does not cover them refuses the correction. A cost follows where it came from the rule's cost per unit; revenue that you sent yourself stays. An event that was not counted has only its total corrected. \`idempotencyKey\` answers the first receipt again (200); used for another event: 409.`,
    params: z.object({ eventId: idText }),
    body: CorrectBody,
    examples: { body: { usageUnits: 2, reason: "counted twice", idempotencyKey: "fix-8f1c" } },
    answers: { 201: ReceiptWire, 200: ReceiptWire },
    refuses: [
      "customer_erased",
      "thing_not_found",
      "usage_refused",
      "credits_short",
      "state_conflict",
      "own_key_taken",
      "quarantined",
      "request_conflict",
    ],
    handle: correct,
  }),
];
