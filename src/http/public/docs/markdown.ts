import { html, raw } from "hono/html";

/** The little Markdown that descriptions use: paragraphs, headings, lists, tables, fenced code, `code`, **bold**, *italic*. */

export type Html = ReturnType<typeof html>;

/** Blocks are parted by blank lines; whatever is not recognised is a paragraph. Everything of the text is escaped. */
export function markdown(text: string): Html {
  const blocks: string[][] = [];
  let block: string[] = [];
  let fenced = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) fenced = !fenced;
    const begins = !fenced && (line.startsWith("#") || (line.startsWith("- ") && !block[0]?.startsWith("- ")));
    if ((line.trim() === "" && !fenced) || begins) {
      if (block.length > 0) blocks.push(block);
      block = [];
    }
    if (line.trim() !== "" || fenced) block.push(line);
    // A heading is a block by itself.
    if (!fenced && line.startsWith("#")) {
      blocks.push(block);
      block = [];
    }
  }
  if (block.length > 0) blocks.push(block);
  return html`${blocks.map(blockOf)}`;
}

function blockOf(lines: readonly string[]): Html {
  const [first = ""] = lines;
  const heading = /^#{2,4} (.+)$/.exec(first);
  if (heading !== null) return html`<h3>${inline(heading[1] ?? "")}</h3>`;
  if (first.startsWith("```")) return html`<pre tabindex="0"><code>${lines.slice(1, -1).join("\n")}</code></pre>`;
  if (first.startsWith("- ")) return html`<ul>${items(lines).map((item) => html`<li>${inline(item)}</li>`)}</ul>`;
  if (first.startsWith("|")) return table(lines);
  return html`<p>${inline(lines.join(" "))}</p>`;
}

/** A line that begins no item goes on with the one before. */
function items(lines: readonly string[]): string[] {
  const found: string[] = [];
  for (const line of lines)
    if (line.startsWith("- ")) found.push(line.slice(2));
    else found.push(`${found.pop() ?? ""} ${line.trim()}`);
  return found;
}

function table(lines: readonly string[]): Html {
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .replace(/^\||\|$/g, "")
      .split("|")
      .map((cell) => cell.trim()),
  );
  return html`<div class="wide" tabindex="0"><table><thead><tr>${head.map((cell) => html`<th scope="col">${inline(cell)}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\*(?!\s)([^*]+)\*/g;

/** Code, bold and italic within a line. Bold may hold code. */
export function inline(text: string): Html {
  const parts: Html[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, bold, italic] = match;
    parts.push(html`${text.slice(at, match.index)}`);
    if (code !== undefined) parts.push(html`<code>${code}</code>`);
    else if (bold !== undefined) parts.push(html`<strong>${inline(bold)}</strong>`);
    else parts.push(html`<em>${italic}</em>`);
    at = match.index + whole.length;
  }
  parts.push(html`${text.slice(at)}`);
  return html`${parts}`;
}

/** Where a long word may break: after slashes and dots, and before capitals. */
export function breakable(text: string): Html {
  return html`${text.split(/(?<=[/._])|(?=\{)/).map((part) => html`${part}${raw("<wbr>")}`)}`;
}
