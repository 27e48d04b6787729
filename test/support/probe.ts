import { env, exports } from "cloudflare:workers";
import { sha256Hex } from "../../src/domain/digest.ts";
import type { Route } from "../../src/http/route.ts";

/** Calls to any route of the table, with paths and bodies made from what the route itself says: a new route is probed as it is. */

export type Probed = {
  status: number;
  headers: Headers;
  text: string;
  /** The envelope, or an empty object where the answer is no JSON. */
  envelope: {
    success?: boolean;
    data?: unknown;
    error?: { code: string; message: string; detail?: string; fields?: { path: string; message: string }[] };
  };
};

export async function send(
  method: string,
  path: string,
  { key, body, headers = {} }: { key?: string; body?: BodyInit; headers?: Record<string, string> } = {},
): Promise<Probed> {
  const response = await exports.default.fetch(`https://tanso.test${path}`, {
    method,
    headers: { ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = (response.headers.get("Content-Type") ?? "").includes("/json") && text !== "";
  return { status: response.status, headers: response.headers, text, envelope: isJson ? JSON.parse(text) : {} };
}

/** What a key may do; `customerId` pins it. Put straight into D1, so that expired and revoked ones can be had. */
export type KeySpec = { scopes: readonly string[]; customerId?: string; expiresAtMs?: number; revokedAtMs?: number };

export async function insertKey(accountId: string, spec: KeySpec): Promise<string> {
  const secret = `${spec.customerId === undefined ? "sk" : "ck"}_test_${crypto.randomUUID()}`;
  await env.DB.prepare(
    `INSERT INTO api_keys (digest, account_id, key_id, kind, scopes, customer_id, hint, created_at_ms, expires_at_ms,
       revoked_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS INTEGER), CAST(? AS INTEGER), CAST(? AS INTEGER))`,
  )
    .bind(
      sha256Hex(secret),
      accountId,
      crypto.randomUUID(),
      spec.customerId === undefined ? "account" : "customer",
      JSON.stringify(spec.scopes),
      spec.customerId ?? null,
      `…${secret.slice(-4)}`,
      Date.now(),
      spec.expiresAtMs ?? null,
      spec.revokedAtMs ?? null,
    )
    .run();
  return secret;
}

/** Whose things a probe's path and body name. */
export type Things = {
  ref: string;
  customerId: string;
  featureId: string;
  featureKey: string;
  keyId: string;
  planId: string;
  subscriptionId: string;
  invoiceId: string;
  clockId: string;
  creditModelId: string;
  weightId: string;
  poolId: string;
  grantId: string;
  entryId: string;
  /** An admin key, for a body that shows one. */
  adminKey: string;
};

/** Things that nobody has. */
export function strangers(): Things {
  const id = () => crypto.randomUUID();
  const [ref, featureKey] = [`nobody-${id()}`, `none-${id()}`];
  return {
    ref,
    customerId: id(),
    featureId: id(),
    featureKey,
    keyId: id(),
    planId: id(),
    subscriptionId: id(),
    invoiceId: id(),
    clockId: id(),
    creditModelId: id(),
    weightId: id(),
    poolId: id(),
    grantId: id(),
    entryId: id(),
    adminKey: `sk_test_${id()}`,
  };
}

/** A path of the route with its parameters filled: what stands before a parameter tells what it names. */
export function pathWith(path: string, things: Things): string {
  const query = path.endsWith("/import")
    ? "?importId=probe"
    : path.endsWith("/models/{id}/plans/{planId}")
      ? "?creditAmount=100"
      : "";
  const byName: Record<string, string> = {
    ref: things.ref,
    key: things.featureKey,
    keyId: things.keyId,
    planId: things.planId,
    featureId: things.featureId,
    customerId: things.customerId,
    subscriptionId: things.subscriptionId,
  };
  const byPlace: Record<string, string> = {
    features: things.featureId,
    "api-keys": things.keyId,
    plans: things.planId,
    subscriptions: things.subscriptionId,
    cancellation: things.subscriptionId,
    invoices: things.invoiceId,
    "test-clocks": things.clockId,
    models: things.creditModelId,
    weights: things.weightId,
    pools: things.poolId,
    grants: things.grantId,
    transactions: things.entryId,
    sessions: things.keyId,
  };
  const segments = path.split("/");
  const filled = segments.map((segment, index) => {
    const parameter = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (parameter === undefined) return segment;
    const before = segments[index - 1] ?? "";
    return encodeURIComponent(byName[parameter] ?? byPlace[before] ?? things.customerId);
  });
  return filled.join("/") + query;
}

const NAMING: Record<string, keyof Things> = {
  customerReferenceId: "ref",
  customerId: "customerId",
  featureKey: "featureKey",
  featureId: "featureId",
  planId: "planId",
  changeToPlanId: "planId",
  creditModelId: "creditModelId",
  creditPoolId: "poolId",
  apiKey: "adminKey",
};

/** The route's example body with every name of a customer, feature or plan in it replaced. */
export function bodyWith(route: Route, things: Things): { body?: string; headers: Record<string, string> } {
  if (route.method === "GET") return { headers: {} };
  if (route.rawBody !== undefined) {
    const body = `eventName,customerReferenceId\nprobe,${things.ref}\n`;
    return { body, headers: { "Content-Type": route.rawBody[0] ?? "" } };
  }
  if (route.body === undefined) return { headers: {} };
  const body = JSON.stringify(route.examples?.body ?? {}, (field, value: unknown) => {
    const naming = NAMING[field];
    if (naming !== undefined && typeof value === "string") return things[naming];
    // Event keys of their own: the example's key was used by the probe before.
    return field === "eventIdempotencyKey" || field === "idempotencyKey" ? crypto.randomUUID() : value;
  });
  return { body, headers: { "Content-Type": "application/json" } };
}

/** A call of the route that nothing but its key could spoil. */
export function probe(route: Route, things: Things, key?: string, path: string = route.path): Promise<Probed> {
  return send(route.method, pathWith(path, things), {
    ...(key === undefined ? {} : { key }),
    ...bodyWith(route, things),
  });
}

const NO_ROWS_OF_ACCOUNTS = /^(sqlite_|_cf_|d1_migrations$|cron_runs$|cron_cursors$)/;

/** Tables of D1 with rows of accounts; asked once, since every file has the same ones. */
let tablesOfAccounts: string[] | undefined;

async function askTables(): Promise<string[]> {
  const list = await env.DB.prepare("PRAGMA table_list").all<{ name: string; schema: string; type: string }>();
  return list.results
    .filter(({ name, schema, type }) => schema === "main" && type === "table" && !NO_ROWS_OF_ACCOUNTS.test(name))
    .map(({ name }) => name);
}

/** Everything D1 holds of an account, but for tables `without`, a text per row: equal texts, nothing changed. */
export async function rowsOf(accountId: string, without?: RegExp): Promise<string[]> {
  tablesOfAccounts ??= await askTables();
  const names = tablesOfAccounts.filter((name) => without?.test(name) !== true);
  const tables = await env.DB.batch(
    names.map((name) => env.DB.prepare(`SELECT * FROM "${name}" WHERE account_id = ?`).bind(accountId)),
  );
  return tables.flatMap(({ results }, at) => results.map((row) => `${names[at]} ${JSON.stringify(row)}`)).sort();
}
