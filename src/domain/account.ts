/** What an account configured, as the engine uses it. Wire shapes stand in `contract/account.ts`. */
export type AccountMode = "live" | "test";

/** Settings as stored (JSON text in D1): decimals are text, so that they come back exactly. */
export type AccountSettings = {
  /** Account currency per US dollar; decimal text. */
  usdExchangeRate?: string;
  defaultCostConfig?: DefaultCostConfig;
  stripeMode?: "NONE" | "PAYMENT_PASS_THROUGH";
  stripeCheckoutSuccessUrl?: string;
  stripeCheckoutCancelUrl?: string;
  slug?: string;
  publicCatalogEnabled?: boolean;
  agentSignupEnabled?: boolean;
  agentSignupDefaultPlanId?: string;
  agentSignupHourlyCap?: number;
  agentMaxTopupAmount?: string;
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
  expiresAtMs?: number;
  revokedAtMs?: number;
};
