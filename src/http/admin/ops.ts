import * as z from "zod";
import { lastRuns, runPage } from "../../catalog/cron-runs.ts";
import { customersAfter, restoreCustomers } from "../../catalog/customers.ts";
import { failedEvents } from "../../catalog/webhook-events.ts";
import { CronRunWire, OperationsStatusWire, toWireRun } from "../../contract/operations.ts";
import { idText, instantText, name, page, paged, pageOf } from "../../contract/scalars.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { Uuid } from "../../domain/ids.ts";
import { STATUS_OBJECTS_MAX, WALK_CUSTOMERS_DEFAULT, WALK_CUSTOMERS_MAX } from "../../domain/limits.ts";
import { troubledObjects } from "../../ledger/health.ts";
import { recentUsers } from "../../ledger/recent-users.ts";
import { commitAccount } from "../remembered.ts";
import { answer, defineRoute, type Route } from "../route.ts";

/** A page of customers to walk: behind `cursor`, `limit` of them. */
export const WalkBody = {
  cursor: idText.optional().meta({ description: "nextCursor of the page before; absent for the first." }),
  limit: z
    .int()
    .min(1)
    .max(WALK_CUSTOMERS_MAX)
    .optional()
    .meta({ description: `Default ${WALK_CUSTOMERS_DEFAULT}.` }),
};

export const opsRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/ops/status",
    scope: "admin",
    tag: "Operations",
    summary: "What waits, what is parked, who is quarantined, when the cron ran",
    description: `Asked of up to ${STATUS_OBJECTS_MAX} customers: those that reported trouble and those with the newest events.`,
    answers: { 200: OperationsStatusWire },
    refuses: ["catalog_unavailable"],
    handle: async (call) => {
      const { accountId } = call.account.account;
      const [troubled, recent, runs, failedWebhooks] = await Promise.all([
        troubledObjects(call.env.DB, accountId, STATUS_OBJECTS_MAX),
        recentUsers(call.env.DB, accountId, STATUS_OBJECTS_MAX),
        lastRuns(call.env.DB),
        failedEvents(call.env.DB, accountId),
      ]);
      const ids = [...new Set([...troubled.map(({ customerId }) => customerId), ...recent.customerIds])].slice(
        0,
        STATUS_OBJECTS_MAX,
      );
      // An object that fails is what the operator looks for: it must not hide the others.
      const answers = await Promise.allSettled(
        ids.map(async (id) => ({ id, health: await objectOf(call.env, accountId, id as Uuid).health() })),
      );
      const asked = answers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      const oldest = asked.flatMap(({ health }) => health.oldestUnsentAtMs ?? []);
      const sick = asked.filter(({ health }) => health.parkedRows > 0 || health.quarantinedAtMs !== undefined);
      return answer(200, {
        asOf: instantText(Date.now()),
        ...(oldest.length === 0 ? {} : { oldestUnsentAt: instantText(Math.min(...oldest)) }),
        waitingRows: asked.reduce((sum, { health }) => sum + health.waitingRows, 0),
        parkedRows: asked.reduce((sum, { health }) => sum + health.parkedRows, 0),
        quarantinedObjects: asked.filter(({ health }) => health.quarantinedAtMs !== undefined).length,
        failedWebhooks,
        objectsAsked: ids.length,
        silentObjects: ids.filter((_, at) => answers[at]?.status === "rejected"),
        troubled: sick.map(({ id, health }) => ({
          customerId: id,
          parkedRows: health.parkedRows,
          ...(health.quarantinedAtMs === undefined ? {} : { quarantinedAt: instantText(health.quarantinedAtMs) }),
          sizeBytes: health.sizeBytes,
        })),
        cronRuns: runs.map(toWireRun),
      });
    },
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/ops/cron-runs",
    scope: "admin",
    tag: "Operations",
    summary: "List the cron's runs of the last week, newest first",
    description:
      "The deployment's, not one account's: when each task ran, how many it went through, how many of them failed, and why it failed itself where it did.",
    query: z.object({
      ...page,
      task: name.optional().meta({ description: "Runs of one task, such as `sweep-overdue`." }),
    }),
    answers: { 200: pageOf(CronRunWire) },
    refuses: ["catalog_unavailable"],
    handle: async (call) => {
      const { items, total } = await runPage(call.env.DB, call.query.task, call.query);
      return answer(200, paged(items.map(toWireRun), total, call.query));
    },
  }),
  defineRoute({
    method: "POST",
    path: "/api/v1/ops/reproject",
    scope: "admin",
    tag: "Operations",
    summary: "Rebuild D1's copies from the customers' objects, a page at a time",
    description:
      "Each customer of the page sends everything again: rollups, feed, customer row. Repeat with nextCursor until there is none; repeating a page is harmless.",
    body: z.object(WalkBody).meta({ id: "Reproject" }),
    examples: { body: { limit: 100 } },
    answers: {
      200: z
        .object({ customers: z.int(), rows: z.int(), unfinished: z.int(), nextCursor: z.string().optional() })
        .meta({ id: "ReprojectResult" }),
    },
    handle: (call) =>
      commitAccount(call, async () => {
        const { accountId } = call.account.account;
        const { cursor = "", limit = WALK_CUSTOMERS_DEFAULT } = call.body;
        const page = await customersAfter(call.env.DB, accountId, cursor, limit);
        await restoreCustomers(call.env.DB, accountId, page.ids, Date.now());
        // One that fails is unfinished; the page goes on past it, or nobody behind it could ever be rebuilt.
        const answers = await Promise.allSettled(
          page.ids.map(async (id) => objectOf(call.env, accountId, id).reproject()),
        );
        const sent = answers.map((each) => (each.status === "fulfilled" ? each.value : { rows: 0, arrived: false }));
        const data = {
          customers: page.ids.length,
          rows: sent.reduce((sum, { rows }) => sum + rows, 0),
          unfinished: sent.filter(({ arrived }) => !arrived).length,
          ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
        };
        const audit = { action: "copies.reprojected" as const, target: accountId, after: data };
        return { ok: true, statements: [], audit, status: 200, data, version: "leave" };
      }),
  }),
];
