/**
 * Pages as lists of marks, in points from the upper left corner; `y` of a text is its baseline. Owns what follows onto the next
 * page and what is not torn apart. Leaves what is on the pages to `invoice-layout.ts`, drawing to `invoice-pdf.ts`.
 */
export type Mark =
  | { kind: "text"; x: number; y: number; text: string; size: number; bold: boolean; ink: Ink }
  | { kind: "rule"; x: number; y: number; width: number; ink: Ink }
  | { kind: "box"; x: number; y: number; width: number; height: number; ink: Ink }
  /** Where a reader may click; without ink. */
  | { kind: "link"; x: number; y: number; width: number; height: number; url: string };

export type Ink = "text" | "soft" | "accent" | "rule" | "tint" | "paper" | "open" | "late" | "settled" | "quiet";

/** Marks of one height that stay together; their `y` counts from the block's top. */
export type Block = { height: number; marks: readonly Mark[] };

/** ISO 216 A4, in points. */
export const PAGE = { width: 595.28, height: 841.89 } as const;

export type Flow = {
  /** Puts a block below the last one, or at the head of a new page where it does not fit. */
  add(block: Block): void;
  /** What stands at the head of each further page until it is set anew. */
  repeat(head: Block | undefined): void;
  pages(): Mark[][];
};

/** An empty first page. Blocks lie between `top` and `bottom`; one that is higher than that stands alone and runs over. */
export function startFlow({ top, bottom }: { top: number; bottom: number }): Flow {
  const pages: Mark[][] = [[]];
  let y = top;
  let head: Block | undefined;
  let headBottom = top;
  const put = (block: Block): void => {
    pages.at(-1)?.push(...block.marks.map((mark) => ({ ...mark, y: mark.y + y })));
    y += block.height;
  };
  return {
    add(block) {
      if (y + block.height > bottom && y > headBottom) {
        pages.push([]);
        y = top;
        if (head !== undefined) put(head);
        headBottom = y;
      }
      put(block);
    },
    repeat(block) {
      head = block;
    },
    pages: () => pages,
  };
}

/** Blocks below each other as one. */
export function together(blocks: readonly Block[]): Block {
  let height = 0;
  const marks: Mark[] = [];
  for (const block of blocks) {
    const above = height;
    marks.push(...block.marks.map((mark) => ({ ...mark, y: mark.y + above })));
    height += block.height;
  }
  return { height, marks };
}

/** Blocks side by side: as high as the highest. */
export function beside(blocks: readonly Block[]): Block {
  return { height: Math.max(0, ...blocks.map(({ height }) => height)), marks: blocks.flatMap(({ marks }) => marks) };
}

export function space(height: number): Block {
  return { height, marks: [] };
}
