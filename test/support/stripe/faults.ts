import type { Account, Fault } from "./state.ts";

/** Outages: which call is hit, and by what. */

/** The fault that hits this call, which is counted down by it; undefined: the call goes well. */
export function faultFor(account: Account, method: string, path: string): Fault | undefined {
  for (const fault of account.faults) {
    if (fault.method !== null && fault.method !== method) continue;
    if (fault.path !== null && !path.startsWith(fault.path)) continue;
    if (fault.skip > 0) {
      fault.skip -= 1;
      continue;
    }
    if (fault.times !== null) {
      fault.times -= 1;
      if (fault.times <= 0) account.faults = account.faults.filter((other) => other !== fault);
    }
    return fault;
  }
  return undefined;
}
