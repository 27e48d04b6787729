import { coldSection } from "./edge/cold.mjs";
import { mixSection, soakSection } from "./edge/mix.mjs";
import { farSection, nearSection } from "./edge/near.mjs";
import { spendSection } from "./edge/spend.mjs";

/** Two isolates and the objects behind them: what leases and blocks save, and that nothing is overspent for it. */
export const edge = {
  name: "edge",
  requestProbes: async () => [],
  requestLines: () => [],
  sections: [nearSection, farSection, mixSection, spendSection, coldSection, soakSection],
};
