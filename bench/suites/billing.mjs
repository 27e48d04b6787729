import { closingSection } from "./billing/closing.mjs";
import { invoiceListSection } from "./billing/invoice-list.mjs";
import { replaySection } from "./billing/replay.mjs";
import { stormSection } from "./billing/storm.mjs";

/** Invoices: what it takes to make them, to make them again, and to list them, however many there are. */
export const billing = {
  name: "billing",
  requestProbes: async () => [],
  requestLines: () => [],
  sections: [closingSection, stormSection, replaySection, invoiceListSection],
};
