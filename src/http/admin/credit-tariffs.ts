import * as z from "zod";
import type { AuditAction } from "../../catalog/audit.ts";
import { denominationsBurned, knownDenominations } from "../../catalog/credit-models.ts";
import {
  deleteTariff,
  openTariffs,
  publishTariffs,
  type TariffBook,
  type TariffFilter,
  tariffOf,
  tariffPage,
  tariffsBetween,
} from "../../catalog/credit-tariffs.ts";
import { featuresOf } from "../../catalog/feature-catalog.ts";
import {
  CreditPriceWire,
  CreditWeightWire,
  DenominationsWire,
  PriceHistoryQuery,
  PublishPrices,
  PublishWeights,
  priceEntryFrom,
  toWirePrice,
  toWireWeight,
  UnitCostsWire,
  WeightHistoryQuery,
  weightEntryFrom,
} from "../../contract/credit-tariff.ts";
import { idText, type Page, page, paged, pageOf } from "../../contract/scalars.ts";
import { e12ToNumber } from "../../domain/amount.ts";
import {
  batchRange,
  decideBatch,
  entryKey,
  isScheduled,
  type TariffEntry,
  type TariffRow,
} from "../../domain/credit-tariff.ts";
import { TARIFF_LEAD_MS, TARIFFS_OPEN_MAX } from "../../domain/limits.ts";
import { invalid, type Refusal } from "../../domain/refusal.ts";
import { fitRange } from "../../domain/time-range.ts";
import { featureNames } from "../../ledger/names.ts";
import { denominationsHeld } from "../../ledger/subscriptions.ts";
import { unitCosts } from "../../ledger/unit-costs.ts";
import { commitAccount, type Decided } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

/** Weights, by which units burn credits, and prices of credits. Both are published alike. */

const PATH = "/api/v1/monetization/credits";
const Id = z.object({ id: idText });

type ToWire = (row: TariffRow) => z.input<typeof CreditWeightWire> | z.input<typeof CreditPriceWire>;

type Kind = {
  book: TariffBook;
  /** What one row is called. */
  what: string;
  published: AuditAction;
  deleted: AuditAction;
  /** How rows look, once what they need to be told is read. */
  wire: (call: Call) => Promise<ToWire>;
  /** Why these entries cannot be published, if so. */
  refusal: (call: Call, entries: readonly TariffEntry[]) => Promise<Refusal | undefined>;
};

const WEIGHTS: Kind = {
  book: "weights",
  what: "credit weight",
  published: "credit_weights.published",
  deleted: "credit_weight.deleted",
  wire: async (call) => {
    const names = await featureNames(call.env.DB, call.account.account.accountId);
    return (row) => toWireWeight(row, (featureId) => names.get(featureId)?.key);
  },
  refusal: weightsRefusal,
};

const PRICES: Kind = {
  book: "prices",
  what: "credit price",
  published: "credit_prices.published",
  deleted: "credit_price.deleted",
  wire: async () => toWirePrice,
  refusal: pricesRefusal,
};

async function weightsRefusal(call: Call, entries: readonly TariffEntry[]): Promise<Refusal | undefined> {
  const { accountId } = call.account.account;
  const ids = [...new Set(entries.map(({ subject }) => subject))];
  const features = await featuresOf(call.env.DB, accountId, ids);
  const unknown = ids.find((id) => !features.some(({ featureId }) => featureId === id));
  if (unknown !== undefined) return { ok: false, code: "feature_not_found", given: unknown };
  const burned = await denominationsOf(call, ids);
  const index = entries.findIndex(({ subject }) => (burned.get(subject)?.size ?? 0) > 1);
  if (index < 0) return undefined;
  const several = [...(burned.get(entries[index]?.subject ?? "") ?? [])].map((one) => `“${one}”`);
  return invalid(`entries[${index}].featureId`, `burns ${several.join(" and ")}: a weight would mean different things`);
}

