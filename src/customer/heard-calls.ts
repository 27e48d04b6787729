import { type LeasedText, readTimedText } from "../domain/timed-text.ts";
import { blocks, dropBlocks } from "../edge/blocks.ts";
import { leases } from "../edge/leases.ts";
import { patiently } from "../edge/patience.ts";
import type { RequestScope } from "../edge/request-scope.ts";
import type { AskAlong } from "./calls.ts";
import type { CustomerObject } from "./object.ts";
import type { RequestKey } from "./requests.ts";

/**
 * Calls of customers' objects, as they are heard of on their way: a write ends what this isolate repeats and holds about its customer, a
 * call is counted in the request that makes it, and one that failed on the way is made again where that cannot do a thing twice.
 */

export type Stub = DurableObjectStub<CustomerObject>;

/** What a customer can be asked. Whatever else is called counts as a write, and ends what this isolate repeats about the customer. */
const QUESTIONS: ReadonlySet<string | symbol> = new Set<keyof CustomerObject>([
  "balance",
  "balanceAt",
  "balanceEntriesBehind",
  "books",
  "check",
  "checkDays",
  "checkoutSession",
  "entitlements",
  "event",
  "events",
  "explainInvoice",
  "explainPool",
  "exportPage",
  "forecast",
  "grant",
  "groupedEvents",
  "health",
  "invoice",
  "invoices",
  "overview",
  "paymentBooks",
  "paymentsPage",
  "plainCheck",
  "pool",
  "poolEntries",
  "poolEntriesBehind",
  "poolGrants",
  "pools",
  "previewCancel",
  "previewPlanChange",
  "previewSubscribe",
  "replayInvoices",
  "subscription",
  "upcoming",
  "view",
]);

/** Writes that use what a customer has, and change nothing of what may be used. */
const USES: ReadonlySet<string | symbol> = new Set<keyof CustomerObject>([
  "track",
  "consume",
  "reserve",
  "lend",
  "commitReservation",
  "releaseReservation",
  "correct",
]);

type Method = (...args: unknown[]) => Promise<unknown>;

/** A stub whose calls are heard of here. `fresh` makes another: one that saw its object reset stays broken. */
export function heard(fresh: () => Stub, customer: string, scope: RequestScope | undefined): Stub {
  return new Proxy(fresh(), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || name in Object.prototype) return member;
      const isQuestion = QUESTIONS.has(name);
      const call: Method = (...args) => {
        let stub: Stub | undefined = target;
        const once = (): Promise<unknown> => {
          const at = stub ?? fresh();
          stub = undefined;
          return Reflect.apply(Reflect.get(at, name, at) as Method, at, args);
        };
        return patiently(once, isQuestion || isRepeatable(args[0]));
      };
      const method: Method = scope === undefined ? call : (...args) => scope.toObject(() => call(...args));
      if (isQuestion) return method;
      return (...args: unknown[]) => write(customer, USES.has(name) ? method : changing(customer, method), args);
    },
  });
}

/** A command with a key of repetition answers a second time what it did the first. */
function isRepeatable(call: unknown): boolean {
  const { requestKey, track } = (call ?? {}) as { requestKey?: RequestKey; track?: { requestKey?: RequestKey } };
  return requestKey !== undefined || track?.requestKey !== undefined;
}

/** Blocks are dropped when a change begins, and those asked for meanwhile when it has ended, however it did. */
function changing(customer: string, method: Method): Method {
  return async (...args) => {
    dropBlocks(blocks, customer);
    try {
      return await method(...args);
    } finally {
      dropBlocks(blocks, customer);
    }
  };
}

/**
 * Leases end when a write begins, and those asked for meanwhile when it has ended, however it did. A write that brings the new answer
 * along ends older ones by its commit number, so that events in numbers do not leave their customer without any.
 */
async function write(customer: string, method: Method, args: readonly unknown[]): Promise<unknown> {
  const asksAlong = isAsking(args[0]);
  if (!asksAlong) leases.written(customer);
  let rev: number | undefined;
  try {
    const reply = await method(...args);
    if (asksAlong) rev = revOf(reply);
    return reply;
  } finally {
    leases.written(customer, rev);
  }
}

type Asking = { ask?: AskAlong; track?: { ask?: AskAlong } };

function isAsking(call: unknown): boolean {
  const { ask, track } = (call ?? {}) as Asking;
  return ask !== undefined || track?.ask !== undefined;
}

function revOf(reply: unknown): number | undefined {
  const { lease } = (reply ?? {}) as { lease?: LeasedText };
  return lease === undefined ? undefined : readTimedText(lease).lease?.rev;
}
