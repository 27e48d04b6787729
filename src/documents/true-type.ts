import { assert } from "../domain/assert.ts";

/**
 * Reads the TrueType files that `npm ci` makes (scripts/lib/fonts.mjs) and writes a subset of one: only the glyphs that a document
 * uses. One glyph per character, no ligatures and no shaping: what is printed here (Latin, Greek, Cyrillic, Armenian, Georgian,
 * Thai, Han, kana) is readable without. In the shape in which the PDF library asks for a font engine. Tables as in ISO/IEC 14496-22.
 */
export type PrintFont = {
  postscriptName: string;
  unitsPerEm: number;
  ascent: number;
  descent: number;
  capHeight: number;
  xHeight: number;
  italicAngle: number;
  bbox: { minX: number; minY: number; maxX: number; maxY: number; width: number; height: number };
  characterSet: number[];
  glyphForCodePoint(codePoint: number): PrintGlyph;
  layout(text: string): { glyphs: PrintGlyph[] };
  createSubset(): { includeGlyph(glyph: PrintGlyph | number): number; encode(): Uint8Array };
};

export type PrintGlyph = { id: number; codePoints: number[]; advanceWidth: number };

type Tables = ReadonlyMap<string, DataView<ArrayBuffer>>;

/** Opens a font file. Throws on one that has another shape than the files made here. */
export function readTrueType(file: Uint8Array, postscriptName: string): PrintFont {
  const tables = tablesOf(file);
  const [head, hhea, map] = [
    tableOf(tables, "head"),
    tableOf(tables, "hhea"),
    glyphsByCodePoint(tableOf(tables, "cmap")),
  ];
  const [minX, minY, maxX, maxY] = [head.getInt16(36), head.getInt16(38), head.getInt16(40), head.getInt16(42)];
  const ascent = hhea.getInt16(4);
  const glyphForCodePoint = (codePoint: number): PrintGlyph => {
    const id = map.get(codePoint) ?? 0;
    return { id, codePoints: [codePoint], advanceWidth: advanceOf(tables, id) };
  };
  return {
    postscriptName,
    unitsPerEm: head.getUint16(18),
    ascent,
    descent: hhea.getInt16(6),
    // Only hints for readers that lack the font, which is embedded.
    capHeight: ascent,
    xHeight: Math.round(ascent / 2),
    italicAngle: 0,
    bbox: { minX, minY, maxX, maxY, width: maxX - minX, height: maxY - minY },
    characterSet: [...map.keys()],
    glyphForCodePoint,
    layout: (text) => ({ glyphs: [...text].map((character) => glyphForCodePoint(character.codePointAt(0) ?? 0)) }),
    createSubset: () => subsetOf(tables),
  };
}

function tablesOf(file: Uint8Array): Tables {
  const bytes = file.slice();
  const view = new DataView(bytes.buffer);
  assert(view.getUint32(0) === 0x00010000, "a font file is TrueType");
  const tables = new Map<string, DataView<ArrayBuffer>>();
  for (let index = 0; index < view.getUint16(4); index++) {
    const entry = 12 + index * 16;
    const tag = String.fromCharCode(...bytes.subarray(entry, entry + 4));
    tables.set(tag, new DataView(bytes.buffer, view.getUint32(entry + 8), view.getUint32(entry + 12)));
  }
  return tables;
}

function tableOf(tables: Tables, tag: string): DataView<ArrayBuffer> {
  const table = tables.get(tag);
  assert(table !== undefined, "a font file has its tables");
  return table;
}

/** The one map of the files made here is of format 12. */
function glyphsByCodePoint(cmap: DataView): Map<number, number> {
  const at = cmap.getUint32(8);
  assert(cmap.getUint16(at) === 12, "a font file's map is of format 12");
  const glyphs = new Map<number, number>();
  for (let group = 0; group < cmap.getUint32(at + 12); group++) {
    const entry = at + 16 + group * 12;
    const [first, last, glyph] = [cmap.getUint32(entry), cmap.getUint32(entry + 4), cmap.getUint32(entry + 8)];
    for (let point = first; point <= last; point++) glyphs.set(point, glyph + point - first);
  }
  return glyphs;
}

/** Place of a glyph's width and bearing: the last width stands for all glyphs after it. */
function metricsOf(tables: Tables, glyph: number): { advance: number; bearing: number } {
  const hmtx = tableOf(tables, "hmtx");
  const wide = tableOf(tables, "hhea").getUint16(34);
  const bearingAt = glyph < wide ? glyph * 4 + 2 : wide * 4 + (glyph - wide) * 2;
  return { advance: hmtx.getUint16(Math.min(glyph, wide - 1) * 4), bearing: hmtx.getInt16(bearingAt) };
}

function advanceOf(tables: Tables, glyph: number): number {
  return metricsOf(tables, glyph).advance;
}

