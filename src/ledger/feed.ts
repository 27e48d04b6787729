import type { StoredEvent } from "../domain/event.ts";

/** The feed: the newest events of an account, bounded, for the account-wide view. Never a source of sums. */

const AMOUNTS = new Set(["usageE12", "costE12", "revenueE12", "costUnitsE12"]);

/** A stored event as JSON text: amounts are decimal integers of 10⁻¹² as text. */
export function eventText(event: StoredEvent): string {
  return JSON.stringify(event, (_, value) => (typeof value === "bigint" ? value.toString() : value));
}

export function eventFromText(text: string): StoredEvent {
  return JSON.parse(text, (key, value) => (AMOUNTS.has(key) ? BigInt(value) : value)) as StoredEvent;
}
