import * as z from "zod";
import { customerKeys, keyStatement, revokeStatement } from "../../catalog/api-keys.ts";
import type { Known } from "../../catalog/directory.ts";
import { forgetKey } from "../../catalog/snapshot.ts";
import {
  CreateCustomerKey,
  CustomerKeyWire,
  NewCustomerKeyWire,
  RotateCustomerKey,
  toWireCustomerKey,
} from "../../contract/api-key.ts";
import { idText, name } from "../../contract/scalars.ts";
import type { CustomerScope } from "../../domain/account.ts";
import { isActive, type RateTier, type StoredKey } from "../../domain/api-key.ts";
import { CUSTOMER_KEY_LIFE_MS } from "../../domain/limits.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { customerOf } from "../customer-of.ts";
import { newKey } from "../new-key.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** Keys pinned to one customer. Only the account's own keys make, list and end them. */

const PATH = "/api/v1/client/customers/{ref}/keys";
const Ref = z.object({ ref: name });
const RefAndKey = z.object({ ref: name, keyId: idText });
type RefAndKey = z.output<typeof RefAndKey>;

function makeKey(
  call: Call,
  { scopes, rateLimit }: { scopes: readonly CustomerScope[]; rateLimit?: RateTier | undefined },
  nowMs: number,
): { key: StoredKey<CustomerScope>; secret: string } {
  const { secret, ...made } = newKey(call.account.account.mode, "customer");
  const expiresAtMs = nowMs + CUSTOMER_KEY_LIFE_MS;
  const tier = rateLimit === undefined ? {} : { rateLimit };
  return { key: { ...made, ...tier, scopes: [...new Set(scopes)], createdAtMs: nowMs, expiresAtMs }, secret };
}

async function listKeys(call: Call<{ ref: string }>): Promise<Answer> {
  const owner = await customerOf(call, call.params.ref);
  if (!owner.ok) return owner;
  const { customerId, referenceId } = owner.value;
  const keys = await customerKeys(call.env.DB, call.account.account.accountId, customerId);
  const nowMs = Date.now();
  return answer(
    200,
    keys.map((key) => toWireCustomerKey(key, referenceId, nowMs)),
  );
}

function createKey(call: Call<{ ref: string }, unknown, z.output<typeof CreateCustomerKey>>): Promise<Answer> {
  const { accountId } = call.account.account;
  return commitAccount(call, async (nowMs) => {
    const owner = await customerOf(call, call.params.ref);
    if (!owner.ok) return owner;
    const { customerId, referenceId } = owner.value;
    const { key, secret } = makeKey(call, { ...call.body, scopes: call.body.scopes ?? ["read"] }, nowMs);
    const shown = toWireCustomerKey(key, referenceId, nowMs);
    return {
      ok: true,
      version: "leave",
      statements: [keyStatement(call.env.DB, accountId, key, customerId)],
      audit: { action: "customer_key.created", target: key.keyId, after: { customerId, ...shown } },
      status: 201,
      data: { ...shown, apiKey: secret },
      sealed: true,
    };
  });
}

/** The key of this customer that the path names; another customer's key is as unknown as none. */
async function keyOf(
  call: Call<RefAndKey>,
): Promise<{ ok: true; customer: Known; key: StoredKey<CustomerScope> } | Refusal> {
  const owner = await customerOf(call, call.params.ref);
  if (!owner.ok) return owner;
  const keys = await customerKeys(call.env.DB, call.account.account.accountId, owner.value.customerId);
  const key = keys.find(({ keyId }) => keyId === call.params.keyId.toLowerCase());
  return key === undefined
    ? { ok: false, code: "thing_not_found", what: "key", given: call.params.keyId }
    : { ok: true, customer: owner.value, key };
}

