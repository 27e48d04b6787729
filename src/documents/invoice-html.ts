import { html, raw } from "hono/html";
import type { InvoiceDocument } from "../domain/invoice-document.ts";
import {
  type Cells,
  type Fact,
  type InvoiceSheet,
  invoiceSheet,
  type Party,
  type Row,
} from "../domain/invoice-sheet.ts";

/**
 * An invoice as a page of its own: no script, no request, one style. What customers and sellers wrote is escaped, and in runs of
 * its own direction. Print gives A4.
 */

const STYLE = `
:root{--text:#181c24;--soft:#666e7c;--accent:#1c3f7a;--rule:#d8dce3;--tint:#f0f3f8;color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:var(--tint);color:var(--text);font:15px/1.45 "Noto Sans",system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:820px;margin:32px auto;background:#fff;padding:48px 56px;border-top:6px solid var(--accent);box-shadow:0 1px 4px #1c3f7a22}
p{margin:0}
.top{display:flex;justify-content:space-between;align-items:baseline;gap:24px}
h1{margin:0;font-size:34px;line-height:1.2;font-weight:600;color:var(--accent)}
.top strong{font-size:19px;text-align:right;overflow-wrap:anywhere}
.number,.soft,dt,th,.label,footer{color:var(--soft)}
.status{display:inline-block;padding:1px 9px;margin-left:6px;font-size:12px;font-weight:600;color:#fff;border-radius:2px;-webkit-print-color-adjust:exact;print-color-adjust:exact}
.open{background:#1c3f7a}.late{background:#b02a2a}.settled{background:#20784c}.quiet{background:#707984}
.parties{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr) minmax(0,1.1fr);gap:24px;font-size:14px;margin:36px 0 28px;padding-bottom:28px;border-bottom:1px solid var(--rule);overflow-wrap:anywhere}
.label,dt,th{font-size:12.5px;font-weight:400}
dl{margin:0;display:grid;grid-template-columns:auto 1fr;gap:2px 14px;align-content:start}
dt{line-height:1.75}
dd{margin:0;white-space:pre-line;overflow-wrap:anywhere}
.headline{font-size:23px;font-weight:600}
a{color:var(--accent);overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse;margin-top:28px;font-variant-numeric:tabular-nums}
th{text-align:left;padding:0 0 6px;border-bottom:1px solid var(--soft)}
td{padding:9px 0;vertical-align:top;overflow-wrap:anywhere}
td+td,th+td,th+th{padding-left:16px;text-align:right;white-space:nowrap;unicode-bidi:isolate;direction:ltr}
tbody{border-bottom:1px solid var(--rule);break-inside:avoid}
.part td{padding-top:0;padding-bottom:3px;font-size:12.5px;color:var(--soft)}
.part td:first-child{padding-left:16px}
.note{font-size:12.5px;color:var(--soft)}
.totals{width:min(400px,100%);margin:14px 0 0 auto;break-inside:avoid}
.totals tbody{border:0}
.totals td,.totals th{padding:4px 14px 4px 0;border:0;font-size:inherit;color:inherit}
.totals th{padding-left:14px}
.totals td{padding-right:0}
.strong>*{font-weight:600;border-top:1px solid var(--rule)!important;padding-top:9px!important}
.due>*{font-weight:600;font-size:18px!important;background:var(--tint);padding:10px 14px!important;-webkit-print-color-adjust:exact;print-color-adjust:exact}
section{margin-top:28px;white-space:pre-line;overflow-wrap:anywhere}
footer{margin-top:44px;padding-top:10px;border-top:1px solid var(--rule);font-size:12.5px}
@media(max-width:640px){main{margin:0;padding:28px 20px}.parties{grid-template-columns:1fr}td+td,th+th{padding-left:8px}}
@page{size:A4;margin:16mm 17mm}
@media print{body{background:#fff;font-size:10pt}.parties{font-size:9.5pt}main{max-width:none;margin:0;padding:0;border:0;box-shadow:none}thead{display:table-header-group}}
`;

/** The page. The same document gives the same text. Throws where the figures do not add up. */
export async function renderInvoiceHtml(document: InvoiceDocument): Promise<string> {
  const sheet = invoiceSheet(document);
  const { heading, number, status, seller, buyer, facts, headline, paymentLink, rows, closing, footer } = sheet;
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${number === undefined ? heading : `${heading} ${number}`}</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<header class="top"><h1>${heading}</h1><strong><bdi>${seller.name}</bdi></strong></header>
<p class="number">${number ?? ""} <span class="status ${status.tone}">${status.text}</span></p>
<div class="parties">${partyView(seller)}${partyView(buyer)}
<dl>${facts.map(({ label, text }) => html`<dt>${label}</dt><dd><bdi>${text}</bdi></dd>`)}</dl></div>
<p class="headline">${headline}</p>
${paymentLink === undefined ? "" : html`<p>Pay online: <a href="${paymentLink}" rel="noreferrer">${paymentLink}</a></p>`}
<table>
<thead><tr>${sheet.columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
${rows.map(rowView)}
</table>
${totalsView(sheet)}
${closing.map(closingView)}
${footer === "" ? "" : html`<footer><bdi>${footer}</bdi></footer>`}
</main>
</body>
</html>
`;
  return String(page);
}

let policy: string | undefined;

/** The Content-Security-Policy to send with the page: its one style, by digest, and nothing else. */
export async function invoiceHtmlPolicy(): Promise<string> {
  if (policy === undefined) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE)));
    const style = `'sha256-${btoa(String.fromCharCode(...digest))}'`;
    policy = `default-src 'none'; style-src ${style}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  }
  return policy;
}

function partyView({ label, name, lines }: Party) {
  return html`
<div><p class="label">${label}</p><p><strong><bdi>${name}</bdi></strong></p>${lines.map((line) => html`<p><bdi>${line}</bdi></p>`)}</div>`;
}

function rowView({ notes, parts, ...cells }: Row) {
  const below = notes.map((note) => html`<p class="note"><bdi>${note}</bdi></p>`);
  return html`<tbody><tr>${cellsView(cells, below)}</tr>${parts.map((part) => html`<tr class="part">${cellsView(part, [])}</tr>`)}</tbody>
`;
}

function cellsView({ description, quantity, unitPrice, amount }: Cells, below: ReturnType<typeof html>[]) {
  return html`<td><bdi>${description}</bdi>${below}</td><td>${quantity}</td><td>${unitPrice}</td><td>${amount}</td>`;
}

function totalsView({ totals }: InvoiceSheet) {
  return html`<table class="totals"><tbody>${totals.map(
    ({ label, amount, weight }) =>
      html`<tr class="${weight}"><th scope="row">${label}</th><td>${amount}</td></tr>
`,
  )}</tbody></table>`;
}

function closingView({ label, text }: Fact) {
  return html`<section><p class="label">${label}</p><p><bdi>${text}</bdi></p></section>`;
}
