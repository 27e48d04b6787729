import { refusalText } from "../lib/api.mjs";

/** Calls that the parts of the seed share. `call` is an API client of `lib/api.mjs`. */

export const PLANS_PATH = "/api/v1/monetization/plans";
export const RULES_PATH = "/api/v1/monetization/rules/plan-features";
export const SUBSCRIPTIONS_PATH = "/api/v1/client/subscriptions";

/** One call; answers its data, undefined for an expected refusal. */
export async function ask(call, method, path, body, expected = [200]) {
  const answer = await call(method, path, body === undefined ? undefined : JSON.stringify(body));
  if (!expected.includes(answer.status)) throw new Error(`${method} ${path} answers ${refusalText(answer)}`);
  return answer.status >= 400 ? undefined : answer.body.data;
}

/** Ids of a list's things by their keys. */
export async function idsByKey(call, path) {
  const { items } = await ask(call, "GET", `${path}?limit=200`);
  return new Map(items.map(({ key, id }) => [key, id]));
}

export function instant(atMs) {
  return new Date(atMs).toISOString();
}
