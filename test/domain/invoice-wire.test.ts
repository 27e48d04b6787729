import { describe, test } from "vitest";
import { InvoiceWire, toWireInvoice } from "../../src/contract/invoice.ts";
import { toWireSubscription } from "../../src/contract/subscription.ts";
import { decimalToE12 } from "../../src/domain/amount.ts";
import type { CustomerView } from "../../src/domain/customer.ts";
import { customerId, customerThingId, tagFromBytes } from "../../src/domain/ids.ts";
import { tierParts } from "../../src/domain/pricing.ts";
import type { InvoiceView, SubscriptionView } from "../../src/domain/views.ts";

const tag = tagFromBytes(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]));
const at = Date.parse("2027-01-15T10:00:00Z");
const end = Date.parse("2027-02-15T10:00:00Z");

const CUSTOMER: CustomerView = {
  customerId: customerId(tag),
  referenceId: "acme",
  source: "MANUAL",
  createdAtMs: at,
  modifiedAtMs: at,
};

const SUBSCRIPTION: SubscriptionView = {
  subscriptionId: customerThingId(tag, "subscription", 1),
  status: "ACTIVE",
  createdAtMs: at,
  modifiedAtMs: at,
  activatedAtMs: at,
  gracePeriodDays: 3,
  anchorDay: 15,
  period: { startMs: at, endMs: end },
  plan: {
    planId: "a3c9e5d7-1b2f-4a6c-8d0e-9f7b5c3a1e2d",
    version: 2,
    key: "pro",
    name: "Pro",
    price: decimalToE12("0.1"),
    currency: "USD",
    intervalMonths: 1,
    billingTiming: "IN_ADVANCE",
    createdAtMs: at,
    metadata: '{"tier":2}',
    planCreatedAtMs: at,
    planModifiedAtMs: end,
  },
};

/** The worked example of three tiers with a flat fee on the second. */
const TIERS = tierParts(
  {
    model: "graduated",
    resetMode: "reset",
    tiers: [
      { upTo: decimalToE12("1000"), pricePerUnit: decimalToE12("0.1"), flatFee: 0n },
      { upTo: decimalToE12("10000"), pricePerUnit: decimalToE12("0.05"), flatFee: decimalToE12("5") },
      { upTo: "inf", pricePerUnit: decimalToE12("0.02"), flatFee: 0n },
    ],
  },
  0n,
  decimalToE12("12000"),
);

const plan = { planId: SUBSCRIPTION.plan.planId, version: 1 };
const period = { periodStartMs: at, periodEndMs: end };

const INVOICE: InvoiceView = {
  invoiceId: customerThingId(tag, "invoice", 2 ** 20 + 2),
  type: "REGULAR",
  status: "DUE",
  currency: "USD",
  amountMinor: 59_500,
  ...period,
  createdAtMs: end,
  modifiedAtMs: end,
  dueAtMs: end,
  lines: [
    {
      lineId: customerThingId(tag, "invoiceLine", 1),
      kind: "USAGE",
      description: "ai.chat: 12000 calls",
      amountMinor: 59_500,
      ...period,
      plan,
      usage: {
        segment: 1,
        featureId: "0f8b6f6e-9f0c-4c57-8e2f-0d1a6b1f2c3d",
        featureKey: "ai.chat",
        quantityE12: decimalToE12("12000"),
        lateE12: decimalToE12("20.5"),
        tiers: TIERS,
      },
    },
  ],
  subscription: SUBSCRIPTION,
};

/** As an answer is read: without what is undefined. */
const sent = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

