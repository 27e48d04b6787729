import { calcPrice, findProvider, type ModelInfo, type ModelPrice, type Provider } from "@pydantic/genai-prices";
import { formatDecimal, parseDecimal } from "./amount.ts";
import { assert } from "./assert.ts";
import { MODELS_CACHED_MAX } from "./limits.ts";
import { PRICE_LIST_DATE, PRICE_LIST_PROVIDERS } from "./price-list-data.ts";

/**
 * The bundled public price list. The package decides which model a name means and which of its prices hold at an instant; its
 * floating sums are never used: each rate is taken as its shortest decimal text and kept as an integer (decision 002). Prices are
 * in USD. Owns model names; leaves to `cost.ts` what tokens cost at these rates.
 *
 * Laws: the same names and instant always find the same rates; what `resolveModel` answers resolves to itself.
 */
export { PRICE_LIST_DATE };

/** USD per million tokens, in units of 10⁻¹⁸. `tiers` rise: the last whose `aboveInputTokens` the event's whole input exceeds holds for all its tokens. */
export type Rate = { baseE18: bigint; tiers: readonly { aboveInputTokens: number; rateE18: bigint }[] };

/** What a model's tokens cost; at least input or output has a rate. `requestE18`: per million requests, due once per event. */
export type TokenRates = { input?: Rate; output?: Rate; cacheRead?: Rate; cacheWrite?: Rate; requestE18?: bigint };

/** A model of the list and how the package was asked for it. */
export type ListedModel = {
  query: { model: string; providerId: string };
  /** Instants at which other prices begin; undefined when the time of day matters too, so that each instant is asked for. */
  startsMs: readonly number[] | undefined;
  /** Rates by how many of `startsMs` have passed; null where the model is not billed by tokens. */
  ratesBySlot: Map<number, TokenRates | null>;
};

/** The names a model is grouped under, "" when absent, and its place in the list when it has one. */
export type Resolution = { provider: string; model: string; listed?: ListedModel };

/** Who lists a model under this id, in lower case. */
type IdIndex = Map<string, { provider: Provider; info: ModelInfo }[]>;

const RATE_SCALE = 18;
const resolutions = new Map<string, Resolution>();
const ratesOfPrices = new WeakMap<ModelPrice, TokenRates>();
let modelsById: IdIndex | undefined;

/**
 * Finds a model by the names an event carries. With a provider the package decides. Without one: a leading `provider/`, then
 * the package's search by model name, then the providers that list exactly this name, if all of them charge the same. A host's
 * price is never guessed among several.
 */
export function resolveModel(sentProvider: string, sentModel: string): Resolution {
  const provider = sentProvider.trim();
  const model = sentModel.trim();
  if (model === "") return { provider, model };
  const key = `${provider.length}:${provider}${model}`;
  const known = resolutions.get(key);
  if (known !== undefined) return known;
  const found = provider === "" ? resolveAmongAll(model) : resolveAt(provider, model);
  if (resolutions.size >= MODELS_CACHED_MAX) {
    const oldest = resolutions.keys().next();
    if (!oldest.done) resolutions.delete(oldest.value);
  }
  resolutions.set(key, found);
  return found;
}

function resolveAt(provider: string, model: string): Resolution {
  const listed = lookUp(model, provider);
  if (listed !== undefined) return { provider, model, listed };
  // Some SDKs repeat the provider in the model's name. Only after the name as sent: `openrouter/auto` is a model of openrouter.
  const parts = prefixOf(model);
  if (parts !== undefined && parts.provider === findProvider({ providerId: provider })) {
    const inner = lookUp(parts.model, provider);
    if (inner !== undefined) return { provider, model: parts.model, listed: inner };
  }
  return { provider, model };
}

function resolveAmongAll(model: string): Resolution {
  const parts = prefixOf(model);
  const prefixed = parts === undefined ? undefined : resolveAt(parts.provider.id, parts.model);
  if (prefixed?.listed !== undefined) return prefixed;
  const owner = findProvider({ modelId: model.toLowerCase() });
  const owned = owner === undefined ? undefined : lookUp(model, owner.id);
  if (owned !== undefined) return { provider: owned.query.providerId, model, listed: owned };
  const agreed = agreedProviderOf(model);
  const sold = agreed === undefined ? undefined : lookUp(model, agreed);
  if (sold !== undefined) return { provider: sold.query.providerId, model, listed: sold };
  return prefixed ?? { provider: "", model };
}

