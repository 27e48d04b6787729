import { signal } from "@preact/signals";
import { useCallback, useEffect, useState } from "preact/hooks";
import type { Page, Whoami } from "./wire.ts";

/** The one way to the API: same origin, the session's cookie, and the header that makes it count. No key is ever here. */

/** Why a call failed, for people; `requestId` leads to its line in the log. */
export type Problem = { status: number; code: string; message: string; detail?: string; requestId?: string };
export type Answered<T> = { ok: true; data: T } | { ok: false; problem: Problem };

/** Who is signed in: undefined until it is known, null when nobody is. */
export const whoami = signal<Whoami | null | undefined>(undefined);

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Envelope = { success: boolean; data?: unknown; error?: { code: string; message: string; detail?: string } };

/** Asks the API. The caller names the shape that the contract gives this route. A session that ended leads back to signing in. */
export async function ask<T>(method: Method, path: string, body?: unknown): Promise<Answered<T>> {
  let response: Response;
  try {
    response = await send(method, path, body);
  } catch {
    const message = "The server does not answer. Check the connection, then try again.";
    return { ok: false, problem: { status: 0, code: "unreachable", message } };
  }
  const requestId = response.headers.get("X-Request-Id") ?? undefined;
  const envelope = (await response.json().catch(() => ({ success: false }))) as Envelope;
  // The contract is the server's promise: a client that checked it again would only repeat its schemas.
  if (response.ok && envelope.success) return { ok: true, data: envelope.data as T };
  if (response.status === 401 && path !== "/console/session") whoami.value = null;
  const { code = "internal_error", message = `The server answered ${response.status}.`, detail } = envelope.error ?? {};
  return {
    ok: false,
    problem: {
      status: response.status,
      code,
      message,
      ...(detail === undefined ? {} : { detail }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  };
}

function send(method: Method, path: string, body?: unknown): Promise<Response> {
  return fetch(path, {
    method,
    credentials: "same-origin",
    headers: { "X-Tanso-Console": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Fetches a document and hands it to the browser as a file. */
export async function download(path: string, name: string): Promise<boolean> {
  const response = await send("GET", path).catch(() => undefined);
  if (response?.ok !== true) return false;
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then; kept longer it would only hold memory.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return true;
}

/** A path with its query; undefined and empty values are left out. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}

/** What a view knows of an answer. While `data` is shown, a newer question may be under way. */
export type Asked<T> = { data: T | undefined; problem: Problem | undefined; isLoading: boolean; again: () => void };

/** The answer of a GET, asked again when the path changes; what was there stays visible meanwhile. `undefined`: ask nothing. */
export function useAsk<T>(path: string | undefined): Asked<T> {
  return useAnswer<T>(path, (asked) => ask("GET", asked));
}

/** Pages of the API's largest size, and as many as can still be chosen from. */
const WHOLE_PAGE = 200;
const WHOLE_PAGES_MAX = 10;

/** A list to its end, for what is chosen from it: one that is cut would hide what somebody looks for. `path`: without a query. */
export function useWhole<T>(path: string | undefined): Asked<Page<T>> {
  return useAnswer<Page<T>>(path, wholeOf);
}

async function wholeOf<T>(path: string): Promise<Answered<Page<T>>> {
  const items: T[] = [];
  for (let page = 1; ; page += 1) {
    const answered = await ask<Page<T>>("GET", withQuery(path, { limit: WHOLE_PAGE, offset: items.length }));
    if (!answered.ok) return answered;
    items.push(...answered.data.items);
    const { pagination } = answered.data;
    if (!pagination.hasMore || page === WHOLE_PAGES_MAX) return { ok: true, data: { items, pagination } };
  }
}

function useAnswer<T>(path: string | undefined, read: (path: string) => Promise<Answered<T>>): Asked<T> {
  const [state, setState] = useState<{ path?: string; data?: T; problem?: Problem; isLoading: boolean }>({
    isLoading: path !== undefined,
  });
  const [turn, setTurn] = useState(0);
  // `turn` asks the same again.
  useEffect(() => {
    if (path === undefined) return;
    let isWanted = true;
    setState((known) => ({ ...known, isLoading: true }));
    read(path).then((answered) => {
      if (!isWanted) return;
      setState(
        answered.ok
          ? { path, data: answered.data, isLoading: false }
          : { path, problem: answered.problem, isLoading: false },
      );
    });
    return () => {
      isWanted = false;
    };
  }, [path, turn]);
  const again = useCallback(() => setTurn((known) => known + 1), []);
  return { data: state.data, problem: state.problem, isLoading: state.isLoading, again };
}
