import type { AppliedWeight } from "../domain/credit.ts";
import type { CorrectionOf, Counted, StoredEvent, TakenFrom } from "../domain/event.ts";

/**
 * What is kept of an event beside its columns, as one JSON text: what is only shown again, and what its receipt and its corrections
 * need for ever. Written by hand: events come by the thousand. Amounts are text.
 */

/** Fields kept as they are. */
const PLAIN_FIELDS = [
  "sentOccurredAtMs",
  "cacheReadTokens",
  "cacheWriteTokens",
  "flowId",
  "subscriptionId",
  "invoiceId",
  "entitlementId",
  "isRevenueGiven",
  "unmeteredReason",
  "receiptReason",
] as const;

const AMOUNT_FIELDS = ["costUnitsE12", "costPerUnitE12"] as const;

type Plain = Partial<Pick<StoredEvent, (typeof PLAIN_FIELDS)[number]>>;

type Detail = Plain & {
  costUnitsE12?: string;
  costPerUnitE12?: string;
  otherRevenue?: { amountE12: string; currency: string };
  /** Without `unitsE12`: all that were used. */
  counted?: Omit<Counted, "unitsE12" | "coveredE12"> & { unitsE12?: string; coveredE12?: string };
  overLimit?: { usedE12: string; limitE12: string };
  burnt?: { drawnE4: string; balanceE4: string; weight: WeightText };
  pendingWeight?: WeightText;
  correction?: Omit<CorrectionOf, "usageE12" | "countedE12" | "taken"> & {
    usageE12: string;
    countedE12: string;
    taken?: TakenText[];
  };
};

type WeightText = Omit<AppliedWeight, "creditsPerUnitE12"> & { creditsPerUnitE12: string };

/** Null where there is nothing. */
export function detailText(event: StoredEvent): string | null {
  const detail: Record<string, unknown> = {};
  let some = false;
  const keep = (field: keyof Detail, value: unknown): void => {
    detail[field] = value;
    some = true;
  };
  for (const field of PLAIN_FIELDS) if (event[field] !== undefined) keep(field, event[field]);
  for (const field of AMOUNT_FIELDS) if (event[field] !== undefined) keep(field, event[field].toString());
  const { otherRevenue, counted, overLimit, burnt, pendingWeight, correction } = event;
  if (otherRevenue !== undefined)
    keep("otherRevenue", { ...otherRevenue, amountE12: otherRevenue.amountE12.toString() });
  if (counted !== undefined) {
    const { unitsE12, coveredE12, ...where } = counted;
    keep("counted", {
      ...where,
      ...(unitsE12 === event.usageE12 ? {} : { unitsE12: unitsE12.toString() }),
      ...(coveredE12 === undefined ? {} : { coveredE12: coveredE12.toString() }),
    });
  }
  if (overLimit !== undefined)
    keep("overLimit", { usedE12: overLimit.usedE12.toString(), limitE12: overLimit.limitE12.toString() });
  if (burnt !== undefined) {
    const { drawnE4, balanceE4, weight } = burnt;
    keep("burnt", { drawnE4: drawnE4.toString(), balanceE4: balanceE4.toString(), weight: weightText(weight) });
  }
  if (pendingWeight !== undefined) keep("pendingWeight", weightText(pendingWeight));
  if (correction !== undefined) {
    const { usageE12, countedE12, taken, ...rest } = correction;
    keep("correction", {
      ...rest,
      usageE12: usageE12.toString(),
      countedE12: countedE12.toString(),
      ...(taken === undefined ? {} : { taken: taken.map(takenText) }),
    });
  }
  return some ? JSON.stringify(detail) : null;
}

type TakenText = { segment: number; unitsE12: string; coveredE12: string };

function takenText({ segment, unitsE12, coveredE12 }: TakenFrom): TakenText {
  return { segment, unitsE12: unitsE12.toString(), coveredE12: coveredE12.toString() };
}

function readTaken({ segment, unitsE12, coveredE12 }: TakenText): TakenFrom {
  return { segment, unitsE12: BigInt(unitsE12), coveredE12: BigInt(coveredE12) };
}

function withoutTaken<T extends { taken?: unknown }>({ taken: _, ...rest }: T): Omit<T, "taken"> {
  return rest;
}

function weightText({ creditsPerUnitE12, ...weight }: AppliedWeight): WeightText {
  return { ...weight, creditsPerUnitE12: creditsPerUnitE12.toString() };
}

function readWeight({ creditsPerUnitE12, ...weight }: WeightText): AppliedWeight {
  return { ...weight, creditsPerUnitE12: BigInt(creditsPerUnitE12) };
}

/** Reads what `detailText` wrote, of an event that used so many units. */
export function readDetail(text: string | null, usageE12: bigint): Partial<StoredEvent> {
  if (text === null) return {};
  const { costUnitsE12, costPerUnitE12, otherRevenue, counted, overLimit, burnt, pendingWeight, correction, ...plain } =
    JSON.parse(text) as Detail;
  return {
    ...plain,
    ...(costUnitsE12 === undefined ? {} : { costUnitsE12: BigInt(costUnitsE12) }),
    ...(costPerUnitE12 === undefined ? {} : { costPerUnitE12: BigInt(costPerUnitE12) }),
    ...(otherRevenue === undefined
      ? {}
      : { otherRevenue: { ...otherRevenue, amountE12: BigInt(otherRevenue.amountE12) } }),
    ...(counted === undefined ? {} : { counted: readCounted(counted, usageE12) }),
    ...(overLimit === undefined
      ? {}
      : { overLimit: { usedE12: BigInt(overLimit.usedE12), limitE12: BigInt(overLimit.limitE12) } }),
    ...(burnt === undefined
      ? {}
      : {
          burnt: {
            drawnE4: BigInt(burnt.drawnE4),
            balanceE4: BigInt(burnt.balanceE4),
            weight: readWeight(burnt.weight),
          },
        }),
    ...(pendingWeight === undefined ? {} : { pendingWeight: readWeight(pendingWeight) }),
    ...(correction === undefined
      ? {}
      : {
          correction: {
            ...withoutTaken(correction),
            usageE12: BigInt(correction.usageE12),
            countedE12: BigInt(correction.countedE12),
            ...(correction.taken === undefined ? {} : { taken: correction.taken.map(readTaken) }),
          },
        }),
  };
}

function readCounted({ unitsE12, coveredE12, ...where }: NonNullable<Detail["counted"]>, usageE12: bigint): Counted {
  return {
    ...where,
    unitsE12: unitsE12 === undefined ? usageE12 : BigInt(unitsE12),
    ...(coveredE12 === undefined ? {} : { coveredE12: BigInt(coveredE12) }),
  };
}
