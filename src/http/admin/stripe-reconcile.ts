import * as z from "zod";
import { differencePage, lastReconciliation } from "../../catalog/reconciliations.ts";
import { reconcile } from "../../clearing/reconcile.ts";
import {
  LastReconciliationWire,
  Reconcile,
  ReconciliationWire,
  toWireDifference,
  toWireReconciliation,
} from "../../contract/reconciliation.ts";
import { page, paged } from "../../contract/scalars.ts";
import { commitAccount } from "../remembered.ts";
import { answer, defineRoute, type Route } from "../route.ts";

const PATH = "/api/v1/data/stripe/reconcile";

export const reconcileRoutes: readonly Route[] = [
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Stripe",
    summary: "Compare the books with Stripe's",
    description: [
      "Each payment at Stripe that is ours is held against what its customer's books say, and each invoice that we call paid through Stripe against the payments there. Nothing is repaired: differences are listed by `GET` with a severity each.",
      "",
      "A call goes through 20 pages; while `state` is RUNNING call again, and it goes on. Once a day this happens by itself.",
    ].join("\n"),
    body: Reconcile,
    examples: { body: { since: "2027-01-01T00:00:00Z" } },
    answers: { 200: ReconciliationWire },
    refuses: ["state_conflict", "payments_unavailable", "request_conflict"],
    handle: (call) =>
      commitAccount(call, async (nowMs) => {
        const { accountId } = call.account.account;
        const run = await reconcile(call.env, accountId, call.body.since, nowMs);
        if (run === "unavailable") return { ok: false, code: "payments_unavailable" };
        if (run === "off")
          return {
            ok: false,
            code: "state_conflict",
            why: "Stripe is not connected, so there is nothing to compare with.",
          };
        const data = toWireReconciliation(run);
        const audit = { action: "stripe.reconciled" as const, target: run.runId, after: data };
        return { ok: true, version: "leave", statements: [], audit, status: 200, data };
      }),
  }),
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Stripe",
    summary: "Read what the last comparison found",
    query: z.object(page),
    answers: { 200: LastReconciliationWire },
    handle: async (call) => {
      const run = await lastReconciliation(call.env.DB, call.account.account.accountId);
      if (run === undefined) return answer(200, paged([], 0, call.query));
      const { items, total } = await differencePage(call.env.DB, run, call.query);
      return answer(200, { run: toWireReconciliation(run), ...paged(items.map(toWireDifference), total, call.query) });
    },
  }),
];
