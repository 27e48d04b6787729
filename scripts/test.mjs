import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, nodeBinary, PROJECT, requireInstall, tool } from "./lib/project.mjs";

/** `npm test [-- vitest's arguments]`: all projects, a last line `N passed, N failed`, and a status that agrees with it. */

requireInstall();
const folder = mkdtempSync(join(tmpdir(), "tanso-test-"));
const results = join(folder, "results.json");
const status = await run([
  tool("vitest/vitest.mjs"),
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
]);
const { passed, failed, pending } = countsOf(results);
rmSync(folder, { recursive: true, force: true });
if (passed + failed === 0) fail("No test ran.\n0 passed, 1 failed");
// A run can fail beside its tests: an unhandled rejection, a global setup, a type of test that is forbidden here.
const failedBeside = status !== 0 && failed === 0 ? 1 : 0;
if (failedBeside > 0) console.log("The run failed outside of its tests: see above.");
if (pending > 0) console.log(`${pending} skipped.`);
console.log(`${passed} passed, ${failed + failedBeside} failed`);
process.exitCode = failed + failedBeside === 0 ? 0 : 1;

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(nodeBinary(), args, { cwd: PROJECT, stdio: ["ignore", "inherit", "inherit"] });
    child.once("close", (code) => resolve(code ?? 1));
    child.once("error", () => resolve(1));
  });
}

/** Totals of vitest's report. A file that fails before its first test counts as one failure. */
function countsOf(path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 0, pending: 0 };
  }
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    pending: report.numPendingTests + report.numTodoTests,
  };
}
