import * as z from "zod";
import { e12ToNumber } from "../domain/amount.ts";
import { GRANT_TYPES } from "../domain/credit.ts";
import type { GrantView } from "../domain/credit-views.ts";
import type { GrantSpec } from "../domain/grants.ts";
import { accountCurrency } from "./account.ts";
import { POOL_EXAMPLE } from "./credit-pool.ts";
import {
  creditAmount,
  creditSum,
  decimalNotNegative,
  exactTwin,
  idText,
  instant,
  instantText,
  metadata,
  name,
  readMetadata,
  text,
} from "./scalars.ts";

/** What fills credit pools, on the wire. */

export const CreateGrant = z
  .object({
    creditPoolId: idText,
    amount: creditAmount,
    grantType: z.enum(GRANT_TYPES),
    subscriptionId: idText.optional(),
    invoiceId: idText.optional(),
    unitPrice: decimalNotNegative.optional().meta({
      description:
        "What one credit was sold for. A PURCHASED grant without it takes the book price in force, if there is one.",
    }),
    currency: accountCurrency.optional().meta({ description: "Of unitPrice, and only with it. Default: the pool's." }),
    expiresAt: instant.optional().meta({ description: "First instant at which the credits are gone. Default: never." }),
    description: text.optional(),
    idempotencyKey: name.optional().meta({
      description: "Unique among the grants of the pool: used again, it answers 200 with the grant that it made.",
    }),
    metadata: metadata.optional(),
  })
  .meta({ id: "CreateCreditGrant" });

export function grantSpecFrom(body: z.output<typeof CreateGrant>): Omit<GrantSpec, "subscription" | "invoice"> {
  const { unitPrice, currency, expiresAt, description, idempotencyKey, metadata: kept } = body;
  return {
    type: body.grantType,
    amountE4: body.amount,
    ...(unitPrice === undefined ? {} : { unitPriceE12: unitPrice }),
    ...(currency === undefined ? {} : { currency }),
    ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt }),
    ...(description === undefined ? {} : { description }),
    ...(idempotencyKey === undefined ? {} : { key: idempotencyKey }),
    ...(kept === undefined ? {} : { metadata: kept }),
  };
}

export const GRANT_EXAMPLE = {
  id: "6c1f0e9a-7d42-8b34-8900-000000000001",
  creditPoolId: POOL_EXAMPLE.id,
  grantType: "PROMOTIONAL" as const,
  amount: 1000,
  remaining: 750,
  expiresAt: "2027-04-01T00:00:00.000Z",
  description: "Welcome",
  metadata: {},
  createdAt: "2027-01-04T09:30:00.000Z",
};

export const GrantWire = z
  .object({
    id: z.uuid(),
    creditPoolId: z.uuid(),
    subscriptionId: z.uuid().optional(),
    invoiceId: z.uuid().optional(),
    grantType: z.enum(GRANT_TYPES),
    amount: z.number(),
    amountExact: exactTwin,
    remaining: z.number().meta({ description: "Held credits included." }),
    remainingExact: exactTwin,
    unitPrice: z.number().optional(),
    currency: z.string().optional(),
    expiresAt: z.iso.datetime().optional(),
    description: z.string().optional(),
    voidedAt: z.iso.datetime().optional(),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "CreditGrant", examples: [GRANT_EXAMPLE] });

export function toWireGrant(view: GrantView): z.input<typeof GrantWire> {
  return {
    id: view.grantId,
    creditPoolId: view.poolId,
    subscriptionId: view.subscriptionId,
    invoiceId: view.invoiceId,
    grantType: view.type,
    ...creditSum("amount", view.amountE4),
    ...creditSum("remaining", view.remainingE4),
    unitPrice: view.unitPriceE12 === undefined ? undefined : e12ToNumber(view.unitPriceE12),
    currency: view.currency,
    expiresAt: view.expiresAtMs === undefined ? undefined : instantText(view.expiresAtMs),
    description: view.description,
    voidedAt: view.voidedAtMs === undefined ? undefined : instantText(view.voidedAtMs),
    metadata: readMetadata(view.metadata),
    createdAt: instantText(view.createdAtMs),
  };
}
