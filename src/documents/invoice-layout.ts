import type { Cells, Fact, InvoiceSheet, Party, Row, Tone, Total } from "../domain/invoice-sheet.ts";
import type { Weight } from "./fonts.ts";
import { breakLines } from "./line-breaking.ts";
import { type Block, beside, type Ink, type Mark, PAGE, space, startFlow, together } from "./page-flow.ts";

/** Where everything of an invoice stands on A4. Pure: the width of a text is asked of `measure`. Lengths are points. */

export type Measure = (text: string, size: number, bold: boolean) => number;

const LEFT = 50;
const RIGHT = PAGE.width - 50;
const TOP = 56;
const BOTTOM = PAGE.height - 74;
const FOOTER = PAGE.height - 50;
const GAP = 20;

/** Columns of the table: the first is set from its left edge, the others to their right one, so that digits stand below digits. */
const COLUMNS = {
  description: { left: LEFT, right: 278 },
  quantity: { left: 288, right: 366 },
  unitPrice: { left: 374, right: 456 },
  amount: { left: 464, right: RIGHT },
} as const;

/** A row of more lines than this may be torn by a page's end: a rule of a hundred tiers fits no page. */
const LINES_TOGETHER_MAX = 14;

/** Below this size nobody reads; an amount that is still too wide then runs over its column's left edge. */
const SIZE_MIN = 5;

type Style = { size: number; bold?: boolean; ink?: Ink };

/** The texts of a sheet by the weight in which they are set, for loading fonts. */
export function textsByWeight(sheet: InvoiceSheet): Record<Weight, string> {
  const { heading, headline, seller, buyer, totals, status } = sheet;
  const strong = [
    heading,
    headline,
    seller.name,
    buyer.name,
    status.text,
    ...totals.flatMap((total) => Object.values(total)),
  ];
  // Digits and labels of ours are ASCII, which is in the first slice of either weight.
  return { 400: `…–/${JSON.stringify(sheet)}`, 600: strong.join(" ") };
}

/** The pages of an invoice, each with its number of how many. */
export function layOutInvoice(sheet: InvoiceSheet, measure: Measure): Mark[][] {
  const set = typesetter(measure);
  const flow = startFlow({ top: TOP, bottom: BOTTOM });
  for (const block of headBlocks(sheet, set)) flow.add(block);
  const tableHead = tableHeadBlock(sheet, set);
  const running = together([runningBlock(sheet, set), space(18)]);
  flow.repeat(together([running, tableHead]));
  const [firstRow = [], ...rows] = sheet.rows.map((row) => rowBlocks(row, set));
  // A head without a row below it would stand for nothing.
  const [first = space(0), ...rest] = firstRow;
  flow.add(together([tableHead, first]));
  for (const block of [...rest, ...rows.flat()]) flow.add(block);
  flow.repeat(running);
  flow.add(together([space(10), ...sheet.totals.map((total) => totalBlock(total, set))]));
  for (const block of closingBlocks(sheet.closing, set)) flow.add(block);
  const pages = flow.pages();
  return pages.map((marks, index) => [...marks, ...footerMarks(sheet, `${index + 1} / ${pages.length}`, set)]);
}

/** Sets lines of text; all blocks of text are made here. */
type Typesetter = {
  broken(text: string, width: number, style: Style): string[];
  /** Broken to the width between `left` and `right`. */
  lines(text: string, left: number, right: number, style: Style): Block;
  /** One line that ends at `right`, made smaller where it is wider than its column. */
  flushRight(text: string, left: number, right: number, style: Style): Block;
  measure: Measure;
};

function typesetter(measure: Measure): Typesetter {
  const lineHeight = (size: number): number => size * 1.4;
  const text = (x: number, size: number, content: string, { bold = false, ink = "text" }: Style): Mark[] =>
    content === "" ? [] : [{ kind: "text", x, y: size * 1.07, text: content, size, bold, ink }];
  const broken: Typesetter["broken"] = (content, width, { size, bold = false }) =>
    breakLines(content, width, (piece) => measure(piece, size, bold));
  return {
    measure,
    broken,
    lines: (content, left, right, style) => {
      const { size } = style;
      const lines = broken(content, right - left, style);
      return together(lines.map((line) => ({ height: lineHeight(size), marks: text(left, size, line, style) })));
    },
    flushRight: (content, left, right, style) => {
      const width = measure(content, style.size, style.bold ?? false);
      const size = Math.max(SIZE_MIN, Math.min(style.size, (style.size * (right - left)) / Math.max(width, 1)));
      const x = right - (width * size) / style.size;
      // On the line of its neighbours, whatever its size.
      const marks = text(x, size, content, style).map((mark) => ({ ...mark, y: style.size * 1.07 }));
      return { height: lineHeight(style.size), marks };
    },
  };
}

