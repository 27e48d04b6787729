import { canonicalForm, type FormTree } from "./form.ts";
import { StripeRefusal } from "./refusals.ts";
import type { Account, Remembered } from "./state.ts";

/** Stripe's idempotency: the first answer under a key of one API key is its answer for a day. */

const KEPT_MS = 24 * 3_600_000;
const KEY_LENGTH_MAX = 255;

export type Claim = { kind: "first"; done(answer: Remembered["answer"]): void } | { kind: "replay"; first: Answered };
type Answered = NonNullable<Remembered["answer"]>;

/**
 * Claims an idempotency key for a request. The first of it must call `done` with its answer, or with null when the answer is
 * not to be remembered. Throws when the key stands for another request, or for one that still runs.
 */
export function claimKey(
  account: Account,
  apiKey: string,
  key: string,
  { route, params, nowMs }: { route: string; params: FormTree; nowMs: number },
): Claim {
  for (const [name, { atMs }] of Object.entries(account.remembered))
    if (atMs <= nowMs - KEPT_MS) delete account.remembered[name];
  if (key.length > KEY_LENGTH_MAX)
    throw error(400, `Idempotency keys can be at most ${KEY_LENGTH_MAX} characters long.`);
  const name = `${apiKey} ${key}`;
  const request = canonicalForm(params);
  const known = account.remembered[name];
  if (known === undefined) {
    const claimed: Remembered = { request, route, atMs: nowMs, answer: null };
    account.remembered[name] = claimed;
    return {
      kind: "first",
      done: (answer) => {
        if (answer === null) delete account.remembered[name];
        else claimed.answer = answer;
      },
    };
  }
  if (known.route !== route)
    throw error(
      400,
      `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${known.route}' vs '${route}'). Try using a key other than '${key}' if you meant to execute a different request.`,
    );
  if (known.request !== request)
    throw error(
      400,
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
    );
  if (known.answer === null)
    throw error(
      409,
      `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
      "idempotency_key_in_use",
    );
  return { kind: "replay", first: known.answer };
}

function error(status: number, message: string, code?: string): StripeRefusal {
  return new StripeRefusal(
    status,
    { type: "idempotency_error", message, ...(code === undefined ? {} : { code }) },
    false,
  );
}
