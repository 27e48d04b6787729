import type { Call } from "./route.ts";

/** One JSON line per request: ids, codes, counts. Never a body, a query or a key. */
export function logRequest(
  method: string,
  path: string,
  status: number,
  requestId: string,
  elapsedMs: number,
  log: Call["log"],
): void {
  const line = JSON.stringify({
    at: "request",
    requestId,
    method,
    path,
    status,
    elapsedMs,
    ...log,
  });
  if (status >= 500) console.error(line);
  else console.log(line);
}
