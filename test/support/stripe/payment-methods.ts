import * as z from "zod";
import { behaviourOf, declined, declineOf, methodFromName } from "./cards.ts";
import { customerNamed } from "./customers.ts";
import { emit } from "./events.ts";
import { pageOf } from "./lists.ts";
import { paging, text } from "./params.ts";
import { conflicting, missing } from "./refusals.ts";
import { get, post } from "./route.ts";
import { type Context, found, type PaymentMethod } from "./state.ts";

/** Payment methods: read, listed, attached to a customer and detached. */

/** The payment method that a parameter names: an id, or the name of a test method, which makes a new one. */
export function methodNamed(context: Context, name: string, param = "payment_method"): PaymentMethod {
  const method = methodFromName(context, name);
  return method ?? found(context.account.paymentMethods, "PaymentMethod", name, param);
}

/** Throws unless this method may be charged for this customer: one that belongs to somebody is his alone. */
export function assertUsable(method: PaymentMethod, customerId: string | null): void {
  if (method.customer === null || method.customer === customerId) return;
  throw conflicting(
    customerId === null
      ? `The provided PaymentMethod cannot be used because it belongs to a Customer; please include the Customer in the \`customer\` parameter.`
      : `The customer does not have a payment method with the ID ${method.id}. The payment method must be attached to the customer.`,
    { code: customerId === null ? "payment_method_customer_decline" : "resource_missing", param: "payment_method" },
  );
}

/** Saves a method for a customer. Attaching it twice changes nothing. */
export function attach(context: Context, method: PaymentMethod, customerId: string): void {
  if (method.customer === customerId) return;
  if (method.customer !== null)
    throw conflicting("The payment method you provided has already been attached to a customer.", {
      code: "payment_method_unexpected_state",
      param: "payment_method",
    });
  const { onSetup } = behaviourOf(context, method.id);
  if (onSetup !== null) throw declined(declineOf(onSetup), {});
  method.customer = customerId;
  emit(context, "payment_method.attached", method);
}

/** Takes a method off its customer: it cannot be charged any more, nor attached again. */
export function detach(context: Context, id: string): PaymentMethod {
  const method = found(context.account.paymentMethods, "PaymentMethod", id);
  const owner = method.customer;
  if (owner === null) throw missing("attached PaymentMethod", id);
  method.customer = null;
  const customer = context.account.customers[owner];
  if (customer?.invoice_settings.default_payment_method === id) customer.invoice_settings.default_payment_method = null;
  emit(context, "payment_method.detached", method, { customer: owner });
  return method;
}

export const paymentMethodRoutes = [
  get("/v1/payment_methods/:id", "payment_method", z.strictObject({}), ({ account }, _, { id }) =>
    found(account.paymentMethods, "PaymentMethod", id),
  ),
  get(
    "/v1/payment_methods",
    "payment_method",
    z.strictObject({ ...paging, customer: text().optional(), type: text().optional() }),
    (context, params) => {
      customerNamed(context, params.customer);
      // Without a customer Stripe lists none of those that customers saved.
      const owner = params.customer ?? null;
      return pageOf("/v1/payment_methods", context.account.paymentMethods, params, ({ customer, type }) => {
        return customer === owner && (params.type ?? type) === type;
      });
    },
  ),
  post(
    "/v1/payment_methods/:id/attach",
    "payment_method",
    z.strictObject({ customer: text() }),
    (context, params, { id }) => {
      customerNamed(context, params.customer);
      const method = methodNamed(context, id, "id");
      attach(context, method, params.customer);
      return method;
    },
  ),
  post("/v1/payment_methods/:id/detach", "payment_method", z.strictObject({}), (context, _, { id }) =>
    detach(context, id),
  ),
];
