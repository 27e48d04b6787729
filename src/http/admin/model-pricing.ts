import * as z from "zod";
import { ModelPriceWire, toWireModelPrice } from "../../contract/model-price.ts";
import { page, paged, pageOf, text } from "../../contract/scalars.ts";
import { NAME_CHARS_MAX } from "../../domain/limits.ts";
import { listPrices, PRICE_LIST_DATE } from "../../domain/price-list.ts";
import { answer, defineRoute, type Route } from "../route.ts";

export const modelPricingRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/account/model-pricing",
    aliases: ["/api/v1/tanso/model-pricing"],
    scope: "admin",
    tag: "Settings",
    summary: "The bundled public price list",
    description:
      "What models cost in USD, at this instant, where the account has no rate of its own. `search`: words that all occur in provider or model. `updatedAt` is the day of the list.",
    query: z.object({ search: text.max(NAME_CHARS_MAX).optional(), ...page }),
    answers: { 200: pageOf(ModelPriceWire) },
    handle: (call) => {
      const { limit, offset, search } = call.query;
      const rows = listPrices(search, Date.now());
      const items = rows.slice(offset, offset + limit).map((row) => toWireModelPrice(row, PRICE_LIST_DATE));
      return answer(200, paged(items, rows.length, call.query));
    },
  }),
];
