const ACCEPTED = /^[\x20-\x7e]{1,128}$/;

/** The caller's `X-Request-Id` where it is 1…128 printable characters, else a new one. */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get("X-Request-Id");
  return sent !== null && ACCEPTED.test(sent) ? sent : crypto.randomUUID();
}
