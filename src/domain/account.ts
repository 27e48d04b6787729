import type { RateTier } from "./api-key.ts";
import type { Seller } from "./invoice.ts";
import { STALENESS_MS_LIVE } from "./limits.ts";
import type { PaymentTerms } from "./payments.ts";
import type { Region } from "./placement.ts";

/** What an account configured, as the engine uses it. Wire shapes stand in `contract/account.ts`. */
export type AccountMode = "live" | "test";

/** Settings as stored (JSON text in D1): decimals are text, so that they come back exactly. */
export type AccountSettings = {
  /** Account currency per US dollar; decimal text. */
  usdExchangeRate?: string;
  /** Account currency per unit of another, by its code; decimal text. For sums of several currencies. */
  exchangeRates?: Record<string, string>;
  defaultCostConfig?: DefaultCostConfig;
  stripeMode?: "NONE" | "PAYMENT_PASS_THROUGH";
  stripeCheckoutSuccessUrl?: string;
  stripeCheckoutCancelUrl?: string;
  /** Money that came for nothing is given back by itself. */
  refundOverpayments?: boolean;
  /** What invoices say of who sells. */
  seller?: Seller;
  slug?: string;
  publicCatalogEnabled?: boolean;
  agentSignupEnabled?: boolean;
  agentSignupDefaultPlanId?: string;
  agentSignupHourlyCap?: number;
  agentMaxTopupAmount?: string;
  /** How stale an answer of access may be; see `stalenessMsOf`. */
  entitlementStalenessMs?: number;
  /** Where customers' objects are made whose own traffic does not say it. */
  defaultRegion?: Region;
};

/** Own rates: per token, or per million tokens; decimal text. */
export type DefaultCostConfig = {
  modelCosts?: Record<string, ModelCostText>;
  defaultInputCostPerUnit?: string;
  defaultOutputCostPerUnit?: string;
};

export type ModelCostText =
  | { input: string; output: string }
  | { inputCostPerMillion: string; outputCostPerMillion: string };

export type Account = {
  accountId: string;
  name: string;
  mode: AccountMode;
  currency: string;
  settings: AccountSettings;
  /** A key of its payment provider is stored. */
  hasProviderKey: boolean;
  catalogVersion: number;
  createdAtMs: number;
  modifiedAtMs: number;
};

export type Feature = {
  featureId: string;
  key: string;
  name: string;
  description?: string;
  isEnabled: boolean;
  /** JSON text. */
  metadata?: string;
  createdAtMs: number;
  modifiedAtMs: number;
};

export type AccountScope = "admin" | "client";
export type CustomerScope = "read" | "purchase" | "ingest";

/** The key that a request came with. `customerId` is there exactly for keys pinned to one customer. */
export type ApiKey = {
  keyId: string;
  accountId: string;
  hint: string;
  scopes: readonly (AccountScope | CustomerScope)[];
  customerId?: string;
  rateLimit?: RateTier;
  expiresAtMs?: number;
  revokedAtMs?: number;
};

/** A secret that the provider's webhooks may be signed with, sealed; `endpointId`: of the endpoint that we made there. */
export type WebhookSecret = { sealed: string; hint: string; endpointId?: string; createdAtMs: number };

/**
 * An account's connection to its payment provider. Without `sealedKey` it is disconnected. `stripeAccountId`: whose key it is, or was;
 * `origin`: where this Worker is reached from outside.
 */
export type StripeConnection = {
  accountId: string;
  sealedKey?: string;
  keyHint?: string;
  stripeAccountId: string;
  origin: string;
  /** Newest first, two at most. */
  webhookSecrets: readonly WebhookSecret[];
  endpointsMade: number;
  createdAtMs: number;
  modifiedAtMs: number;
};

/** How many milliseconds an answer of access may be old; 0: none. Trials are exact unless the account says otherwise. */
export function stalenessMsOf({ mode, settings }: Pick<Account, "mode" | "settings">): number {
  return settings.entitlementStalenessMs ?? (mode === "live" ? STALENESS_MS_LIVE : 0);
}

/** Are invoices collected, and credits sold, through the provider? */
export function takesPayments({ settings, hasProviderKey }: Pick<Account, "settings" | "hasProviderKey">): boolean {
  return hasProviderKey && settings.stripeMode === "PAYMENT_PASS_THROUGH";
}

/** What the account's settings say of payments. Without a key nothing is collected, whatever the mode says. */
export function paymentTermsOf(account: Pick<Account, "settings" | "hasProviderKey">): PaymentTerms {
  const { refundOverpayments, stripeCheckoutSuccessUrl, stripeCheckoutCancelUrl } = account.settings;
  return {
    isOn: takesPayments(account),
    refundOverpayments: refundOverpayments === true,
    ...(stripeCheckoutSuccessUrl === undefined ? {} : { successUrl: stripeCheckoutSuccessUrl }),
    ...(stripeCheckoutCancelUrl === undefined ? {} : { cancelUrl: stripeCheckoutCancelUrl }),
  };
}

const PROVIDER_KEY = /^[sr]k_(test|live)_\w{4,240}$/;

/** Why a key cannot be an account's: a test account never touches real money, nor a live one what is none. */
export function providerKeyProblem(key: string, mode: AccountMode): string | undefined {
  const [, its] = PROVIDER_KEY.exec(key) ?? [];
  if (its === undefined) return "must be a secret or restricted key of Stripe: sk_… or rk_…";
  if (its === mode) return undefined;
  return mode === "test"
    ? "must be a test key (sk_test_… or rk_test_…): this is a test account"
    : "must be a live key (sk_live_… or rk_live_…): this is a live account";
}

/** What may be shown of a secret: its kind and its last four characters. */
export function secretHint(secret: string): string {
  const [kind = ""] = /^(?:[sr]k_(?:test|live)_|whsec_)?/.exec(secret) ?? [];
  return `${kind}…${secret.slice(-4)}`;
}
