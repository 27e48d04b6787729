import { env, runInDurableObject } from "cloudflare:test";
import { ok, sell } from "./sale.ts";
import { clockAt, type World } from "./world.ts";

/** A customer with something in every table, and with a mark in every place where something personal can be written. */

/** Stands in every personal value; nothing of the engine's own looks like it. */
export const MARK = "zqpii";

export const REFERENCE = `${MARK}-ada`;

/**
 * The customer, on a plan for 10 a month with usage and credits, after two months; `cancel` ends the subscription. With `headers`, each
 * request carries an Idempotency-Key, so that answers are remembered.
 */
export async function personalCustomer(world: World, { cancel = true } = {}): Promise<string> {
  let sent = 0;
  const call = <T = { id: string }>(method: string, path: string, body?: unknown) => {
    sent += 1;
    return ok(world.call<T>(method, path, body, { "Idempotency-Key": `${MARK}-request-${sent}` }));
  };
  const monetization = "/api/v1/monetization";
  const ref = encodeURIComponent(REFERENCE);
  const { id: creditModelId } = await call("POST", `${monetization}/credits/models`, {
    name: "AI",
    denomination: "AI_CREDITS",
    hardLimit: false,
  });
  const pricing = { model: "usage", price_per_unit: 0.5, usage_unit_type: "call" };
  const planId = await sell(world, "pro", { priceAmount: 10 }, { pricing });
  await call("POST", `${monetization}/credits/models/${creditModelId}/plans/${planId}?creditAmount=5`);
  const { id } = await call("POST", "/api/v1/client/customers", {
    customerReferenceId: REFERENCE,
    stripeCustomerId: `cus_${MARK}`,
    email: `${MARK}@mail.test`,
    firstName: `${MARK}-Ada`,
    lastName: `${MARK}-Lovelace`,
    phoneNumber: `+1 ${MARK}`,
    address: `1 ${MARK} Street`,
    taxId: `DE-${MARK}`,
  });
  await call("POST", `/api/v1/client/customers/${ref}/keys`, { scopes: ["read"] });
  const { subscription, invoice } = await call<{ subscription: { id: string }; invoice: { id: string } }>(
    "POST",
    "/api/v1/client/subscriptions",
    { customerReferenceId: REFERENCE, planId },
  );
  await call("POST", `${monetization}/billing/invoices/${invoice.id}/mark-paid`);
  const event = {
    customerReferenceId: REFERENCE,
    featureKey: "chat.pro",
    usageUnits: 3,
    flowId: `${MARK}-flow`,
    entitlementId: `${MARK}-entitlement`,
    meta: { note: `${MARK} wrote this` },
    costInput: { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 10, outputTokens: 5 },
  };
  const { data: receipt } = await world.event({ ...event, eventIdempotencyKey: `${MARK}-event` });
  await world.event({ ...event, eventIdempotencyKey: `${MARK}-${"long".repeat(30)}` });
  await world.batch([{ ...event, eventName: "call", eventIdempotencyKey: `${MARK}-batch` }], {
    "Idempotency-Key": `${MARK}-batch`,
  });
  const { eventId } = receipt as { eventId: string };
  await call("POST", `/api/v1/client/events/${eventId}/correct`, {
    usageUnits: 1,
    reason: `${MARK} asked`,
    idempotencyKey: `${MARK}-correction`,
  });
  await call("POST", "/api/v1/client/entitlements/reserve", {
    customerReferenceId: REFERENCE,
    featureKey: "chat.pro",
    usageUnits: 1,
    idempotencyKey: `${MARK}-hold`,
  });
  await call("GET", `/api/v1/client/entitlements/${ref}/chat.pro`);
  const pool = await call("POST", `${monetization}/credits/pools`, {
    name: `${MARK}'s pool`,
    denomination: "AI_CREDITS",
    customerId: id,
    metadata: { of: MARK },
  });
  const grant = {
    creditPoolId: pool.id,
    amount: 10,
    grantType: "MANUAL",
    description: `for ${MARK}`,
    idempotencyKey: `${MARK}-grant`,
    metadata: { by: MARK },
  };
  await call("POST", `${monetization}/credits/grants`, grant);
  await call("POST", `${monetization}/credits/deductions`, {
    creditPoolId: pool.id,
    amount: 2,
    description: `of ${MARK}`,
    idempotencyKey: `${MARK}-deduction`,
  });
  await call("POST", `${monetization}/credits/pools/${pool.id}/freeze`);
  await call("POST", `${monetization}/credits/pools/${pool.id}/unfreeze`);
  // The first period closes with its usage, so that there are segments and a renewal with a line for them.
  clockAt("2027-02-15T10:00:00Z");
  // Checks are counted in memory first, and written with a later one.
  await call("GET", `/api/v1/client/entitlements/${ref}/chat.pro`);
  const renewal = await ok(
    world.call<{ items: { id: string; status: string }[] }>("GET", `/api/v1/client/billing/invoices/${ref}`),
  );
  for (const { id: due, status } of renewal.items)
    if (status === "DUE") await call("POST", `${monetization}/billing/invoices/${due}/mark-paid`);
  if (cancel) {
    clockAt("2027-02-20T10:00:00Z");
    await call("POST", `/api/v1/client/subscriptions/cancellation/${subscription.id}?cancelMode=IMMEDIATE`);
    await call("POST", `${monetization}/customers/${id}/balance/payout`, {
      currency: "USD",
      amount: 1,
      reference: `SEPA ${MARK}`,
      idempotencyKey: `${MARK}-payout`,
    });
  }
  await plantPayments(world, id);
  await world.flush(id);
  return id;
}

