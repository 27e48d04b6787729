import * as z from "zod";
import type { CustomerView, PersonalData } from "../domain/customer.ts";
import { email, instantText, name, text } from "./scalars.ts";

/** Customers on the wire. The operator's routes show `referenceId` beside `customerReferenceId`. */

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

export const CreateCustomer = z.object(creation).refine(isIdentified, UNIDENTIFIED).meta({ id: "CreateCustomer" });

const change = {
  email: email.optional(),
  customerReferenceId: name.optional().meta({ description: "Can be added where there is none; never changed." }),
  stripeCustomerId: name.optional().meta({ description: "Can be added where there is none; never changed." }),
  ...personal,
  address: text.optional(),
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

export const CustomerWire = z
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
    stripeCustomerId: z.string().optional(),
    source: z.enum(["MANUAL", "EVENT_AUTO_CREATED", "STRIPE_IMPORTED"]),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
    subscriptions: z.array(z.unknown()),
    creditPools: z.array(z.unknown()),
  })
  .meta({ id: "Customer" });

export function personalData(body: z.output<typeof ChangeCustomer>): PersonalData {
  const { firstName, lastName, email: address, phoneNumber, address: postal } = body;
  return {
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(address === undefined ? {} : { email: address }),
    ...(phoneNumber === undefined ? {} : { phoneNumber }),
    ...(postal === undefined ? {} : { address: postal }),
  };
}

/** First and last name, else the reference, else the Stripe id. */
export function displayName(customer: {
  firstName?: string;
  lastName?: string;
  referenceId?: string;
  stripeCustomerId?: string;
}): string {
  const full = [customer.firstName, customer.lastName].filter((part) => part !== undefined && part !== "").join(" ");
  return full !== "" ? full : (customer.referenceId ?? customer.stripeCustomerId ?? "");
}

/** `operator` adds `referenceId`. Fields that are undefined are left out where the answer is written as JSON. */
export function toWireCustomer(view: CustomerView, operator: boolean): z.input<typeof CustomerWire> {
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
    stripeCustomerId: view.stripeCustomerId,
    source: view.source,
    createdAt: instantText(view.createdAtMs),
    modifiedAt: instantText(view.modifiedAtMs),
    subscriptions: [],
    creditPools: [],
  };
}
