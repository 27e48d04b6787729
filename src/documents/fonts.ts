import { assert } from "../domain/assert.ts";
import { BoundedMap } from "../domain/bounded-map.ts";
import { type FontSlice, fontRuns } from "../domain/font-runs.ts";
import { FONTS_CACHED_MAX } from "../domain/limits.ts";
import { type PrintFont, readTrueType } from "./true-type.ts";

/** The fonts of printed documents, fetched from the Worker's static assets: of each only the slices that a text needs. */

export type Weight = (typeof WEIGHTS)[number];
export const WEIGHTS = [400, 600] as const;

/** What gives the files: the binding of the assets. */
export type Assets = { fetch(url: string): Promise<Response> };

export type Fonts = {
  slices: readonly FontSlice[];
  /** A slice that was asked for when the fonts were loaded. */
  fontOf(file: string, weight: Weight): LoadedFont;
};

export type LoadedFont = { name: string; bytes: Uint8Array; font: PrintFont };

const remembered = new BoundedMap<string, LoadedFont>(FONTS_CACHED_MAX);
const lists = new BoundedMap<string, readonly FontSlice[]>(1);

/** A binding answers any host. */
const FOLDER = "https://assets.invalid/fonts";

/** The fonts that print `texts` in their weights. Throws when a file is missing: a deployment without its assets. */
export async function loadFonts(assets: Assets, texts: Record<Weight, string>): Promise<Fonts> {
  const slices = await sliceList(assets);
  const loaded = new Map<string, LoadedFont>();
  const wanted = WEIGHTS.flatMap((weight) =>
    // A character that nobody has is written in ASCII, by the first slice.
    [...new Set(fontRuns(`A${texts[weight]}`, slices).map(({ file }) => `${file}-${weight}`))],
  );
  await Promise.all(wanted.map(async (name) => loaded.set(name, await loadFont(assets, name))));
  return {
    slices,
    fontOf: (file, weight) => {
      const font = loaded.get(`${file}-${weight}`);
      assert(font !== undefined, "a document is set in the fonts that were loaded for it");
      return font;
    },
  };
}

async function sliceList(assets: Assets): Promise<readonly FontSlice[]> {
  const known = lists.get("slices");
  if (known !== undefined) return known;
  const { slices } = await (await fetched(assets, "fonts.json")).json<{ slices: FontSlice[] }>();
  lists.set("slices", slices);
  return slices;
}

async function loadFont(assets: Assets, name: string): Promise<LoadedFont> {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(await (await fetched(assets, `${name}.ttf`)).arrayBuffer());
  const font = { name, bytes, font: readTrueType(bytes, name) };
  remembered.set(name, font);
  return font;
}

async function fetched(assets: Assets, file: string): Promise<Response> {
  const response = await assets.fetch(`${FOLDER}/${file}`);
  if (!response.ok) throw new Error(`the assets have no fonts/${file} (status ${response.status})`);
  return response;
}