/** A successor with the same scopes and limit, and a life of its own. The old key ends now or after the overlap; a key has one successor. */
async function rotateKey(call: Call<RefAndKey, unknown, z.output<typeof RotateCustomerKey>>): Promise<Answer> {
  const { accountId } = call.account.account;
  let digest: string | undefined;
  const answered = await commitAccount(call, async (nowMs) => {
    const found = await keyOf(call);
    if (!found.ok) return found;
    const { customer, key: old } = found;
    digest = old.digest;
    if (!isActive(old, nowMs) || old.revokedAtMs !== undefined)
      return { ok: false, code: "state_conflict", why: "This key has ended or was rotated already; make a new one." };
    const endsAtMs = nowMs + (call.body.overlapSeconds ?? 0) * 1000;
    const { key, secret } = makeKey(call, old, nowMs);
    const shown = toWireCustomerKey(key, customer.referenceId, nowMs);
    return {
      ok: true,
      version: "guard",
      statements: [
        revokeStatement(call.env.DB, accountId, old.keyId, endsAtMs),
        keyStatement(call.env.DB, accountId, key, customer.customerId),
      ],
      audit: {
        action: "customer_key.rotated",
        target: old.keyId,
        before: { customerId: customer.customerId, ...toWireCustomerKey(old, customer.referenceId, nowMs) },
        after: { ...shown, oldKeyEndsAt: new Date(endsAtMs).toISOString() },
      },
      status: 200,
      data: { ...shown, apiKey: secret },
      sealed: true,
    };
  });
  if (digest !== undefined) forgetKey(digest);
  return answered;
}

async function revokeKey(call: Call<RefAndKey>): Promise<Answer> {
  const { accountId } = call.account.account;
  let digest: string | undefined;
  const answered = await commitAccount(call, async (nowMs) => {
    const found = await keyOf(call);
    if (!found.ok) return found;
    const { customer, key } = found;
    digest = key.digest;
    const before = toWireCustomerKey(key, customer.referenceId, nowMs);
    if (!isActive(key, nowMs))
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: before };
    const shown = toWireCustomerKey({ ...key, revokedAtMs: nowMs }, customer.referenceId, nowMs);
    return {
      ok: true,
      version: "guard",
      statements: [revokeStatement(call.env.DB, accountId, key.keyId, nowMs)],
      audit: {
        action: "customer_key.revoked",
        target: key.keyId,
        before: { customerId: customer.customerId, ...before },
        after: shown,
      },
      status: 200,
      data: shown,
    };
  });
  if (digest !== undefined) forgetKey(digest);
  return answered;
}

export const customerKeyRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "client",
    tag: "Customer keys",
    summary: "List a customer's keys, revoked ones too",
    params: Ref,
    answers: { 200: z.array(CustomerKeyWire) },
    refuses: ["customer_not_found"],
    handle: listKeys,
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "client",
    tag: "Customer keys",
    summary: "Make a key that is pinned to one customer",
    description:
      "For that customer's own software. It expires after 5 years. The key is shown only in this answer; a repeat under an Idempotency-Key shows it again, for 24 hours, to the key that asked.",
    params: Ref,
    body: CreateCustomerKey,
    examples: { body: { scopes: ["read", "ingest"] } },
    answers: { 201: NewCustomerKeyWire },
    refuses: ["customer_not_found", "request_conflict"],
    handle: createKey,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{keyId}/rotate`,
    scope: "client",
    tag: "Customer keys",
    summary: "Replace a customer's key",
    description:
      "Answers a new key with a new id and the same scopes. The old key ends at once, or after `overlapSeconds`; it can be rotated once.",
    params: RefAndKey,
    body: RotateCustomerKey,
    examples: { body: { overlapSeconds: 3600 } },
    answers: { 200: NewCustomerKeyWire },
    refuses: ["customer_not_found", "thing_not_found", "state_conflict", "request_conflict"],
    handle: rotateKey,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{keyId}`,
    scope: "client",
    tag: "Customer keys",
    summary: "Revoke a customer's key",
    description: "At once here and within 5 seconds everywhere. Revoking again changes nothing.",
    params: RefAndKey,
    answers: { 200: CustomerKeyWire },
    refuses: ["customer_not_found", "thing_not_found", "request_conflict"],
    handle: revokeKey,
  }),
];
