import { portfolioSection } from "./observe/analytics.mjs";
import { batchSection } from "./observe/batches.mjs";
import { fleetSection } from "./observe/fleet.mjs";
import { historySection } from "./observe/history.mjs";
import { requestLines, requestProbes } from "./observe/requests.mjs";

/** Observe: events in, customers and sums out, without plans. */
export const observe = {
  name: "observe",
  requestProbes,
  requestLines,
  sections: [batchSection, portfolioSection, historySection, fleetSection],
};