function headBlocks(sheet: InvoiceSheet, set: Typesetter): Block[] {
  const { heading, number, status, seller, headline, paymentLink } = sheet;
  const pillLeft = LEFT + (number === undefined ? 0 : set.measure(number, 10.5, false) + 10);
  return [
    { height: 0, marks: [{ kind: "box", x: 0, y: -TOP, width: PAGE.width, height: 5, ink: "accent" }] },
    beside([
      together([
        set.lines(heading, LEFT, 300, { size: 24, bold: true, ink: "accent" }),
        space(2),
        beside([
          set.lines(number ?? "", LEFT, 300, { size: 10.5, ink: "soft" }),
          pill(status.text, status.tone, pillLeft, set),
        ]),
      ]),
      // On the heading's baseline.
      together([
        space(12),
        ...set
          .broken(seller.name, RIGHT - 310, { size: 13, bold: true })
          .map((line) => set.flushRight(line, 310, RIGHT, { size: 13, bold: true })),
      ]),
    ]),
    space(30),
    beside([
      partyBlock(seller, LEFT, LEFT + 155, set),
      partyBlock(sheet.buyer, LEFT + 170, LEFT + 325, set),
      factsBlock(sheet.facts, LEFT + 340, RIGHT, set),
    ]),
    space(GAP),
    { height: 0, marks: [{ kind: "rule", x: LEFT, y: 0, width: RIGHT - LEFT, ink: "rule" }] },
    space(14),
    set.lines(headline, LEFT, RIGHT, { size: 16, bold: true }),
    ...(paymentLink === undefined ? [] : [linkBlock(paymentLink, set)]),
    space(GAP),
  ];
}

function pill(text: string, tone: Tone, x: number, set: Typesetter): Block {
  const width = set.measure(text, 8, true) + 12;
  return {
    height: 16,
    marks: [
      { kind: "box", x, y: 0.5, width, height: 14, ink: tone },
      { kind: "text", x: x + 6, y: 10.4, text, size: 8, bold: true, ink: "paper" },
    ],
  };
}

function partyBlock({ label, name, lines }: Party, left: number, right: number, set: Typesetter): Block {
  return together([
    set.lines(label, left, right, { size: 8, ink: "soft" }),
    space(2),
    set.lines(name, left, right, { size: 9.5, bold: true }),
    ...lines.map((line) => set.lines(line, left, right, { size: 9 })),
  ]);
}

function factsBlock(facts: readonly Fact[], left: number, right: number, set: Typesetter): Block {
  return together(
    facts.map(({ label, text }) =>
      beside([
        together([space(0.7), set.lines(label, left, left + 50, { size: 8, ink: "soft" }), space(2)]),
        together([set.lines(text, left + 52, right, { size: 9 }), space(2)]),
      ]),
    ),
  );
}

function linkBlock(url: string, set: Typesetter): Block {
  const label = "Pay online: ";
  const left = LEFT + set.measure(label, 9.5, false);
  const address = set.lines(url, left, RIGHT, { size: 9.5, ink: "accent" });
  const link: Mark = { kind: "link", x: LEFT, y: 0, width: RIGHT - LEFT, height: address.height, url };
  return together([
    space(4),
    beside([set.lines(label, LEFT, RIGHT, { size: 9.5, ink: "soft" }), address, { height: 0, marks: [link] }]),
  ]);
}

/** On top of further pages: whose paper this is. */
function runningBlock({ heading, number, seller }: InvoiceSheet, set: Typesetter): Block {
  const title = number === undefined ? heading : `${heading} ${number}`;
  return beside([
    set.flushRight(seller.name, 310, RIGHT, { size: 8.5, ink: "soft" }),
    set.lines(title, LEFT, 300, { size: 8.5, ink: "soft" }),
  ]);
}

