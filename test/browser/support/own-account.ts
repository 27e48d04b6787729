/** An account of a test's own: what it writes, no other test looks at. */

export type Own = { key: string; call: <T>(method: string, path: string, body?: unknown) => Promise<T> };

/** A new test account on a local server, and calls with its admin key, which throw what is refused. */
export async function ownAccount(url: string): Promise<Own> {
  const { apiKey: key } = await send<{ apiKey: string }>(url, "root_local", "POST", "/api/v1/accounts", {
    name: "Quill & Co",
    mode: "test",
  });
  return { key, call: (method, path, body) => send(url, key, method, path, body) };
}

/** One call with a key; throws what is refused. */
export async function send<T>(url: string, key: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // The contract's shape of this call, as the caller names it.
  const envelope = (await response.json()) as { data: T };
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(envelope)}`);
  return envelope.data;
}
