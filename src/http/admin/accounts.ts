import { accountStatement } from "../../catalog/accounts.ts";
import { keyStatement } from "../../catalog/api-keys.ts";
import { CreateAccount, NewAccountWire, toWireAccount } from "../../contract/account.ts";
import { accountIdIn } from "../../domain/placement.ts";
import { newKey } from "../new-key.ts";
import { commitAsRoot } from "../remembered.ts";
import { defineRoute, type Route } from "../route.ts";

const CURRENCY_DEFAULT = "USD";

/** Accounts are made with the root token alone. */
export const accountRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/accounts",
    scope: "root",
    tag: "Accounts",
    summary: "Make an account",
    description:
      "With the deployment's root token. Answers the account's first admin key, shown only now; a repeat under an Idempotency-Key shows it again, for 24 hours, to the same token. The mode never changes.",
    body: CreateAccount,
    examples: { body: { name: "Acme AI", mode: "test", currency: "USD" } },
    answers: { 201: NewAccountWire },
    refuses: ["root_token_unset", "request_conflict"],
    handle: (call) => {
      const { jurisdiction } = call.body;
      const accountId = accountIdIn(jurisdiction, crypto.randomUUID());
      return commitAsRoot(call, accountId, async (nowMs) => {
        const { name, mode, currency = CURRENCY_DEFAULT } = call.body;
        const key = newKey(mode, "account");
        const account = { accountId, name, mode, currency };
        const stored = { ...key, name: "First admin key", scopes: ["admin"] as const, createdAtMs: nowMs };
        return {
          ok: true,
          version: "leave",
          statements: [accountStatement(call.env.DB, account, nowMs), keyStatement(call.env.DB, accountId, stored)],
          audit: {
            action: "account.created",
            target: accountId,
            after: { name, mode, currency, ...(jurisdiction === undefined ? {} : { jurisdiction }), keyId: key.keyId },
          },
          status: 201,
          data: {
            account: toWireAccount({ ...account, createdAtMs: nowMs, modifiedAtMs: nowMs }),
            apiKey: key.secret,
          },
          sealed: true,
        };
      });
    },
  }),
];
