/**
 * The console's cookie, and what must come with it. A browser sends cookies with every request to us, whoever made it; so a session
 * counts only beside a header that no other site's page can send without asking first, and only from a page of this very origin.
 */

/** On every call of the console; a page of another origin would have to ask for it by CORS, which never allows it. */
const CONSOLE_HEADER = "X-Tanso-Console";

/** Browsers take the prefix as a promise, which needs TLS: no other host's page and no plain connection can have set it. */
const SECURE_NAME = "__Host-tanso_console";
const LOCAL_NAME = "tanso_console";

const LOCAL_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** The name of the cookie at this address, and whether it is Secure: everywhere but on this machine. */
function cookieAt(request: Request): { name: string; isSecure: boolean } {
  const isSecure = !LOCAL_HOSTS.includes(new URL(request.url).hostname);
  return { name: isSecure ? SECURE_NAME : LOCAL_NAME, isSecure };
}

/** The session's secret as a request shows it. */
export function sessionSecretOf(request: Request): string | undefined {
  const cookies = request.headers.get("Cookie");
  if (cookies === null) return undefined;
  const { name } = cookieAt(request);
  for (const pair of cookies.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || undefined;
  }
  return undefined;
}

/** The Set-Cookie header of a session for `ageSeconds`; 0 takes the cookie away. */
export function sessionCookie(request: Request, secret: string, ageSeconds: number): string {
  const { name, isSecure } = cookieAt(request);
  return `${name}=${secret}; Path=/; Max-Age=${ageSeconds}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}

/** Was the request made by a page of this origin, if it was made by a page at all? */
export function isOwnOrigin(request: Request): boolean {
  const origin = request.headers.get("Origin");
  const site = request.headers.get("Sec-Fetch-Site");
  return (
    (origin === null || origin === new URL(request.url).origin) &&
    (site === null || site === "same-origin" || site === "none")
  );
}

/** Did the console's own script make this request? Of one that changes something the browser must say so itself: no script can. */
export function isFromConsole(request: Request): boolean {
  if (request.headers.get(CONSOLE_HEADER) !== "1") return false;
  const isSaid = request.headers.has("Origin") || request.headers.get("Sec-Fetch-Site") === "same-origin";
  return isOwnOrigin(request) && (request.method === "GET" || isSaid);
}

/**
 * Did one of our own pages lead here, to show this as a page of its own? A link brings no header of ours; what the browser says of it
 * instead, no script and no other site can say.
 */
export function isOwnNavigation(request: Request): boolean {
  const said = (name: string) => request.headers.get(`Sec-Fetch-${name}`);
  return (
    request.method === "GET" &&
    said("Site") === "same-origin" &&
    said("Mode") === "navigate" &&
    said("Dest") === "document"
  );
}
