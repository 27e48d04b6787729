import { overviewSection } from "./console/overview.mjs";
import { scrollingSection } from "./console/scrolling.mjs";

/** The console in a real browser: how soon a view answers its reader, and whether a long list runs smoothly. */
export const consoleSuite = {
  name: "console",
  requestProbes: async () => [],
  requestLines: () => [],
  sections: [overviewSection, scrollingSection],
};
