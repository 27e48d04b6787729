import { made } from "./visits.ts";

/**
 * A plan by use in two tiers, and customers who have lived through a month on it by a test clock: each has an invoice that is due. All
 * of it lies before the days that other views speak of, and costs nothing by the month, so that no figure of the company moves.
 */

export type Shop = {
  /** One call to the server; throws where it is refused. */
  call: <T>(method: "GET" | "POST" | "PATCH", path: string, body?: unknown) => Promise<T>;
  featureKey: string;
  planKey: string;
};

const MONETIZATION = "/api/v1/monetization";
const BEGINS = "2026-08-10T10:00:00Z";
const ENDS = "2026-09-10T11:00:00Z";

/** `name`: what its plan and feature are called by, different in each file of tests. */
export async function usageShop(url: string, name: string): Promise<Shop> {
  const call = <T>(method: "GET" | "POST" | "PATCH", path: string, body?: unknown) =>
    made<T>({ url }, method, path, body);
  const [planKey, featureKey] = [`${name}-by-use`, `${name}.calls`];
  const feature = await call<{ id: string }>("POST", `${MONETIZATION}/features`, { key: featureKey, name: featureKey });
  const plan = { key: planKey, name: `${name} by use`, description: "Two tiers.", billingTiming: "IN_ARREARS" };
  const { id: planId } = await call<{ id: string }>("POST", `${MONETIZATION}/plans`, plan);
  const value = {
    pricing: {
      model: "graduated",
      usage_unit_type: "call",
      tiers: [
        { up_to: 100, price_per_unit: 0.1 },
        { up_to: "inf", price_per_unit: 0.05, flat_fee: 5 },
      ],
    },
  };
  await call("POST", `${MONETIZATION}/rules/plan-features`, { planId, featureId: feature.id, value });
  await call("PATCH", `${MONETIZATION}/plans/${planId}`, { status: "ACTIVE" });
  return { call, featureKey, planKey };
}

/** Customers of these references, who used 150 units each: 17.50 is due of everyone. Answers their invoices. */
export async function billed(
  { call, featureKey, planKey }: Shop,
  references: readonly string[],
): Promise<Record<string, { invoiceId: string; number: string; eventId: string; subscriptionId: string }>> {
  const clock = await call<{ id: string }>("POST", "/api/v1/test-clocks", { name: planKey, frozenTime: BEGINS });
  const eventIds = new Map<string, string>();
  for (const reference of references) {
    await call("POST", "/api/v1/client/customers", {
      customerReferenceId: reference,
      email: `${reference}@example.com`,
      firstName: "Zephyr",
      lastName: reference,
      testClockId: clock.id,
    });
    await call("POST", "/api/v1/client/subscriptions", { customerReferenceId: reference, planId: planKey });
    const used = { eventName: "call", customerReferenceId: reference, featureKey, usageUnits: 150 };
    eventIds.set(reference, (await call<{ eventId: string }>("POST", "/api/v1/client/events", used)).eventId);
  }
  await call("POST", `/api/v1/test-clocks/${clock.id}/advance`, { frozenTime: ENDS });
  const made: Record<string, { invoiceId: string; number: string; eventId: string; subscriptionId: string }> = {};
  for (const reference of references) {
    const { items } = await call<{
      items: { id: string; number: string; status: string; subscription: { id: string } }[];
    }>("GET", `/api/v1/client/billing/invoices/${reference}`);
    const due = items.find(({ status }) => status === "DUE" || status === "PAST_DUE");
    if (due === undefined) throw new Error(`nothing is due of ${reference}`);
    made[reference] = {
      invoiceId: due.id,
      number: due.number,
      eventId: eventIds.get(reference) ?? "",
      subscriptionId: due.subscription.id,
    };
  }
  return made;
}
