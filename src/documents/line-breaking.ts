/** Cuts text into lines of a width: between words, beside any Han or kana, and inside a word only where it is wider than a line. */

/** Places where a line may end: after a space, around a character that stands for a word of its own. */
const PIECES =
  /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef][\u3001\u3002\uff0c\uff0e\uff1a\uff1b\uff01\uff1f\u300d\u300f\uff09\u3011\u3009\u300b]*|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+|\s+/gu;

/** At least one line, and a new one after each line break. Spaces at a line's end are dropped; nothing else is. */
export function breakLines(text: string, widthMax: number, measure: (text: string) => number): string[] {
  return text.split("\n").flatMap((paragraph) => breakParagraph(paragraph, widthMax, measure));
}

function breakParagraph(text: string, widthMax: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  let line = "";
  const push = (): void => {
    if (line.trim() !== "") lines.push(line.trim());
    line = "";
  };
  for (const piece of text.match(PIECES) ?? []) {
    if (measure((line + piece).trimEnd()) <= widthMax) {
      line += piece;
      continue;
    }
    push();
    for (const part of cut(piece, widthMax, measure)) {
      if (line !== "") push();
      line = part;
    }
  }
  push();
  return lines.length === 0 ? [""] : lines;
}

/** The parts of a word that is too wide, each as wide as fits; a word that fits is one part. */
function cut(word: string, widthMax: number, measure: (text: string) => number): string[] {
  if (measure(word) <= widthMax) return [word];
  const parts: string[] = [];
  let part = "";
  for (const character of word) {
    if (part !== "" && measure(part + character) > widthMax) {
      parts.push(part);
      part = "";
    }
    part += character;
  }
  return [...parts, part];
}