describe("does", () => {
  test("a usage line shows quantity, what came late, and its tiers, unrounded", ({ expect }) => {
    const { items } = toWireInvoice(INVOICE, CUSTOMER);
    expect(sent(items[0])).toEqual({
      id: INVOICE.lines[0]?.lineId,
      invoiceId: INVOICE.invoiceId,
      createdAt: "2027-02-15T10:00:00.000Z",
      modifiedAt: "2027-02-15T10:00:00.000Z",
      chargeAmount: 595,
      description: "ai.chat: 12000 calls",
      kind: "USAGE",
      periodStart: "2027-01-15T10:00:00.000Z",
      periodEnd: "2027-02-15T10:00:00.000Z",
      planId: plan.planId,
      planVersion: 1,
      featureKey: "ai.chat",
      quantity: 12_000,
      lateQuantity: 20.5,
      tiers: [
        { tierIndex: 0, units: 1000, pricePerUnit: 0.1, flatFee: 0, amount: 100 },
        { tierIndex: 1, units: 9000, pricePerUnit: 0.05, flatFee: 5, amount: 455 },
        { tierIndex: 2, units: 2000, pricePerUnit: 0.02, flatFee: 0, amount: 40 },
      ],
    });
  });

  test("a price per unit is shown as it is, and a quantity that no number holds as text beside", ({ expect }) => {
    const [line] = INVOICE.lines;
    if (line?.usage === undefined) throw new Error("the sample has a usage line");
    const { tiers: _, ...usage } = line.usage;
    const exact = { ...usage, quantityE12: decimalToE12("123456789012345.000000000001"), unitPriceE12: 1n };
    const { items } = toWireInvoice({ ...INVOICE, lines: [{ ...line, usage: exact }] }, CUSTOMER);
    expect(sent(items[0])).toMatchObject({
      quantity: 123_456_789_012_345,
      quantityExact: "123456789012345.000000000001",
      unitPrice: 1e-12,
    });
    expect(sent(items[0])).not.toHaveProperty("tiers");
  });

  test("a line of the credit balance names no plan", ({ expect }) => {
    const [line] = INVOICE.lines;
    if (line === undefined) throw new Error("the sample has a line");
    const { plan: _, usage: __, ...credit } = { ...line, kind: "CREDIT" as const, amountMinor: -1 };
    const item = sent(toWireInvoice({ ...INVOICE, lines: [credit] }, CUSTOMER).items[0]);
    expect(item).toMatchObject({ kind: "CREDIT", chargeAmount: -0.01 });
    expect(item).not.toHaveProperty("planVersion");
    expect(item).not.toHaveProperty("featureKey");
  });

  test.each([
    ["JPY", 12_345, 12_345],
    ["USD", 12_345, 123.45],
    ["BHD", 12_345, 12.345],
    ["CLF", 12_345, 1.2345],
  ])("an amount has the digits of %s", (currency, amountMinor, amount) => {
    const shown = toWireInvoice({ ...INVOICE, currency, amountMinor }, CUSTOMER);
    if (shown.amount !== amount) throw new Error(`${shown.amount} instead of ${amount}`);
  });

  test("the status of a plan is told where it is known, and only there", ({ expect }) => {
    expect(toWireSubscription(SUBSCRIPTION, CUSTOMER, () => "ARCHIVED").plan.status).toBe("ARCHIVED");
    expect(sent(toWireSubscription(SUBSCRIPTION, CUSTOMER, () => undefined).plan)).not.toHaveProperty("status");
    expect(sent(toWireSubscription(SUBSCRIPTION, CUSTOMER).plan)).toMatchObject({ version: 2, metadata: { tier: 2 } });
  });
});

describe("holds", () => {
  test.each(["INCOMPLETE", "ACTIVE", "SUSPENDED", "CANCELLED"] as const)(
    "%s is active exactly when ACTIVE",
    (status) => {
      const shown = toWireSubscription({ ...SUBSCRIPTION, status }, CUSTOMER);
      if (shown.isActive !== (status === "ACTIVE")) throw new Error(`isActive ${shown.isActive}`);
    },
  );

  test("an answer is what its schema says, as DRAFT too", ({ expect }) => {
    for (const isDraft of [false, true]) {
      const shown = sent(toWireInvoice(INVOICE, CUSTOMER, { isDraft, planStatus: () => "ACTIVE" }));
      expect(InvoiceWire.strict().parse(shown)).toEqual(shown);
      expect(shown.status).toBe(isDraft ? "DRAFT" : "DUE");
    }
  });
});
