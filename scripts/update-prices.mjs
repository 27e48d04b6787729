// Refreshes the bundled public price list: installs the newest @pydantic/genai-prices and writes what the package does not say
// itself (its date, its providers' ids) to src/domain/price-list-data.ts. `--keep` regenerates for the version installed now.
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PACKAGE = "@pydantic/genai-prices";
const root = fileURLToPath(new URL("../", import.meta.url));
const dataFile = `${root}src/domain/price-list-data.ts`;

/** Runs npm in the project; its output is returned, its complaints are shown. */
function npm(...args) {
  const run = spawnSync("npm", args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  if (run.status !== 0) {
    console.error(`update-prices: "npm ${args.join(" ")}" failed; nothing was written.`);
    process.exit(1);
  }
  return run.stdout;
}

if (!process.argv.includes("--keep")) npm("install", "--save-exact", `${PACKAGE}@latest`);

const { version } = JSON.parse(await readFile(`${root}node_modules/${PACKAGE}/package.json`, "utf8"));
const publishedAt = JSON.parse(npm("view", PACKAGE, "time", "--json"))[version];
if (typeof publishedAt !== "string") {
  console.error(
    `update-prices: the registry does not tell when ${PACKAGE} ${version} was published; nothing was written.`,
  );
  process.exit(1);
}

const { waitForUpdate } = await import(PACKAGE);
const providers = await waitForUpdate();
const models = providers.reduce((count, provider) => count + provider.models.length, 0);

await writeFile(
  dataFile,
  `/** Written by \`npm run update-prices\`: what the price list's package does not say itself. Not edited by hand. */

/** The package version that the rest describes. */
export const PRICE_LIST_VERSION = ${JSON.stringify(version)};

/** The day (UTC) on which that version was published. */
export const PRICE_LIST_DATE = ${JSON.stringify(publishedAt.slice(0, 10))};

/** Every provider's id, in the list's order. */
export const PRICE_LIST_PROVIDERS: readonly string[] = [
${providers.map(({ id }) => `  ${JSON.stringify(id)},`).join("\n")}
];
`,
);
console.log(`Price list ${version} of ${publishedAt.slice(0, 10)}: ${providers.length} providers, ${models} models.`);
console.log("Now run npm test: test/domain/cost.golden.test.ts names every published rate that changed.");
