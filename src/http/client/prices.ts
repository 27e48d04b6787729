import * as z from "zod";
import { openTariffs } from "../../catalog/credit-tariffs.ts";
import { clockOf } from "../../catalog/test-clocks.ts";
import { CreditPriceWire, toWirePrice } from "../../contract/credit-tariff.ts";
import { objectOf } from "../../customer/object-of.ts";
import type { Uuid } from "../../domain/ids.ts";
import { farthestOf } from "../../domain/test-clock.ts";
import { answer, type Call, defineRoute, type Route } from "../route.ts";

/** What credits cost now: a customer of a test clock who asks with its own key would buy at that clock's instant. */
async function nowOf({ env, account: { account }, key: { customerId } }: Call): Promise<number> {
  if (customerId === undefined || account.mode === "live") return Date.now();
  const shown = await objectOf(env, account.accountId, customerId as Uuid).view();
  const found =
    shown?.testClockId === undefined ? undefined : await clockOf(env.DB, account.accountId, shown.testClockId);
  return found === undefined ? Date.now() : farthestOf(found.clock);
}

export const clientPriceRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/client/credits/prices",
    scope: "client",
    pinned: ["read", "purchase", "ingest"],
    tag: "Credits",
    summary: "Read the prices of credits that are in force now",
    description:
      "A bare array, ordered by denomination and currency. With the key of a customer who lives by a test clock: at that clock's instant.",
    answers: { 200: z.array(CreditPriceWire) },
    handle: async (call) => {
      const nowMs = await nowOf(call);
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
