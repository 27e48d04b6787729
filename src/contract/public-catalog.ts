import * as z from "zod";
import type { Account, Feature } from "../domain/account.ts";
import { e12ToNumber } from "../domain/amount.ts";
import type { Allocation, Weight } from "../domain/credit.ts";
import { e4ToNumber } from "../domain/credit-amount.ts";
import { type Plan, pricingOf, type Rule } from "../domain/plan.ts";
import { OfferWire, toWireOffer } from "./offer.ts";

/**
 * What an account shows of its prices to everybody, without a key: for pricing pages, and for programs that look for an API to use.
 * Raw JSON, its names those that other catalogs of this kind have.
 */

const UNLIMITED = "unlimited";

const planWire = z.object({
  id: z.string().meta({ description: "The plan's key." }),
  name: z.string(),
  description: z.string().optional(),
  price: z.object({
    amount: z.number(),
    currency: z.string(),
    per: z.string().meta({ description: "month, 3 months, 6 months or year" }),
  }),
  features: OfferWire.shape.features.element.omit({ id: true }).array(),
  included_usage: z
    .record(z.string(), z.union([z.number(), z.literal(UNLIMITED)]))
    .meta({ description: "Units a period that the price includes, by feature." }),
  credits: z.array(z.object({ currency_name: z.string(), amount: z.number() })),
});

export const PublicCatalogWire = z
  .object({
    product: z.object({ name: z.string(), slug: z.string() }),
    revenue_model: z.object({
      type: z.enum(["credit", "usage", "flat"]),
      billing_frequency: z.string().meta({ description: "Of the cheapest plan that costs something." }),
      agent_onboarding: z.boolean(),
    }),
    plans: z.array(planWire),
    credits: z
      .object({
        currency_name: z.string(),
        weight_table: z
          .record(z.string(), z.number())
          .meta({ description: "Credits a unit, by feature, or by `feature:model`." }),
      })
      .optional()
      .meta({ description: "The denomination that most plans give." }),
    governance: z.object({
      usage_limits: z.boolean().meta({ description: "Some plan ends access at a number of units." }),
      credits_required: z.boolean().meta({ description: "Some plan's credits refuse what they do not cover." }),
    }),
    integration: z.object({
      openapi_spec_url: z.string(),
      mcp_server: z.string().nullable(),
      auth_methods: z.array(z.string()),
    }),
  })
  .meta({ id: "PublicCatalog" });

type Offer = {
  plan: Plan;
  features: readonly { feature: Feature; rule: Rule }[];
  allocations: readonly Allocation[];
};

export type Shown = {
  account: Pick<Account, "name" | "settings">;
  /** What is sold, cheapest first. */
  offers: readonly Offer[];
  /** Dated weights by feature id, newest last. */
  weights: ReadonlyMap<string, readonly Weight[]>;
  /** Where this server is reached. */
  origin: string;
  nowMs: number;
};

/** The catalog as it is at an instant. */
export function toWirePublicCatalog(shown: Shown): z.input<typeof PublicCatalogWire> {
  const { account, offers, origin } = shown;
  const priced = offers.find(({ plan }) => plan.price > 0n) ?? offers[0];
  const pricings = offers.flatMap(({ features }) => features.map(({ rule }) => pricingOf(rule.value)));
  const credits = creditsOf(shown);
  return {
    product: { name: account.settings.seller?.name ?? account.name, slug: account.settings.slug ?? "" },
    revenue_model: {
      type: credits !== undefined ? "credit" : pricings.some(({ model }) => model !== "included") ? "usage" : "flat",
      billing_frequency: everyMonths(priced?.plan.intervalMonths ?? 1),
      // Agents cannot sign up by themselves yet.
      agent_onboarding: false,
    },
    plans: offers.map(toWirePlan),
    ...(credits === undefined ? {} : { credits }),
    governance: {
      usage_limits: pricings.some(({ maxUsage }) => maxUsage !== undefined),
      credits_required: offers.some(({ allocations }) => allocations.some(({ hardLimit }) => hardLimit)),
    },
    integration: {
      openapi_spec_url: `${origin}/openapi.json`,
      mcp_server: null,
      auth_methods: ["bearer", "x-api-key"],
    },
  };
}

function everyMonths(months: number): string {
  return months === 1 ? "month" : months === 12 ? "year" : `${months} months`;
}

function toWirePlan(offer: Offer): z.input<typeof planWire> {
  const { plan, features } = toWireOffer(offer);
  const included = offer.features.flatMap(({ feature, rule }) => {
    const { model, maxUsage } = pricingOf(rule.value);
    // What credits pay for is included in none.
    if (model !== "included" || rule.denomination !== undefined) return [];
    return [[feature.key, maxUsage === undefined ? UNLIMITED : e12ToNumber(maxUsage)] as const];
  });
  return {
    id: plan.key,
    name: plan.name,
    ...(plan.description === undefined ? {} : { description: plan.description }),
    price: { amount: plan.priceAmount, currency: plan.currency, per: everyMonths(plan.intervalMonths) },
    features: features.map(({ id: _, ...feature }) => feature),
    included_usage: Object.fromEntries(included),
    credits: offer.allocations.map(({ denomination, amountE4 }) => ({
      currency_name: denomination,
      amount: e4ToNumber(amountE4),
    })),
  };
}

/** The denomination that most plans give, and what each feature that burns it costs now. */
function creditsOf({ offers, weights, nowMs }: Shown): z.input<typeof PublicCatalogWire>["credits"] {
  const given = Map.groupBy(
    offers.flatMap(({ allocations }) => [...new Set(allocations.map(({ denomination }) => denomination))]),
    (denomination) => denomination,
  );
  const [name] = [...given.keys()].sort(
    (a, b) => (given.get(b)?.length ?? 0) - (given.get(a)?.length ?? 0) || (a < b ? -1 : 1),
  );
  if (name === undefined) return undefined;
  const burning = new Map(
    offers.flatMap(({ features }) =>
      features.flatMap(({ feature, rule }) => (rule.denomination === name ? [[feature.key, feature] as const] : [])),
    ),
  );
  const table: Record<string, number> = {};
  // Newest last: a later one in force overwrites the earlier.
  for (const [key, { featureId }] of burning)
    for (const { model, creditsPerUnitE12, effectiveFromMs } of weights.get(featureId) ?? [])
      if (effectiveFromMs <= nowMs)
        table[model === undefined ? key : `${key}:${model}`] = e12ToNumber(creditsPerUnitE12);
  return { currency_name: name, weight_table: table };
}
