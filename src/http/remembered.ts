import { isVersionClash, versionStatement } from "../catalog/accounts.ts";
import { type Actor, type Audit, auditStatement } from "../catalog/audit.ts";
import {
  isRequestClash,
  type RequestId,
  readBefore,
  rememberFirst,
  rememberStatements,
  type StoredAnswer,
} from "../catalog/requests.ts";
import { forgetAccount } from "../catalog/snapshot.ts";
import { errorEnvelope } from "../contract/errors.ts";
import { ACCOUNT_COMMIT_ATTEMPTS_MAX } from "../domain/limits.ts";
import type { Refusal } from "../domain/refusal.ts";
import { type Answer, answer, type Call, ipOf, type Success } from "./route.ts";
import { seal, unseal } from "./seal.ts";

/**
 * How an account changes what it configured: one D1 batch holds the effect, its audit row, the account's new version and, under
 * an Idempotency-Key, the answer. Either all of it is there or nothing. A repeat gets the first answer, whether it comes later or
 * at the same instant; a concurrent change of the same account makes a decision that rested on what was read be taken again.
 */

/** What a command decided to do. */
export type Decided = {
  ok: true;
  statements: readonly D1PreparedStatement[];
  audit: Audit | readonly Audit[];
  status: number;
  data?: unknown;
  /** The answer shows a secret: it is kept encrypted. */
  sealed?: true;
  /**
   * `leave`: nothing that isolates remember of the account changes. `bump`: settings or catalog change, so the version grows.
   * `guard`: moreover the decision rests on what was read, and is taken again if the account changed since.
   */
  version: "leave" | "bump" | "guard";
  /** The effect is an earlier request's under the same key, whose answer was lost on its way into D1. */
  replayed?: boolean;
  /** Answered when a statement would break a unique key other than the request's. */
  taken?: Refusal;
};

/** Decides by what D1 holds now; may run more than once, so it must have no effect of its own. */
export type Decide = (nowMs: number) => Promise<Decided | Refusal>;

type Scope = { accountId: string; requests: string; actor: Actor };

/** Carries out a command of the caller's own account. 503 while D1 is away: nothing is known to have happened, so try again. */
export function commitAccount(call: Call, decide: Decide): Promise<Answer> {
  const { accountId } = call.account.account;
  const actor = { keyId: call.key.keyId, hint: call.key.hint, ip: ipOf(call), requestId: call.requestId };
  return commit(call, { accountId, requests: accountId, actor }, decide);
}

/**
 * A command whose effect, if any, is in a customer's object. The object keeps its own reply with the effect; here the answer is kept
 * after it, with what is refused before any object is asked: a repeat hears the first answer even if the catalog changed since.
 * `work` passes the request's key on to the object, so that it may run again after a crash in between. `sealed`: see `Decided`.
 */
export function answerOnce(
  call: Call,
  work: () => Promise<Success | Refusal>,
  sealed: Pick<Decided, "sealed"> = {},
): Promise<Answer> {
  if (call.requestKey === undefined) return work();
  return commitAccount(call, async () => {
    const answered = await work();
    return answered.ok ? { ...answered, ...sealed, statements: [], audit: [], version: "leave" } : answered;
  });
}

/** Makes an account with the root token. Nothing of the account exists yet, so its requests are remembered under `root`. */
export function commitAsRoot(call: Call, accountId: string, decide: Decide): Promise<Answer> {
  const actor = { hint: "root token", ip: ipOf(call), requestId: call.requestId };
  return commit(call, { accountId, requests: "root", actor }, decide);
}

