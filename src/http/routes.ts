import { ownAccountRoutes } from "./admin/account.ts";
import { accountRoutes } from "./admin/accounts.ts";
import { analyticsRoutes } from "./admin/analytics.ts";
import { analyticsBreakdownRoutes } from "./admin/analytics-breakdowns.ts";
import { analyticsEventRoutes } from "./admin/analytics-events.ts";
import { analyticsSeriesRoutes } from "./admin/analytics-series.ts";
import { apiKeyRoutes } from "./admin/api-keys.ts";
import { auditRoutes } from "./admin/audit-log.ts";
import { customerRoutes } from "./admin/customers.ts";
import { importRoutes } from "./admin/events-import.ts";
import { featureRoutes } from "./admin/features.ts";
import { modelPricingRoutes } from "./admin/model-pricing.ts";
import { opsRoutes } from "./admin/ops.ts";
import { ruleRoutes } from "./admin/plan-rules.ts";
import { planRoutes } from "./admin/plans.ts";
import { recostRoutes } from "./admin/recost.ts";
import { settingsRoutes } from "./admin/settings.ts";
import { clientCustomerRoutes } from "./client/customers.ts";
import { clientEventRoutes } from "./client/events.ts";
import { clientFeatureRoutes } from "./client/features.ts";
import { customerKeyRoutes } from "./client/keys.ts";
import { clientPlanRoutes } from "./client/plans.ts";
import { healthRoutes } from "./public/health.ts";
import { documentRoutes } from "./public/openapi.ts";
import type { Route } from "./route.ts";

/** Every route of the Worker. What is not here does not exist, neither for callers nor in the OpenAPI document. */
export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...accountRoutes,
  ...ownAccountRoutes,
  ...settingsRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...modelPricingRoutes,
  ...featureRoutes,
  ...planRoutes,
  ...ruleRoutes,
  ...customerRoutes,
  ...clientCustomerRoutes,
  ...clientEventRoutes,
  ...clientFeatureRoutes,
  ...clientPlanRoutes,
  ...customerKeyRoutes,
  ...importRoutes,
  ...recostRoutes,
  ...analyticsRoutes,
  ...analyticsBreakdownRoutes,
  ...analyticsSeriesRoutes,
  ...analyticsEventRoutes,
  ...opsRoutes,
  ...documentRoutes(() => ROUTES),
];
