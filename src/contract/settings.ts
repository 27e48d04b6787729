import * as z from "zod";
import {
  type Account,
  type AccountSettings,
  type DefaultCostConfig,
  type ModelCostText,
  stalenessMsOf,
  takesPayments,
} from "../domain/account.ts";
import { formatE12 } from "../domain/amount.ts";
import type { Seller } from "../domain/invoice.ts";
import {
  AGENT_SIGNUPS_PER_HOUR_DEFAULT,
  AGENT_SIGNUPS_PER_HOUR_MAX,
  EXCHANGE_RATES_MAX,
  MODEL_COSTS_MAX,
  NAME_CHARS_MAX,
  STALENESS_MS_LIVE,
  STALENESS_MS_MAX,
  TAX_ID_CHARS_MAX,
} from "../domain/limits.ts";
import { JURISDICTIONS, jurisdictionOf, REGIONS } from "../domain/placement.ts";
import { accountCurrency } from "./account.ts";
import { currency, decimalNotNegative, decimalPositive, name, text, webAddress } from "./scalars.ts";

/**
 * An account's settings on the wire. A PATCH sets what it names and leaves the rest. `null` counts as absent, so a
 * setting is cleared by an empty string, and the rates by an empty object.
 */

/** Own rates of one model: both per token, or both per million tokens. */
const ModelCostBody = z
  .object({
    input: decimalNotNegative.optional(),
    output: decimalNotNegative.optional(),
    inputCostPerMillion: decimalNotNegative.optional(),
    outputCostPerMillion: decimalNotNegative.optional(),
  })
  .transform((cost, context): ModelCostText => {
    const { input, output, inputCostPerMillion, outputCostPerMillion } = cost;
    const perToken = input !== undefined && output !== undefined;
    const perMillion = inputCostPerMillion !== undefined && outputCostPerMillion !== undefined;
    if (perToken && inputCostPerMillion === undefined && outputCostPerMillion === undefined)
      return { input: formatE12(input), output: formatE12(output) };
    if (perMillion && input === undefined && output === undefined)
      return {
        inputCostPerMillion: formatE12(inputCostPerMillion),
        outputCostPerMillion: formatE12(outputCostPerMillion),
      };
    context.addIssue({
      code: "custom",
      message: "needs input and output (per token), or inputCostPerMillion and outputCostPerMillion, and not both",
    });
    return z.NEVER;
  })
  .meta({ id: "ModelCost" });

const CostConfigBody = z
  .object({
    modelCosts: z
      .record(name, ModelCostBody)
      .refine((costs) => Object.keys(costs).length <= MODEL_COSTS_MAX, {
        message: `must name at most ${MODEL_COSTS_MAX} models`,
      })
      .optional()
      .meta({ description: "By model, or by `provider/model`, exactly as events name it." }),
    defaultInputCostPerUnit: decimalNotNegative.optional().meta({ description: "Per token, for any other model." }),
    defaultOutputCostPerUnit: decimalNotNegative.optional(),
  })
  .transform(
    (config): DefaultCostConfig => ({
      ...(config.modelCosts === undefined ? {} : { modelCosts: config.modelCosts }),
      ...(config.defaultInputCostPerUnit === undefined
        ? {}
        : { defaultInputCostPerUnit: formatE12(config.defaultInputCostPerUnit) }),
      ...(config.defaultOutputCostPerUnit === undefined
        ? {}
        : { defaultOutputCostPerUnit: formatE12(config.defaultOutputCostPerUnit) }),
    }),
  )
  .meta({ id: "DefaultCostConfig" });

const ExchangeRatesBody = z
  .record(currency, decimalPositive)
  .refine((rates) => Object.keys(rates).length <= EXCHANGE_RATES_MAX, {
    message: `must name at most ${EXCHANGE_RATES_MAX} currencies`,
  })
  .transform((rates) => Object.fromEntries(Object.entries(rates).map(([code, rate]) => [code, formatE12(rate)])))
  .meta({ id: "ExchangeRates" });

