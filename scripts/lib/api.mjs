/** Waits between attempts grow from the first to the second; the caller says for how long to go on. */
const RETRY_DELAY_MS_MIN = 250;
const RETRY_DELAY_MS_MAX = 5000;
/** How long one answer may take: a server that hangs is one that does not answer. The largest part of an import takes seconds. */
const ANSWER_MS_MAX = 120_000;

/** A server that could not be reached, or went on failing, for as long as the caller wanted to wait. */
export class Unreachable extends Error {}

/**
 * A client of the API for scripts. A lost connection, 429 and 5xx are tried again with back-off for `retrySeconds`: every
 * request of these scripts may be repeated. Answers `{ status, body }`, refusals included.
 */
export function apiClient({ url, key, retrySeconds = 60, onRetry = () => {} }) {
  return async function call(method, path, body, contentType = "application/json") {
    const giveUpAtMs = Date.now() + retrySeconds * 1000;
    for (let delayMs = RETRY_DELAY_MS_MIN; ; delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)) {
      const answer = await attempt(method, `${url}${path}`, key, body, contentType);
      if (answer.problem === undefined) return answer;
      if (Date.now() + delayMs > giveUpAtMs) throw new Unreachable(answer.problem);
      onRetry(answer.problem);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  };
}

async function attempt(method, url, key, body, contentType) {
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers: { Authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "Content-Type": contentType }) },
      body,
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    text = await response.text();
  } catch (error) {
    return { problem: `${new URL(url).origin} does not answer (${error.cause?.code ?? error.message})` };
  }
  if (response.status === 429 || response.status >= 500)
    return { problem: `${new URL(url).origin} answers ${response.status}` };
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: { success: false, error: { message: text.slice(0, 200) } } };
  }
}

/** A refusal as one line: what is wrong, and where. */
export function refusalText({ status, body }) {
  const { message = "no reason given", detail } = body.error ?? {};
  return `${status}: ${message}${detail === undefined ? "" : ` ${detail.replaceAll("\n", "; ")}`}`;
}
