import { ownAccountRoutes } from "./admin/account.ts";
import { accountRoutes } from "./admin/accounts.ts";
import { analyticsRoutes } from "./admin/analytics.ts";
import { analyticsBreakdownRoutes } from "./admin/analytics-breakdowns.ts";
import { analyticsEventRoutes } from "./admin/analytics-events.ts";
import { limitsNearRoutes } from "./admin/analytics-limits.ts";
import { analyticsSeriesRoutes } from "./admin/analytics-series.ts";
import { apiKeyRoutes } from "./admin/api-keys.ts";
import { auditRoutes } from "./admin/audit-log.ts";
import { balanceRoutes } from "./admin/balance.ts";
import { booksRoutes } from "./admin/books.ts";
import { checkRoutes } from "./admin/checks.ts";
import { creditModelRoutes } from "./admin/credit-models.ts";
import { creditMoveRoutes } from "./admin/credit-moves.ts";
import { creditPoolRoutes } from "./admin/credit-pools.ts";
import { creditTariffRoutes } from "./admin/credit-tariffs.ts";
import { customerRightsRoutes } from "./admin/customer-rights.ts";
import { customerRoutes } from "./admin/customers.ts";
import { importRoutes } from "./admin/events-import.ts";
import { explainRoutes } from "./admin/explain.ts";
import { featureRoutes } from "./admin/features.ts";
import { invoiceRoutes } from "./admin/invoices.ts";
import { modelPricingRoutes } from "./admin/model-pricing.ts";
import { opsRoutes } from "./admin/ops.ts";
import { migrateRoutes } from "./admin/plan-migrate.ts";
import { planPreviewRoutes } from "./admin/plan-preview.ts";
import { planRevenueRoutes } from "./admin/plan-revenue.ts";
import { ruleRoutes } from "./admin/plan-rules.ts";
import { planRoutes } from "./admin/plans.ts";
import { recostRoutes } from "./admin/recost.ts";
import { settingsRoutes } from "./admin/settings.ts";
import { stripeRoutes } from "./admin/stripe.ts";
import { reconcileRoutes } from "./admin/stripe-reconcile.ts";
import { subscriptionRoutes } from "./admin/subscriptions.ts";
import { testClockRoutes } from "./admin/test-clocks.ts";
import { correctionRoutes } from "./client/corrections.ts";
import { clientCreditRoutes } from "./client/credits.ts";
import { clientCustomerRoutes } from "./client/customers.ts";
import { entitlementRoutes } from "./client/entitlements.ts";
import { clientEventRoutes } from "./client/events.ts";
import { clientFeatureRoutes } from "./client/features.ts";
import { forecastRoutes } from "./client/forecast.ts";
import { invoicePaperRoutes } from "./client/invoice-papers.ts";
import { clientInvoiceRoutes } from "./client/invoices.ts";
import { customerKeyRoutes } from "./client/keys.ts";
import { clientPaymentRoutes } from "./client/payments.ts";
import { clientPlanRoutes } from "./client/plans.ts";
import { clientPriceRoutes } from "./client/prices.ts";
import { purchaseRoutes } from "./client/purchases.ts";
import { reservationRoutes } from "./client/reservations.ts";
import { clientSubscriptionRoutes } from "./client/subscriptions.ts";
import { consoleSessionRoutes } from "./console/sessions.ts";
import { publicCatalogRoutes } from "./public/catalog.ts";
import { healthRoutes } from "./public/health.ts";
import { documentRoutes } from "./public/openapi.ts";
import { stripeInboxRoutes } from "./public/stripe.ts";
import type { Route } from "./route.ts";

/** Every route of the Worker. What is not here does not exist, neither for callers nor in the OpenAPI document. */
export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...publicCatalogRoutes,
  ...accountRoutes,
  ...ownAccountRoutes,
  ...settingsRoutes,
  ...stripeRoutes,
  ...reconcileRoutes,
  ...stripeInboxRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...modelPricingRoutes,
  ...featureRoutes,
  ...planRoutes,
  ...planRevenueRoutes,
  ...planPreviewRoutes,
  ...migrateRoutes,
  ...ruleRoutes,
  ...subscriptionRoutes,
  ...invoiceRoutes,
  ...explainRoutes,
  ...creditModelRoutes,
  ...creditPoolRoutes,
  ...creditMoveRoutes,
  ...creditTariffRoutes,
  ...customerRoutes,
  ...customerRightsRoutes,
  ...balanceRoutes,
  ...booksRoutes,
  ...checkRoutes,
  ...clientCustomerRoutes,
  ...clientEventRoutes,
  ...correctionRoutes,
  ...entitlementRoutes,
  ...reservationRoutes,
  ...clientFeatureRoutes,
  ...clientPlanRoutes,
  ...clientSubscriptionRoutes,
  ...clientInvoiceRoutes,
  ...clientPaymentRoutes,
  ...invoicePaperRoutes,
  ...clientPriceRoutes,
  ...clientCreditRoutes,
  ...purchaseRoutes,
  ...forecastRoutes,
  ...customerKeyRoutes,
  ...testClockRoutes,
  ...importRoutes,
  ...recostRoutes,
  ...analyticsRoutes,
  ...analyticsBreakdownRoutes,
  ...analyticsSeriesRoutes,
  ...analyticsEventRoutes,
  ...limitsNearRoutes,
  ...opsRoutes,
  ...consoleSessionRoutes,
  ...documentRoutes(() => ROUTES),
];
