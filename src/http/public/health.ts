import * as z from "zod";
import { version } from "../../../package.json";
import { answer, defineRoute, type Route } from "../route.ts";

/** Is it up? Answers 200 while the Worker runs, and says what is not well. */
export const healthRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/health",
    aliases: ["/actuator/health"],
    scope: "public",
    tag: "Operations",
    summary: "Health",
    answers: {
      200: z
        .object({
          status: z.enum(["UP", "DEGRADED"]),
          version: z.string(),
          database: z.enum(["up", "down"]),
          quarantinedObjects: z.int().optional(),
        })
        .meta({ id: "Health" }),
    },
    handle: async (call) => {
      try {
        const row = await call.env.DB.prepare(
          "SELECT COUNT(*) AS n FROM object_health WHERE quarantined_at_ms IS NOT NULL",
        ).first<{ n: number }>();
        const quarantinedObjects = row?.n ?? 0;
        return answer(200, {
          status: quarantinedObjects === 0 ? "UP" : "DEGRADED",
          version,
          database: "up",
          quarantinedObjects,
        });
      } catch {
        return answer(200, { status: "DEGRADED", version, database: "down" });
      }
    },
  }),
];
