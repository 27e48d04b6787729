import * as z from "zod";

/** A model of the bundled public price list on the wire. Prices are in USD. */

const rates = {
  inputCostPerMillion: z.number().optional(),
  outputCostPerMillion: z.number().optional(),
  cacheReadCostPerMillion: z.number().optional(),
  cacheWriteCostPerMillion: z.number().optional(),
};

export const ModelPriceWire = z
  .object({
    provider: z.string(),
    providerName: z.string(),
    model: z.string(),
    name: z.string().optional(),
    ...rates,
    costPerRequest: z.number().optional().meta({ description: "Due once per event, beside its tokens." }),
    tiers: z
      .array(z.object({ aboveInputTokens: z.int(), ...rates }))
      .optional()
      .meta({ description: "Beyond so many input tokens, these rates hold for the whole event." }),
    timeDependent: z.boolean().optional().meta({ description: "At another instant the rates can be others." }),
    updatedAt: z.string().meta({ format: "date", description: "The day of the price list." }),
  })
  .meta({
    id: "ModelPrice",
    examples: [
      {
        provider: "openai",
        providerName: "OpenAI",
        model: "gpt-4o-mini",
        inputCostPerMillion: 0.15,
        outputCostPerMillion: 0.6,
        cacheReadCostPerMillion: 0.075,
        updatedAt: "2026-09-23",
      },
    ],
  });

type RatesText = { [Rate in keyof typeof rates]?: string };

/** A row of the list: rates as decimal text. */
type Row = RatesText & {
  provider: string;
  providerName: string;
  model: string;
  name?: string;
  costPerRequest?: string;
  tiers?: readonly (RatesText & { aboveInputTokens: number })[];
  timeDependent?: true;
};

export function toWireModelPrice(row: Row, listDate: string): z.input<typeof ModelPriceWire> {
  const { provider, providerName, model, name, costPerRequest, tiers, timeDependent } = row;
  return {
    provider,
    providerName,
    model,
    ...(name === undefined ? {} : { name }),
    ...numbersOf(row),
    ...(costPerRequest === undefined ? {} : { costPerRequest: Number(costPerRequest) }),
    ...(tiers === undefined
      ? {}
      : { tiers: tiers.map((tier) => ({ aboveInputTokens: tier.aboveInputTokens, ...numbersOf(tier) })) }),
    ...(timeDependent === undefined ? {} : { timeDependent }),
    updatedAt: listDate,
  };
}

function numbersOf(texts: RatesText): { [Rate in keyof RatesText]?: number } {
  const fields = Object.keys(rates) as (keyof RatesText)[];
  return Object.fromEntries(
    fields.flatMap((field) => (texts[field] === undefined ? [] : [[field, Number(texts[field])]])),
  );
}
