import type { Uuid } from "./ids.ts";

/**
 * Where customers' objects are kept. Owns what an account's id says of it, and which region a request comes from. Leaves the making of
 * objects to `customer/object-of.ts`.
 *
 * Laws: an object is made once and stays where it was made. A jurisdiction is part of its address, so it stands in the account's
 * id and never changes; a region is a wish that counts when the object is made, and only then.
 */

/** Places that the platform takes as a wish. */
export const REGIONS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;
export type Region = (typeof REGIONS)[number];

/** Laws that an account's customers are kept under. */
export const JURISDICTIONS = ["eu"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** Of a UUID whose own bits say a jurisdiction: version 8 and, behind it, which. All other accounts have random ids of version 4. */
const MARKS: Record<Jurisdiction, string> = { eu: "8e00" };
const MARK_AT = 14;

/** An account's id from a random one. */
export function accountIdIn(jurisdiction: Jurisdiction | undefined, random: string): Uuid {
  if (jurisdiction === undefined) return random as Uuid;
  const mark = MARKS[jurisdiction];
  return (random.slice(0, MARK_AT) + mark + random.slice(MARK_AT + mark.length)) as Uuid;
}

/** The jurisdiction that an account's id says; undefined: none. */
export function jurisdictionOf(accountId: string): Jurisdiction | undefined {
  if (accountId.charAt(MARK_AT) !== "8") return undefined;
  const mark = accountId.slice(MARK_AT, MARK_AT + 4);
  return JURISDICTIONS.find((jurisdiction) => MARKS[jurisdiction] === mark);
}

/** What the platform says of where a request comes from. */
export type Origin = { continent?: string; country?: string; longitude?: string };

/** The region nearest to a request's origin; undefined where nothing is known of it. */
export function regionOf({ continent, country = "", longitude }: Origin): Region | undefined {
  switch (continent) {
    case "NA":
      // Central America counts as North: its cables land in Florida. West of Denver is nearer to the other coast.
      return Number(longitude) < -105 ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      // East of Berlin; Cyprus and the Caucasus are nearer to the Middle East.
      return Number(longitude) > 14 ? "eeur" : "weur";
    case "AF":
      return "afr";
    case "OC":
      return "oc";
    case "AS":
      if (MIDDLE_EAST.has(country)) return "me";
      if (NORTH_EAST.has(country)) return "apac-ne";
      return SOUTH_EAST.has(country) ? "apac-se" : "apac";
    default:
      return undefined;
  }
}

const MIDDLE_EAST: ReadonlySet<string> = new Set("AE AM AZ BH CY GE IL IQ IR JO KW LB OM PS QA SA SY TR YE".split(" "));
const NORTH_EAST: ReadonlySet<string> = new Set("CN HK JP KP KR MN MO TW".split(" "));
const SOUTH_EAST: ReadonlySet<string> = new Set("BN ID KH LA MM MY PH SG TH TL VN".split(" "));