/** `openai/gpt-4o` taken apart, when what stands before the first slash is a provider. */
function prefixOf(model: string): { provider: Provider; model: string } | undefined {
  const slash = model.indexOf("/");
  const rest = model.slice(slash + 1).trim();
  if (slash <= 0 || rest === "") return undefined;
  const provider = findProvider({ providerId: model.slice(0, slash) });
  return provider === undefined ? undefined : { provider, model: rest };
}

/** The provider that lists exactly this id; among several at one price, one whose own model names the package knows. */
function agreedProviderOf(model: string): string | undefined {
  const sellers = idIndex().get(model.toLowerCase()) ?? [];
  const prices = new Set(sellers.map(({ info }) => JSON.stringify(info.prices)));
  if (prices.size !== 1) return undefined;
  return (sellers.find(({ provider }) => provider.model_match !== undefined) ?? sellers[0])?.provider.id;
}

/** Made at the first name that needs it: starting an isolate must not pay for it. */
function idIndex(): IdIndex {
  if (modelsById !== undefined) return modelsById;
  const index: IdIndex = new Map();
  for (const provider of providers()) {
    for (const info of provider.models) {
      const id = info.id.toLowerCase();
      index.set(id, [...(index.get(id) ?? []), { provider, info }]);
    }
  }
  modelsById = index;
  return index;
}

function providers(): Provider[] {
  return PRICE_LIST_PROVIDERS.map((id) => {
    const provider = findProvider({ providerId: id });
    assert(provider?.id === id, `price-list-data.ts belongs to the installed price list: ${id}`);
    return provider;
  });
}

function lookUp(model: string, providerId: string): ListedModel | undefined {
  const query = { model, providerId };
  const info = askPackage(query, 0)?.model;
  return info === undefined ? undefined : { query, startsMs: startsOf(info), ratesBySlot: new Map() };
}

/** The instant is always handed in: without one the package would read the clock. */
function askPackage({ model, providerId }: ListedModel["query"], atMs: number) {
  return calcPrice({}, model, { providerId, timestamp: new Date(atMs) });
}

function startsOf({ prices }: ModelInfo): number[] | undefined {
  if (!Array.isArray(prices)) return [];
  const startsMs: number[] = [];
  for (const { constraint } of prices) {
    if (constraint === undefined) continue;
    if (constraint.type !== "start_date") return undefined;
    startsMs.push(new Date(constraint.start_date).getTime());
  }
  return startsMs;
}

/** A listed model's rates at an instant; null when it is not billed by tokens (pictures, hours, pages). */
export function ratesAt(listed: ListedModel, atMs: number): TokenRates | null {
  if (listed.startsMs === undefined) return ratesAsked(listed, atMs);
  let slot = 0;
  for (const startMs of listed.startsMs) if (atMs >= startMs) slot += 1;
  let rates = listed.ratesBySlot.get(slot);
  if (rates === undefined) {
    rates = ratesAsked(listed, atMs);
    listed.ratesBySlot.set(slot, rates);
  }
  return rates;
}

function ratesAsked({ query }: ListedModel, atMs: number): TokenRates | null {
  const prices = askPackage(query, atMs)?.model_price;
  return prices === undefined ? null : tokenRatesOf(prices);
}

function tokenRatesOf(prices: ModelPrice): TokenRates | null {
  if (prices.input_mtok === undefined && prices.output_mtok === undefined) return null;
  const known = ratesOfPrices.get(prices);
  if (known !== undefined) return known;
  const rates: TokenRates = {};
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok, requests_kcount } = prices;
  if (input_mtok !== undefined) rates.input = rateOf(input_mtok);
  if (output_mtok !== undefined) rates.output = rateOf(output_mtok);
  if (cache_read_mtok !== undefined) rates.cacheRead = rateOf(cache_read_mtok);
  if (cache_write_mtok !== undefined) rates.cacheWrite = rateOf(cache_write_mtok);
  // Listed per thousand requests.
  if (typeof requests_kcount === "number") rates.requestE18 = listedRateE18(requests_kcount) * 1000n;
  ratesOfPrices.set(prices, rates);
  return rates;
}

function rateOf(price: NonNullable<ModelPrice[string]>): Rate {
  if (typeof price === "number") return { baseE18: listedRateE18(price), tiers: [] };
  const tiers = price.tiers.map((tier) => ({ aboveInputTokens: tier.start, rateE18: listedRateE18(tier.price) }));
  return {
    baseE18: listedRateE18(price.base),
    tiers: tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens),
  };
}

