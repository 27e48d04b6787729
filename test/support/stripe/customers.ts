import type Stripe from "stripe";
import * as z from "zod";
import { emit } from "./events.ts";
import { pageOf, searchOf } from "./lists.ts";
import { address, email, integer, mergedMetadata, metadata, paging, paramsOf, text, unsettable } from "./params.ts";
import { conflicting, missing } from "./refusals.ts";
import { get, post, remove } from "./route.ts";
import { type Account, type Context, type Customer, found, newId } from "./state.ts";

/** Customers: made, read, changed, deleted, listed by e-mail and searched. */

const Written = paramsOf<Stripe.CustomerUpdateParams>()({
  address: address.optional(),
  description: unsettable().optional(),
  email: email.optional(),
  invoice_settings: z.strictObject({ default_payment_method: unsettable().optional() }).optional(),
  metadata: metadata.optional(),
  name: unsettable(256).optional(),
  phone: unsettable(20).optional(),
  tax_exempt: z.enum(["", "none", "exempt", "reverse"]).optional(),
});
type Written = z.infer<typeof Written>;

export function createCustomer(context: Context, params: Written): Customer {
  const { account, nowSeconds } = context;
  const id = newId(account, "cus", 14);
  const customer: Customer = {
    id,
    object: "customer",
    address: null,
    balance: 0,
    created: nowSeconds,
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
  };
  write(account, customer, params);
  account.customers[id] = customer;
  emit(context, "customer.created", customer);
  return customer;
}

function write(account: Account, customer: Customer, params: Written): void {
  const { address: place, invoice_settings, metadata: pairs, tax_exempt, ...plain } = params;
  const method = invoice_settings?.default_payment_method;
  if (typeof method === "string") {
    const owner = found(account.paymentMethods, "PaymentMethod", method, "invoice_settings[default_payment_method]");
    if (owner.customer !== customer.id)
      throw conflicting(
        `The customer does not have a payment method with the ID ${method}. The payment method must be attached to the customer.`,
        { code: "resource_missing", param: "invoice_settings[default_payment_method]" },
      );
  }
  for (const [name, value] of Object.entries(plain))
    if (value !== undefined) Object.assign(customer, { [name]: value });
  if (place !== undefined) customer.address = { ...BLANK, ...(customer.address ?? {}), ...withoutUndefined(place) };
  if (method !== undefined) customer.invoice_settings.default_payment_method = method;
  if (tax_exempt !== undefined) customer.tax_exempt = tax_exempt === "" ? "none" : tax_exempt;
  customer.metadata = mergedMetadata(customer.metadata, pairs);
}

const BLANK = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** Changes a customer; the event tells the values that were there before. Nothing changed: no event. */
export function updateCustomer(context: Context, params: Written, id: string): Customer {
  const { account } = context;
  const customer = found(account.customers, "customer", id);
  const before = structuredClone(customer);
  write(account, customer, params);
  const names = Object.keys(customer) as (keyof Customer)[];
  const changed = names.filter((name) => JSON.stringify(customer[name]) !== JSON.stringify(before[name]));
  const previous = Object.fromEntries(changed.map((name) => [name, before[name]]));
  if (changed.length > 0) emit(context, "customer.updated", customer, previous);
  return customer;
}

/** Deletes a customer for good; what it had saved goes with it. Its id goes on naming a deleted customer. */
export function deleteCustomer(context: Context, id: string): object {
  const { account } = context;
  const customer = found(account.customers, "customer", id);
  for (const method of Object.values(account.paymentMethods)) if (method.customer === id) method.customer = null;
  delete account.customers[id];
  account.deletedCustomers[id] = context.nowSeconds;
  emit(context, "customer.deleted", customer);
  return { id, object: "customer", deleted: true };
}

/** The customer that a parameter names; a deleted one is as good as none. */
export function customerNamed({ account }: Context, id: string | undefined, param = "customer"): Customer | undefined {
  return id === undefined ? undefined : found(account.customers, "customer", id, param);
}

export const customerRoutes = [
  post("/v1/customers", "customer", Written, createCustomer),
  get(
    "/v1/customers/search",
    "customer",
    z.strictObject({ query: text(), limit: integer.optional(), page: text().optional() }),
    (context, params) =>
      searchOf(
        "/v1/customers/search",
        context.account.customers,
        ["created", "email", "metadata", "name", "phone"],
        params,
        context,
      ),
  ),
  get(
    "/v1/customers",
    "customer",
    z.strictObject({ ...paging, email: text().optional() }),
    // Unlike search, a list compares the e-mail with regard to case.
    ({ account }, params) =>
      pageOf(
        "/v1/customers",
        account.customers,
        params,
        (customer) => (params.email ?? customer.email) === customer.email,
      ),
  ),
  get("/v1/customers/:id", "customer", z.strictObject({}), ({ account }, _, { id }) => {
    if (Object.hasOwn(account.deletedCustomers, id)) return { id, object: "customer", deleted: true };
    return found(account.customers, "customer", id);
  }),
  post("/v1/customers/:id", "customer", Written, (context, params, { id }) => updateCustomer(context, params, id)),
  remove("/v1/customers/:id", "customer", z.strictObject({}), (context, _, { id }) => deleteCustomer(context, id)),
  get(
    "/v1/customers/:id/payment_methods",
    "payment_method",
    z.strictObject({ ...paging, type: text().optional() }),
    ({ account }, params, { id }) => {
      if (!Object.hasOwn(account.customers, id)) throw missing("customer", id);
      return pageOf(
        `/v1/customers/${id}/payment_methods`,
        account.paymentMethods,
        params,
        ({ customer, type }) => customer === id && (params.type ?? type) === type,
      );
    },
  ),
];
