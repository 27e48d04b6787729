import { ask, withQuery } from "../api.ts";
import { money, words } from "../format.ts";
import { invoiceOwner } from "../invoice-owner.ts";
import { SECTIONS } from "../views/settings.tsx";
import { GROUPS } from "../views.tsx";
import type { CustomerItem, Feature, Invoice, Page, Plan } from "../wire.ts";

/** What the palette finds: a name, what it is, and the address of its view. */

export type Found = { kind: string; id: string; name: string; note: string; path: string };

/** As many of each kind as fit without scrolling far. */
const FOUND_PER_KIND_MAX = 6;
/** The whole number of an invoice. */
const NUMBER = /^(?:INV-)?\d{1,15}$/i;
/** The newest invoices are found by a part of their number. */
const INVOICES_READ = 200;

function has(text: string, ...fields: readonly (string | undefined)[]): boolean {
  const wanted = text.toLowerCase();
  return fields.some((field) => field?.toLowerCase().includes(wanted));
}

async function pageOf<T>(path: string, query: Record<string, string | number>): Promise<readonly T[]> {
  const answered = await ask<Page<T>>("GET", withQuery(path, query));
  return answered.ok ? answered.data.items : [];
}

/** What a list of the API finds by a part of a name; without text, its newest. */
function searched<T>(path: string, search: string): Promise<readonly T[]> {
  return pageOf<T>(path, { search, limit: FOUND_PER_KIND_MAX });
}

/** The newest invoices are asked for once each time the palette is used for a while. */
const REMEMBERED_MS = 30_000;
const INVOICES_PATH = "/api/v1/monetization/billing/invoices";
let remembered: { atMs: number; items: Promise<readonly Invoice[]> } | undefined;

function newestInvoices(): Promise<readonly Invoice[]> {
  const nowMs = Date.now();
  if (remembered === undefined || nowMs - remembered.atMs >= REMEMBERED_MS)
    remembered = { atMs: nowMs, items: pageOf<Invoice>(INVOICES_PATH, { limit: INVOICES_READ }) };
  return remembered.items;
}

/** Views and sections by their names; without text none, for they stand in the sidebar. */
function findViews(text: string): readonly Found[] {
  if (text === "") return [];
  const views = GROUPS.flatMap(({ name, views: theirs }) =>
    theirs.filter(({ pattern }) => !pattern.includes(":")).map(({ pattern, title }) => ({ pattern, title, name })),
  );
  const sections = SECTIONS.map(({ key, title }) => ({ pattern: `/settings/${key}`, title, name: "Settings" }));
  return [...views, ...sections]
    .filter(({ title, name }) => has(text, title, name === "Settings" ? `settings ${title}` : undefined))
    .map(({ pattern, title, name }) => ({ kind: "View", id: pattern, name: title, note: name, path: pattern }));
}

const SOURCES: readonly ((text: string) => readonly Found[] | Promise<readonly Found[]>)[] = [
  findViews,
  async (text) => {
    const items = await searched<CustomerItem>("/api/v1/monetization/customers", text);
    return items.map(({ id, displayName, customerReferenceId, email }) => ({
      kind: "Customer",
      id,
      name: displayName ?? customerReferenceId ?? id,
      note: customerReferenceId ?? email ?? "",
      path: `/customers/${encodeURIComponent(customerReferenceId ?? id)}`,
    }));
  },
  async (text) => {
    const items = await searched<Plan>("/api/v1/monetization/plans", text);
    return items.map(({ id, key, name }) => ({ kind: "Plan", id, name, note: key, path: `/plans/${id}` }));
  },
  async (text) => {
    const items = await searched<Feature>("/api/v1/monetization/features", text);
    return items.map(({ id, key, name }) => ({
      kind: "Feature",
      id,
      name,
      note: key,
      path: `/features/${encodeURIComponent(key)}`,
    }));
  },
  async (text) => {
    // The newest by any part of their number, and any by the whole of it.
    const exact = NUMBER.test(text) ? pageOf<Invoice>(INVOICES_PATH, { number: text }) : [];
    const [named, newest] = await Promise.all([exact, newestInvoices()]);
    const found = newest.filter(({ number, id }) => has(text, number, id));
    return [...named, ...found.filter(({ id }) => named.every((one) => one.id !== id))].map((invoice) => {
      const { id, number, amount, currency, status } = invoice;
      const owner = invoiceOwner(invoice);
      return {
        kind: "Invoice",
        id,
        name: number ?? "Without number",
        note: `${owner === undefined ? "" : `${owner.name}, `}${money(amount, currency)} ${words(status)}`,
        path: `/invoices/${id}`,
      };
    });
  },
];

/** Things whose names have the text; without text, the newest of each kind. */
export async function findThings(text: string): Promise<readonly Found[]> {
  const found = await Promise.all(SOURCES.map((source) => source(text)));
  return found.flatMap((things) => things.slice(0, FOUND_PER_KIND_MAX));
}
