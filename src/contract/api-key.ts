import * as z from "zod";
import type { AccountScope, CustomerScope } from "../domain/account.ts";
import { isActive, RATE_TIER_DEFAULT, RATE_TIERS, type StoredKey } from "../domain/api-key.ts";
import { KEY_OVERLAP_SECONDS_MAX, RATE_WINDOW_MS } from "../domain/limits.ts";
import { instantText, name } from "./scalars.ts";

/** API keys on the wire: the account's own, and those pinned to one customer. The secret is shown once. */

const accountScope = z.enum(["admin", "client"]);
const customerScope = z.enum(["read", "purchase", "ingest"]);

const rateLimit = z.literal(RATE_TIERS);
const rateLimitWanted = rateLimit.optional().meta({
  description: `Requests within ${RATE_WINDOW_MS / 1000} seconds, where the deployment limits them; default ${RATE_TIER_DEFAULT}.`,
});

export const CreateApiKey = z
  .object({
    name: name.optional(),
    scopes: z
      .array(accountScope)
      .min(1)
      .optional()
      .meta({ description: "`admin`: everything. `client` (the default): the Client API." }),
    rateLimit: rateLimitWanted,
  })
  .meta({ id: "CreateApiKey" });

export const CreateCustomerKey = z
  .object({
    scopes: z.array(customerScope).min(1).optional().meta({ description: "Default: read." }),
    rateLimit: rateLimitWanted,
  })
  .meta({ id: "CreateCustomerKey" });

const rotation = {
  overlapSeconds: z
    .int()
    .min(0)
    .max(KEY_OVERLAP_SECONDS_MAX)
    .optional()
    .meta({ description: "How long the old key still works; default 0." }),
};

export const RotateApiKey = z.object(rotation).meta({ id: "RotateApiKey" });

export const RotateCustomerKey = z.object(rotation).meta({ id: "RotateCustomerKey" });

const shownOnce = z.string().meta({ description: "The key itself. Shown only now." });

const endsAt = z.iso
  .datetime()
  .optional()
  .meta({ description: "In the future for a rotated key that still works for a while." });

const MADE = { keyHint: "…x7Qd", active: true, createdAt: "2027-01-04T09:30:00.000Z" };
const EXAMPLE = { id: "9a3f7d0e-55b1-4f0a-8a1c-3f1d2b6c7e10", name: "Production backend", scopes: ["client"], ...MADE };
const CUSTOMER_EXAMPLE = {
  id: "d6b1c2a4-0f3e-4f5b-9a77-1c2d3e4f5a6b",
  customerReferenceId: "acme",
  scopes: ["read"],
  ...MADE,
  expiresAt: "2032-01-03T09:30:00.000Z",
};

export const ApiKeyWire = z
  .object({
    id: z.uuid(),
    name: z.string().optional(),
    scopes: z.array(accountScope),
    keyHint: z.string().meta({ description: "The last characters of the key." }),
    rateLimit: rateLimit.optional(),
    active: z.boolean(),
    createdAt: z.iso.datetime(),
    revokedAt: endsAt,
  })
  .meta({ id: "ApiKey", examples: [EXAMPLE] });

export const NewApiKeyWire = z
  .object({ ...ApiKeyWire.shape, apiKey: shownOnce })
  .meta({ id: "NewApiKey", examples: [{ ...EXAMPLE, apiKey: "sk_live_…" }] });

export const CustomerKeyWire = z
  .object({
    id: z.uuid(),
    customerReferenceId: z.string().optional(),
    keyHint: z.string().meta({ description: "The last characters of the key." }),
    scopes: z.array(customerScope),
    rateLimit: rateLimit.optional(),
    active: z.boolean(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().optional(),
    revokedAt: endsAt,
  })
  .meta({ id: "CustomerKey", examples: [CUSTOMER_EXAMPLE] });

export const NewCustomerKeyWire = z
  .object({ ...CustomerKeyWire.shape, apiKey: shownOnce })
  .meta({ id: "NewCustomerKey", examples: [{ ...CUSTOMER_EXAMPLE, apiKey: "ck_live_…" }] });

export function toWireApiKey(key: StoredKey<AccountScope>, nowMs: number): z.input<typeof ApiKeyWire> {
  return {
    id: key.keyId,
    ...(key.name === undefined ? {} : { name: key.name }),
    scopes: [...key.scopes],
    keyHint: key.hint,
    ...(key.rateLimit === undefined ? {} : { rateLimit: key.rateLimit }),
    active: isActive(key, nowMs),
    createdAt: instantText(key.createdAtMs),
    ...(key.revokedAtMs === undefined ? {} : { revokedAt: instantText(key.revokedAtMs) }),
  };
}

export function toWireCustomerKey(
  key: StoredKey<CustomerScope>,
  customerReferenceId: string | undefined,
  nowMs: number,
): z.input<typeof CustomerKeyWire> {
  return {
    id: key.keyId,
    ...(customerReferenceId === undefined ? {} : { customerReferenceId }),
    keyHint: key.hint,
    ...(key.rateLimit === undefined ? {} : { rateLimit: key.rateLimit }),
    scopes: [...key.scopes],
    active: isActive(key, nowMs),
    createdAt: instantText(key.createdAtMs),
    ...(key.expiresAtMs === undefined ? {} : { expiresAt: instantText(key.expiresAtMs) }),
    ...(key.revokedAtMs === undefined ? {} : { revokedAt: instantText(key.revokedAtMs) }),
  };
}
