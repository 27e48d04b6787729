import type { AccountSnapshot } from "../catalog/snapshot.ts";
import type { Account, ModelCostText } from "../domain/account.ts";
import { decimalToE12 } from "../domain/amount.ts";
import {
  type CostInput,
  type CostTerms,
  modelIdentity,
  type OwnRate,
  rateFromPerMillion,
  rateFromPerToken,
} from "../domain/cost.ts";

/**
 * What an account settled about costs, from its settings into the engine's integers: once per snapshot of the account, since
 * every event needs it. Rates are in the account's currency.
 */

const termsOf = new WeakMap<Account, CostTerms>();

/** All terms of an account, for work whose models nobody knows yet. Never changed: callers share it. */
export function costTermsOf(snapshot: AccountSnapshot): CostTerms {
  const { account } = snapshot;
  let terms = termsOf.get(account);
  if (terms === undefined) {
    terms = read(account);
    termsOf.set(account, terms);
  }
  return terms;
}

/** Below this many rates, leaving some out costs more than copying them. */
const RATES_COPIED_WHOLE = 8;

/**
 * The terms that these events can need: only their models' rates go along, since a call to an object copies what it is given.
 * The same events cost the same under these as under all of the account's terms.
 */
export function costTermsFor(snapshot: AccountSnapshot, events: readonly { costInput?: CostInput }[]): CostTerms {
  const terms = costTermsOf(snapshot);
  const { modelRates } = terms;
  if (modelRates === undefined || Object.keys(modelRates).length <= RATES_COPIED_WHOLE) return terms;
  const needed: Record<string, OwnRate> = {};
  for (const { costInput } of events) {
    if (costInput === undefined) continue;
    const { provider, model } = modelIdentity(costInput);
    for (const name of [`${provider}/${model}`, model]) {
      const rate = Object.hasOwn(modelRates, name) ? modelRates[name] : undefined;
      if (rate !== undefined) needed[name] = rate;
    }
  }
  return { ...terms, modelRates: needed };
}

function read({ currency, settings }: Account): CostTerms {
  const { usdExchangeRate, defaultCostConfig = {} } = settings;
  const { modelCosts, defaultInputCostPerUnit, defaultOutputCostPerUnit } = defaultCostConfig;
  const terms: CostTerms = { currency };
  if (usdExchangeRate !== undefined) terms.usdExchangeRateE12 = decimalToE12(usdExchangeRate);
  if (modelCosts !== undefined && Object.keys(modelCosts).length > 0)
    terms.modelRates = Object.fromEntries(Object.entries(modelCosts).map(([model, cost]) => [model, rateOf(cost)]));
  if (defaultInputCostPerUnit !== undefined || defaultOutputCostPerUnit !== undefined) {
    terms.defaultRate = {
      ...(defaultInputCostPerUnit === undefined
        ? {}
        : { inputPerMillionE18: rateFromPerToken(decimalToE12(defaultInputCostPerUnit)) }),
      ...(defaultOutputCostPerUnit === undefined
        ? {}
        : { outputPerMillionE18: rateFromPerToken(decimalToE12(defaultOutputCostPerUnit)) }),
    };
  }
  return terms;
}

function rateOf(cost: ModelCostText): OwnRate {
  return "input" in cost
    ? {
        inputPerMillionE18: rateFromPerToken(decimalToE12(cost.input)),
        outputPerMillionE18: rateFromPerToken(decimalToE12(cost.output)),
      }
    : {
        inputPerMillionE18: rateFromPerMillion(decimalToE12(cost.inputCostPerMillion)),
        outputPerMillionE18: rateFromPerMillion(decimalToE12(cost.outputCostPerMillion)),
      };
}
