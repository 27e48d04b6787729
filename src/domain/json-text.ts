/**
 * Values of the domain as JSON text: bigints are marked, so that what is read is what was written. For columns that hold a whole
 * thing; what is searched or counted has columns of its own. Keys are names of the domain's own, never a caller's.
 *
 * Marked and unmarked by walks of our own: the callbacks that JSON takes for it cost two to five times as much, and every commit
 * writes several of these texts.
 */

const BIGINT = "$bigint";

type Fields = { [field: string]: unknown };

export function jsonText(value: unknown): string {
  return JSON.stringify(marked(value));
}

/** Reads what `jsonText` wrote; the caller knows of what. */
export function fromJsonText<T>(text: string): T {
  return unmarked(JSON.parse(text)) as T;
}

function marked(value: unknown): unknown {
  if (typeof value === "bigint") return { [BIGINT]: value.toString() };
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(marked);
  const fields = value as Fields;
  const copy: Fields = {};
  for (const field in fields) copy[field] = marked(fields[field]);
  return copy;
}

/** In place: what was just parsed is nobody else's. */
function unmarked(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) value[at] = unmarked(item);
    return value;
  }
  const fields = value as Fields;
  const written = fields[BIGINT];
  if (typeof written === "string") return BigInt(written);
  for (const field in fields) {
    const inside = fields[field];
    if (typeof inside === "object") fields[field] = unmarked(inside);
  }
  return value;
}
