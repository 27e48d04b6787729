import * as z from "zod";
import type { Account, AccountSettings, DefaultCostConfig, ModelCostText } from "../domain/account.ts";
import { formatE12 } from "../domain/amount.ts";
import {
  AGENT_SIGNUPS_PER_HOUR_DEFAULT,
  AGENT_SIGNUPS_PER_HOUR_MAX,
  MODEL_COSTS_MAX,
  NAME_CHARS_MAX,
} from "../domain/limits.ts";
import { accountCurrency } from "./account.ts";
import { decimalNotNegative, decimalPositive, name, text } from "./scalars.ts";

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

const webAddress = text.refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""), {
  message: "must be an http or https address",
});

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
    defaultCostConfig: CostConfigBody.optional(),
    stripeMode: stripeMode.optional().meta({ enum: ["NONE", "PAYMENT_PASS_THROUGH"] }),
    stripeCheckoutSuccessUrl: clearable(webAddress, "text", "Where a payer goes after paying."),
    stripeCheckoutCancelUrl: clearable(webAddress, "text", "Where a payer goes who does not pay."),
    slug: clearable(slug, "text", "The account's name in public addresses; unique."),
    publicCatalogEnabled: z.boolean().optional(),
    agentSignupEnabled: z.boolean().optional(),
    agentSignupDefaultPlanId: clearable(text.max(NAME_CHARS_MAX), "text", "The plan that agents start on."),
    agentSignupHourlyCap: z.int().min(0).max(AGENT_SIGNUPS_PER_HOUR_MAX).optional(),
    agentMaxTopupAmount: clearable(decimalNotNegative, "amount", "The most a customer's key may buy at once."),
  })
  .meta({ id: "ChangeSettings" });

export const SettingsWire = z
  .object({
    currency: z.string(),
    usdExchangeRate: z.number().optional(),
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
    stripeEnabled: z.boolean(),
    stripeCheckoutSuccessUrl: z.string().optional(),
    stripeCheckoutCancelUrl: z.string().optional(),
    slug: z.string().optional(),
    publicCatalogEnabled: z.boolean(),
    agentSignupEnabled: z.boolean(),
    agentSignupDefaultPlanId: z.string().optional(),
    agentSignupHourlyCap: z.int(),
    agentMaxTopupAmount: z.number().optional(),
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
        publicCatalogEnabled: false,
        agentSignupEnabled: false,
        agentSignupHourlyCap: 10,
      },
    ],
  });

export type ParsedSettings = z.output<typeof ChangeSettings>;

/**
 * The settings after a change. An exchange rate belongs to the currency it was given for: changing the currency without naming a
 * rate drops it, so that costs are unknown rather than wrong.
 */
export function changedSettings(account: Account, change: ParsedSettings): Pick<Account, "currency" | "settings"> {
  const settings: AccountSettings = { ...account.settings };
  const { currency = account.currency } = change;
  if (currency !== account.currency) delete settings.usdExchangeRate;
  setOrClear(settings, "usdExchangeRate", decimalText(change.usdExchangeRate));
  setOrClear(settings, "agentMaxTopupAmount", decimalText(change.agentMaxTopupAmount));
  for (const field of [
    "stripeCheckoutSuccessUrl",
    "stripeCheckoutCancelUrl",
    "slug",
    "agentSignupDefaultPlanId",
  ] as const)
    setOrClear(settings, field, change[field]);
  if (change.defaultCostConfig !== undefined) settings.defaultCostConfig = change.defaultCostConfig;
  if (change.stripeMode !== undefined) settings.stripeMode = change.stripeMode;
  if (change.publicCatalogEnabled !== undefined) settings.publicCatalogEnabled = change.publicCatalogEnabled;
  if (change.agentSignupEnabled !== undefined) settings.agentSignupEnabled = change.agentSignupEnabled;
  if (change.agentSignupHourlyCap !== undefined) settings.agentSignupHourlyCap = change.agentSignupHourlyCap;
  return { currency, settings };
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
  currency,
  settings,
}: Pick<Account, "currency" | "settings">): z.input<typeof SettingsWire> {
  const { usdExchangeRate, agentMaxTopupAmount, defaultCostConfig = {}, ...rest } = settings;
  const { modelCosts = {}, ...defaults } = defaultCostConfig;
  return {
    currency,
    ...(usdExchangeRate === undefined ? {} : { usdExchangeRate: Number(usdExchangeRate) }),
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
    // Only with a Stripe key of the account stored, which nothing stores yet.
    stripeEnabled: false,
    publicCatalogEnabled: settings.publicCatalogEnabled ?? false,
    agentSignupEnabled: settings.agentSignupEnabled ?? false,
    agentSignupHourlyCap: settings.agentSignupHourlyCap ?? AGENT_SIGNUPS_PER_HOUR_DEFAULT,
    ...(agentMaxTopupAmount === undefined ? {} : { agentMaxTopupAmount: Number(agentMaxTopupAmount) }),
  };
}
