/**
 * Which font prints which character. Owns the choice, and what stands for a character that no font has: its code point, written
 * out, so that nobody takes an empty box for a name. Leaves loading and measuring fonts to `documents/`.
 *
 * Laws: every run is printable by its slice; runs in order hold all of the text that prints at all.
 */

/** A file of a font and the inclusive ranges of code points it prints, ascending. */
export type FontSlice = { file: string; ranges: readonly (readonly [first: number, last: number])[] };

/** A stretch of text in one font. */
export type FontRun = { file: string; text: string };

/** Without ink or width by definition: joiners, variation selectors, marks of direction. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;

const ASCII = /^[ -~]+$/;

/**
 * The runs of `text`, each from the first of `slices` that has its characters. A run is not left for a character that it can
 * print as well, so that a word stays in one font. The first slice has to print ASCII: what nobody has is written in it.
 */
export function fontRuns(text: string, slices: readonly FontSlice[]): FontRun[] {
  const [first] = slices;
  // Most text by far.
  if (first !== undefined && ASCII.test(text)) return [{ file: first.file, text }];
  const runs: FontRun[] = [];
  let current: FontSlice | undefined;
  for (const character of text.normalize("NFC").toWellFormed()) {
    if (INVISIBLE.test(character)) continue;
    const codePoint = character.codePointAt(0) ?? 0;
    const own = slices.find((slice) => prints(slice, codePoint));
    const chosen: FontSlice | undefined =
      own !== undefined && current !== undefined && prints(current, codePoint) ? current : own;
    const slice = chosen ?? first;
    if (slice === undefined) continue;
    const last = runs.at(-1);
    const printed = chosen === undefined ? codePointText(codePoint) : character;
    if (last !== undefined && current === slice) last.text += printed;
    else runs.push({ file: slice.file, text: printed });
    current = slice;
  }
  return runs;
}

/** What is printed for a character that no font has: "[U+1F600]". */
export function codePointText(codePoint: number): string {
  return `[U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}]`;
}

function prints({ ranges }: FontSlice, codePoint: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] ?? [0, -1];
    if (codePoint < first) high = middle - 1;
    else if (codePoint > last) low = middle + 1;
    else return true;
  }
  return false;
}
