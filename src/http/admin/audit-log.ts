import * as z from "zod";
import { auditPage } from "../../catalog/audit.ts";
import { AuditEntryWire, toWireAuditEntry } from "../../contract/audit.ts";
import { page, paged, pageOf } from "../../contract/scalars.ts";
import { answer, defineRoute, type Route } from "../route.ts";

export const auditRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/account/audit-log",
    scope: "admin",
    tag: "Accounts",
    summary: "Who changed what",
    description:
      "Keys made, rotated and revoked, settings and features changed: by which key, from where, in which request; newest first. Secrets are never in it.",
    query: z.object(page),
    answers: { 200: pageOf(AuditEntryWire) },
    handle: async (call) => {
      const { items, total } = await auditPage(call.env.DB, call.account.account.accountId, call.query);
      return answer(200, paged(items.map(toWireAuditEntry), total, call.query));
    },
  }),
];
