import { runInDurableObject } from "cloudflare:test";
import type { CustomerObject } from "../../src/customer/object.ts";

/**
 * SQL inside objects that fails at a chosen statement. Objects and tests share one isolate, so patching the prototype reaches them
 * all; the storage behind it is real.
 */

type Exec = (this: SqlStorage, query: string, ...bound: unknown[]) => unknown;

/**
 * Runs `work` while the `n`-th statement from now on throws, in whichever object it is; with 0 none does. Returns what `work` does,
 * and how many statements there were.
 */
export async function withSqlFault<T>(
  object: DurableObjectStub<CustomerObject>,
  n: number,
  work: () => Promise<T>,
): Promise<{ result: T; statements: number }> {
  const prototype = await runInDurableObject(
    object,
    (_, state) => Object.getPrototypeOf(state.storage.sql) as { exec: Exec },
  );
  const { exec } = prototype;
  let statements = 0;
  prototype.exec = function (query, ...bound) {
    statements += 1;
    if (statements === n) throw new Error("fault: this statement fails");
    return exec.call(this, query, ...bound);
  };
  try {
    return { result: await work(), statements };
  } finally {
    prototype.exec = exec;
  }
}
