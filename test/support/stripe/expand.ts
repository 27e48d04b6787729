import { linesOf } from "./checkout.ts";
import { pageOf } from "./lists.ts";
import { invalid } from "./refusals.ts";
import type { Account } from "./state.ts";

/** `expand`: ids in an answer are replaced by what they name, along paths such as `data.latest_charge`. */

const DEPTH_MAX = 4;

/** A copy of an answer with the wanted ids replaced. Throws for a path that leads nowhere. */
export function expanded(account: Account, answer: object, paths: readonly string[]): object {
  const copy = structuredClone(answer);
  for (const path of paths) {
    const parts = path.split(".");
    if (parts.length > DEPTH_MAX) throw invalid(`You cannot expand more than ${DEPTH_MAX} levels of a property.`);
    expandAt(account, copy, parts, path);
  }
  return copy;
}

function expandAt(account: Account, at: object, [name = "", ...rest]: readonly string[], path: string): void {
  const value: unknown = Reflect.get(at, name) ?? left(account, at, name);
  if (value === undefined) throw invalid(`This property cannot be expanded (${path}).`, { param: "expand" });
  if (Array.isArray(value)) {
    for (const item of value) expandAt(account, item, rest, path);
    return;
  }
  const whole = typeof value === "string" ? objectOf(account, value) : value;
  if (whole === undefined) throw invalid(`This property cannot be expanded (${path}).`, { param: "expand" });
  Reflect.set(at, name, whole);
  if (rest.length > 0 && typeof whole === "object" && whole !== null) expandAt(account, whole, rest, path);
}

/** What an object has only where it is asked for. A property that is empty stays so. */
function left(account: Account, at: object, name: string): unknown {
  const id = String(Reflect.get(at, "id"));
  const kind: unknown = Reflect.get(at, "object");
  if (kind === "checkout.session" && name === "line_items") return linesOf(account.sessionLines[id] ?? [], id);
  if (kind === "charge" && name === "refunds")
    return pageOf(`/v1/charges/${id}/refunds`, account.refunds, {}, ({ charge }) => charge === id);
  return Object.hasOwn(at, name) ? null : undefined;
}

function objectOf(account: Account, id: string): object | undefined {
  const tables: readonly Readonly<Record<string, object>>[] = [
    account.customers,
    account.paymentMethods,
    account.paymentIntents,
    account.setupIntents,
    account.charges,
    account.refunds,
    account.disputes,
    account.sessions,
  ];
  const table = tables.find((rows) => Object.hasOwn(rows, id));
  if (table !== undefined) return structuredClone(table[id]);
  return Object.hasOwn(account.deletedCustomers, id) ? { id, object: "customer", deleted: true } : undefined;
}
