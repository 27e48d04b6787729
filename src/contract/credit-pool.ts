import * as z from "zod";
import { POOL_STATUSES, ROLLOVER_POLICIES } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import type { PoolView } from "../domain/credit-views.ts";
import { type CustomerView, displayName } from "../domain/customer.ts";
import { customerId, readCustomerThingId } from "../domain/ids.ts";
import { DRAW_PRIORITY_MAX } from "../domain/limits.ts";
import type { PoolSpec } from "../domain/pools.ts";
import { accountCurrency } from "./account.ts";
import { capGoesWithPolicy } from "./credit-model.ts";
import {
  creditSum,
  creditsNotNegative,
  exactTwin,
  idText,
  instantText,
  metadata,
  name,
  page,
  queryBoolean,
  queryIntegerWithin,
  readMetadata,
} from "./scalars.ts";

/** Credit pools and who draws from them, on the wire. Amounts are credits with four decimals at most. */

export const CreatePool = z
  .object({
    name,
    denomination: name.meta({
      description: "What the credits are counted in: features whose rules name it draw from it.",
    }),
    currency: accountCurrency
      .optional()
      .meta({ description: "In which its credits are sold. Default: the account's." }),
    customerId: name.meta({ description: "The customer's id; its reference or Stripe id does too." }),
    hardLimit: z
      .boolean()
      .optional()
      .meta({ description: "Usage that the credits do not cover is refused; otherwise it is billed. Default: false." }),
    rolloverPolicy: z.enum(ROLLOVER_POLICIES).optional().meta({
      description: "What becomes of a plan's credits in it at the end of their period. Default: NONE.",
    }),
    rolloverCap: creditsNotNegative
      .optional()
      .meta({ description: "Under CAPPED: how many credits are carried at most." }),
    metadata: metadata.optional(),
  })
  .superRefine(capGoesWithPolicy)
  .meta({ id: "CreateCreditPool" });

/** `currencyOfAccount`: in which the credits are sold where nothing else is said. */
export function poolSpecFrom(body: z.output<typeof CreatePool>, currencyOfAccount: string): PoolSpec {
  const { currency = currencyOfAccount, rolloverPolicy = "NONE", rolloverCap, metadata: kept } = body;
  return {
    name: body.name,
    denomination: body.denomination,
    hardLimit: body.hardLimit ?? false,
    rolloverPolicy,
    currency,
    ...(rolloverPolicy === "CAPPED" && rolloverCap !== undefined ? { rolloverCapE4: rolloverCap } : {}),
    ...(kept === undefined ? {} : { metadata: kept }),
  };
}

const SHOWN_STATUSES = [...POOL_STATUSES, "DEPLETED"] as const;

export const PoolsQuery = z.object({
  status: z.enum(SHOWN_STATUSES).optional(),
  customerId: idText.optional(),
  low: queryBoolean.optional(),
  ...page,
});

export const POOL_EXAMPLE = {
  id: "6c1f0e9a-7d42-8b34-8800-000000000001",
  name: "AI credits",
  denomination: "AI_CREDITS",
  currency: "USD",
  balance: 750,
  held: 0,
  totalGranted: 1000,
  totalConsumed: 250,
  totalExpired: 0,
  totalReversed: 0,
  totalVoided: 0,
  hardLimit: true,
  status: "ACTIVE" as const,
  rolloverPolicy: "NONE" as const,
  customerId: "6c1f0e9a-7d42-8b34-8000-000000000000",
  subscriptions: [],
  metadata: {},
  createdAt: "2027-01-04T09:30:00.000Z",
  modifiedAt: "2027-01-04T09:30:00.000Z",
};