/** A field that `""` clears. Problems of the schema inside are told as its own, which a union would hide. */
function clearable<T extends z.ZodType>(schema: T, type: "text" | "amount", description: string) {
  return z
    .unknown()
    .transform((value, context): z.output<T> | "" => {
      if (value === "") return "";
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      for (const { message, path } of parsed.error.issues)
        context.addIssue({ code: "custom", message, path: [...path] });
      return z.NEVER;
    })
    .optional()
    .meta({
      type: type === "text" ? "string" : ["number", "string"],
      description: `${description} An empty string clears it.`,
    });
}

/** Who sells, as invoices say it. `""` clears a field. */
const SellerBody = z
  .object({
    name: clearable(text.max(NAME_CHARS_MAX), "text", "The legal name; the account's name where there is none."),
    address: clearable(text, "text", "Lines are separated by line feeds."),
    taxId: clearable(text.max(TAX_ID_CHARS_MAX), "text", "A VAT number, for example."),
    email: clearable(text.max(NAME_CHARS_MAX), "text", "For questions about invoices."),
    footer: clearable(text, "text", "Small print under each invoice: register entries, bank details."),
  })
  .meta({ id: "SellerSettings" });

const slug = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/, {
  message: "must be 3 to 63 lower-case letters, digits or hyphens, beginning and ending with a letter or digit",
});

/** Modes that other implementations know. Named here so that the refusal can say so instead of “invalid”. */
const FOREIGN_STRIPE_MODES: readonly string[] = ["FULL_SYNC", "STRIPE_INTEGRATION", "STRIPE_DRIVEN"];

const stripeMode = z.string().transform((mode, context): "NONE" | "PAYMENT_PASS_THROUGH" => {
  if (mode === "NONE" || mode === "PAYMENT_PASS_THROUGH") return mode;
  context.addIssue({
    code: "custom",
    message: FOREIGN_STRIPE_MODES.includes(mode)
      ? `${mode} leaves billing to Stripe, which this engine does not do: it bills itself. Use NONE or PAYMENT_PASS_THROUGH.`
      : "must be NONE or PAYMENT_PASS_THROUGH",
  });
  return z.NEVER;
});

export const ChangeSettings = z
  .object({
    currency: accountCurrency.optional(),
    usdExchangeRate: clearable(decimalPositive, "amount", "Account currency per US dollar."),
    exchangeRates: ExchangeRatesBody.optional().meta({
      description:
        "Account currency per unit of another currency, by its code: analytics sum those currencies too. All of them at once; an empty object clears them.",
    }),
    defaultCostConfig: CostConfigBody.optional(),
    stripeMode: stripeMode.optional().meta({ enum: ["NONE", "PAYMENT_PASS_THROUGH"] }),
    stripeCheckoutSuccessUrl: clearable(webAddress, "text", "Where a payer goes after paying."),
    stripeCheckoutCancelUrl: clearable(webAddress, "text", "Where a payer goes who does not pay."),
    seller: SellerBody.optional().meta({
      description:
        "What invoices say of who sells. What is named is set; an invoice keeps what was said when it became due.",
    }),
    slug: clearable(slug, "text", "The account's name in public addresses; unique."),
    refundOverpayments: z.boolean().optional().meta({
      description:
        "Gives money back by itself that came though nothing was to be paid any more, as when an invoice is marked as paid while its page is being paid. Default false: it is shown as `overpaid`.",
    }),
    publicCatalogEnabled: z.boolean().optional(),
    agentSignupEnabled: z.boolean().optional(),
    agentSignupDefaultPlanId: clearable(text.max(NAME_CHARS_MAX), "text", "The plan that agents start on."),
    agentSignupHourlyCap: z.int().min(0).max(AGENT_SIGNUPS_PER_HOUR_MAX).optional(),
    agentMaxTopupAmount: clearable(decimalNotNegative, "amount", "The most a customer's key may buy at once."),
    defaultRegion: clearable(
      z.enum(REGIONS),
      "text",
      `Where customers are kept who are made by an import, by hand or by the cron: one of ${REGIONS.join(", ")}. Those made by their own traffic are kept where that comes from. Where a customer is kept never changes.`,
    ),
    entitlementStalenessMs: z
      .int()
      .min(0)
      .max(STALENESS_MS_MAX)
      .optional()
      .meta({
        description: `How old the answer to GET check may be, in milliseconds; 0: each one is asked for. Default ${STALENESS_MS_LIVE} for live accounts, 0 for test accounts. A no is never old.`,
      }),
  })
  .meta({ id: "ChangeSettings" });

