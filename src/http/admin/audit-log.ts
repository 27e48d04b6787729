import { auditPage } from "../../catalog/audit.ts";
import { AuditEntryWire, AuditQuery, toWireAuditEntry } from "../../contract/audit.ts";
import { paged, pageOf } from "../../contract/scalars.ts";
import { answer, defineRoute, type Route } from "../route.ts";

export const auditRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/account/audit-log",
    scope: "admin",
    tag: "Accounts",
    summary: "Who changed what",
    description:
      "Keys made, rotated and revoked, settings and catalog changed, what operators did to customers: by which key, from where, in which request; newest first. Secrets are never in it.",
    query: AuditQuery,
    answers: { 200: pageOf(AuditEntryWire) },
    handle: async (call) => {
      const { action, target, keyId, start, end, ...which } = call.query;
      const filter = {
        ...(action === undefined ? {} : { action }),
        ...(target === undefined ? {} : { target }),
        ...(keyId === undefined ? {} : { keyId: keyId.toLowerCase() }),
        ...(start === undefined ? {} : { startMs: start }),
        ...(end === undefined ? {} : { endMs: end }),
      };
      const { items, total } = await auditPage(call.env.DB, call.account.account.accountId, filter, which);
      return answer(200, paged(items.map(toWireAuditEntry), total, which));
    },
  }),
];
