import { accountRoutes } from "./admin/accounts.ts";
import { importRoutes } from "./admin/events-import.ts";
import { opsRoutes } from "./admin/ops.ts";
import { recostRoutes } from "./admin/recost.ts";
import { clientCustomerRoutes } from "./client/customers.ts";
import { clientEventRoutes } from "./client/events.ts";
import { healthRoutes } from "./public/health.ts";
import type { Route } from "./route.ts";

/** Every route of the Worker. What is not here does not exist, neither for callers nor in the OpenAPI document. */
export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...accountRoutes,
  ...clientCustomerRoutes,
  ...clientEventRoutes,
  ...importRoutes,
  ...recostRoutes,
  ...opsRoutes,
];
