const ACCEPTED = /^[\x20-\x7e]{1,128}$/;

let prefix: string | undefined;
let count = 0;

/**
 * The caller's `X-Request-Id` where it is 1…128 printable characters, else a new one: a random name of this isolate and a count.
 * The name is drawn with the first request, since an isolate may not roll dice before.
 */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get("X-Request-Id");
  if (sent !== null && ACCEPTED.test(sent)) return sent;
  prefix ??= crypto.randomUUID();
  count += 1;
  return `${prefix}-${count.toString(36)}`;
}
