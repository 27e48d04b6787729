import * as z from "zod";
import { type E12, e12ToNumber } from "../domain/amount.ts";
import type { TariffEntry, TariffRow } from "../domain/credit-tariff.ts";
import { TARIFF_ENTRIES_MAX, TARIFF_VALUE_MAX } from "../domain/limits.ts";
import { accountCurrency } from "./account.ts";
import { decimalPositive, idText, instant, instantText, name, page } from "./scalars.ts";

/** Weights and prices on the wire: dated, published in batches. */

const PLACES_MAX = 6;
const LAST_PLACE_E12 = 10n ** 6n;
const VALUE_E12_MAX = BigInt(TARIFF_VALUE_MAX) * 10n ** 12n;

const tariffValue = decimalPositive
  .refine((value: E12) => value % LAST_PLACE_E12 === 0n, { message: `must have at most ${PLACES_MAX} decimal places` })
  .refine((value) => value <= VALUE_E12_MAX, { message: `must be at most ${TARIFF_VALUE_MAX}` })
  .meta({ description: `Greater than 0, at most ${TARIFF_VALUE_MAX}, at most ${PLACES_MAX} decimal places.` });

const effectiveFrom = instant.meta({
  description: "When the batch takes effect. An instant of the last 5 minutes, or of the next 10 s, means in 10 s.",
});

function entries<T extends z.ZodType>(entry: T) {
  return z.array(entry).min(1, "must not be empty").max(TARIFF_ENTRIES_MAX);
}

const weightEntry = z.object({
  featureId: idText,
  model: name.optional().meta({ description: "Absent: for every model that has no weight of its own." }),
  creditsPerUnit: tariffValue,
});

export const PublishWeights = z
  .object({ effectiveFrom, entries: entries(weightEntry) })
  .meta({ id: "PublishCreditWeights" });

const priceEntry = z.object({
  denomination: name,
  currency: accountCurrency.optional().meta({ description: "Default: USD." }),
  pricePerCredit: tariffValue,
});

export const PublishPrices = z
  .object({ effectiveFrom, entries: entries(priceEntry) })
  .meta({ id: "PublishCreditPrices" });

export function weightEntryFrom({ featureId, model, creditsPerUnit }: z.output<typeof weightEntry>): TariffEntry {
  return { subject: featureId.toLowerCase(), variant: model?.trim() ?? "", value: creditsPerUnit };
}

export function priceEntryFrom({ denomination, currency, pricePerCredit }: z.output<typeof priceEntry>): TariffEntry {
  return { subject: denomination, variant: currency ?? "USD", value: pricePerCredit };
}

export const WeightHistoryQuery = z.object({
  ...page,
  featureId: idText,
  model: name.optional().meta({ description: "Absent: the feature's own weight, for models that have none." }),
});

export const PriceHistoryQuery = z.object({ ...page, denomination: name });

const dated = {
  effectiveFrom: z.iso.datetime(),
  effectiveUntil: z.iso.datetime().optional().meta({ description: "When the next one takes effect." }),
  createdBy: z.string().meta({ description: "The end of the key that published it, as lists of keys show it." }),
  createdAt: z.iso.datetime(),
};

const WEIGHT_EXAMPLE = {
  id: "9e2b7c40-5d1f-4a83-b6e9-0c4d8f1a2b37",
  featureId: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d",
  featureKey: "ai.chat",
  model: "gpt-4o",
  creditsPerUnit: 2.5,
  effectiveFrom: "2027-02-01T00:00:00.000Z",
  createdBy: "…x7Qd",
  createdAt: "2027-01-20T09:30:00.000Z",
};

export const CreditWeightWire = z
  .object({
    id: z.uuid(),
    featureId: z.uuid(),
    featureKey: z.string().optional(),
    model: z.string().optional(),
    creditsPerUnit: z.number(),
    ...dated,
  })
  .meta({ id: "CreditWeight", examples: [WEIGHT_EXAMPLE] });

const PRICE_EXAMPLE = {
  id: "2f6d9a18-7c3e-4b50-9d21-e8a4b7c5f603",
  denomination: "AI_CREDITS",
  currency: "USD",
  pricePerCredit: 0.1,
  effectiveFrom: "2027-02-01T00:00:00.000Z",
  createdBy: "…x7Qd",
  createdAt: "2027-01-20T09:30:00.000Z",
};

export const CreditPriceWire = z
  .object({
    id: z.uuid(),
    denomination: z.string(),
    currency: z.string(),
    pricePerCredit: z.number(),
    ...dated,
  })
  .meta({ id: "CreditPrice", examples: [PRICE_EXAMPLE] });

function toWireDated({ effectiveFromMs, replacedAtMs, createdBy, createdAtMs }: TariffRow) {
  return {
    effectiveFrom: instantText(effectiveFromMs),
    ...(replacedAtMs === undefined ? {} : { effectiveUntil: instantText(replacedAtMs) }),
    createdBy,
    createdAt: instantText(createdAtMs),
  };
}

/** `keyOf`: the keys of features, deleted ones too, by id. */
export function toWireWeight(
  row: TariffRow,
  keyOf: (featureId: string) => string | undefined,
): z.input<typeof CreditWeightWire> {
  const featureKey = keyOf(row.subject);
  return {
    id: row.rowId,
    featureId: row.subject,
    ...(featureKey === undefined ? {} : { featureKey }),
    ...(row.variant === "" ? {} : { model: row.variant }),
    creditsPerUnit: e12ToNumber(row.value),
    ...toWireDated(row),
  };
}

export function toWirePrice(row: TariffRow): z.input<typeof CreditPriceWire> {
  return {
    id: row.rowId,
    denomination: row.subject,
    currency: row.variant,
    pricePerCredit: e12ToNumber(row.value),
    ...toWireDated(row),
  };
}

export const DenominationsWire = z
  .record(z.string(), z.string())
  .meta({ description: "By feature id: the denomination that its units burn." });

export const UnitCostsWire = z.record(z.string(), z.number().nullable()).meta({
  description:
    "By feature id, and by feature id and model as `FEATURE_ID:MODEL`: cost ÷ usage in the account's currency; null without usage or without a known cost.",
});
