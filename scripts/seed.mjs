import util from "node:util";
import { DEMO_KEY } from "./lib/demo.mjs";
import { fail, requireInstall, stateFolder } from "./lib/project.mjs";
import { seed, seededText } from "./seed/seed.mjs";

/** `npm run seed`: fills the account of a key with the Demo data, on a server that runs. `npm start` does it by itself once. */

requireInstall();
const { values } = util.parseArgs({
  options: { url: { type: "string" }, key: { type: "string", default: DEMO_KEY }, state: { type: "string" } },
});
const url = values.url ?? `http://127.0.0.1:${process.env.PORT || 8787}`;
try {
  console.log(seededText(await seed({ url, key: values.key, state: stateFolder(values.state) })));
} catch (error) {
  fail(error.message);
}
