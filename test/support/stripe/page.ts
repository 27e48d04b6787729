import { amountText } from "./currencies.ts";
import type { Account, LineItem, Session } from "./state.ts";

/** The checkout page: what is paid for, what it comes to, and two buttons. Plain forms, so that it works without scripts. */

const STYLES = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5a6375; --line: #d5dae3; --paper: #fff; --ground: #f2f4f8; --go: #1f6f43; --no: #a3262a; }
@media (prefers-color-scheme: dark) { :root { --ink: #eef1f6; --soft: #a9b2c2; --line: #3a4353; --paper: #1b212c; --ground: #11151c; --go: #237a4b; --no: #e0787b; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 30rem; padding: 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 .25rem; font-size: 1.4rem; }
p { margin: .25rem 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; margin-bottom: 1.25rem; }
th, td { padding: .5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th:last-child, td:last-child { text-align: right; white-space: nowrap; padding-left: 1rem; font-variant-numeric: tabular-nums; }
tfoot th, tfoot td { border-bottom: 0; font-size: 1.15rem; font-weight: 700; }
form { display: grid; gap: .75rem; }
button { padding: .8rem 1rem; border: 2px solid var(--go); border-radius: .5rem; background: var(--go); color: #fff; font: inherit; font-weight: 600; cursor: pointer; }
button.decline { background: transparent; color: var(--no); border-color: var(--no); }
:focus-visible { outline: 3px solid #4c8dff; outline-offset: 2px; }
[role=alert] { padding: .75rem 1rem; border: 2px solid var(--no); border-radius: .5rem; color: var(--no); }
a { color: inherit; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

/** The page of a session as it is now; `refusal`: what the bank said to the last try. */
export function checkoutPage(account: Account, session: Session, refusal?: string): string {
  const { cancel_url, customer_details, mode, status } = session;
  if (status !== "open") {
    const over = status === "complete" ? "This is done already" : "This page has expired";
    return documentOf(over, `<h1>${over}</h1><p>Nothing more can be paid here.</p>${backLink(cancel_url)}`);
  }
  const title = mode === "setup" ? "Save a payment method" : "Pay";
  const payer = customer_details?.email;
  const alert = refusal === undefined ? "" : `<p role="alert">${escaped(refusal)} Nothing was paid.</p>`;
  return documentOf(
    refusal === undefined ? title : `Declined: ${title}`,
    `<h1>${title}</h1>
<p>A stand-in for Stripe's page: no money moves.${payer === null || payer === undefined ? "" : ` For ${escaped(payer)}.`}</p>
${alert}
${mode === "payment" ? table(session, account.sessionLines[session.id] ?? []) : ""}
<form method="post">
<button name="action" value="pay">${payLabel(session)}</button>
<button class="decline" name="action" value="decline">Decline</button>
</form>
${backLink(cancel_url)}`,
  );
}

/** The page of an id that names no session. */
export function unknownPage(): string {
  return documentOf("No such page", "<h1>No such page</h1><p>This link names no checkout page of this server.</p>");
}

function payLabel({ amount_total, currency, mode }: Session): string {
  if (mode === "setup") return "Save";
  return amount_total === null || currency === null ? "Pay" : `Pay ${escaped(amountText(amount_total, currency))}`;
}

function table({ amount_total, currency }: Session, lines: readonly LineItem[]): string {
  const rows = lines.map(({ amount_total: amount, description, quantity, currency: unit }) => {
    const times = quantity === null || quantity === 1 ? "" : ` × ${quantity}`;
    return `<tr><td>${escaped(description ?? "")}${times}</td><td>${escaped(amountText(amount, unit))}</td></tr>`;
  });
  return `<table>
<caption class="visually-hidden">What is paid for</caption>
<thead class="visually-hidden"><tr><th scope="col">Line</th><th scope="col">Amount</th></tr></thead>
<tbody>${rows.join("\n")}</tbody>
<tfoot><tr><th scope="row">Total</th><td>${escaped(amountText(amount_total ?? 0, currency ?? "usd"))}</td></tr></tfoot>
</table>`;
}

function backLink(url: string | null): string {
  return url === null ? "" : `<p><a href="${escaped(url)}">Back without paying</a></p>`;
}

function documentOf(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLES}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
}

function escaped(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (letter) => names[letter] ?? letter);
}
