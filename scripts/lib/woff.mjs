import { inflateSync } from "node:zlib";

/** Reads WOFF 1.0 (W3C Recommendation of 13 December 2012) and writes the TrueType font in it, with the tables a PDF needs. */

const KEPT = ["cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp"];

const HEADER_BYTES = 44;
const ENTRY_BYTES = 20;

/** The kept tables of a font by their tag. Throws on a font whose outlines are not TrueType. */
export function fontOf(woff) {
  if (woff.toString("latin1", 0, 4) !== "wOFF") throw new Error("a font file is not WOFF 1.0");
  const tables = new Map();
  for (let index = 0; index < woff.readUInt16BE(12); index++) {
    const entry = HEADER_BYTES + index * ENTRY_BYTES;
    const tag = woff.toString("latin1", entry, entry + 4);
    const [offset, compressedBytes, bytes] = [4, 8, 12].map((at) => woff.readUInt32BE(entry + at));
    const data = woff.subarray(offset, offset + compressedBytes);
    if (KEPT.includes(tag)) tables.set(tag, compressedBytes < bytes ? inflateSync(data) : data);
  }
  const missing = KEPT.filter((tag) => !tables.has(tag));
  if (missing.length > 0) throw new Error(`a font has no ${missing.join(", ")}`);
  return tables;
}

/** Glyph by code point, from the best of the font's Unicode maps (formats 12 and 4). */
export function codePointsOf(font) {
  const cmap = font.get("cmap");
  const maps = Array.from({ length: cmap.readUInt16BE(2) }, (_, index) => cmap.readUInt32BE(8 + index * 8));
  const read = { 4: segments, 12: groups };
  const best = maps
    .sort((a, b) => cmap.readUInt16BE(b) - cmap.readUInt16BE(a))
    .find((at) => cmap.readUInt16BE(at) in read);
  if (best === undefined) throw new Error("a font has no Unicode map of format 4 or 12");
  return new Map(read[cmap.readUInt16BE(best)](cmap.subarray(best)).filter(([, glyph]) => glyph !== 0));
}

function groups(map) {
  const found = [];
  for (let index = 0; index < map.readUInt32BE(12); index++) {
    const [first, last, glyph] = [0, 4, 8].map((at) => map.readUInt32BE(16 + index * 12 + at));
    for (let point = first; point <= last; point++) found.push([point, glyph + point - first]);
  }
  return found;
}

function segments(map) {
  const found = [];
  const doubled = map.readUInt16BE(6);
  for (let at = 14; at < 14 + doubled; at += 2) {
    const last = map.readUInt16BE(at);
    const first = map.readUInt16BE(at + doubled + 2);
    const delta = map.readUInt16BE(at + 2 * doubled + 2);
    const rangeAt = at + 3 * doubled + 2;
    const range = map.readUInt16BE(rangeAt);
    for (let point = first; point <= last && point !== 0xffff; point++) {
      const glyph = range === 0 ? point : map.readUInt16BE(rangeAt + range + (point - first) * 2);
      found.push([point, range !== 0 && glyph === 0 ? 0 : (glyph + delta) & 0xffff]);
    }
  }
  return found;
}

/** Inclusive ranges of ascending code points. */
export function rangesOf(codePoints) {
  const ranges = [];
  for (const point of codePoints.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === point - 1) last[1] = point;
    else ranges.push([point, point]);
  }
  return ranges;
}

/** The font as a TrueType file whose only map is of format 12 and holds `codePoints`. */
export function sfntOf(font, codePoints) {
  const tables = new Map(font).set("cmap", mapOf(codePointsOf(font), codePoints));
  const head = Buffer.alloc(12 + tables.size * 16);
  head.writeUInt32BE(0x00010000, 0);
  head.writeUInt16BE(tables.size, 4);
  const parts = [head];
  let offset = head.length;
  for (const [index, tag] of KEPT.entries()) {
    const data = tables.get(tag);
    head.write(tag, 12 + index * 16, "latin1");
    head.writeUInt32BE(offset, 12 + index * 16 + 8);
    head.writeUInt32BE(data.length, 12 + index * 16 + 12);
    const padding = Buffer.alloc((4 - (data.length % 4)) % 4);
    parts.push(data, padding);
    offset += data.length + padding.length;
  }
  return Buffer.concat(parts);
}

function mapOf(glyphs, codePoints) {
  const points = codePoints.toSorted((a, b) => a - b);
  const map = Buffer.alloc(12 + 16 + points.length * 12);
  map.writeUInt16BE(1, 2);
  map.writeUInt16BE(3, 4);
  map.writeUInt16BE(10, 6);
  map.writeUInt32BE(12, 8);
  map.writeUInt16BE(12, 12);
  map.writeUInt32BE(map.length - 12, 16);
  map.writeUInt32BE(points.length, 24);
  for (const [index, point] of points.entries()) {
    const at = 28 + index * 12;
    map.writeUInt32BE(point, at);
    map.writeUInt32BE(point, at + 4);
    map.writeUInt32BE(glyphs.get(point), at + 8);
  }
  return map;
}