/** A number of the list as its shortest decimal text says it, in units of 10⁻¹⁸. A test holds that none has more places. */
export function listedRateE18(rate: number): bigint {
  const value = parseDecimal(String(rate), RATE_SCALE, true);
  assert(typeof value === "bigint", `a listed rate is a decimal: ${rate}`);
  return value;
}

/** The rate that holds for an event of so many input tokens: a tier's rate is for all tokens, not for those beyond it. */
export function rateForInput(rate: Rate, inputTokens: number): bigint {
  let holdingE18 = rate.baseE18;
  for (const { aboveInputTokens, rateE18 } of rate.tiers) if (inputTokens > aboveInputTokens) holdingE18 = rateE18;
  return holdingE18;
}

/** Rates of one row as decimal text, USD per million tokens; what has no rate of its own is absent. */
export type RatesText = {
  inputCostPerMillion?: string;
  outputCostPerMillion?: string;
  cacheReadCostPerMillion?: string;
  cacheWriteCostPerMillion?: string;
};

/** A row of the list. `timeDependent`: at another instant the rates can be others. `costPerRequest` is due beside the tokens. */
export type ListedPrice = RatesText & {
  provider: string;
  providerName: string;
  model: string;
  name?: string;
  costPerRequest?: string;
  /** From more than so many input tokens on, these rates hold for the whole event. */
  tiers?: readonly (RatesText & { aboveInputTokens: number })[];
  timeDependent?: true;
};

/**
 * The models that are billed by tokens, with the rates of `atMs`, in the list's order. `search`: each of its words must occur
 * in the row's provider or model, in upper or lower case.
 */
export function listPrices(search: string | undefined, atMs: number): ListedPrice[] {
  const words = (search ?? "").toLowerCase().split(/\s+/);
  const rows: ListedPrice[] = [];
  for (const provider of providers()) {
    for (const info of provider.models) {
      const text = `${provider.id}/${info.id} ${provider.name} ${info.name ?? ""}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const rates = tokenRatesOf(pricesOf(info, atMs));
      if (rates === null) continue;
      rows.push({
        provider: provider.id,
        providerName: provider.name,
        model: info.id,
        ...(info.name === undefined ? {} : { name: info.name }),
        ...ratesText(rates, (rate) => rate.baseE18),
        ...(rates.requestE18 === undefined ? {} : { costPerRequest: formatDecimal(rates.requestE18, RATE_SCALE + 6) }),
        ...tiersOf(rates),
        ...(Array.isArray(info.prices) ? { timeDependent: true } : {}),
      });
    }
  }
  return rows;
}

/** Asked for as the only model of a provider: by its own name the package could find a neighbour that matches first. */
function pricesOf(info: ModelInfo, atMs: number): ModelPrice {
  if (!Array.isArray(info.prices)) return info.prices;
  const alone: Provider = { id: "-", name: "-", api_pattern: "", models: [{ ...info, match: { equals: "-" } }] };
  const asked = calcPrice({}, "-", { provider: alone, timestamp: new Date(atMs) });
  assert(asked !== null, "a provider's only model is found");
  return asked.model_price;
}

function ratesText(rates: TokenRates, choose: (rate: Rate) => bigint | undefined): RatesText {
  const text = (rate: Rate | undefined) => {
    const valueE18 = rate === undefined ? undefined : choose(rate);
    return valueE18 === undefined ? undefined : formatDecimal(valueE18, RATE_SCALE);
  };
  const shown = {
    inputCostPerMillion: text(rates.input),
    outputCostPerMillion: text(rates.output),
    cacheReadCostPerMillion: text(rates.cacheRead),
    cacheWriteCostPerMillion: text(rates.cacheWrite),
  };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined));
}

function tiersOf(rates: TokenRates): Pick<ListedPrice, "tiers"> {
  const tiered = [rates.input, rates.output, rates.cacheRead, rates.cacheWrite].flatMap((rate) => rate?.tiers ?? []);
  if (tiered.length === 0) return {};
  const bounds = [...new Set(tiered.map((tier) => tier.aboveInputTokens))].sort((a, b) => a - b);
  // One more token than the bound, so that each row says all rates that hold there.
  const tiers = bounds.map((bound) => ({
    aboveInputTokens: bound,
    ...ratesText(rates, (rate) => rateForInput(rate, bound + 1)),
  }));
  return { tiers };
}
