import * as z from "zod";
import { endSessionStatement, forgetSession, sessionOf, sessionPage } from "../../catalog/console-sessions.ts";
import { toWireAccount } from "../../contract/account.ts";
import { ConsoleSessionWire, SignIn, toWireSession, WhoamiWire } from "../../contract/console-session.ts";
import { idText, page, paged, pageOf } from "../../contract/scalars.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { sessionCookie } from "./cookie.ts";
import { signIn } from "./sign-in.ts";

/**
 * The console's sessions. A session in a cookie opens the API as its key does, for the console's own pages alone (`cookie.ts`);
 * every other caller sends a key.
 */

async function whoami(call: Call): Promise<Answer> {
  const { account, key, sessionId } = call;
  const session =
    sessionId === undefined ? undefined : await sessionOf(call.env.DB, account.account.accountId, sessionId);
  return answer(200, {
    account: toWireAccount(account.account),
    key: { id: key.keyId, hint: key.hint },
    ...(session === undefined ? {} : { session: toWireSession(session, sessionId) }),
  });
}

/** Ends a session and says so in the trail; one that ended already stays as it is. */
async function endSession(
  call: Call,
  sessionId: string,
  action: "console.signed_out" | "console.session_revoked",
): Promise<Answer> {
  const { accountId } = call.account.account;
  let digest: string | undefined;
  const answered = await commitAccount(call, async (nowMs) => {
    const session = await sessionOf(call.env.DB, accountId, sessionId);
    if (session === undefined) return { ok: false, code: "thing_not_found", what: "session", given: sessionId };
    digest = session.digest;
    const isOver = session.revokedAtMs !== undefined || session.expiresAtMs <= nowMs;
    return {
      ok: true,
      version: "leave",
      statements: isOver ? [] : [endSessionStatement(call.env.DB, accountId, sessionId, nowMs)],
      audit: isOver ? [] : { action, target: sessionId },
      status: 200,
    };
  });
  if (digest !== undefined) forgetSession(digest);
  return answered;
}

async function signOut(call: Call): Promise<Answer> {
  if (call.sessionId === undefined) return answer(200);
  const answered = await endSession(call, call.sessionId, "console.signed_out");
  if (answered instanceof Response || !answered.ok) return answered;
  return { ...answered, headers: { "Set-Cookie": sessionCookie(call.request, "", 0) } };
}

const TAG = "Console";

export const consoleSessionRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/console/session",
    scope: "public",
    tag: TAG,
    summary: "Sign in to the console",
    description:
      "An admin key for a session of 12 hours, in a cookie that no script can read (`HttpOnly`, `SameSite=Strict`, `Secure` outside of this machine). The cookie counts only for the console's own pages: beside the header `X-Tanso-Console: 1` and from this origin. Ten failed attempts from one address within ten minutes: 429. Counted in the memory of each isolate, which is enough: a key has 256 random bits.",
    body: SignIn,
    examples: { body: { apiKey: "sk_test_…" } },
    answers: { 201: WhoamiWire },
    refuses: ["bad_key", "link_spent", "not_allowed", "session_elsewhere", "sign_in_limited", "catalog_unavailable"],
    handle: signIn,
  }),
  defineRoute({
    method: "GET",
    path: "/console/session",
    scope: "admin",
    tag: TAG,
    summary: "Who is signed in",
    answers: { 200: WhoamiWire },
    handle: whoami,
  }),
  defineRoute({
    method: "DELETE",
    path: "/console/session",
    scope: "admin",
    tag: TAG,
    summary: "Sign out",
    description: "Ends the session that asks. With a key instead of a session nothing happens.",
    answers: { 200: null },
    handle: signOut,
  }),
  defineRoute({
    method: "GET",
    path: "/console/sessions",
    scope: "admin",
    tag: TAG,
    summary: "List the account's live sessions",
    query: z.object(page),
    answers: { 200: pageOf(ConsoleSessionWire) },
    handle: async (call) => {
      const { items, total } = await sessionPage(call.env.DB, call.account.account.accountId, Date.now(), call.query);
      const shown = items.map((session) => toWireSession(session, call.sessionId));
      return answer(200, paged(shown, total, call.query));
    },
  }),
  defineRoute({
    method: "DELETE",
    path: "/console/sessions/{id}",
    scope: "admin",
    tag: TAG,
    summary: "End a session",
    description: "It stops working at once here and within 5 seconds everywhere. Ending it again changes nothing.",
    params: z.object({ id: idText }),
    answers: { 200: null },
    refuses: ["thing_not_found"],
    handle: (call) => endSession(call, call.params.id.toLowerCase(), "console.session_revoked"),
  }),
];
