import { type EntitlementText, entitlementText } from "../../contract/entitlement.ts";
import { BoundedMap } from "../../domain/bounded-map.ts";
import type { Denial, Verdict } from "../../domain/entitlement.ts";
import type { Uuid } from "../../domain/ids.ts";
import { fromJsonText } from "../../domain/json-text.ts";

/**
 * How verdicts of customers' objects are put on the wire, remembered: a customer is asked about the same feature again and again, and
 * the verdict seldom changes. What is remembered follows from the verdict and whom it is about, so nothing of it can be out of date.
 */

type About = { customerId: Uuid; reference: string };

type Saying = { denial: Denial | undefined; text: EntitlementText };

/** Some KB each at most, by customer and feature; the oldest is made again. */
const SAYINGS_KEPT_MAX = 5000;

const sayings = new BoundedMap<string, Saying & { verdictText: string; reference: string }>(SAYINGS_KEPT_MAX);

/** What is said of a verdict, given as the domain's JSON text. `featureKey`: the one that was asked about. */
export function sayingOf(verdictText: string, featureKey: string, about: About): Saying {
  const place = `${about.customerId}\n${featureKey}`;
  const known = sayings.get(place);
  if (known?.verdictText === verdictText && known.reference === about.reference) return known;
  const verdict = fromJsonText<Verdict>(verdictText);
  const made = {
    verdictText,
    reference: about.reference,
    denial: verdict.denial,
    text: entitlementText(verdict, about),
  };
  sayings.set(place, made);
  return made;
}
