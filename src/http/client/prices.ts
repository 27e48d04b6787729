import * as z from "zod";
import { openTariffs } from "../../catalog/credit-tariffs.ts";
import { CreditPriceWire, toWirePrice } from "../../contract/credit-tariff.ts";
import { answer, defineRoute, type Route } from "../route.ts";

/** What credits cost now. */
export const clientPriceRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/client/credits/prices",
    scope: "client",
    pinned: ["read", "purchase", "ingest"],
    tag: "Credits",
    summary: "Read the prices of credits that are in force now",
    description: "A bare array, ordered by denomination and currency.",
    answers: { 200: z.array(CreditPriceWire) },
    handle: async (call) => {
      const nowMs = Date.now();
      const open = await openTariffs(call.env.DB, call.account.account.accountId, "prices", nowMs);
      const inForce = open.filter(({ effectiveFromMs }) => effectiveFromMs <= nowMs);
      const named = inForce.map((row) => ({ row, name: `${row.subject}\n${row.variant}` }));
      named.sort((a, b) => (a.name < b.name ? -1 : 1));
      return answer(
        200,
        named.map(({ row }) => toWirePrice(row)),
      );
    },
  }),
];
