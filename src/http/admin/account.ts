import { AccountWire, toWireAccount } from "../../contract/account.ts";
import { answer, defineRoute, type Route } from "../route.ts";

/** The caller's own account: who it is. Its settings, keys and trail have files of their own. */
export const ownAccountRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/account",
    scope: "admin",
    tag: "Accounts",
    summary: "Read the account that the key belongs to",
    answers: { 200: AccountWire },
    handle: (call) => answer(200, toWireAccount(call.account.account)),
  }),
];
