import { busySection } from "./platform/busy.mjs";
import { checkHistorySection } from "./platform/check-history.mjs";
import { clockSection } from "./platform/clock.mjs";
import { manySection } from "./platform/many.mjs";
import { requestLines, requestProbes } from "./platform/requests.mjs";

/** Plans, subscriptions and entitlements: checks and consumption beside the floors, and how fast time passes. */
export const platform = {
  name: "platform",
  requestProbes,
  requestLines,
  sections: [manySection, checkHistorySection, busySection, clockSection],
};
