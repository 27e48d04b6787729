import type { PDFDocument, PDFFont, PDFName, PDFOperator, PDFPage } from "@cantoo/pdf-lib";
import { fontRuns } from "../domain/font-runs.ts";
import type { InvoiceDocument } from "../domain/invoice-document.ts";
import { type InvoiceSheet, invoiceSheet } from "../domain/invoice-sheet.ts";
import { type Assets, type Fonts, type LoadedFont, loadFonts } from "./fonts.ts";
import { layOutInvoice, textsByWeight } from "./invoice-layout.ts";
import { type Ink, type Mark, PAGE } from "./page-flow.ts";

/** An invoice as PDF. The same document gives the same bytes: no clock, no dice, and the library's own ids are counted. */

/** 0 to 255 each. */
const INKS: Record<Ink, readonly [red: number, green: number, blue: number]> = {
  text: [24, 28, 36],
  soft: [102, 110, 124],
  accent: [28, 63, 122],
  rule: [216, 220, 227],
  tint: [240, 243, 248],
  paper: [255, 255, 255],
  open: [28, 63, 122],
  late: [176, 42, 42],
  settled: [32, 120, 76],
  quiet: [112, 119, 132],
};

const RULE_HEIGHT = 0.6;

type Library = typeof import("@cantoo/pdf-lib");

/** Bytes of an A4 document. Throws where the figures do not add up, or where the deployment lacks its fonts. */
export async function renderInvoicePdf(assets: Assets, document: InvoiceDocument): Promise<Uint8Array<ArrayBuffer>> {
  const sheet = invoiceSheet(document);
  // Large, and of no use to any other request: it is made ready when the first invoice is printed.
  const [library, fonts] = await Promise.all([import("@cantoo/pdf-lib"), loadFonts(assets, textsByWeight(sheet))]);
  const pdf = await library.PDFDocument.create({ updateMetadata: false });
  describe(pdf, sheet, document);
  const read = new Map<Uint8Array, LoadedFont["font"]>();
  pdf.registerFontkit({
    create: (bytes) => {
      const font = read.get(bytes);
      if (font === undefined) throw new Error("only loaded fonts are embedded");
      return font;
    },
  });
  const embedded = new Map<string, PDFFont>();
  const embed = async (loaded: LoadedFont): Promise<PDFFont> => {
    const known = embedded.get(loaded.name);
    if (known !== undefined) return known;
    read.set(loaded.bytes, loaded.font);
    const font = await pdf.embedFont(loaded.bytes, { subset: true, customName: nameOf(loaded, embedded.size) });
    embedded.set(loaded.name, font);
    return font;
  };
  for (const marks of layOutInvoice(sheet, (text, size, bold) => widthOf(fonts, text, size, bold))) {
    const page = pdf.addPage([PAGE.width, PAGE.height]);
    const keys = new Map<string, { font: PDFFont; key: PDFName }>();
    for (const loaded of fontsOf(marks, fonts)) {
      const font = await embed(loaded);
      keys.set(loaded.name, { font, key: page.node.newFontDictionary(font.name, font.ref) });
    }
    for (const mark of marks) draw(page, mark, { library, fonts, keys });
  }
  return (await pdf.save({ addDefaultPage: false })) as Uint8Array<ArrayBuffer>;
}

function describe(
  pdf: PDFDocument,
  { heading, number, seller }: InvoiceSheet,
  { issuedAtMs, periodEndMs }: InvoiceDocument,
): void {
  pdf.setTitle(number === undefined ? heading : `${heading} ${number}`, { showInWindowTitleBar: true });
  if (seller.name !== "") pdf.setAuthor(seller.name);
  pdf.setProducer("tanso-edge");
  pdf.setCreator("tanso-edge");
  pdf.setLanguage("en");
  // When it was issued, not when it was printed: printing it again is no other document.
  const date = new Date(issuedAtMs ?? periodEndMs);
  pdf.setCreationDate(date);
  pdf.setModificationDate(date);
}

/** A subset's name begins with six letters of its own (ISO 32000-1, 9.6.4). */
function nameOf({ name }: LoadedFont, index: number): string {
  const letters = index.toString(26).padStart(6, "0");
  const tag = [...letters].map((digit) => String.fromCharCode(65 + Number.parseInt(digit, 26))).join("");
  return `${tag}+${name}`;
}

function fontsOf(marks: readonly Mark[], fonts: Fonts): Set<LoadedFont> {
  const texts = marks.filter((mark) => mark.kind === "text");
  return new Set(
    texts.flatMap(({ text, bold }) =>
      fontRuns(text, fonts.slices).map(({ file }) => fonts.fontOf(file, weightOf(bold))),
    ),
  );
}

const weightOf = (bold: boolean) => (bold ? 600 : 400);

function widthOf(fonts: Fonts, text: string, size: number, bold: boolean): number {
  let width = 0;
  for (const run of fontRuns(text, fonts.slices)) {
    const { font } = fonts.fontOf(run.file, weightOf(bold));
    for (const { advanceWidth } of font.layout(run.text).glyphs) width += (advanceWidth * size) / font.unitsPerEm;
  }
  return width;
}

type Tools = {
  library: Library;
  fonts: Fonts;
  /** By the name of the font: as it is called on this page. */
  keys: ReadonlyMap<string, { font: PDFFont; key: PDFName }>;
};

function draw(page: PDFPage, mark: Mark, tools: Tools): void {
  const y = PAGE.height - mark.y;
  switch (mark.kind) {
    case "text":
      page.pushOperators(...textOperators(mark, tools));
      break;
    case "rule":
      page.pushOperators(...boxOperators({ ...mark, height: RULE_HEIGHT }, tools));
      break;
    case "box":
      page.pushOperators(...boxOperators(mark, tools));
      break;
    case "link": {
      const { PDFString } = tools.library;
      const annotation = page.doc.context.obj({
        Type: "Annot",
        Subtype: "Link",
        Rect: [mark.x, y - mark.height, mark.x + mark.width, y],
        Border: [0, 0, 0],
        A: { Type: "Action", S: "URI", URI: PDFString.of(addressOf(mark.url)) },
      });
      page.node.addAnnot(page.doc.context.register(annotation));
    }
  }
}

/** As ASCII, without the marks that end a string in a PDF. */
function addressOf(url: string): string {
  return new URL(url).href.replaceAll("(", "%28").replaceAll(")", "%29").replaceAll("\\", "%5C");
}

type Box = { x: number; y: number; width: number; height: number; ink: Ink };

function boxOperators({ x, y, width, height, ink }: Box, { library }: Tools): PDFOperator[] {
  return [fillIn(ink, library), library.rectangle(x, PAGE.height - y - height, width, height), library.fill()];
}

function textOperators({ x, y, text, size, bold, ink }: Mark & { kind: "text" }, tools: Tools): PDFOperator[] {
  const { library, fonts, keys } = tools;
  const shown = fontRuns(text, fonts.slices).flatMap((run) => {
    const used = keys.get(fonts.fontOf(run.file, weightOf(bold)).name);
    if (used === undefined) throw new Error("a page's fonts are embedded before it is drawn");
    // Each run goes on where the last one ended.
    return [library.setFontAndSize(used.key, size), library.showText(used.font.encodeText(run.text))];
  });
  return [library.beginText(), fillIn(ink, library), library.moveText(x, PAGE.height - y), ...shown, library.endText()];
}

function fillIn(ink: Ink, { setFillingRgbColor }: Library): PDFOperator {
  const [red, green, blue] = INKS[ink];
  return setFillingRgbColor(red / 255, green / 255, blue / 255);
}
