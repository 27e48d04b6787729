import * as z from "zod";
import { FeatureWire, toWireFeature } from "../../contract/feature.ts";
import { name, page, paged, pageOf } from "../../contract/scalars.ts";
import { answer, defineRoute, type Route } from "../route.ts";

/** Features as clients see them: from what the isolate remembers of the account, at most 5 seconds old. */
export const clientFeatureRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/client/features",
    scope: "client",
    tag: "Features",
    summary: "List features, newest first",
    query: z.object(page),
    answers: { 200: pageOf(FeatureWire) },
    handle: (call) => {
      const { limit, offset } = call.query;
      const features = [...call.account.featuresById.values()].sort(
        (a, b) => b.createdAtMs - a.createdAtMs || (a.key < b.key ? -1 : 1),
      );
      const items = features.slice(offset, offset + limit).map(toWireFeature);
      return answer(200, paged(items, features.length, call.query));
    },
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/client/features/{key}",
    scope: "client",
    tag: "Features",
    summary: "Read a feature by its key",
    params: z.object({ key: name }),
    answers: { 200: FeatureWire },
    refuses: ["feature_not_found"],
    handle: (call) => {
      const feature = call.account.featuresByKey.get(call.params.key);
      return feature === undefined
        ? { ok: false, code: "feature_not_found", given: call.params.key }
        : answer(200, toWireFeature(feature));
    },
  }),
];
