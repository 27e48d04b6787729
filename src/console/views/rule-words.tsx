import type { ComponentChildren } from "preact";
import { count, exactMoney } from "../format.ts";
import type { PlanVersion } from "../wire.ts";

/** A plan's rule for a feature in words, wherever one is told: what a unit costs, how much there may be, what it burns. */

/** What a rule says, without what it is a rule of. */
export type Said = Pick<PlanVersion["features"][number], "isEnabled" | "value" | "creditDenomination">;

type Tier = { up_to: number | "inf"; price_per_unit: number; flat_fee?: number | undefined };

/** One line for each thing that a rule says. */
export function ruleLines({ isEnabled, value, creditDenomination }: Said, currency: string): string[] {
  const { pricing } = value;
  const said = [...(isEnabled ? [] : ["switched off"]), ...priceLines(pricing, currency)];
  if (pricing?.max_usage !== undefined) said.push(`limit ${count(pricing.max_usage)}`);
  if (pricing?.reset_mode !== undefined)
    said.push(pricing.reset_mode === "reset" ? "counted anew each period" : "counted for ever");
  if (creditDenomination !== undefined) said.push(`burns ${creditDenomination}`);
  return said;
}

/** How much of it there may be: “no limit”, “500 a period”, “10 in all”. */
export function limitWords({ value: { pricing } }: Pick<Said, "value">): string {
  const isForever = pricing?.reset_mode === "accumulate";
  if (pricing?.max_usage === undefined) return isForever ? "no limit, counted for ever" : "no limit";
  return `${count(pricing.max_usage)} ${isForever ? "in all" : "a period"}`;
}

/** What a unit costs: a line, or one for each tier. */
export function priceLines(pricing: Said["value"]["pricing"], currency: string): string[] {
  if (pricing === undefined || pricing.model === "included") return ["included"];
  const unit = pricing.usage_unit_type ?? "unit";
  if (pricing.model === "usage") return [`${exactMoney(pricing.price_per_unit ?? 0, currency)} per ${unit}`];
  return (pricing.tiers ?? []).map((tier) => tierLine(tier, currency, unit));
}

function tierLine({ up_to, price_per_unit, flat_fee }: Tier, currency: string, unit: string): string {
  const bound = up_to === "inf" ? "beyond" : `up to ${count(up_to)}`;
  const fee = flat_fee === undefined || flat_fee === 0 ? "" : `, ${exactMoney(flat_fee, currency)} on entering`;
  return `${bound}: ${exactMoney(price_per_unit, currency)} per ${unit}${fee}`;
}

export function Lines({ lines }: { lines: readonly string[] }): ComponentChildren {
  return (
    <ul class="said">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

/** “every month, in advance”. */
export function rhythm({ intervalMonths, billingTiming }: { intervalMonths: string; billingTiming: string }): string {
  const every = intervalMonths === "1" ? "month" : intervalMonths === "12" ? "year" : `${intervalMonths} months`;
  return `every ${every}, ${billingTiming === "IN_ADVANCE" ? "in advance" : "in arrears"}`;
}

type Allocation = PlanVersion["creditAllocations"][number];

/** “1,000 AI_CREDITS, up to 500 carried over, usage beyond them is refused”. */
export function allocationLine(of: Allocation): string {
  const { creditAmount, denomination, rolloverPolicy, rolloverCap, grantExpiresMonths, hardLimit } = of;
  const carried =
    rolloverPolicy === "NONE"
      ? "gone at the period's end"
      : rolloverPolicy === "FULL"
        ? "carried over"
        : `up to ${count(rolloverCap ?? 0)} carried over`;
  return [
    `${count(creditAmount)} ${denomination}`,
    carried,
    ...(grantExpiresMonths === undefined ? [] : [`gone after ${months(grantExpiresMonths)}`]),
    hardLimit ? "usage beyond them is refused" : "usage beyond them is billed by price",
  ].join(", ");
}

function months(number: number): string {
  return number === 1 ? "1 month" : `${number} months`;
}
