import { buildConsole } from "./lib/console.mjs";
import { prepareFonts } from "./lib/fonts.mjs";

/** Fills the folder of static assets; runs before each build (wrangler.toml). */

prepareFonts();
buildConsole();