async function pricesRefusal(call: Call, entries: readonly TariffEntry[]): Promise<Refusal | undefined> {
  const named = entries.map(({ subject }) => subject);
  const known = await knownDenominations(call.env.DB, call.account.account.accountId, named);
  const index = named.findIndex((denomination) => !known.has(denomination));
  if (index < 0) return undefined;
  return invalid(`entries[${index}].denomination`, "is the denomination of no credit model");
}

/** What features, these or all, burn by plans that are not archived and by versions in somebody's hands. */
async function denominationsOf(call: Call, featureIds?: readonly string[]): Promise<Map<string, Set<string>>> {
  const { accountId } = call.account.account;
  const [inPlans, inHands] = await Promise.all([
    denominationsBurned(call.env.DB, accountId, featureIds),
    denominationsHeld(call.env.DB, accountId, featureIds),
  ]);
  const burned = new Map<string, Set<string>>();
  for (const { featureId, denomination } of [...inPlans, ...inHands])
    burned.set(featureId, (burned.get(featureId) ?? new Set()).add(denomination));
  return burned;
}

function publish(call: Call, kind: Kind, askedFromMs: number, entries: readonly TariffEntry[]): Promise<Answer> {
  const { accountId } = call.account.account;
  const { DB } = call.env;
  const keys = entries.map(entryKey);
  const twice = keys.findIndex((key, index) => keys.indexOf(key) < index);
  return commitAccount(call, async (nowMs): Promise<Decided | Refusal> => {
    if (twice >= 0) return invalid(`entries[${twice}]`, "is in the list twice");
    const near = await tariffsBetween(DB, accountId, kind.book, batchRange(askedFromMs));
    const decided = decideBatch({ askedFromMs, entries }, near, nowMs);
    if (!decided.ok) return decided;
    const toWire = await kind.wire(call);
    if ("repeated" in decided.value) {
      const data = inOrder(decided.value.repeated, entries).map(toWire);
      return { ok: true, version: "leave", statements: [], audit: [], status: 201, data };
    }
    const refused = await kind.refusal(call, entries);
    if (refused !== undefined) return refused;
    const open = await openTariffs(DB, accountId, kind.book, nowMs);
    if (open.length + entries.length > TARIFFS_OPEN_MAX)
      return invalid("entries", `${open.length} are in force or scheduled, and there can be ${TARIFFS_OPEN_MAX}`);
    const { effectiveFromMs } = decided.value;
    const createdBy = call.key.hint === "" ? call.key.keyId : call.key.hint;
    const rows = entries.map(
      (entry): TariffRow => ({
        rowId: crypto.randomUUID(),
        ...entry,
        askedFromMs,
        effectiveFromMs,
        createdBy,
        createdAtMs: nowMs,
      }),
    );
    const fresh = new Map(rows.map((row) => [entryKey(row), row]));
    const replaced = open.filter((row) => isReplacedBy(row, fresh.get(entryKey(row))));
    const linked = rows.map((row) => withNext(row, open));
    return {
      ok: true,
      version: "guard",
      statements: publishTariffs(DB, accountId, kind.book, rows),
      audit: { action: kind.published, target: accountId, before: replaced.map(toWire), after: linked.map(toWire) },
      status: 201,
      data: linked.map(toWire),
    };
  });
}

/** A row with the instant at which one that is scheduled already replaces it. */
function withNext(row: TariffRow, open: readonly TariffRow[]): TariffRow {
  const later = open.filter((one) => entryKey(one) === entryKey(row) && one.effectiveFromMs > row.effectiveFromMs);
  if (later.length === 0) return row;
  return { ...row, replacedAtMs: Math.min(...later.map(({ effectiveFromMs }) => effectiveFromMs)) };
}

