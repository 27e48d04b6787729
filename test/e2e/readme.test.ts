import { afterAll, describe, inject, test } from "vitest";
import { README, shellOf } from "./support/readme.mjs";
import { paste } from "./support/shell.mjs";
import { newStateFolder, removeStateFolder } from "./support/tanso.mjs";

/** The README, word for word: what a new user pastes must work. */

const shared = inject("tanso");
const folder = newStateFolder();
afterAll(() => removeStateFolder(folder));

/** The README's shell, pointed at this test's server and folder. */
function here(shell: string): string {
  return `export PORT=${shared.port}\n${shell}`
    .replaceAll("127.0.0.1:8787", `127.0.0.1:${shared.port}`)
    .replaceAll("/tmp/", `${folder}/`);
}

describe("does", () => {
  test("the README's three calls are those that a start prints", async ({ expect }) => {
    const printed = shared.output.replaceAll(`127.0.0.1:${shared.port}`, "127.0.0.1:8787");
    const calls = README.split("\n").filter((line) => line.startsWith("curl -s ") && line.includes("sk_test_"));
    expect(calls).toHaveLength(3);
    for (const call of calls) expect(printed).toContain(call);
  });

  test("the tour leads from zero to margin per customer", async ({ expect }) => {
    const steps = shellOf("Tour");
    const last = steps.pop() ?? "";
    const output = await paste(`${here(steps.join("\n"))}\nprintf '\\nkey=%s' "$KEY"`, process.cwd());
    expect(output).toContain('"costAmount":0.00075,"costSource":"catalog"');
    expect(output).toContain('"accepted":2,"duplicates":0,"overLimit":0,"rejected":0');
    expect(output).toContain("2 accepted, 0 duplicates, 0 rejected.");
    const key = /key=(sk_test_\S+)$/.exec(output)?.[1] ?? "";

    const table = async () => {
      const shown = await paste(`KEY=${key}\n${here(last)}`, process.cwd());
      const cells = shown.split("\n").map((line) => line.split("│").map((cell) => cell.trim().replaceAll("'", "")));
      return cells.filter((line) => line.length > 5).map((line) => line.slice(2, 9));
    };
    // gpt-4o: 2.50 and 10.00 dollars a million tokens.
    await expect.poll(table, { timeout: 60_000 }).toEqual([
      ["customer", "events", "cost", "revenue", "margin", "percent", "unknownCosts"],
      ["globex", "2", "0.249", "0.1", "-0.149", "-149", "0"],
      ["initech", "1", "0", "0.01", "0.01", "100", "1"],
      ["acme", "2", "0.00675", "0.03", "0.02325", "77.5", "0"],
    ]);
  });
});
