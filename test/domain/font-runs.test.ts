import { describe, test } from "vitest";
import { type FontSlice, fontRuns } from "../../src/domain/font-runs.ts";

const LATIN: FontSlice = {
  file: "latin",
  ranges: [
    [0x20, 0x7e],
    [0xa0, 0xff],
  ],
};
const GREEK: FontSlice = {
  file: "greek",
  ranges: [
    [0x20, 0x20],
    [0x370, 0x3ff],
  ],
};
const HAN: FontSlice = { file: "han", ranges: [[0x4e00, 0x9fff]] };
const SLICES = [LATIN, GREEK, HAN];

describe("does", () => {
  test("text is cut where its font ends", ({ expect }) => {
    expect(fontRuns("Acme 北京 ΑΒΓ", SLICES)).toEqual([
      { file: "latin", text: "Acme " },
      { file: "han", text: "北京" },
      { file: "latin", text: " " },
      { file: "greek", text: "ΑΒΓ" },
    ]);
  });

  test("a run goes on through what its font prints as well", ({ expect }) => {
    expect(fontRuns("ΑΒ ΓΔ", SLICES)).toEqual([{ file: "greek", text: "ΑΒ ΓΔ" }]);
  });

  test("a letter and its mark are printed as one where there is one", ({ expect }) => {
    expect(fontRuns("e\u0301", SLICES)).toEqual([{ file: "latin", text: "é" }]);
  });

  test("a character that no font has is printed as its code point", ({ expect }) => {
    expect(fontRuns("a😀\u0e01b", SLICES)).toEqual([{ file: "latin", text: "a[U+1F600][U+0E01]b" }]);
    expect(fontRuns("北😀京", SLICES)).toEqual([
      { file: "han", text: "北" },
      { file: "latin", text: "[U+1F600]" },
      { file: "han", text: "京" },
    ]);
  });

  test("half of a character is printed as one that is missing", ({ expect }) => {
    expect(fontRuns("a\ud83d", SLICES)).toEqual([{ file: "latin", text: "a[U+FFFD]" }]);
  });

  test("what has no ink is left out", ({ expect }) => {
    expect(fontRuns("a\u200db\u202ec\ufe0f\u00ad", SLICES)).toEqual([{ file: "latin", text: "abc" }]);
    expect(fontRuns("", SLICES)).toEqual([]);
  });
});
