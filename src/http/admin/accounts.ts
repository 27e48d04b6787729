import * as z from "zod";
import { accountStatements } from "../../catalog/accounts.ts";
import { currency, instantText, name } from "../../contract/scalars.ts";
import { newKey } from "../new-key.ts";
import { answer, defineRoute, type Route } from "../route.ts";

const AccountWire = z
  .object({
    id: z.uuid(),
    name: z.string(),
    mode: z.enum(["live", "test"]),
    currency: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "Account" });

/** Accounts are made with the root token alone (CONTRACT §9). */
export const accountRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/accounts",
    scope: "root",
    tag: "Accounts",
    summary: "Make an account",
    description:
      "With the deployment's root token. Answers the account's first admin key, shown only now. The mode never changes.",
    body: z
      .object({ name, mode: z.enum(["live", "test"]), currency: currency.optional() })
      .meta({ id: "CreateAccount" }),
    examples: { body: { name: "Acme AI", mode: "test", currency: "USD" } },
    answers: { 201: z.object({ account: AccountWire, apiKey: z.string() }) },
    refuses: ["root_token_unset"],
    handle: async (call) => {
      const nowMs = Date.now();
      const accountId = crypto.randomUUID();
      const account = { accountId, name: call.body.name, mode: call.body.mode, currency: call.body.currency ?? "USD" };
      const key = await newKey(call.body.mode, "account");
      await call.env.DB.batch(accountStatements(call.env.DB, account, key, nowMs, call.requestId, call.ip));
      return answer(201, {
        account: {
          id: accountId,
          name: account.name,
          mode: account.mode,
          currency: account.currency,
          createdAt: instantText(nowMs),
        },
        apiKey: key.secret,
      });
    },
  }),
];
