import * as z from "zod";
import { exportedKeyTrail, exportedRows, exportedTrail, type TrailCursor } from "../../catalog/customer-export.ts";
import { findCustomer, forgetCustomer } from "../../catalog/directory.ts";
import { directoryNames, erasedCustomer } from "../../catalog/erased-names.ts";
import { ErasedCustomerWire } from "../../contract/customer.ts";
import { instantText, name } from "../../contract/scalars.ts";
import type { EraseReply, ExportPage, ExportReply } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { type ErasedName, nameDigest } from "../../domain/customer.ts";
import { exportRecord } from "../../domain/export-record.ts";
import { tagOfCustomer, type Uuid } from "../../domain/ids.ts";
import { CSV_ROWS_PER_READ_MAX } from "../../domain/limits.ts";
import type { Reply } from "../../domain/refusal.ts";
import { unlessTold } from "../audited.ts";
import { customerOf } from "../customer-of.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, type Call, defineRoute, type Route } from "../route.ts";
import { streamed } from "../streamed.ts";

/** A customer's rights over their data, carried out by the operator: to have all of it, and to have it erased. */

const PATH = "/api/v1/monetization/customers/{id}";
const Id = z.object({ id: name });
type Id = z.output<typeof Id>;

async function exportAll(call: Call<Id>): Promise<Answer> {
  const owner = await customerOf(call, call.params.id);
  if (!owner.ok) return owner;
  const { customerId } = owner.value;
  // The first page is read before the answer begins, so that whoever is unknown hears so.
  const first = await pageOfObject(call, customerId, {});
  if (!first.ok) return first;
  return streamed(exportLines(call, customerId, first.value), {
    "Content-Type": "application/x-ndjson; charset=utf-8",
    "Content-Disposition": `attachment; filename="customer-${customerId}.ndjson"`,
  });
}

function pageOfObject(call: Call, customerId: Uuid, page: ExportPage): Promise<Reply<ExportReply>> {
  return objectOf(call.env, call.account.account.accountId, customerId).exportPage(page);
}

async function* exportLines(call: Call, customerId: Uuid, first: ExportReply): AsyncGenerator<string> {
  const { accountId } = call.account.account;
  const tag = tagOfCustomer(customerId);
  let records = 0;
  const linesOf = (record: string, rows: readonly Record<string, unknown>[]): string => {
    records += rows.length;
    return rows.map((row) => `${JSON.stringify(exportRecord(tag, record, row))}\n`).join("");
  };
  for (const { record, rows } of await exportedRows(call.env.DB, accountId, customerId)) yield linesOf(record, rows);
  for (let page = first; ; ) {
    records += page.records;
    yield page.text;
    if (page.next === undefined) break;
    const next = await pageOfObject(call, customerId, page.next);
    if (!next.ok) throw new Error(`an export broke off: ${next.code}`);
    page = next.value;
  }
  yield linesOf("audit_entry", await exportedKeyTrail(call.env.DB, accountId, customerId));
  let after: TrailCursor | undefined;
  do {
    const page = await exportedTrail(call.env.DB, accountId, customerId, after, CSV_ROWS_PER_READ_MAX);
    yield linesOf("audit_entry", page.rows);
    after = page.next;
  } while (after !== undefined);
  yield `${JSON.stringify({ record: "end", records })}\n`;
}

/** A name that another request gives the customer meanwhile is erased by another round; a third is the next call's. */
const ROUNDS_MAX = 2;

function erase(call: Call<Id>): Promise<Answer> {
  const { accountId } = call.account.account;
  const database = call.env.DB;
  return commitAccount(call, async () => {
    const { id } = call.params;
    const known = await findCustomer(database, accountId, id);
    const customerId = (known?.customerId ?? (await erasedCustomer(database, accountId, id))) as Uuid | undefined;
    if (customerId === undefined) return { ok: false, code: "customer_not_found", given: id };
    call.log.customerId = customerId;
    let erased: EraseReply | undefined;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const names = await directoryNames(database, accountId, customerId);
      if (erased !== undefined && names.length === 0) break;
      const digests: ErasedName[] = [...names, ["id", customerId] as const].map(([kind, value]) => [
        kind,
        nameDigest(accountId, kind, value),
      ]);
      const reply = await objectOf(call.env, accountId, customerId).erase({ names: digests });
      if (!reply.ok) return reply;
      erased ??= reply.value;
      forgetCustomer(accountId, customerId);
    }
    if (erased === undefined) return { ok: false, code: "customer_not_found", given: id };
    const entry = { action: "customer.erased" as const, target: customerId };
    return {
      ok: true,
      status: 200,
      data: { id: customerId, erasedAt: instantText(erased.erasedAtMs) },
      statements: [],
      audit: await unlessTold(call, erased.isRepeat, entry),
      version: "leave",
    };
  });
}

export const customerRightsRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${PATH}/export`,
    scope: "admin",
    tag: "Customers",
    summary: "Export everything that is held of a customer",
    description: [
      "Lines of JSON (NDJSON), sent while they are read, however many there are. Each has a `record` that names what it is: identity, api_key (without its secret), test_clock, profile, plan_version, subscription, mrr_span, invoice (with its lines), usage_counter, usage_segment, reservation, balance_entry, credit_pool, credit_grant, credit_transaction, access_checks, usage_sum, event, event_correction, audit_entry.",
      "",
      'Instants are ISO 8601, exact amounts decimal text, and fields that end in `Minor` whole numbers of the currency\'s smallest unit. The last line is `{"record": "end", "records": n}`: an export without it was broken off.',
    ].join("\n"),
    params: Id,
    answers: { 200: "application/x-ndjson" },
    refuses: ["customer_not_found"],
    handle: exportAll,
  }),
  defineRoute({
    method: "DELETE",
    path: PATH,
    scope: "admin",
    tag: "Customers",
    summary: "Erase a customer's personal data for ever",
    description: [
      "409 while a subscription is live: cancel it first. Export what you must keep, and print the invoices that your law wants with the buyer's name on them: it cannot be undone.",
      "",
      "What goes: names, e-mail, phone, address, tax id, reference and Stripe id; the buyer on every invoice; `meta`, keys, flow ids, sent ids and reasons of events; keys, descriptions, references and metadata of credits, reservations and payouts; the customer's API keys (revoked, and nameless); remembered answers.",
      "",
      "What stays, under the customer's id alone: invoices with number, seller, dates, lines, tax and amounts; the ledgers of credits and money; events with time, feature, model, usage, cost and revenue; sums; the audit trail. Tax law asks for the books, and their sums must not change.",
      "",
      "Afterwards the customer answers 404. Invoices are still listed, read, paid and made void, without a buyer. A digest of the reference and of the Stripe id stays, so that neither is ever given to another: events and registrations under them are 409. Repeated, nothing changes: 200.",
    ].join("\n"),
    params: Id,
    answers: { 200: ErasedCustomerWire },
    refuses: ["customer_not_found", "state_conflict", "quarantined", "request_conflict"],
    handle: erase,
  }),
];
