import type { Reply } from "../domain/refusal.ts";

/** The body's bytes, or `body_too_large` without reading more than the limit. */
export async function readBytes(request: Request, bytesMax: number): Promise<Reply<Uint8Array>> {
  const tooLarge: Reply<Uint8Array> = { ok: false, code: "body_too_large", bytesMax };
  const declared = request.headers.get("Content-Length");
  if (Number(declared ?? "0") > bytesMax) return tooLarge;
  // With a declared length the platform never hands over more than it. Not `arrayBuffer`, which takes longer, nor a look at the stream.
  if (declared !== null) return { ok: true, value: await request.bytes() };
  if (request.body === null) return { ok: true, value: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return tooLarge;
    chunks.push(chunk);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return { ok: true, value: whole };
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/** Is this Content-Type JSON? None at all counts as JSON: requests are read generously. */
export function isJsonType(contentType: string | null): boolean {
  return contentType === null || contentType.trim() === "" || JSON_TYPE.test(contentType.trim());
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Strict UTF-8 and JSON; empty is `{}`. */
export function parseJson(bytes: Uint8Array): Reply<unknown> {
  if (bytes.byteLength === 0) return { ok: true, value: {} };
  try {
    const text = strict.decode(bytes);
    return { ok: true, value: text.trim() === "" ? {} : JSON.parse(text) };
  } catch {
    return { ok: false, code: "malformed_json" };
  }
}
