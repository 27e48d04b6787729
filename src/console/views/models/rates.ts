import { type Answered, ask } from "../../api.ts";
import type { Settings } from "../../wire.ts";

/** The account's own rates. The API sets them all at once, so each change is made to what they are at that moment. */

export const SETTINGS_PATH = "/api/v1/account/settings";

export type Rates = Settings["defaultCostConfig"];

/** Per million tokens, as price lists say it; what is typed goes as it is. */
export type Rate = {
  inputCostPerMillion: number | string | undefined;
  outputCostPerMillion: number | string | undefined;
};

const MILLION = 1_000_000;

/** A rate per million tokens, whichever way it was given. Rounded for the eye: a product of two short decimals has no more digits. */
export function perMillion(cost: Rates["modelCosts"][string]): { input: number; output: number } {
  if ("inputCostPerMillion" in cost) return { input: cost.inputCostPerMillion, output: cost.outputCostPerMillion };
  return {
    input: Number((cost.input * MILLION).toPrecision(15)),
    output: Number((cost.output * MILLION).toPrecision(15)),
  };
}

/** Sets the rate of a model, and takes away that of `former` where it was called otherwise. */
export function setRate(model: string, rate: Rate, former?: string): Promise<Answered<Settings>> {
  return changeRates((costs) => {
    const { [former ?? model]: _, ...others } = costs;
    return { ...others, [model]: rate };
  });
}

export function endRate(model: string): Promise<Answered<Settings>> {
  return changeRates(({ [model]: _, ...others }) => others);
}

async function changeRates(
  change: (costs: Rates["modelCosts"]) => Record<string, unknown>,
): Promise<Answered<Settings>> {
  const now = await ask<Settings>("GET", SETTINGS_PATH);
  if (!now.ok) return now;
  const { defaultCostConfig: rates } = now.data;
  return ask<Settings>("PATCH", SETTINGS_PATH, {
    defaultCostConfig: { ...rates, modelCosts: change(rates.modelCosts) },
  });
}