export const PoolWire = z
  .object({
    id: z.uuid(),
    name: z.string(),
    denomination: z.string(),
    currency: z
      .string()
      .optional()
      .meta({ description: "In which its credits are sold: of a plan's pool, the plan's." }),
    balance: z.number().meta({ description: "What is there, held credits included." }),
    balanceExact: exactTwin,
    held: z.number(),
    heldExact: exactTwin,
    totalGranted: z.number(),
    totalGrantedExact: exactTwin,
    totalConsumed: z.number(),
    totalConsumedExact: exactTwin,
    totalExpired: z.number(),
    totalExpiredExact: exactTwin,
    totalReversed: z.number(),
    totalReversedExact: exactTwin,
    totalVoided: z.number(),
    totalVoidedExact: exactTwin,
    hardLimit: z.boolean(),
    status: z.enum(SHOWN_STATUSES).meta({
      description:
        "DEPLETED: a hard pool at 0; a grant revives it. FROZEN: every debit is refused, expiry goes on. ARCHIVED: nothing changes any more.",
    }),
    rolloverPolicy: z.enum(ROLLOVER_POLICIES),
    rolloverCap: z.number().optional(),
    creditModelId: z.string().optional().meta({ description: "The credit model that a plan's grants made it for." }),
    customerId: z.uuid(),
    customer: z
      .object({ customerReferenceId: z.string().optional(), displayName: z.string() })
      .optional()
      .meta({ description: "Whose it is, in words: in the account's list alone." }),
    subscriptions: z
      .array(
        z.object({
          subscriptionId: z.uuid(),
          drawPriority: z.int(),
          drawLimit: z.number().optional(),
          drawn: z.number().meta({ description: "In the subscription's period so far." }),
        }),
      )
      .meta({ description: "Who draws from it, lower priority first. None: every subscription of the customer does." }),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "CreditPool", examples: [POOL_EXAMPLE] });

export function toWirePool(view: PoolView): z.input<typeof PoolWire> {
  const links = [...view.links].sort((a, b) => a.drawPriority - b.drawPriority);
  return {
    id: view.poolId,
    name: view.name,
    denomination: view.denomination,
    currency: view.currency,
    ...creditSum("balance", view.balanceE4),
    ...creditSum("held", view.heldE4),
    ...creditSum("totalGranted", view.grantedE4),
    ...creditSum("totalConsumed", view.consumedE4),
    ...creditSum("totalExpired", view.expiredE4),
    ...creditSum("totalReversed", view.reversedE4),
    ...creditSum("totalVoided", view.voidedE4),
    hardLimit: view.hardLimit,
    status: view.status,
    rolloverPolicy: view.rolloverPolicy,
    rolloverCap: view.rolloverCapE4 === undefined ? undefined : e4ToNumber(view.rolloverCapE4),
    creditModelId: view.modelId,
    customerId: ownerIn(view.poolId),
    subscriptions: links.map(({ subscriptionId, drawPriority, drawLimitE4, drawnE4 }) => ({
      subscriptionId,
      drawPriority,
      drawLimit: drawLimitE4 === undefined ? undefined : e4ToNumber(drawLimitE4),
      drawn: e4ToNumber(drawnE4),
    })),
    metadata: readMetadata(view.metadata),
    createdAt: instantText(view.createdAtMs),
    modifiedAt: instantText(view.modifiedAtMs),
  };
}

/** A pool in the account's list, with whose it is. */
export function toWireListedPool({
  pool,
  customer,
}: {
  pool: PoolView;
  customer: CustomerView;
}): z.input<typeof PoolWire> {
  const { referenceId: customerReferenceId } = customer;
  return { ...toWirePool(pool), customer: { customerReferenceId, displayName: displayName(customer) } };
}

/** Whose a thing is stands in its id. */
function ownerIn(thingId: string): string {
  const read = readCustomerThingId(thingId);
  if (read === undefined) throw new Error("invariant broken: a view has an id of ours");
  return customerId(read.tag);
}

export const LinkQuery = z.object({
  drawPriority: queryIntegerWithin(0, DRAW_PRIORITY_MAX)
    .optional()
    .transform((value) => value ?? 0)
    .meta({ description: "Lower is drawn from first. Default 0." }),
  drawLimit: creditsNotNegative
    .optional()
    .meta({ description: "How many credits the subscription may draw from it in one period. Default: all." }),
});