function outlineOf(tables: Tables, glyph: number): Uint8Array {
  const [loca, glyf] = [tableOf(tables, "loca"), tableOf(tables, "glyf")];
  const long = tableOf(tables, "head").getInt16(50) === 1;
  const offsetOf = (index: number): number => (long ? loca.getUint32(index * 4) : loca.getUint16(index * 2) * 2);
  const [start, end] = [offsetOf(glyph), offsetOf(glyph + 1)];
  return new Uint8Array(glyf.buffer, glyf.byteOffset + start, end - start).slice();
}

/** Where a compound glyph names its components: byte offsets of their ids. */
function componentPlaces(outline: Uint8Array): number[] {
  const view = new DataView(outline.buffer);
  if (outline.length === 0 || view.getInt16(0) >= 0) return [];
  const places: number[] = [];
  let at = 10;
  for (;;) {
    const flags = view.getUint16(at);
    places.push(at + 2);
    // Arguments of a word or a byte each; then one scale, two, or a matrix of four.
    at += 4 + (flags & 0x0001 ? 4 : 2) + (flags & 0x0008 ? 2 : flags & 0x0040 ? 4 : flags & 0x0080 ? 8 : 0);
    if ((flags & 0x0020) === 0) return places;
  }
}

function subsetOf(tables: Tables): ReturnType<PrintFont["createSubset"]> {
  // The glyph for what is missing is the first of every font.
  const glyphs = [0];
  const places = new Map([[0, 0]]);
  const include = (glyph: number): number => {
    const known = places.get(glyph);
    if (known !== undefined) return known;
    places.set(glyph, glyphs.length);
    return glyphs.push(glyph) - 1;
  };
  return {
    includeGlyph: (glyph) => include(typeof glyph === "number" ? glyph : glyph.id),
    encode: () => {
      const outlines: Uint8Array[] = [];
      // Components are added behind, and so are theirs.
      for (const glyph of glyphs) {
        const outline = outlineOf(tables, glyph);
        const view = new DataView(outline.buffer);
        for (const place of componentPlaces(outline)) view.setUint16(place, include(view.getUint16(place)));
        outlines.push(outline);
      }
      return fileOf(tables, glyphs, outlines);
    },
  };
}

/** A font file of these glyphs, numbered from 0. It needs no map: a PDF names glyphs by number. */
function fileOf(tables: Tables, glyphs: readonly number[], outlines: readonly Uint8Array[]): Uint8Array {
  const count = glyphs.length;
  const copy = (tag: string): DataView => {
    const { buffer, byteOffset, byteLength } = tableOf(tables, tag);
    return new DataView(buffer.slice(byteOffset, byteOffset + byteLength));
  };
  const head = copy("head");
  head.setInt16(50, 1);
  const hhea = copy("hhea");
  hhea.setUint16(34, count);
  const maxp = copy("maxp");
  maxp.setUint16(4, count);
  const hmtx = new DataView(new ArrayBuffer(count * 4));
  for (const [index, glyph] of glyphs.entries()) {
    const { advance, bearing } = metricsOf(tables, glyph);
    hmtx.setUint16(index * 4, advance);
    hmtx.setInt16(index * 4 + 2, bearing);
  }
  const loca = new DataView(new ArrayBuffer((count + 1) * 4));
  const padded = outlines.map((outline) => padTo(outline, 4));
  let offset = 0;
  for (const [index, outline] of padded.entries()) {
    offset += outline.length;
    loca.setUint32((index + 1) * 4, offset);
  }
  return sfnt([
    ["glyf", joined(padded)],
    ["head", bytesOf(head)],
    ["hhea", bytesOf(hhea)],
    ["hmtx", bytesOf(hmtx)],
    ["loca", bytesOf(loca)],
    ["maxp", bytesOf(maxp)],
  ]);
}

/** `tables` in the order of their tags. */
function sfnt(tables: readonly (readonly [tag: string, data: Uint8Array])[]): Uint8Array {
  const head = new DataView(new ArrayBuffer(12 + tables.length * 16));
  head.setUint32(0, 0x00010000);
  head.setUint16(4, tables.length);
  const power = Math.floor(Math.log2(tables.length));
  head.setUint16(6, 16 * 2 ** power);
  head.setUint16(8, power);
  head.setUint16(10, tables.length * 16 - 16 * 2 ** power);
  let offset = head.byteLength;
  const parts = [bytesOf(head)];
  for (const [index, [tag, data]] of tables.entries()) {
    const entry = 12 + index * 16;
    for (let letter = 0; letter < 4; letter++) head.setUint8(entry + letter, tag.charCodeAt(letter));
    const padded = padTo(data, 4);
    head.setUint32(entry + 4, checksum(padded));
    head.setUint32(entry + 8, offset);
    head.setUint32(entry + 12, data.length);
    parts.push(padded);
    offset += padded.length;
  }
  return joined(parts);
}

function checksum(padded: Uint8Array): number {
  const view = new DataView(padded.buffer, padded.byteOffset, padded.byteLength);
  let sum = 0;
  for (let at = 0; at < padded.length; at += 4) sum = (sum + view.getUint32(at)) >>> 0;
  return sum;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function padTo(data: Uint8Array, multiple: number): Uint8Array {
  const padded = new Uint8Array(Math.ceil(data.length / multiple) * multiple);
  padded.set(data);
  return padded;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