/** Is this open row in force until a new one of its subject and variant takes effect? */
function isReplacedBy(row: TariffRow, fresh: TariffRow | undefined): boolean {
  return (
    fresh !== undefined &&
    row.effectiveFromMs < fresh.effectiveFromMs &&
    (row.replacedAtMs === undefined || row.replacedAtMs > fresh.effectiveFromMs)
  );
}

/** Rows in the order in which their entries were sent. */
function inOrder(rows: readonly TariffRow[], entries: readonly TariffEntry[]): TariffRow[] {
  const byKey = new Map(rows.map((row) => [entryKey(row), row]));
  return entries.flatMap((entry) => byKey.get(entryKey(entry)) ?? []);
}

function takeBack(call: Call<{ id: string }>, kind: Kind): Promise<Answer> {
  const { accountId } = call.account.account;
  const { id } = call.params;
  return commitAccount(call, async (nowMs): Promise<Decided | Refusal> => {
    const row = await tariffOf(call.env.DB, accountId, kind.book, id);
    if (row === undefined) return { ok: false, code: "thing_not_found", what: kind.what, given: id };
    if (!isScheduled(row, nowMs))
      return {
        ok: false,
        code: "fixed_while_in_use",
        path: "id",
        why: `The ${kind.what} is in force, or will be within ${TARIFF_LEAD_MS / 1000} s, and stays: charges are explained by it. Publish another value instead.`,
      };
    const toWire = await kind.wire(call);
    return {
      ok: true,
      version: "guard",
      statements: deleteTariff(call.env.DB, accountId, kind.book, row),
      audit: { action: kind.deleted, target: row.rowId, before: toWire(row) },
      status: 200,
    };
  });
}

async function list(call: Call<unknown, Page>, kind: Kind, filter: TariffFilter): Promise<Answer> {
  const { accountId } = call.account.account;
  const [{ items, total }, toWire] = await Promise.all([
    tariffPage(call.env.DB, accountId, kind.book, filter, call.query),
    kind.wire(call),
  ]);
  return answer(200, paged(items.map(toWire), total, call.query));
}

async function readDenominations(call: Call): Promise<Answer> {
  const burned = await denominationsOf(call);
  return answer(200, Object.fromEntries([...burned].map(([featureId, [first = ""]]) => [featureId, first])));
}

async function readUnitCosts(call: Call): Promise<Answer> {
  const { accountId, currency } = call.account.account;
  const nowMs = Date.now();
  const range = fitRange({ startMs: undefined, endMs: undefined }, nowMs) ?? { startMs: nowMs, endMs: nowMs };
  const costs = await unitCosts(call.env.DB, accountId, currency, range);
  return answer(
    200,
    Object.fromEntries(
      costs.map(({ featureId, model, costE12 }) => [
        model === undefined ? featureId : `${featureId}:${model}`,
        costE12 === null ? null : e12ToNumber(costE12),
      ]),
    ),
  );
}

const BATCHES =
  "A batch takes effect as a whole, 10 s after it was published at the earliest: `effectiveFrom` may be up to 5 minutes past, which means now; older is 400. What is not in it keeps its value. Rows never change once they are in force. The same batch again is no second one (201, the first one's rows); another at the same instant is 409.";

const REFUSES = ["state_conflict", "request_conflict"] as const;

