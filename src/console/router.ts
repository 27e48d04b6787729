import { signal } from "@preact/signals";

/** Addresses: every view has one that can be shared, and the browser's own buttons move between them. */

const BASE = "/console";

type Place = { path: string; query: URLSearchParams };

function placeNow(): Place {
  const { pathname, search } = window.location;
  return { path: pathname.slice(BASE.length).replace(/\/+$/, "") || "/", query: new URLSearchParams(search) };
}

/** Where the reader is: the path below `/console`, and the query. */
export const place = signal<Place>(placeNow());

/** The place of this entry among those of the console, as the browser's history keeps it. */
let entry = entryOf(window.history.state) ?? 0;
window.history.replaceState({ entry }, "");

function entryOf(state: unknown): number | undefined {
  const { entry: found } = (state ?? {}) as { entry?: unknown };
  return typeof found === "number" ? found : undefined;
}

/** The address of a path below the console. */
export function hrefOf(path: string): string {
  return path === "/" ? BASE : `${BASE}${path}`;
}

/** What would be lost by leaving, as a view that holds it says. */
export const unsaved = signal<string | undefined>(undefined);

window.addEventListener("beforeunload", (event) => {
  if (unsaved.value !== undefined) event.preventDefault();
});

function mayLeave(): boolean {
  if (unsaved.value !== undefined && !window.confirm(`${unsaved.value} Leave without saving?`)) return false;
  unsaved.value = undefined;
  return true;
}

let isGoingBack = false;

/** The browser's own buttons have moved already when they are heard of: who stays after all is brought back. */
window.addEventListener("popstate", ({ state }) => {
  const to = entryOf(state) ?? 0;
  if (isGoingBack) {
    isGoingBack = false;
    return;
  }
  if (to !== entry && !mayLeave()) {
    isGoingBack = true;
    window.history.go(entry - to);
    return;
  }
  entry = to;
  place.value = placeNow();
});

/** Goes to a path (with its query, if any); a new entry in the history. Asks first where something is unsaved. */
export function navigate(path: string): void {
  if (!mayLeave()) return;
  entry += 1;
  window.history.pushState({ entry }, "", hrefOf(path));
  place.value = placeNow();
  window.scrollTo(0, 0);
}

/** Changes parameters of the query; `undefined` takes one away. The history keeps one entry per view, not one per filter. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const search = query.size === 0 ? "" : `?${query}`;
  window.history.replaceState({ entry }, "", `${hrefOf(place.value.path)}${search}`);
  place.value = placeNow();
}

/** An address that somebody wrote by hand need not be well encoded. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The parameters of a path under a pattern such as `/customers/:ref`; undefined where it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const value = given[at] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = decoded(value);
    else if (part !== value) return undefined;
  }
  return params;
}

/** Follows links of the console without loading the page anew; modified clicks and other links are the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest("a");
  if (link === null || link === undefined || link.target !== "" || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  const isOurs = url.origin === window.location.origin && /^\/console(\/(?!files\/)|$)/.test(url.pathname);
  if (!isOurs || url.hash !== "") return;
  event.preventDefault();
  navigate(`${url.pathname.slice(BASE.length) || "/"}${url.search}`.replace(/^\/\?/, "?"));
}