/** What a paid page and its webhook leave, with the mark where addresses and names stand: no provider is connected here. */
async function plantPayments(world: World, customerId: string): Promise<void> {
  const page = {
    number: 1,
    purpose: "INVOICE",
    kind: "PAGE",
    status: "COMPLETED",
    currency: "USD",
    amountMinor: 1000,
    url: `https://pay.test/${MARK}`,
    successUrl: `https://shop.test/${MARK}`,
    declineReason: `${MARK} has no money`,
    createdAtMs: 1,
    modifiedAtMs: 1,
    refundedMinor: 0,
  };
  const fact = { kind: "customer_changed", name: `${MARK}-Ada`, email: `${MARK}@mail.test` };
  await runInDurableObject(world.object(customerId), (_, { storage: { sql } }) => {
    sql.exec("INSERT INTO payments (number, status, body) VALUES (1, 'COMPLETED', ?)", JSON.stringify(page));
    sql.exec("UPDATE state SET payer = ? WHERE id = 1", JSON.stringify({ providerCustomerId: `cus_${MARK}` }));
    sql.exec(
      "INSERT INTO provider_events (event_id, kind, at_ms, waits_for, fact) VALUES ('evt_1', 'customer_changed', 1, 'x', ?)",
      JSON.stringify(fact),
    );
  });
  // Of what was ignored nobody noted whose it was: it names them, by our id or by Stripe's.
  const webhooks = [
    ["customer.updated", "HANDLED", customerId, {}],
    ["charge.succeeded", "IGNORED", null, { metadata: { customer: customerId } }],
    ["charge.succeeded", "IGNORED", null, { customer: `cus_${MARK}` }],
  ] as const;
  await env.DB.batch(
    webhooks.map(([type, state, whose, said], index) =>
      env.DB.prepare(
        `INSERT INTO webhook_events (account_id, event_id, type, state, created_at_ms, received_at_ms, customer_id, attempts, body)
         VALUES (?, ?, ?, ?, 1, 1, ?, 1, ?)`,
      ).bind(
        world.accountId,
        `evt_${index + 1}`,
        type,
        state,
        whose,
        JSON.stringify({ data: { object: { ...said, name: `${MARK}-Ada` } } }),
      ),
    ),
  );
}

/** Every row of every table of the customer's object, a text each. Bytes are read as the text that they may be. */
export function rowsInObject(world: World, customerId: string): Promise<string[]> {
  return runInDurableObject(world.object(customerId), (_, { storage: { sql } }) =>
    tablesOf(sql).flatMap((table) =>
      sql
        .exec(`SELECT * FROM ${table}`)
        .toArray()
        .map((row) => {
          const texts = Object.entries(row).map(([column, value]) => [
            column,
            value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value,
          ]);
          return `${table} ${JSON.stringify(Object.fromEntries(texts))}`;
        }),
    ),
  );
}

/** The tables of the customer's object. */
export function tablesOf(sql: SqlStorage): string[] {
  return sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name`,
    )
    .toArray()
    .map(({ name }) => name);
}