export const SettingsWire = z
  .object({
    currency: z.string(),
    usdExchangeRate: z.number().optional(),
    exchangeRates: z.record(z.string(), z.number()).optional(),
    defaultCostConfig: z.object({
      modelCosts: z.record(
        z.string(),
        z.union([
          z.object({ input: z.number(), output: z.number() }),
          z.object({ inputCostPerMillion: z.number(), outputCostPerMillion: z.number() }),
        ]),
      ),
      defaultInputCostPerUnit: z.number().optional(),
      defaultOutputCostPerUnit: z.number().optional(),
    }),
    stripeMode: z.enum(["NONE", "PAYMENT_PASS_THROUGH"]),
    stripeEnabled: z
      .boolean()
      .meta({ description: "A Stripe key is stored and stripeMode is PAYMENT_PASS_THROUGH: payments are collected." }),
    stripeCheckoutSuccessUrl: z.string().optional(),
    stripeCheckoutCancelUrl: z.string().optional(),
    seller: z.object({
      name: z.string().optional(),
      address: z.string().optional(),
      taxId: z.string().optional(),
      email: z.string().optional(),
      footer: z.string().optional(),
    }),
    slug: z.string().optional(),
    refundOverpayments: z.boolean(),
    publicCatalogEnabled: z.boolean(),
    agentSignupEnabled: z.boolean(),
    agentSignupDefaultPlanId: z.string().optional(),
    agentSignupHourlyCap: z.int(),
    agentMaxTopupAmount: z.number().optional(),
    entitlementStalenessMs: z.int(),
    defaultRegion: z.enum(REGIONS).optional(),
    jurisdiction: z
      .enum(JURISDICTIONS)
      .optional()
      .meta({ description: "Under whose law customers are kept; chosen when the account was made." }),
  })
  .meta({
    id: "Settings",
    examples: [
      {
        currency: "EUR",
        usdExchangeRate: 0.92,
        defaultCostConfig: { modelCosts: { "my-model": { input: 0.000001, output: 0.000004 } } },
        stripeMode: "NONE",
        stripeEnabled: false,
        seller: { name: "Acme AI GmbH", address: "Hauptstr. 1\n10115 Berlin", taxId: "DE123456789" },
        refundOverpayments: false,
        publicCatalogEnabled: false,
        agentSignupEnabled: false,
        agentSignupHourlyCap: 10,
        entitlementStalenessMs: 1000,
      },
    ],
  });

type SettingsOf = Pick<Account, "accountId" | "mode" | "currency" | "settings" | "hasProviderKey">;

export type ParsedSettings = z.output<typeof ChangeSettings>;

/**
 * The settings after a change. Exchange rates belong to the currency they were given for: changing the currency without naming
 * rates drops them, so that sums are missing rather than wrong.
 */
