import { place, setQuery } from "../router.ts";
import { Choice } from "../ui/parts.tsx";

/** Which days a view speaks of; part of its address. */

const RANGES = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
] as const;

type Days = (typeof RANGES)[number]["value"];

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

function daysNow(): Days {
  const given = place.value.query.get("days");
  return RANGES.find(({ value }) => value === given)?.value ?? "30";
}

/** Whole UTC days until the end of the running hour: the same address asks the same for an hour. */
export function rangeNow(): { start: string; end: string } {
  const endMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  const startMs = Math.floor(endMs / DAY_MS) * DAY_MS - (Number(daysNow()) - 1) * DAY_MS;
  return { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() };
}

/** The address of a view that speaks of days too, with the days that are chosen here. */
export function sameDays(path: string): string {
  const days = daysNow();
  return days === "30" ? path : `${path}${path.includes("?") ? "&" : "?"}days=${days}`;
}

export function RangeChoice() {
  return (
    <Choice
      label="Days"
      options={RANGES}
      value={daysNow()}
      onChange={(days) => setQuery({ days: days === "30" ? undefined : days })}
    />
  );
}
