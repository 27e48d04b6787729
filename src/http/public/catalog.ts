import * as z from "zod";
import { publicAccount } from "../../catalog/accounts.ts";
import { offerPage } from "../../catalog/plans.ts";
import { readAccount } from "../../catalog/snapshot.ts";
import { PublicCatalogWire, toWirePublicCatalog } from "../../contract/public-catalog.ts";
import { name } from "../../contract/scalars.ts";
import { BoundedMap } from "../../domain/bounded-map.ts";
import { CATALOG_FRESH_MS_MAX, CATALOGS_CACHED_MAX, PAGE_LIMIT_MAX } from "../../domain/limits.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { type Answer, type Call, defineRoute, type Route } from "../route.ts";
import { type Served, servedText, serveText } from "./served.ts";

/**
 * An account's prices for everybody. Whoever asks needs no key, so an answer must be cheap: one row of D1 says whether what is
 * remembered still holds. A slug that nobody has and a catalog that is switched off are the same to strangers.
 */

type Remembered = { served: Served; madeAtMs: number };

/** By account, its catalog's version and the address that was asked. */
const remembered = new BoundedMap<string, Remembered>(CATALOGS_CACHED_MAX);

async function pricing(call: Call<{ slug: string }>): Promise<Answer> {
  const { slug } = call.params;
  const unknown: Refusal = { ok: false, code: "thing_not_found", what: "public catalog", given: slug };
  const found = await publicAccount(call.env.DB, slug);
  if (found === undefined) return unknown;
  const nowMs = Date.now();
  const { origin } = new URL(call.request.url);
  const key = `${found.accountId} ${found.catalogVersion} ${origin}`;
  const known = remembered.get(key);
  if (known !== undefined && nowMs - known.madeAtMs < CATALOG_FRESH_MS_MAX) return served(call, known.served);
  const snapshot = await readAccount(call.env.DB, found.accountId, nowMs);
  if (snapshot === undefined) return unknown;
  const { items } = await offerPage(call.env.DB, found.accountId, { limit: PAGE_LIMIT_MAX, offset: 0 });
  const { account, weightsByFeature: weights } = snapshot;
  const shown = toWirePublicCatalog({ account, offers: items, weights, origin, nowMs });
  const made = servedText(JSON.stringify(shown), "application/json");
  remembered.set(key, { served: made, madeAtMs: nowMs });
  return served(call, made);
}

/** Prices are for everybody: any page may read them. */
function served(call: Call, text: Served): Response {
  return serveText(call.request, text, { "Access-Control-Allow-Origin": "*" });
}

export const publicCatalogRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/public/v1/catalog/{slug}/pricing.json",
    scope: "public",
    tag: "Plans",
    summary: "An account's prices, for everybody",
    description:
      "Raw JSON, not enveloped: what is sold, what credits burn, where the API is. For pricing pages, and for programs that look for an API. There once the settings have a `slug` and `publicCatalogEnabled`; before that, and for any other name, 404. At most a minute old.",
    params: z.object({ slug: name }),
    answers: { 200: "application/json" },
    rawAnswer: PublicCatalogWire,
    refuses: ["thing_not_found"],
    handle: pricing,
  }),
];
