import { withQuery } from "../../api.ts";
import { localText } from "../../format.ts";
import type { StoredEvent } from "../../wire.ts";

/** What an event says in codes, in words. */

/** Where a cost came from. */
export const COST_SOURCES: Record<string, string> = {
  given: "sent with the event",
  rule: "the plan rule's cost per unit",
  account: "your own rate for the model",
  catalog: "the public price list",
};

export const UNMETERED: { [R in NonNullable<StoredEvent["unmeteredReason"]>]: string } = {
  NO_SUBSCRIPTION: "the customer has no subscription",
  NO_FEATURE: "it names no feature",
  NO_USAGE: "it says of no units",
  PENDING: "it waits until the customer's books are mended",
  SUBSCRIPTION_INACTIVE: "the subscription had not been paid yet",
  SUBSCRIPTION_SUSPENDED: "the subscription was suspended",
  FEATURE_NOT_IN_PLAN: "the plan does not have this feature",
  BEFORE_START: "it occurred before the subscription began",
  NOT_ASKED: "it was imported as history",
  USAGE_LIMIT_EXCEEDED: "the limit was reached before",
  USAGE_REFUSED: "no invoice could carry what it would come to",
  PERIOD_CLOSED: "its period is billed: the difference was given back as money",
};

/** Which weight applied. */
export const WEIGHTS: { [M in NonNullable<StoredEvent["weightMatch"]>]: string } = {
  MODEL: "of this feature and model",
  FEATURE_DEFAULT: "of this feature",
  NONE: "of units without a weight",
};

/**
 * Where the events of a model are, from a day on. What stands for all the other models is found by its provider alone. `start`: an instant;
 * its day in the viewer's zone, as the list of events has days.
 */
export function eventsOfModel(of: {
  model: string;
  modelProvider?: string;
  featureKey?: string;
  start?: string;
}): string {
  const model = of.model === "(other)" ? "" : of.model;
  const from = of.start === undefined ? undefined : localText(new Date(of.start)).slice(0, 10);
  return withQuery("/events", { model, provider: of.modelProvider, feature: of.featureKey, from });
}
