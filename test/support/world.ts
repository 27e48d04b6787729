import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import type { CustomerObject } from "../../src/customer/object.ts";
import { stubOf } from "../../src/customer/object-of.ts";
import type { Uuid } from "../../src/domain/ids.ts";

/**
 * A world to test in: one account of its own, reached over HTTP like any client's. Storage is shared by the tests of a file, so
 * each test makes its own world.
 */

/** An envelope taken apart. `data` of an error is there where the contract says so. */
export type Answer<T> = {
  status: number;
  headers: Headers;
  data: T;
  error: { code: string; message: string; detail?: string; fields?: { path: string; message: string }[] };
};

export type Receipt = {
  eventId: string;
  customerId: string;
  usageUnits: number;
  costAmount?: number;
  costSource?: string;
  revenueAmount?: number;
  metered: boolean;
  unmeteredReason?: string;
  meteredUnits?: number;
  usageLimitExceeded?: boolean;
  message?: string;
  late?: boolean;
  overshoot?: boolean;
  revenueCurrency?: string;
  creditsDeducted?: number;
  weightApplied?: number;
  weightId?: string;
  weightMatch?: string;
  remainingBalance?: number;
  corrects?: string;
  creditAmount?: number;
  creditCurrency?: string;
};

export type BatchLine = { index: number; status: string; receipt?: Receipt; error?: { code: string; message: string } };
export type BatchResult = {
  results: BatchLine[];
  accepted: number;
  duplicates: number;
  overLimit: number;
  rejected: number;
};

type Body = Record<string, unknown>;

export type World = {
  accountId: string;
  key: string;
  call: <T = Body>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer<T>>;
  /** One event; `eventName` is filled in. */
  event: (body: Body, headers?: Record<string, string>) => Promise<Answer<Receipt>>;
  batch: (events: readonly unknown[], headers?: Record<string, string>) => Promise<Answer<BatchResult>>;
  /** A fresh stub of a customer's object. */
  object: (customerId: string) => DurableObjectStub<CustomerObject>;
  /** Sends everything that these customers' objects have for D1. */
  flush: (...customerIds: string[]) => Promise<void>;
};

/** Any request, without a key but what `headers` bring. A string or bytes go as they are, anything else as JSON. */
export async function request<T = Body>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const raw = typeof body === "string" || body instanceof Uint8Array || body === undefined;
  const response = await exports.default.fetch(`https://tanso.test${path}`, {
    method,
    headers: { ...(raw ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const envelope = (await response.json()) as { data: T; error: Answer<T>["error"] };
  return { status: response.status, headers: response.headers, data: envelope.data, error: envelope.error };
}

/** A new test account with its admin key. */
export async function newWorld(currency = "USD"): Promise<World> {
  const made = await request<{ account: { id: string }; apiKey: string }>(
    "POST",
    "/api/v1/accounts",
    { name: "World", mode: "test", currency },
    { Authorization: "Bearer root_test" },
  );
  if (made.status !== 201) throw new Error(`no account: ${JSON.stringify(made.error)}`);
  const { apiKey: key } = made.data;
  const accountId = made.data.account.id;
  const call: World["call"] = (method, path, body, headers = {}) =>
    request(method, path, body, { Authorization: `Bearer ${key}`, ...headers });
  const object: World["object"] = (customerId) => stubOf(env, accountId, customerId as Uuid);
  return {
    accountId,
    key,
    call,
    event: (body, headers) => call("POST", "/api/v1/client/events", { eventName: "call", ...body }, headers),
    batch: (events, headers) => call("POST", "/api/v1/client/events/batch", { events }, headers),
    object,
    flush: async (...customerIds) => {
      for (const customerId of customerIds) {
        for (let round = 0; (await object(customerId).health()).waitingRows > 0; round += 1) {
          if (round === 100) throw new Error("rows do not leave the outbox");
          await object(customerId).wake();
        }
      }
    },
  };
}

/**
 * Stops the clock of Worker and objects (they share the test's isolate) at an instant. Later than today, so that no alarm rings
 * unless a test rings it.
 */
export function clockAt(instant: string): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(instant) });
}

/** Milliseconds of an instant. */
export function at(instant: string): number {
  return Date.parse(instant);
}
