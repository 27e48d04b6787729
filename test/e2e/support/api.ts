/** The key that every local start knows, and no deployment. */
export const DEMO_KEY = "sk_test_828df0fc77874c219f353417fbca1ef4";

type Answered = { status: number; data: unknown };

/** What one GET of the Demo account answers. */
export function get(tanso: { url: string }, path: string): Promise<Answered> {
  return ask(tanso, "GET", path);
}

/** What one call of the Demo account answers. A server that does not answer within `waitMs` counts as gone: it throws. */
export async function ask(
  tanso: { url: string },
  method: "GET" | "POST" | "PATCH",
  path: string,
  body?: unknown,
  waitMs = 60_000,
): Promise<Answered> {
  const response = await fetch(`${tanso.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${DEMO_KEY}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(waitMs),
  });
  const { data } = (await response.json()) as { data?: unknown };
  return { status: response.status, data };
}

/** How long a caller waits for an answer before it asks again, and how long it rests in between. */
const PATIENCE_MS = 30_000;
const REST_MS = 100;

/**
 * As `ask`, over and over until the server answers without a failure of its own: what a client does whose calls may be repeated.
 * `repeats` is how often it had to. After a failure it waits for `isBack` first.
 */
export async function insist(
  tanso: { url: string },
  method: "GET" | "POST" | "PATCH",
  path: string,
  body?: unknown,
  isBack: () => Promise<unknown> = () => new Promise((resolve) => setTimeout(resolve, REST_MS)),
): Promise<Answered & { repeats: number }> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      const answered = await ask(tanso, method, path, body, PATIENCE_MS);
      if (answered.status < 500) return { ...answered, repeats };
    } catch {
      // Gone, or not there yet.
    }
    await isBack();
  }
}

/** Figures as every analytics answer has them. */
export type Figures = {
  events: number;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  revenue: number;
  margin: number;
  costUnknownEvents: number;
};

/** The sums of the Demo account over `query` (start, end). */
export async function totals(tanso: { url: string }, query: string): Promise<Figures> {
  const { data } = await get(tanso, `/api/v1/analytics/portfolio?${query}`);
  return (data as { totals: Figures }).totals;
}