export const creditTariffRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: `${PATH}/weights`,
    scope: "admin",
    tag: "Credits",
    summary: "List credit weights, past and scheduled ones too",
    description: "Those that take effect last come first.",
    query: z.object(page),
    answers: { 200: pageOf(CreditWeightWire) },
    handle: (call) => list(call, WEIGHTS, {}),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/weights/history`,
    scope: "admin",
    tag: "Credits",
    summary: "List the weights of a feature and model",
    description: "Those that take effect last come first.",
    query: WeightHistoryQuery,
    answers: { 200: pageOf(CreditWeightWire) },
    handle: (call) => {
      const { featureId, model } = call.query;
      return list(call, WEIGHTS, { subject: featureId.toLowerCase(), variant: model?.trim() ?? "" });
    },
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/weights/publish`,
    scope: "admin",
    tag: "Credits",
    summary: "Publish credit weights",
    description: `How many credits a unit burns: by feature and model, else by feature, else 1. Models are compared trimmed and exact. An event burns by the weight in force when it occurred, up to 48 h back. A feature that burns two denominations: 400. ${BATCHES}`,
    body: PublishWeights,
    examples: {
      body: {
        effectiveFrom: "2027-02-01T00:00:00Z",
        entries: [
          { featureId: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d", creditsPerUnit: 1 },
          { featureId: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d", model: "gpt-4o", creditsPerUnit: 2.5 },
        ],
      },
    },
    answers: { 201: z.array(CreditWeightWire) },
    refuses: ["feature_not_found", ...REFUSES],
    handle: (call) => publish(call, WEIGHTS, call.body.effectiveFrom, call.body.entries.map(weightEntryFrom)),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/weights/denominations`,
    scope: "admin",
    tag: "Credits",
    summary: "Tell which denomination each feature burns",
    description:
      "By the rules of plans that are not archived, and of versions that subscribers have. Features that burn no credits are left out.",
    answers: { 200: DenominationsWire },
    handle: readDenominations,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/weights/unit-costs`,
    scope: "admin",
    tag: "Credits",
    summary: "Tell what a unit of each feature really cost",
    description:
      "Over the last 30 days, by feature and by feature and model: cost ÷ units, in the account's currency. A customer's hour (of some days ago: day) with an event of unknown cost is left out with all of its units, or the figure would be too low; what has no other is null, never zero. The figure to set a weight by.",
    answers: { 200: UnitCostsWire },
    handle: readUnitCosts,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/weights/{id}`,
    scope: "admin",
    tag: "Credits",
    summary: "Delete a scheduled weight",
    description: "Only while it takes effect in more than 10 s; else 400. The weight before it stays in force.",
    params: Id,
    answers: { 200: null },
    refuses: ["thing_not_found", "fixed_while_in_use", ...REFUSES],
    handle: (call) => takeBack(call, WEIGHTS),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/prices`,
    scope: "admin",
    tag: "Credits",
    summary: "List credit prices, past and scheduled ones too",
    description: "Those that take effect last come first.",
    query: z.object(page),
    answers: { 200: pageOf(CreditPriceWire) },
    handle: (call) => list(call, PRICES, {}),
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/prices/history`,
    scope: "admin",
    tag: "Credits",
    summary: "List the prices of a denomination",
    description: "In all currencies; those that take effect last come first.",
    query: PriceHistoryQuery,
    answers: { 200: pageOf(CreditPriceWire) },
    handle: (call) => list(call, PRICES, { subject: call.query.denomination }),
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/prices/publish`,
    scope: "admin",
    tag: "Credits",
    summary: "Publish credit prices",
    description: `What a credit of a denomination costs in a currency. A denomination that no credit model has: 400. ${BATCHES}`,
    body: PublishPrices,
    examples: {
      body: {
        effectiveFrom: "2027-02-01T00:00:00Z",
        entries: [{ denomination: "AI_CREDITS", currency: "USD", pricePerCredit: 0.1 }],
      },
    },
    answers: { 201: z.array(CreditPriceWire) },
    refuses: REFUSES,
    handle: (call) => publish(call, PRICES, call.body.effectiveFrom, call.body.entries.map(priceEntryFrom)),
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/prices/{id}`,
    scope: "admin",
    tag: "Credits",
    summary: "Delete a scheduled price",
    description: "Only while it takes effect in more than 10 s; else 400. The price before it stays in force.",
    params: Id,
    answers: { 200: null },
    refuses: ["thing_not_found", "fixed_while_in_use", ...REFUSES],
    handle: (call) => takeBack(call, PRICES),
  }),
];
