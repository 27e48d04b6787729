import type * as z from "zod";
import type { Context } from "./state.ts";

/** A route of the API as data: what it takes, what a restricted key must be allowed, and what it does. */
export type Route = {
  method: "GET" | "POST" | "DELETE";
  path: string;
  /** Without `_read` or `_write`, as Stripe names permissions of restricted keys. */
  permission: string;
  params: z.ZodType;
  run: (context: Context, params: unknown, path: { id: string }) => object;
};

type Run<P> = (context: Context, params: P, path: { id: string }) => object;

function route<P>(method: Route["method"], path: string, permission: string, params: z.ZodType<P>, run: Run<P>): Route {
  // The router hands a route what its own schema has read, nothing else.
  return { method, path, permission, params, run: run as Run<unknown> };
}

export function get<P>(path: string, permission: string, params: z.ZodType<P>, run: Run<P>): Route {
  return route("GET", path, permission, params, run);
}

export function post<P>(path: string, permission: string, params: z.ZodType<P>, run: Run<P>): Route {
  return route("POST", path, permission, params, run);
}

export function remove<P>(path: string, permission: string, params: z.ZodType<P>, run: Run<P>): Route {
  return route("DELETE", path, permission, params, run);
}
