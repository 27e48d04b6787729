import type * as z from "zod";
import { renameStatement, sellerUntilStatement } from "../../catalog/accounts.ts";
import { readAccount } from "../../catalog/snapshot.ts";
import { AccountWire, ChangeAccount, toWireAccount } from "../../contract/account.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** The caller's own account: who it is. Its settings, keys and trail have files of their own. */

const PATH = "/api/v1/account";

function rename(call: Call<unknown, unknown, z.output<typeof ChangeAccount>>): Promise<Answer> {
  const { accountId } = call.account.account;
  return commitAccount(call, async (nowMs) => {
    const snapshot = await readAccount(call.env.DB, accountId, nowMs);
    if (snapshot === undefined) return { ok: false, code: "thing_not_found", what: "account", given: "of this key" };
    const { account } = snapshot;
    const { name } = call.body;
    if (name === account.name)
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: toWireAccount(account) };
    return {
      ok: true,
      version: "guard",
      statements: [
        sellerUntilStatement(call.env.DB, accountId, nowMs),
        renameStatement(call.env.DB, accountId, name, nowMs),
      ],
      audit: { action: "account.renamed", target: accountId, before: { name: account.name }, after: { name } },
      status: 200,
      data: toWireAccount({ ...account, name, modifiedAtMs: nowMs }),
    };
  });
}

export const ownAccountRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Accounts",
    summary: "Read the account that the key belongs to",
    answers: { 200: AccountWire },
    handle: (call) => answer(200, toWireAccount(call.account.account)),
  }),
  defineRoute({
    method: "PATCH",
    path: PATH,
    scope: "admin",
    tag: "Accounts",
    summary: "Rename the account",
    description: "Its mode never changes; its currency is a setting.",
    body: ChangeAccount,
    examples: { body: { name: "Acme AI" } },
    answers: { 200: AccountWire },
    refuses: ["thing_not_found", "state_conflict", "request_conflict"],
    handle: rename,
  }),
];