async function commit(call: Call, scope: Scope, decide: Decide): Promise<Answer> {
  const database = call.env.DB;
  for (let attempt = 0; attempt < ACCOUNT_COMMIT_ATTEMPTS_MAX; attempt += 1) {
    const nowMs = Date.now();
    const before = await readBefore(database, scope.accountId, requestIdOf(call, scope), nowMs);
    if (before.answer !== undefined) return replay(call, before.answer);
    const decided = await decide(nowMs);
    if (!decided.ok) return rememberRefusal(call, scope, decided, nowMs);
    const { statements, status, data } = decided;
    const audits = Array.isArray(decided.audit) ? (decided.audit as readonly Audit[]) : [decided.audit as Audit];
    const work = [
      // First, so that a request that raced with itself is found out before it trips over its own effect.
      ...(await rememberSuccess(call, scope, decided, nowMs)),
      ...versionStatements(database, scope.accountId, decided.version, before.version),
      ...statements,
      ...audits.map((audit) => auditStatement(database, scope.accountId, audit, scope.actor, nowMs)),
    ];
    try {
      // A command that found all as it should be writes nothing, and D1 refuses an empty batch.
      if (work.length > 0) await database.batch(work);
    } catch (failure) {
      if (isRequestClash(failure) || isVersionClash(failure)) continue;
      if (decided.taken !== undefined && isUniqueClash(failure))
        return rememberRefusal(call, scope, decided.taken, nowMs);
      throw failure;
    }
    if (decided.version !== "leave") forgetAccount(scope.accountId);
    return { ...answer(status, data), ...(decided.replayed ? { replayed: true } : {}) };
  }
  return { ok: false, code: "state_conflict", why: "The account is being changed by many requests; try again." };
}

function versionStatements(
  database: D1Database,
  accountId: string,
  change: Decided["version"],
  readVersion: number,
): D1PreparedStatement[] {
  if (change === "leave") return [];
  return [versionStatement(database, accountId, change === "guard" ? readVersion : undefined)];
}

function isUniqueClash(failure: unknown): boolean {
  return failure instanceof Error && failure.message.includes("UNIQUE constraint failed");
}

function requestIdOf(call: Call, scope: Scope): RequestId | undefined {
  return call.requestKey === undefined ? undefined : { accountId: scope.requests, digest: call.requestKey.digest };
}

async function rememberSuccess(
  call: Call,
  scope: Scope,
  decided: Decided,
  nowMs: number,
): Promise<D1PreparedStatement[]> {
  const id = requestIdOf(call, scope);
  if (id === undefined || call.requestKey === undefined) return [];
  const { bodyDigest, digest } = call.requestKey;
  const envelope = JSON.stringify({ success: true, ...(decided.data === undefined ? {} : { data: decided.data }) });
  const sealed = decided.sealed === true;
  const body = sealed ? await seal(envelope, call.secret, digest) : envelope;
  const stored = { bodyDigest, status: decided.status, body, sealed, ...subjectOf(call) };
  return rememberStatements(call.env.DB, id, stored, nowMs);
}

/** The customer whom the call turned out to be about. */
function subjectOf({ log }: Call): { customerId?: string } {
  return typeof log.customerId === "string" ? { customerId: log.customerId } : {};
}

/** Statuses of a handler's own refusals, which are answers like any other: a repeat hears them again. */
const REMEMBERED_STATUSES: readonly number[] = [400, 402, 404, 409];

/** Keeps a refusal under the Idempotency-Key. Where another request was faster, its answer is the first one. */
async function rememberRefusal(call: Call, scope: Scope, refusal: Refusal, nowMs: number): Promise<Answer> {
  const id = requestIdOf(call, scope);
  const { status, body } = errorEnvelope(refusal);
  if (id === undefined || call.requestKey === undefined || !REMEMBERED_STATUSES.includes(status)) return refusal;
  // The object remembers that it was asked; the payment page is told as it is by then.
  if (refusal.code === "payment_needed") return refusal;
  const { bodyDigest } = call.requestKey;
  const stored = { bodyDigest, status, body: JSON.stringify(body), sealed: false, ...subjectOf(call) };
  const first = await rememberFirst(call.env.DB, id, stored, nowMs);
  return first === undefined || (first.bodyDigest === stored.bodyDigest && first.body === stored.body)
    ? refusal
    : replay(call, first);
}

async function replay(call: Call, stored: StoredAnswer): Promise<Answer> {
  if (call.requestKey === undefined || stored.bodyDigest !== call.requestKey.bodyDigest)
    return { ok: false, code: "request_conflict" };
  const body = stored.sealed ? await unseal(stored.body, call.secret, call.requestKey.digest) : stored.body;
  if (body === undefined)
    return {
      ok: false,
      code: "state_conflict",
      why: "The first answer under this Idempotency-Key shows a secret, so only the API key that asked for it can read it again.",
    };
  return new Response(body, {
    status: stored.status,
    headers: { "Content-Type": "application/json; charset=utf-8", "Idempotency-Replayed": "true" },
  });
}
