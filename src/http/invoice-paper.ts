import { invoiceHtmlPolicy, renderInvoiceHtml } from "../documents/invoice-html.ts";
import { renderInvoicePdf } from "../documents/invoice-pdf.ts";
import type { InvoiceDocument } from "../domain/invoice-document.ts";
import type { Env } from "../env.ts";

/** Answers with an invoice on paper. What is on it is the customer's alone: nobody between keeps it, no browser guesses what it is. */

const PRIVATE = {
  "Cache-Control": "private, no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** The invoice as a page without script. */
export async function invoicePageAnswer(document: InvoiceDocument): Promise<Response> {
  const [page, policy] = await Promise.all([renderInvoiceHtml(document), invoiceHtmlPolicy()]);
  const headers = { ...PRIVATE, "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy };
  return new Response(page, { headers });
}

/** The invoice as an A4 PDF, to be shown, and saved under its number. */
export async function invoicePdfAnswer({ ASSETS }: Pick<Env, "ASSETS">, document: InvoiceDocument): Promise<Response> {
  const bytes = await renderInvoicePdf(ASSETS, document);
  const headers = {
    ...PRIVATE,
    "Content-Type": "application/pdf",
    "Content-Length": String(bytes.byteLength),
    "Content-Disposition": `inline; filename="${fileNameOf(document)}"`,
  };
  return new Response(bytes, { headers });
}

/** Letters, digits and dashes alone: a number may hold what ends a header or names a folder. */
function fileNameOf({ number = "", status }: InvoiceDocument): string {
  const name = status === "PENDING" ? "draft" : number.replace(/[^A-Za-z0-9-]+/g, "-").replace(/^-+|-+$/g, "");
  return name === "" ? "invoice.pdf" : `invoice-${name}.pdf`;
}
