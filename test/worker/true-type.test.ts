import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import { type PrintFont, readTrueType } from "../../src/documents/true-type.ts";
import type { FontSlice } from "../../src/domain/font-runs.ts";

const asset = async (file: string): Promise<Uint8Array> =>
  new Uint8Array(await (await env.ASSETS.fetch(`https://assets.invalid/fonts/${file}`)).arrayBuffer());

const slices = async (): Promise<FontSlice[]> =>
  JSON.parse(new TextDecoder().decode(await asset("fonts.json"))).slices as FontSlice[];

/** A font file's outlines by glyph, read apart from the code under test. */
function outlinesOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tableAt = (tag: string): number => {
    for (let entry = 12; ; entry += 16)
      if (new TextDecoder().decode(file.subarray(entry, entry + 4)) === tag) return view.getUint32(entry + 8);
  };
  const [head, maxp, loca, glyf] = [tableAt("head"), tableAt("maxp"), tableAt("loca"), tableAt("glyf")];
  const offset = (glyph: number): number =>
    view.getInt16(head + 50) === 1 ? view.getUint32(loca + glyph * 4) : view.getUint16(loca + glyph * 2) * 2;
  return Array.from({ length: view.getUint16(maxp + 4) }, (_, glyph) =>
    file.subarray(glyf + offset(glyph), glyf + offset(glyph + 1)),
  );
}

/** An outline without its padding; of a compound one its components instead of their numbers. */
function inkOf(outlines: readonly Uint8Array[], glyph: number): unknown {
  const outline = outlines[glyph] ?? new Uint8Array();
  const view = new DataView(outline.buffer, outline.byteOffset, outline.byteLength);
  if (outline.length === 0 || view.getInt16(0) >= 0) return [...outline].join().replace(/(,0){0,3}$/, "");
  const parts: unknown[] = [];
  let flags = 0x20;
  for (let at = 10; (flags & 0x20) !== 0; ) {
    flags = view.getUint16(at);
    const bytes = 4 + (flags & 1 ? 4 : 2) + (flags & 8 ? 2 : flags & 0x40 ? 4 : flags & 0x80 ? 8 : 0);
    parts.push(flags, inkOf(outlines, view.getUint16(at + 2)), [...outline.subarray(at + 4, at + bytes)].join());
    at += bytes;
  }
  return parts;
}

function subsetOf(font: PrintFont, text: string): { file: Uint8Array; glyphs: { from: number; to: number }[] } {
  const subset = font.createSubset();
  const glyphs = font.layout(text).glyphs.map((glyph) => ({ from: glyph.id, to: subset.includeGlyph(glyph) }));
  return { file: subset.encode(), glyphs };
}

describe("does", () => {
  test.for<[name: string, text: string]>([
    ["noto-sans-latin-400", "Ada 0123456789 €1,234.50 Äé©"],
    ["noto-sans-latin-ext-600", "ĄąŁłŻżŐű₺₽₹"],
    ["noto-sans-greek-400", "Αλέξανδρος"],
    ["noto-sans-vietnamese-400", "ễạậ₫"],
    ["noto-sans-sc-119-400", "あ。"],
  ])("a subset of %s has the outlines of its font, component by component", async ([name, text], { expect }) => {
    const original = await asset(`${name}.ttf`);
    const { file, glyphs } = subsetOf(readTrueType(original, name), text);
    const [before, after] = [outlinesOf(original), outlinesOf(file)];
    expect(glyphs.every(({ from, to }) => from > 0 && to > 0)).toBe(true);
    for (const { from, to } of glyphs) expect(inkOf(after, to)).toEqual(inkOf(before, from));
    expect(file.length).toBeLessThan(original.length / 2);
  });

  test("a glyph that is used again is there once", async ({ expect }) => {
    const font = readTrueType(await asset("noto-sans-latin-400.ttf"), "latin");
    const { file, glyphs } = subsetOf(font, "aaba");
    expect(glyphs.map(({ to }) => to)).toEqual([1, 1, 2, 1]);
    expect(outlinesOf(file)).toHaveLength(3);
  });

  test("figures are of one width, so that digits stand below digits", async ({ expect }) => {
    for (const weight of [400, 600]) {
      const font = readTrueType(await asset(`noto-sans-latin-${weight}.ttf`), "latin");
      const widths = font.layout("0123456789").glyphs.map(({ advanceWidth }) => advanceWidth);
      expect(new Set(widths).size).toBe(1);
      expect(widths[0]).toBeGreaterThan(500);
    }
  });
});

describe("refuses", () => {
  test("a file that is no TrueType font is not read", async ({ expect }) => {
    const json = await asset("fonts.json");
    expect(() => readTrueType(json, "none")).toThrow("a font file is TrueType");
  });
});

describe("holds", () => {
  test("every character that a slice says it prints has ink in both weights, or is a space", async ({ expect }) => {
    const bare: string[] = [];
    let count = 0;
    for (const { file, ranges } of await slices()) {
      for (const weight of [400, 600]) {
        const bytes = await asset(`${file}-${weight}.ttf`);
        const [font, outlines] = [readTrueType(bytes, file), outlinesOf(bytes)];
        for (const [first, last] of ranges)
          for (let point = first; point <= last; point++) {
            count++;
            const inkless = (outlines[font.glyphForCodePoint(point).id]?.length ?? 0) === 0;
            if (inkless && !/\p{Z}|\p{C}|\p{Default_Ignorable_Code_Point}/u.test(String.fromCodePoint(point)))
              bare.push(`${file} ${weight} U+${point.toString(16)}`);
          }
      }
    }
    expect(bare).toEqual([]);
    expect(count).toBeGreaterThan(20_000);
  });
});