/** A block for each line of the description; the other cells stand beside the first. */
function cellsBlocks({ description, ...cells }: Cells, style: Style, indent: number, set: Typesetter): Block[] {
  const { left, right } = COLUMNS.description;
  const [first = "", ...others] = set.broken(description, right - left - indent, style);
  const line = (text: string): Block => set.lines(text, left + indent, right, style);
  return [
    beside([
      line(first),
      ...(["quantity", "unitPrice", "amount"] as const).map((column) =>
        set.flushRight(cells[column], COLUMNS[column].left, COLUMNS[column].right, style),
      ),
    ]),
    ...others.map(line),
  ];
}

function tableHeadBlock({ columns }: InvoiceSheet, set: Typesetter): Block {
  const [description, quantity, unitPrice, amount] = columns;
  return together([
    ...cellsBlocks({ description, quantity, unitPrice, amount }, { size: 8, ink: "soft" }, 0, set),
    space(4),
    { height: 0, marks: [{ kind: "rule", x: LEFT, y: 0, width: RIGHT - LEFT, ink: "soft" }] },
  ]);
}

/** One block, or one for each of its lines where they are very many. */
function rowBlocks({ notes, parts, ...cells }: Row, set: Typesetter): Block[] {
  const { left, right } = COLUMNS.description;
  const soft: Style = { size: 8, ink: "soft" };
  const [first = space(0), ...below] = [
    ...cellsBlocks(cells, { size: 9.5 }, 0, set),
    ...notes.map((note) => set.lines(note, left, right, soft)),
    ...parts.flatMap((part) => cellsBlocks(part, soft, 10, set)),
  ];
  const end: Block = { height: 6, marks: [{ kind: "rule", x: LEFT, y: 6, width: RIGHT - LEFT, ink: "rule" }] };
  if (below.length <= LINES_TOGETHER_MAX) return [together([space(6), first, ...below, end])];
  const last = below.pop() ?? space(0);
  return [together([space(6), first]), ...below, together([last, end])];
}

function totalBlock({ label, amount, weight }: Total, set: Typesetter): Block {
  const left = 330;
  const inset = 10;
  const style: Style = { size: weight === "due" ? 11.5 : 9.5, bold: weight !== "plain" };
  const line = beside([
    set.lines(label, left + inset, COLUMNS.amount.left - 30, style),
    set.flushRight(amount, COLUMNS.amount.left - 30, RIGHT - (weight === "due" ? inset : 0), style),
  ]);
  if (weight === "plain") return together([space(3), line]);
  if (weight === "strong") {
    const rule: Mark = { kind: "rule", x: left + inset, y: 0, width: RIGHT - left - inset, ink: "rule" };
    return together([space(5), { height: 5, marks: [rule] }, line]);
  }
  const box: Mark = { kind: "box", x: left, y: -7, width: RIGHT - left, height: line.height + 14, ink: "tint" };
  return together([space(16), { height: line.height + 7, marks: [box, ...line.marks] }]);
}

/** Line by line: terms may be longer than a page. */
function closingBlocks(facts: readonly Fact[], set: Typesetter): Block[] {
  return facts.flatMap(({ label, text }) => {
    const lines = set.broken(text, RIGHT - LEFT, { size: 9 });
    const [first = space(0), ...rest] = lines.map((line) => set.lines(line, LEFT, RIGHT + 1, { size: 9 }));
    return [together([space(GAP), set.lines(label, LEFT, RIGHT, { size: 8, ink: "soft" }), space(2), first]), ...rest];
  });
}

function footerMarks({ footer, heading, number }: InvoiceSheet, page: string, set: Typesetter): Mark[] {
  const title = number === undefined ? heading : number;
  const lines = set.broken(footer, 340, { size: 8 }).slice(0, 2);
  const blocks = [
    { height: 0, marks: [{ kind: "rule", x: LEFT, y: -6, width: RIGHT - LEFT, ink: "rule" } as const] },
    together(lines.map((line) => set.lines(line, LEFT, RIGHT, { size: 8, ink: "soft" }))),
    set.flushRight(`${title} · ${page}`, 400, RIGHT, { size: 8, ink: "soft" }),
  ];
  return blocks.flatMap(({ marks }) => marks.map((mark) => ({ ...mark, y: mark.y + FOOTER })));
}
