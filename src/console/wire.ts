import type * as z from "zod";
import type { AccountWire } from "../contract/account.ts";
import type {
  CustomerDetailWire,
  CustomerFiguresWire,
  EventGroupWire,
  FeatureFiguresWire,
  ModelsWire,
  PortfolioWire,
  TimeSeriesWire,
} from "../contract/analytics.ts";
import type { ApiKeyWire, CustomerKeyWire } from "../contract/api-key.ts";
import type { AuditEntryWire } from "../contract/audit.ts";
import type { BalanceEntryWire, BalanceWire } from "../contract/balance.ts";
import type { BooksWire } from "../contract/books.ts";
import type { ConsoleSessionWire, WhoamiWire } from "../contract/console-session.ts";
import type { GrantWire } from "../contract/credit-grant.ts";
import type { ExplainWire, BalanceWire as PoolBalanceWire } from "../contract/credit-history.ts";
import type { AllocationWire, CreditModelWire } from "../contract/credit-model.ts";
import type { PoolWire } from "../contract/credit-pool.ts";
import type { CreditPriceWire, CreditWeightWire } from "../contract/credit-tariff.ts";
import type { TransactionWire } from "../contract/credit-transaction.ts";
import type { CustomerItemWire, CustomerWire } from "../contract/customer.ts";
import type { EntitlementWire } from "../contract/entitlement.ts";
import type { ReceiptWire, StoredEventWire } from "../contract/event.ts";
import type { EventDetailWire } from "../contract/event-detail.ts";
import type { BillingVerifiedWire, ExplainedInvoiceWire } from "../contract/explain.ts";
import type { FeatureWire } from "../contract/feature.ts";
import type { ForecastWire, LimitsWire } from "../contract/forecast.ts";
import type { InvoiceWire } from "../contract/invoice.ts";
import type { MigrationWire } from "../contract/migration.ts";
import type { ModelPriceWire } from "../contract/model-price.ts";
import type { OfferWire } from "../contract/offer.ts";
import type { CronRunWire, OperationsStatusWire } from "../contract/operations.ts";
import type { CheckoutLinkWire } from "../contract/payment.ts";
import type { FeaturePlanWire, PlanFeaturesWire, PlanVersionWire, PlanWire, VersionsWire } from "../contract/plan.ts";
import type { BridgeWire, PlanRevenueWire } from "../contract/plan-figures.ts";
import type { PlanPreviewWire } from "../contract/plan-preview.ts";
import type { PublicCatalogWire } from "../contract/public-catalog.ts";
import type { LastReconciliationWire, ReconciliationWire } from "../contract/reconciliation.ts";
import type { SettingsWire } from "../contract/settings.ts";
import type { ConnectionWire, WebhookEventWire } from "../contract/stripe.ts";
import type { ListedChangeWire, SubscriptionWire } from "../contract/subscription.ts";
import type {
  CancelPreviewWire,
  PlanChangePreviewWire,
  SubscribePreviewWire,
} from "../contract/subscription-preview.ts";
import type { AdvancedClockWire, TestClockWire } from "../contract/test-clock.ts";

/** The API's shapes by the names that views use; types alone, so that none of the contract's code is in the bundle. */

export type Whoami = z.output<typeof WhoamiWire>;
export type ConsoleSession = z.output<typeof ConsoleSessionWire>;
export type Portfolio = z.output<typeof PortfolioWire>;
export type CustomerFigures = z.output<typeof CustomerFiguresWire>;
export type CustomerDetail = z.output<typeof CustomerDetailWire>;
export type TimeSeries = z.output<typeof TimeSeriesWire>;
export type BridgePeriod = z.output<typeof BridgeWire>["periods"][number];
export type CustomerItem = z.output<typeof CustomerItemWire>;
export type Customer = z.output<typeof CustomerWire>;
export type CustomerKey = z.output<typeof CustomerKeyWire>;
export type Subscription = z.output<typeof SubscriptionWire>;
export type Invoice = z.output<typeof InvoiceWire>;
export type Pool = z.output<typeof PoolWire>;
export type Entitlement = z.output<typeof EntitlementWire>;
export type Forecast = z.output<typeof ForecastWire>;
export type Plan = z.output<typeof PlanWire>;
export type Feature = z.output<typeof FeatureWire>;
export type PlanVersion = z.output<typeof PlanVersionWire>;
export type PlanFeatures = z.output<typeof PlanFeaturesWire>;
export type PlanVersions = z.output<typeof VersionsWire>;
export type PlanRevenue = z.output<typeof PlanRevenueWire>;
export type PlanPreview = z.output<typeof PlanPreviewWire>;
export type Migration = z.output<typeof MigrationWire>;
export type Allocation = z.output<typeof AllocationWire>;
export type CreditModel = z.output<typeof CreditModelWire>;
export type FeaturePlan = z.output<typeof FeaturePlanWire>;
export type EventGroup = z.output<typeof EventGroupWire>;
export type FeatureFigures = z.output<typeof FeatureFiguresWire>;
export type Offer = z.output<typeof OfferWire>;
export type ScheduledChange = z.output<typeof ListedChangeWire>;
export type SubscribePreview = z.output<typeof SubscribePreviewWire>;
export type PlanChangePreview = z.output<typeof PlanChangePreviewWire>;
export type CancelPreview = z.output<typeof CancelPreviewWire>;
export type Grant = z.output<typeof GrantWire>;
export type Transaction = z.output<typeof TransactionWire>;
export type BalanceAt = z.output<typeof PoolBalanceWire>;
export type Explained = z.output<typeof ExplainWire>;
export type CreditWeight = z.output<typeof CreditWeightWire>;
export type CreditPrice = z.output<typeof CreditPriceWire>;
export type Books = z.output<typeof BooksWire>;
export type TestClock = z.output<typeof TestClockWire>;
export type AdvancedClock = z.output<typeof AdvancedClockWire>;
export type StoredEvent = z.output<typeof StoredEventWire>;
export type EventDetail = z.output<typeof EventDetailWire>;
export type Receipt = z.output<typeof ReceiptWire>;
export type ExplainedInvoice = z.output<typeof ExplainedInvoiceWire>;
export type BillingVerified = z.output<typeof BillingVerifiedWire>;
export type CheckoutLink = z.output<typeof CheckoutLinkWire>;
export type Balance = z.output<typeof BalanceWire>;
export type BalanceEntry = z.output<typeof BalanceEntryWire>;
export type ModelFigures = z.output<typeof ModelsWire>;
export type ModelPrice = z.output<typeof ModelPriceWire>;
export type Settings = z.output<typeof SettingsWire>;
export type Account = z.output<typeof AccountWire>;
export type ApiKey = z.output<typeof ApiKeyWire>;
export type AuditEntry = z.output<typeof AuditEntryWire>;
export type OperationsStatus = z.output<typeof OperationsStatusWire>;
export type CronRun = z.output<typeof CronRunWire>;
export type LimitsNear = z.output<typeof LimitsWire>;
export type PublicCatalog = z.output<typeof PublicCatalogWire>;
export type Reconciliation = z.output<typeof ReconciliationWire>;
export type LastReconciliation = z.output<typeof LastReconciliationWire>;
export type StripeConnection = z.output<typeof ConnectionWire>;
export type WebhookEvent = z.output<typeof WebhookEventWire>;

/** A page of a list. */
export type Page<T> = { items: T[]; pagination: { total: number; limit: number; offset: number; hasMore: boolean } };
