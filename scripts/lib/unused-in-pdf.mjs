/**
 * What the PDF library imports for SVG pictures, web colours, electronic forms and PDF/A, none of which an invoice has: a quarter of a
 * megabyte of parsers and tables that every isolate would load. wrangler.toml puts this in their place, under the names they are imported by.
 */

function unused() {
  throw new Error("invariant broken: the PDF of an invoice has no SVG, web colours, forms or PDF/A");
}

/** culori: asked for its converter while the library loads, and never again. */
export const converter = () => unused;
/** node-html-better-parser. */
export const parse = unused;
export const NodeType = {};
/** html-entities. */
export const encode = unused;
