import type { Env } from "./env.ts";
import { app } from "./http/app.ts";
import { runScheduled } from "./scheduled.ts";

export { CustomerObject } from "./customer/object.ts";

export default {
  fetch: app.fetch,
  scheduled: (controller, env) => runScheduled(env, controller.scheduledTime),
} satisfies ExportedHandler<Env>;
