/** The key that every local start knows, and no deployment. */
export const DEMO_KEY = "sk_test_828df0fc77874c219f353417fbca1ef4";

/** What one GET of the Demo account answers. */
export async function get(tanso: { url: string }, path: string): Promise<{ status: number; data: unknown }> {
  const response = await fetch(`${tanso.url}${path}`, { headers: { Authorization: `Bearer ${DEMO_KEY}` } });
  const body = (await response.json()) as { data?: unknown };
  return { status: response.status, data: body.data };
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
