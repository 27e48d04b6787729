import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT, tool } from "./project.mjs";
import { codePointsOf, fontOf, rangesOf, sfntOf } from "./woff.mjs";

/**
 * The fonts of printed invoices, as static assets of the Worker: `assets/fonts/`, made from the installed packages and not
 * committed. Each package cuts its family into slices by range; a slice becomes one TrueType file of the tables that a PDF needs.
 * `fonts.json` names the slices in the order in which they are asked for a character, with exactly what each can print.
 */

const FOLDER = join(PROJECT, "assets/fonts");

/** Raised when what is written here changes shape: folders made before are made again. */
const FORMAT = 2;

const WEIGHTS = [400, 600];

/**
 * `slices`: which of a package's slices are taken, in this order; absent: those that have a number for a name. `only`: the one character taken of a script whose words would need shaping,
 * which nobody does here: its currency sign.
 */
const FAMILIES = [
  { name: "noto-sans", slices: ["latin", "latin-ext", "greek", "greek-ext", "cyrillic", "cyrillic-ext", "vietnamese"] },
  { name: "noto-sans-armenian", slices: ["armenian"] },
  { name: "noto-sans-georgian", slices: ["georgian"] },
  { name: "noto-sans-thai", slices: ["thai"] },
  { name: "noto-sans-bengali", slices: ["bengali"], only: [0x9f3] },
  { name: "noto-sans-khmer", slices: ["khmer"], only: [0x17db] },
  { name: "noto-sans-arabic", slices: ["arabic"], only: [0x60b, 0xfdfc] },
  { name: "noto-sans-sc" },
];

/** Makes the folder unless it is there for the installed versions. Takes about a second; asking, nothing. */
export function prepareFonts() {
  const versions = FAMILIES.map(({ name }) => `${name}@${json(`${name}/package.json`).version}`);
  const made = JSON.stringify([FORMAT, WEIGHTS, versions]);
  const note = join(FOLDER, "made.json");
  if (existsSync(note) && readFileSync(note, "utf8") === made) return;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const slices = FAMILIES.flatMap(slicesOf);
  writeFileSync(join(FOLDER, "fonts.json"), JSON.stringify({ weights: WEIGHTS, slices }));
  // The licence goes where its fonts go.
  for (const { name } of FAMILIES) copyFileSync(packageFile(`${name}/LICENSE`), join(FOLDER, `${name}.LICENSE.txt`));
  // Written last: a folder that was not finished is made again.
  writeFileSync(note, made);
}

function slicesOf({ name, slices, only }) {
  const taken = slices ?? Object.keys(json(`${name}/unicode.json`)).filter((slice) => /^\[\d+\]$/.test(slice));
  return taken.flatMap((slice) => {
    const file = `${name}-${slice.replace(/[[\]]/g, "")}`;
    const fonts = WEIGHTS.map((weight) => ({ weight, font: readFont(name, file, weight) }));
    const [regular, ...others] = fonts.map(({ font }) => codePointsOf(font));
    const printable = [...regular.keys()].filter(
      (point) => others.every((points) => points.has(point)) && (only === undefined || only.includes(point)),
    );
    if (printable.length === 0) return [];
    for (const { weight, font } of fonts) writeFileSync(join(FOLDER, `${file}-${weight}.ttf`), sfntOf(font, printable));
    return [{ file, ranges: rangesOf(printable) }];
  });
}

const readFont = (name, file, weight) =>
  fontOf(readFileSync(packageFile(`${name}/files/${file}-${weight}-normal.woff`)));

const packageFile = (path) => tool(`@fontsource/${path}`);
const json = (path) => JSON.parse(readFileSync(packageFile(path), "utf8"));
