import { sha256Hex } from "../../domain/digest.ts";

/** Text that is the same for everybody until the next deployment, with the tag that tells whether a reader has it already. */
export type Served = { body: string; type: string; etag: string };

export function servedText(body: string, type: string): Served {
  return { body, type: `${type}; charset=utf-8`, etag: `"${sha256Hex(body).slice(0, 32)}"` };
}

/** Made at its first use, then kept while the isolate lives: start-up pays nothing for a page nobody reads. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/**
 * The text, or 304 where the reader has it. `no-cache` keeps it and asks each time, so that page, script and document of two
 * deployments never mix.
 */
export function serveText(request: Request, served: Served, headers: Record<string, string> = {}): Response {
  const all = {
    ...headers,
    "Cache-Control": "public, no-cache",
    "X-Content-Type-Options": "nosniff",
    ETag: served.etag,
  };
  const known = (request.headers.get("If-None-Match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(served.etag) || known.includes("*")) return new Response(null, { status: 304, headers: all });
  return new Response(served.body, { headers: { ...all, "Content-Type": served.type } });
}
