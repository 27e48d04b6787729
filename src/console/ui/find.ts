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
/** Lists without a search of their own are read in pages of this size, and so many pages. */
const READ_AT_ONCE = 200;
const READ_PAGES_MAX = 10;

function has(text: string, ...fields: readonly (string | undefined)[]): boolean {
  const wanted = text.toLowerCase();
  return fields.some((field) => field?.toLowerCase().includes(wanted));
}

async function pageOf<T>(path: string, query: Record<string, string | number>): Promise<readonly T[]> {
  const answered = await ask<Page<T>>("GET", withQuery(path, query));
  return answered.ok ? answered.data.items : [];
}

/** A catalog, to its end. */
async function allOf<T>(path: string): Promise<readonly T[]> {
  const found: T[] = [];
  for (let page = 0; page < READ_PAGES_MAX; page += 1) {
    const items = await pageOf<T>(path, { limit: READ_AT_ONCE, offset: found.length });
    found.push(...items);
    if (items.length < READ_AT_ONCE) break;
  }
  return found;
}

const newestOf = <T>(path: string) => pageOf<T>(path, { limit: READ_AT_ONCE });

/** Lists that are asked for once each time the palette is used for a while: they are short and change seldom. */
const REMEMBERED_MS = 30_000;
const remembered = new Map<string, { atMs: number; items: Promise<readonly unknown[]> }>();

function listOf<T>(path: string, read: (path: string) => Promise<readonly T[]>): Promise<readonly T[]> {
  const known = remembered.get(path);
  const nowMs = Date.now();
  const items = known !== undefined && nowMs - known.atMs < REMEMBERED_MS ? known.items : read(path);
  if (items !== known?.items) remembered.set(path, { atMs: nowMs, items });
  // Stored under its own path, so it is what that path answers.
  return items as Promise<readonly T[]>;
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
    const items = await pageOf<CustomerItem>("/api/v1/monetization/customers", {
      search: text,
      limit: FOUND_PER_KIND_MAX,
    });
    return items.map(({ id, displayName, customerReferenceId, email }) => ({
      kind: "Customer",
      id,
      name: displayName ?? customerReferenceId ?? id,
      note: customerReferenceId ?? email ?? "",
      path: `/customers/${encodeURIComponent(customerReferenceId ?? id)}`,
    }));
  },
  async (text) => {
    const items = await listOf<Plan>("/api/v1/monetization/plans", allOf);
    return items
      .filter(({ key, name }) => has(text, key, name))
      .map(({ id, key, name }) => ({
        kind: "Plan",
        id,
        name,
        note: key,
        path: `/plans/${id}`,
      }));
  },
  async (text) => {
    const items = await listOf<Feature>("/api/v1/monetization/features", allOf);
    return items
      .filter(({ key, name }) => has(text, key, name))
      .map(({ id, key, name }) => ({
        kind: "Feature",
        id,
        name,
        note: key,
        path: `/features/${encodeURIComponent(key)}`,
      }));
  },
  async (text) => {
    // The newest by any part of their number, and any by the whole of it.
    const path = "/api/v1/monetization/billing/invoices";
    const exact = NUMBER.test(text.trim()) ? pageOf<Invoice>(path, { number: text.trim() }) : [];
    const [named, newest] = await Promise.all([exact, listOf<Invoice>(path, newestOf)]);
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
