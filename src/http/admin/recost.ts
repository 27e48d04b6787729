import * as z from "zod";
import { findCustomer } from "../../catalog/directory.ts";
import { instant, name, sumFields } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import { modelIdentity } from "../../domain/cost.ts";
import { readCustomerThingId, type Uuid } from "../../domain/ids.ts";
import { RECOST_CALLS_PER_PAGE, WALK_CUSTOMERS_DEFAULT } from "../../domain/limits.ts";
import { invalid, type Refusal } from "../../domain/refusal.ts";
import { customersWithUnknownCost } from "../../ledger/unknown-cost.ts";
import { costTermsOf } from "../cost-terms.ts";
import { commitAccount, type Decided } from "../remembered.ts";
import { type Call, defineRoute, type Route } from "../route.ts";
import { WalkBody } from "./ops.ts";

/** Where a recost goes on: behind a customer's event, or at the next customer. `customerId` or `customerId/seq`. */
function readCursor(
  cursor: string | undefined,
): { after: string; at?: { customerId: Uuid; afterSeq: number } } | undefined {
  if (cursor === undefined) return { after: "" };
  const [customerId = "", seq] = cursor.split("/");
  if (readCustomerThingId(customerId)?.kind !== "customer") return undefined;
  if (seq === undefined) return { after: customerId };
  if (!/^\d{1,15}$/.test(seq)) return undefined;
  return { after: customerId, at: { customerId: customerId as Uuid, afterSeq: Number(seq) } };
}

const RecostBody = z
  .object({
    model: name,
    from: instant.optional(),
    to: instant.optional(),
    dryRun: z.boolean().optional(),
    ...WalkBody,
  })
  .meta({ id: "Recost" });

export const recostRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: "/api/v1/analytics/recost",
    scope: "admin",
    tag: "Analytics",
    summary: "Find unknown costs after a rate became known",
    description: `Events of one model whose cost is unknown are priced by the account's rates and price list as they are now, at each event's own instant. Events with a cost are never touched; receipts stay; sums follow. A page at a time: repeat with \`nextCursor\` until there is none. \`dryRun\` only counts; without \`from\` or \`to\` the range is open there.`,
    body: RecostBody,
    examples: {
      body: { model: "my-own-model", from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z", dryRun: true },
    },
    answers: {
      200: z
        .object({
          customers: z.int(),
          examined: z.int(),
          priced: z.int(),
          cost: z.number(),
          dryRun: z.boolean(),
          nextCursor: z.string().optional(),
        })
        .meta({ id: "RecostResult" }),
    },
    handle: (call) => commitAccount(call, () => recostPage(call)),
  }),
];

/** Without bounds: the first and last instant that a date can hold. */
const NEWEST_MS = 8.64e15;
const OLDEST_MS = -NEWEST_MS;

/** One page. Its effect is in the customers' objects, where it is harmless to repeat; D1 keeps who did it, and the answer. */
async function recostPage(call: Call<unknown, unknown, z.output<typeof RecostBody>>): Promise<Decided | Refusal> {
  const { accountId } = call.account.account;
  const { model: named, from = OLDEST_MS, to = NEWEST_MS, dryRun = false, limit = WALK_CUSTOMERS_DEFAULT } = call.body;
  const start = readCursor(call.body.cursor);
  const given = start?.at?.customerId;
  // A cursor may be anybody's words: an id that the directory does not know would make an object.
  const known = given === undefined ? undefined : await findCustomer(call.env.DB, accountId, given);
  if (start === undefined || known?.customerId !== given) return invalid("cursor", "is none that this route gave");
  const { model } = modelIdentity({ model: named });
  const ids = await customersWithUnknownCost(call.env.DB, accountId, { model, from, to }, start.after, limit);
  const queue = [
    ...(start.at === undefined ? [] : [start.at]),
    ...ids.map((customerId) => ({ customerId, afterSeq: 0 })),
  ];
  const totals = { customers: 0, examined: 0, priced: 0, costE12: 0n };
  let calls = 0;
  let nextCursor = ids.length === limit ? ids.at(-1) : undefined;
  walk: for (const { customerId, afterSeq: first } of queue) {
    let afterSeq: number | undefined = first;
    totals.customers += 1;
    while (afterSeq !== undefined) {
      // A page is bounded in calls: a customer with a million events goes on in the next one.
      if (calls === RECOST_CALLS_PER_PAGE) {
        nextCursor = `${customerId}/${afterSeq}` as Uuid;
        break walk;
      }
      calls += 1;
      const reply = await objectOf(call.env, accountId, customerId).recost({
        model,
        fromMs: from,
        toMs: to,
        terms: costTermsOf(call.account),
        dryRun,
        afterSeq,
      });
      if (!reply.ok) return reply;
      totals.examined += reply.value.examined;
      totals.priced += reply.value.priced;
      totals.costE12 += reply.value.costE12;
      afterSeq = reply.value.afterSeq;
    }
  }
  const { costE12, ...counts } = totals;
  const data = {
    ...counts,
    ...sumFields("cost", costE12),
    dryRun,
    ...(nextCursor === undefined ? {} : { nextCursor }),
  };
  const audit = dryRun ? [] : { action: "costs.recosted" as const, target: model, after: data };
  return { ok: true, statements: [], audit, status: 200, data, version: "leave" };
}
