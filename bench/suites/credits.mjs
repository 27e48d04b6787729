import { grantsSection } from "./credits/grants.mjs";
import { ledgerSection } from "./credits/ledger.mjs";
import { requestLines, requestProbes } from "./credits/requests.mjs";

/** Credits: what it costs that an event burns some, and whether grants and ledger cost anything as they grow. */
export const credits = {
  name: "credits",
  requestProbes,
  requestLines,
  sections: [grantsSection, ledgerSection],
};
