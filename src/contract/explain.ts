import * as z from "zod";
import type { CustomerView } from "../domain/customer.ts";
import type { LineEvents, LineExplanation } from "../domain/explain.ts";
import { REPLAY_EVENTS_MAX } from "../domain/limits.ts";
import type { ReplayDifference } from "../domain/replay.ts";
import type { InvoiceView } from "../domain/views.ts";
import { InvoiceItemWire, InvoiceWire, toWireInvoice, toWireItem } from "./invoice.ts";
import { RuleValueWire, toWireRuleValue } from "./rule-value.ts";
import { instantText, sumFields } from "./scalars.ts";
import type { PlanStatusOf } from "./subscription.ts";

/** Why an invoice is what it is, on the wire; and whether it still comes to the same when it is made again. */

const DifferenceWire = z
  .object({
    itemId: z.uuid().optional().meta({ description: "The item that differs; absent where it is the invoice itself." }),
    what: z.string(),
    stored: z.string(),
    replayed: z.string(),
  })
  .meta({ id: "ReplayDifference" });

const EventsWire = z
  .object({
    count: z.int(),
    first: z.iso.datetime().optional().meta({ description: "When the earliest of them occurred." }),
    last: z.iso.datetime().optional(),
    countedFrom: z.iso.datetime().meta({ description: "They were counted in [countedFrom, countedUntil)." }),
    countedUntil: z.iso.datetime(),
    recounted: z.boolean().meta({
      description: `Were the events themselves counted again, and compared? Not beyond ${REPLAY_EVENTS_MAX.toLocaleString("en")} of one line: what was summed up when its period closed is taken then.`,
    }),
    unitsCoveredByCredits: z.number().optional(),
    creditsDrawn: z.number().optional(),
  })
  .meta({ id: "ExplainedEvents" });

const ItemExplainedWire = InvoiceItemWire.extend({
  formula: z.string(),
  plan: z.object({ id: z.uuid(), key: z.string(), name: z.string(), version: z.int() }).optional(),
  rule: z.object({ featureId: z.uuid(), featureKey: z.string(), value: RuleValueWire }).optional(),
  events: EventsWire.optional(),
}).meta({ id: "ExplainedItem" });

export const ExplainedInvoiceWire = z
  .object({
    invoice: InvoiceWire,
    items: z.array(ItemExplainedWire),
    replay: z.object({ matches: z.boolean(), firstDifference: DifferenceWire.optional() }),
  })
  .meta({ id: "ExplainedInvoice" });

function toWireEvents({
  events,
  firstAtMs,
  lastAtMs,
  startMs,
  endMs,
  covered,
}: LineEvents): z.input<typeof EventsWire> {
  return {
    count: events,
    first: firstAtMs === undefined ? undefined : instantText(firstAtMs),
    last: lastAtMs === undefined ? undefined : instantText(lastAtMs),
    countedFrom: instantText(startMs),
    countedUntil: instantText(endMs),
    recounted: covered !== undefined,
    ...(covered === undefined
      ? {}
      : {
          ...sumFields("unitsCoveredByCredits", covered.unitsE12),
          // Credits have four decimals: as an amount of twelve they are exact.
          ...sumFields("creditsDrawn", covered.drawnE4 * 10n ** 8n),
        }),
  };
}

export function toWireDifference(
  { line, ...difference }: ReplayDifference,
  invoice?: InvoiceView,
): z.input<typeof DifferenceWire> {
  return { itemId: line === undefined ? undefined : invoice?.lines[line]?.lineId, ...difference };
}

export function toWireExplained(
  {
    customer,
    invoice,
    lines,
    difference,
  }: {
    customer: CustomerView;
    invoice: InvoiceView;
    lines: readonly LineExplanation[];
    difference?: ReplayDifference;
  },
  planStatus: PlanStatusOf,
): z.input<typeof ExplainedInvoiceWire> {
  return {
    invoice: toWireInvoice(invoice, customer, { planStatus }),
    items: invoice.lines.flatMap((line, place) => {
      const explained = lines[place];
      if (explained === undefined) return [];
      const { formula, plan, rule, events } = explained;
      return [
        {
          ...toWireItem(invoice, line),
          formula,
          plan:
            plan === undefined ? undefined : { id: plan.planId, key: plan.key, name: plan.name, version: plan.version },
          rule:
            rule === undefined
              ? undefined
              : { featureId: rule.featureId, featureKey: rule.featureKey, value: toWireRuleValue(rule.value) },
          events: events === undefined ? undefined : toWireEvents(events),
        },
      ];
    }),
    replay: {
      matches: difference === undefined,
      firstDifference: difference === undefined ? undefined : toWireDifference(difference, invoice),
    },
  };
}

export const BillingVerifiedWire = z
  .object({
    customers: z.int(),
    invoices: z.int().meta({ description: "How many were made again." }),
    notRecounted: z.int().meta({
      description: `How many of those that match have a usage line of more than ${REPLAY_EVENTS_MAX.toLocaleString("en")} events: these were not counted again, what was summed up when its period closed was taken.`,
    }),
    differing: z.array(z.object({ customerId: z.uuid(), invoiceId: z.uuid(), firstDifference: DifferenceWire })),
    unfinished: z.array(z.string()).meta({ description: "Customers whose invoices could not be read: ask again." }),
    nextCursor: z.string().optional(),
  })
  .meta({ id: "BillingVerified" });
