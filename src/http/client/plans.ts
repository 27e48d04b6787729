import * as z from "zod";
import { offerPage } from "../../catalog/plans.ts";
import { OfferWire, toWireOffer } from "../../contract/offer.ts";
import { page, paged, pageOf } from "../../contract/scalars.ts";
import { answer, defineRoute, type Route } from "../route.ts";

/** Plans as clients see them: what is sold now. */
export const clientPlanRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/client/plans",
    scope: "client",
    tag: "Plans",
    summary: "List the plans that are sold, cheapest first",
    description:
      "ACTIVE plans with what a pricing page shows of them. A feature that is disabled, by its own switch or by the plan's rule, is not shown.",
    query: z.object(page),
    answers: { 200: pageOf(OfferWire) },
    handle: async (call) => {
      const { items, total } = await offerPage(call.env.DB, call.account.account.accountId, call.query);
      return answer(200, paged(items.map(toWireOffer), total, call.query));
    },
  }),
];
