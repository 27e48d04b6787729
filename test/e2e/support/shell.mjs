import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Stands in for curl where a machine has none, so that the tests need no more than the project does. */
const STAND_IN = fileURLToPath(new URL("bin", import.meta.url));

/** Runs a piece of shell as a reader would paste it; throws when its last command fails. Answers what it printed. */
export async function paste(script, folder) {
  const { stdout } = await promisify(execFile)("sh", ["-e", "-c", script], {
    cwd: folder,
    env: { ...process.env, PATH: `${process.env.PATH}:${STAND_IN}` },
  });
  return stdout;
}