export function changedSettings(account: Account, change: ParsedSettings): SettingsOf {
  const settings: AccountSettings = { ...account.settings };
  const { currency = account.currency } = change;
  if (currency !== account.currency) {
    delete settings.usdExchangeRate;
    delete settings.exchangeRates;
  }
  if (change.exchangeRates !== undefined) {
    if (Object.keys(change.exchangeRates).length > 0) settings.exchangeRates = change.exchangeRates;
    else delete settings.exchangeRates;
  }
  setOrClear(settings, "usdExchangeRate", decimalText(change.usdExchangeRate));
  setOrClear(settings, "agentMaxTopupAmount", decimalText(change.agentMaxTopupAmount));
  for (const field of [
    "stripeCheckoutSuccessUrl",
    "stripeCheckoutCancelUrl",
    "slug",
    "agentSignupDefaultPlanId",
  ] as const)
    setOrClear(settings, field, change[field]);
  if (change.seller !== undefined) settings.seller = changedSeller(settings.seller ?? {}, change.seller);
  if (change.defaultCostConfig !== undefined) settings.defaultCostConfig = change.defaultCostConfig;
  if (change.stripeMode !== undefined) settings.stripeMode = change.stripeMode;
  if (change.refundOverpayments !== undefined) settings.refundOverpayments = change.refundOverpayments;
  if (change.publicCatalogEnabled !== undefined) settings.publicCatalogEnabled = change.publicCatalogEnabled;
  if (change.agentSignupEnabled !== undefined) settings.agentSignupEnabled = change.agentSignupEnabled;
  if (change.agentSignupHourlyCap !== undefined) settings.agentSignupHourlyCap = change.agentSignupHourlyCap;
  const { entitlementStalenessMs } = change;
  if (entitlementStalenessMs !== undefined) settings.entitlementStalenessMs = entitlementStalenessMs;
  if (change.defaultRegion === "") delete settings.defaultRegion;
  else if (change.defaultRegion !== undefined) settings.defaultRegion = change.defaultRegion;
  const { accountId, mode, hasProviderKey } = account;
  return { accountId, mode, currency, settings, hasProviderKey };
}

function changedSeller(seller: Seller, change: NonNullable<ParsedSettings["seller"]>): Seller {
  const changed = { ...seller };
  for (const field of ["name", "address", "taxId", "email", "footer"] as const) {
    const value = change[field];
    if (value === "") delete changed[field];
    else if (value !== undefined) changed[field] = value;
  }
  return changed;
}

type TextSetting =
  | "usdExchangeRate"
  | "agentMaxTopupAmount"
  | "stripeCheckoutSuccessUrl"
  | "stripeCheckoutCancelUrl"
  | "slug"
  | "agentSignupDefaultPlanId";

function setOrClear(settings: AccountSettings, field: TextSetting, value: string | undefined): void {
  if (value === "") delete settings[field];
  else if (value !== undefined) settings[field] = value;
}

function decimalText(value: bigint | "" | undefined): string | undefined {
  return typeof value === "bigint" ? formatE12(value) : value;
}

export function toWireSettings({
  accountId,
  mode,
  currency,
  settings,
  hasProviderKey,
}: SettingsOf): z.input<typeof SettingsWire> {
  const jurisdiction = jurisdictionOf(accountId);
  const { usdExchangeRate, exchangeRates, agentMaxTopupAmount, defaultCostConfig = {}, ...rest } = settings;
  const { modelCosts = {}, ...defaults } = defaultCostConfig;
  return {
    currency,
    ...(usdExchangeRate === undefined ? {} : { usdExchangeRate: Number(usdExchangeRate) }),
    ...(exchangeRates === undefined
      ? {}
      : {
          exchangeRates: Object.fromEntries(Object.entries(exchangeRates).map(([code, rate]) => [code, Number(rate)])),
        }),
    ...rest,
    defaultCostConfig: {
      modelCosts: Object.fromEntries(
        Object.entries(modelCosts).map(([model, cost]) => [
          model,
          "input" in cost
            ? { input: Number(cost.input), output: Number(cost.output) }
            : {
                inputCostPerMillion: Number(cost.inputCostPerMillion),
                outputCostPerMillion: Number(cost.outputCostPerMillion),
              },
        ]),
      ),
      ...Object.fromEntries(Object.entries(defaults).map(([field, value]) => [field, Number(value)])),
    },
    stripeMode: settings.stripeMode ?? "NONE",
    stripeEnabled: takesPayments({ settings, hasProviderKey }),
    seller: settings.seller ?? {},
    refundOverpayments: settings.refundOverpayments ?? false,
    publicCatalogEnabled: settings.publicCatalogEnabled ?? false,
    agentSignupEnabled: settings.agentSignupEnabled ?? false,
    agentSignupHourlyCap: settings.agentSignupHourlyCap ?? AGENT_SIGNUPS_PER_HOUR_DEFAULT,
    ...(agentMaxTopupAmount === undefined ? {} : { agentMaxTopupAmount: Number(agentMaxTopupAmount) }),
    entitlementStalenessMs: stalenessMsOf({ mode, settings }),
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
  };
}
