import * as z from "zod";
import { accountKey, accountKeyPage, keyStatement, revokeStatement } from "../../catalog/api-keys.ts";
import { forgetKey } from "../../catalog/snapshot.ts";
import { ApiKeyWire, CreateApiKey, NewApiKeyWire, RotateApiKey, toWireApiKey } from "../../contract/api-key.ts";
import { idText, instantText, page, paged, pageOf } from "../../contract/scalars.ts";
import { isActive, type StoredKey } from "../../domain/api-key.ts";
import { newKey } from "../new-key.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** The account's own keys. Those of its customers are `client/keys.ts`. */

const PATH = "/api/v1/account/api-keys";

function createKey(call: Call<unknown, unknown, z.output<typeof CreateApiKey>>): Promise<Answer> {
  const { accountId, mode } = call.account.account;
  return commitAccount(call, async (nowMs) => {
    const { name, rateLimit } = call.body;
    const { secret, ...made } = newKey(mode, "account");
    const key: StoredKey<"admin" | "client"> = {
      ...made,
      ...(name === undefined ? {} : { name }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
      scopes: [...new Set(call.body.scopes ?? ["client" as const])],
      createdAtMs: nowMs,
    };
    const shown = toWireApiKey(key, nowMs);
    return {
      ok: true,
      version: "leave",
      statements: [keyStatement(call.env.DB, accountId, key)],
      audit: { action: "api_key.created", target: key.keyId, after: shown },
      status: 201,
      data: { ...shown, apiKey: secret },
      sealed: true,
    };
  });
}

/** A successor with the same name and scopes. The old key ends now or after the overlap; a key has one successor. */
async function rotateKey(call: Call<{ id: string }, unknown, z.output<typeof RotateApiKey>>): Promise<Answer> {
  const { accountId, mode } = call.account.account;
  let digest: string | undefined;
  const answered = await commitAccount(call, async (nowMs) => {
    const found = await accountKey(call.env.DB, accountId, call.params.id.toLowerCase(), nowMs);
    if (found === undefined) return { ok: false, code: "thing_not_found", what: "API key", given: call.params.id };
    const { key: old } = found;
    digest = old.digest;
    if (!isActive(old, nowMs) || old.revokedAtMs !== undefined)
      return { ok: false, code: "state_conflict", why: "This key has ended or was rotated already; make a new one." };
    const endsAtMs = nowMs + (call.body.overlapSeconds ?? 0) * 1000;
    const { secret, ...made } = newKey(mode, "account");
    const { name, scopes } = old;
    const key: StoredKey<"admin" | "client"> = {
      ...made,
      ...(name === undefined ? {} : { name }),
      scopes,
      createdAtMs: nowMs,
    };
    const shown = toWireApiKey(key, nowMs);
    return {
      ok: true,
      version: "guard",
      statements: [
        revokeStatement(call.env.DB, accountId, old.keyId, endsAtMs),
        keyStatement(call.env.DB, accountId, key),
      ],
      audit: {
        action: "api_key.rotated",
        target: old.keyId,
        before: toWireApiKey(old, nowMs),
        after: { ...shown, oldKeyEndsAt: instantText(endsAtMs) },
      },
      status: 200,
      data: { ...shown, apiKey: secret },
      sealed: true,
    };
  });
  if (digest !== undefined) forgetKey(digest);
  return answered;
}

/** Revoking twice changes nothing. The account always keeps one admin key, or nobody could make another. */
async function revokeKey(call: Call<{ id: string }>): Promise<Answer> {
  const { accountId } = call.account.account;
  const keyId = call.params.id.toLowerCase();
  let digest: string | undefined;
  const answered = await commitAccount(call, async (nowMs) => {
    const found = await accountKey(call.env.DB, accountId, keyId, nowMs);
    if (found === undefined) return { ok: false, code: "thing_not_found", what: "API key", given: call.params.id };
    const { key, otherAdmins } = found;
    digest = key.digest;
    if (!isActive(key, nowMs))
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: toWireApiKey(key, nowMs) };
    if (key.scopes.includes("admin") && otherAdmins === 0)
      return {
        ok: false,
        code: "state_conflict",
        why: "This is the account's last active admin key: make another before revoking it.",
      };
    const shown = toWireApiKey({ ...key, revokedAtMs: nowMs }, nowMs);
    return {
      ok: true,
      version: "guard",
      statements: [revokeStatement(call.env.DB, accountId, keyId, nowMs)],
      audit: { action: "api_key.revoked", target: keyId, before: toWireApiKey(key, nowMs), after: shown },
      status: 200,
      data: shown,
    };
  });
  if (digest !== undefined) forgetKey(digest);
  return answered;
}

export const apiKeyRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "API keys",
    summary: "List the account's keys, revoked ones too",
    query: z.object(page),
    answers: { 200: pageOf(ApiKeyWire) },
    handle: async (call) => {
      const nowMs = Date.now();
      const { items, total } = await accountKeyPage(call.env.DB, call.account.account.accountId, call.query);
      return answer(
        200,
        paged(
          items.map((key) => toWireApiKey(key, nowMs)),
          total,
          call.query,
        ),
      );
    },
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "API keys",
    summary: "Make a key",
    description:
      "The key is shown only in this answer; a repeat under an Idempotency-Key shows it again, for 24 hours, to the key that asked.",
    body: CreateApiKey,
    examples: { body: { name: "Production backend", scopes: ["client"] } },
    answers: { 201: NewApiKeyWire },
    refuses: ["request_conflict"],
    handle: createKey,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/rotate`,
    scope: "admin",
    tag: "API keys",
    summary: "Replace a key",
    description:
      "Answers a new key with a new id, the same name and the same scopes. The old key ends at once, or after `overlapSeconds`; it can be rotated once. Sessions of the console that were opened with the old key end with it.",
    params: z.object({ id: idText }),
    body: RotateApiKey,
    examples: { body: { overlapSeconds: 3600 } },
    answers: { 200: NewApiKeyWire },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: rotateKey,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "API keys",
    summary: "Revoke a key",
    description:
      "It stops working at once here and within 5 seconds everywhere. Revoking again changes nothing. The last active admin key cannot be revoked.",
    params: z.object({ id: idText }),
    answers: { 200: ApiKeyWire },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: revokeKey,
  }),
];
