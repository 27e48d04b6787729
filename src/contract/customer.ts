import * as z from "zod";
import type { PoolView } from "../domain/credit-views.ts";
import { CUSTOMER_SOURCES, type CustomerView, displayName, type PersonalData } from "../domain/customer.ts";
import { TAX_ID_CHARS_MAX } from "../domain/limits.ts";
import { minorToE12 } from "../domain/money.ts";
import type { SubscriptionView } from "../domain/views.ts";
import { PoolWire, toWirePool } from "./credit-pool.ts";
import { email, exactTwin, idText, instantText, name, sumFields, text } from "./scalars.ts";
import { type PlanStatusOf, SubscriptionWire, toWireSubscriptions } from "./subscription.ts";

/** Customers on the wire. The operator's routes show `referenceId` beside `customerReferenceId`. */

const taxId = text
  .max(TAX_ID_CHARS_MAX)
  .meta({ description: "What their invoices show, as they give it: a VAT number, for example." });

const personal = {
  firstName: text.optional(),
  lastName: text.optional(),
  phoneNumber: text.optional(),
};

const creation = {
  email,
  customerReferenceId: name.optional(),
  stripeCustomerId: name.optional(),
  ...personal,
  address: text.optional(),
  taxId: taxId.optional(),
  testClockId: idText.optional().meta({
    description:
      "Test accounts only: the test clock that the customer shall live by. It must be a new customer, and stays there.",
  }),
};

const UNIDENTIFIED = {
  message: "customerReferenceId or stripeCustomerId is needed",
  path: ["customerReferenceId"],
};

function isIdentified(body: {
  customerReferenceId?: string | undefined;
  stripeCustomerId?: string | undefined;
}): boolean {
  return body.customerReferenceId !== undefined || body.stripeCustomerId !== undefined;
}

export const ErasedCustomerWire = z
  .object({
    id: z.uuid().meta({ description: "What is left of the customer." }),
    erasedAt: z.iso.datetime(),
  })
  .meta({ id: "ErasedCustomer" });

export const CreateCustomer = z.object(creation).refine(isIdentified, UNIDENTIFIED).meta({ id: "CreateCustomer" });

const change = {
  email: email.optional(),
  customerReferenceId: name.optional().meta({ description: "Can be added where there is none; never changed." }),
  stripeCustomerId: name.optional().meta({ description: "Can be added where there is none; never changed." }),
  ...personal,
  address: text.optional(),
  taxId: taxId.optional(),
};

export const ChangeCustomer = z.object(change).meta({ id: "ChangeCustomer" });

/** The operator's routes take `referenceId` as well, as they show it. */
const byOperator = { referenceId: name.optional().meta({ description: "The same as customerReferenceId." }) };

export const OperatorCreateCustomer = z
  .object({ ...creation, ...byOperator })
  .transform(withReference)
  .refine(isIdentified, UNIDENTIFIED)
  .meta({ id: "OperatorCreateCustomer" });

export const OperatorChangeCustomer = z
  .object({ ...change, ...byOperator })
  .transform(withReference)
  .meta({ id: "OperatorChangeCustomer" });

/** `customerReferenceId`, or `referenceId` where only that is given. */
function withReference<B extends { customerReferenceId?: string | undefined; referenceId?: string | undefined }>({
  referenceId,
  ...body
}: B) {
  return { ...body, customerReferenceId: body.customerReferenceId ?? referenceId };
}

/** A customer in a list of many: without what is theirs. */
export const CustomerItemWire = z
  .object({
    id: z.uuid(),
    customerReferenceId: z.string().optional(),
    referenceId: z
      .string()
      .optional()
      .meta({ description: "The same as customerReferenceId; on operator routes only." }),
    displayName: z.string(),
    firstName: z.string().optional(),
    lastName: z.string().optional(),
    email: z.string().optional(),
    phoneNumber: z.string().optional(),
    address: z.string().optional(),
    taxId: z.string().optional(),
    stripeCustomerId: z.string().optional(),
    source: z.enum(CUSTOMER_SOURCES),
    testClockId: z
      .uuid()
      .optional()
      .meta({ description: "The test clock whose time is this customer's; absent in real time." }),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "CustomerItem" });

export const CustomerWire = CustomerItemWire.extend({
  subscriptions: z.array(SubscriptionWire).meta({ description: "All there ever were, newest first." }),
  creditBalance: z.array(z.object({ currency: z.string(), amount: z.number(), amountExact: exactTwin })).meta({
    description:
      "Money that the customer is owed, by currency: what becomes due next takes from it first. Below 0: a debt that the next invoice asks for.",
  }),
  creditPools: z.array(PoolWire).meta({ description: "All there ever were, newest first." }),
}).meta({ id: "Customer" });

export function personalData(body: z.output<typeof ChangeCustomer>): PersonalData {
  const { firstName, lastName, email: address, phoneNumber, address: postal, taxId: tax } = body;
  return {
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(address === undefined ? {} : { email: address }),
    ...(phoneNumber === undefined ? {} : { phoneNumber }),
    ...(postal === undefined ? {} : { address: postal }),
    ...(tax === undefined ? {} : { taxId: tax }),
  };
}

/** `operator` adds `referenceId`. Fields that are undefined are left out where the answer is written as JSON. */
export function toWireCustomerItem(view: CustomerView, operator: boolean): z.input<typeof CustomerItemWire> {
  return {
    id: view.customerId,
    customerReferenceId: view.referenceId,
    referenceId: operator ? view.referenceId : undefined,
    displayName: displayName(view),
    firstName: view.firstName,
    lastName: view.lastName,
    email: view.email,
    phoneNumber: view.phoneNumber,
    address: view.address,
    taxId: view.taxId,
    stripeCustomerId: view.stripeCustomerId,
    source: view.source,
    testClockId: view.testClockId,
    createdAt: instantText(view.createdAtMs),
    modifiedAt: instantText(view.modifiedAtMs),
  };
}

/** The customer with all their subscriptions and credit pools, newest first, and the money that they are owed. */
export function toWireCustomer(
  {
    customer,
    subscriptions,
    pools = [],
    creditBalance = [],
  }: {
    customer: CustomerView;
    subscriptions: readonly SubscriptionView[];
    pools?: readonly PoolView[];
    creditBalance?: readonly { currency: string; amountMinor: number }[];
  },
  { operator, planStatus }: { operator: boolean; planStatus?: PlanStatusOf },
): z.input<typeof CustomerWire> {
  return {
    ...toWireCustomerItem(customer, operator),
    subscriptions: toWireSubscriptions(subscriptions, customer, planStatus),
    creditBalance: creditBalance.map(({ currency, amountMinor }) => ({
      currency,
      ...(sumFields("amount", minorToE12(amountMinor, currency)) as { amount: number; amountExact?: string }),
    })),
    creditPools: pools.map(toWirePool),
  };
}
