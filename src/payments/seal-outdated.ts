import { readCursor, saveCursor } from "../catalog/cron-cursors.ts";
import { outdatedConnections } from "../catalog/stripe-connections.ts";
import { RESEALED_PER_RUN_MAX } from "../domain/limits.ts";
import type { Env } from "../env.ts";
import { sealAnew } from "./connection.ts";
import { readKeyring } from "./keyring.ts";

const TASK = "seal-anew";

/**
 * Seals by the first key of ENCRYPTION_KEYS what an older one sealed and nobody used since: for the cron, so that the older key can be
 * taken away. Goes on where it stopped; one that no key opens counts as failed, and stands in nobody's way.
 */
export async function sealOutdated(
  env: Env,
  limit = RESEALED_PER_RUN_MAX,
): Promise<{ processed: number; failed: number }> {
  const keyring = readKeyring(env.ENCRYPTION_KEYS);
  if (typeof keyring === "string") return { processed: 0, failed: 0 };
  const after = (await readCursor(env.DB, TASK)) ?? "";
  const outdated = await outdatedConnections(env.DB, keyring.firstId, after, limit);
  const last = outdated.length === limit ? outdated.at(-1)?.accountId : undefined;
  if (last !== undefined || after !== "") await saveCursor(env.DB, TASK, last);
  let failed = 0;
  for (const connection of outdated) if (!(await sealAnew(env.DB, keyring, connection))) failed += 1;
  return { processed: outdated.length - failed, failed };
}
