import * as z from "zod";
import { moneyOf } from "./accounts.ts";
import { behaviourOf, isDeclineCode } from "./cards.ts";
import { deleteCustomer, updateCustomer } from "./customers.ts";
import { chosen, deliver, noteDelivered, type Send, signedWebhook } from "./deliveries.ts";
import { closeDispute, openDispute } from "./disputes.ts";
import { forgetOldSecret, rollSecret } from "./endpoints.ts";
import { detach, methodNamed } from "./payment-methods.ts";
import { authenticate } from "./payments.ts";
import { chargeOf, failRefund, refundCharge } from "./refunds.ts";
import { conflicting, StripeRefusal } from "./refusals.ts";
import { completeUnpaid, declineAtPage, expireSession, payAtPage, settleAndTell } from "./session-life.ts";
import { trySetup } from "./setups.ts";
import { type Behaviour, type Context, type DeclineCode, found, newAccount, type SetupIntent } from "./state.ts";

/**
 * What a test does to the double beside the API: the customer's side, the bank's, the dashboard's, the network's. JSON in and
 * out; the API key in the Authorization header names the account.
 */

const code = z.custom<DeclineCode>((value) => typeof value === "string" && isDeclineCode(value), "no decline code");
const whole = z.number().int().min(0);
const state = z.enum(["held", "lost", "due", "sending", "delivered", "failed"]);
const Wanted = z.strictObject({
  states: z.array(state).optional(),
  ids: z.array(z.string()).optional(),
  types: z.array(z.string()).optional(),
  shuffleSeed: whole.optional(),
  copies: whole.optional(),
  limit: whole.optional(),
});

/** What control calls need beside the account. */
export type Means = {
  send: Send;
  wallMs: () => number;
  seed: string;
  /** The context as it is after what the call itself has changed, such as the clock. */
  contextNow: () => Context;
  /** Resolves when no webhook of the account is on its way by itself. */
  idle: () => Promise<void>;
  /** Expires what is due. */
  tick: (context: Context) => void;
};

type Control = (context: Context, body: unknown, id: string, means: Means) => unknown;

function control<T>(
  schema: z.ZodType<T>,
  run: (context: Context, body: T, id: string, means: Means) => unknown,
): Control {
  return (context, body, id, means) => {
    const read = schema.safeParse(body);
    if (!read.success) throw new ControlError(z.prettifyError(read.error));
    return run(context, read.data, id, means);
  };
}

/** A control call that makes no sense: the test that made it is wrong. */
export class ControlError extends Error {}

const none = z.strictObject({});
const Faults = z.strictObject({
  mode: z.enum(["refused", "error", "hang", "lost", "slow", "busy"]),
  method: z
    .string()
    .default("")
    .transform((value) => value || null),
  path: z
    .string()
    .default("")
    .transform((value) => value || null),
  skip: whole.default(0),
  times: whole.nullable().default(null),
  ms: whole.default(0),
});

/** Control calls by method and path; `*` is the id. */
export const CONTROLS: Readonly<Record<string, Control>> = {
  "POST checkout/*/pay": control(
    z.strictObject({ paymentMethod: z.string().default("pm_card_visa") }),
    (context, body, id) => {
      const session = sessionOf(context, id);
      payAtPage(context, session, body.paymentMethod);
      return session;
    },
  ),
  "POST checkout/*/decline": control(z.strictObject({ code: code.default("generic_decline") }), (context, body, id) => {
    declineAtPage(context, sessionOf(context, id), body.code);
    return sessionOf(context, id);
  }),
  "POST checkout/*/complete-unpaid": control(none, (context, _, id) => completeUnpaid(context, sessionOf(context, id))),
  "POST checkout/*/expire": control(none, (context, _, id) => {
    const session = sessionOf(context, id);
    if (session.status !== "open") throw conflicting(`The session ${id} is ${session.status}.`);
    expireSession(context, session);
    return session;
  }),
  "POST payment-intents/*/settle": control(
    z.strictObject({ failure: code.nullable().optional() }),
    (context, body, id) => {
      const intent = found(context.account.paymentIntents, "payment_intent", id);
      const { debit } = behaviourOf(context, intent.payment_method ?? "");
      const own = debit === "succeeds" ? null : debit;
      settleAndTell(context, intent, body.failure === undefined ? own : body.failure);
      return intent;
    },
  ),
  "POST payment-intents/*/authenticate": control(
    z.strictObject({ agrees: z.boolean().default(true) }),
    (context, body, id) => {
      const intent = found(context.account.paymentIntents, "payment_intent", id);
      try {
        authenticate(context, intent, body.agrees);
      } catch (error) {
        // The holder proves himself and the bank declines all the same: that is told by the intent, not to the test.
        if (!(error instanceof StripeRefusal && error.status === 402)) throw error;
      }
      return intent;
    },
  ),
  "POST payment-intents/*/refund": control(
    z.strictObject({ amount: whole.nullable().default(null) }),
    (context, body, id) =>
      refundCharge(context, chargeOf(context, id), { ...body, reason: "requested_by_customer", metadata: {} }),
  ),
  "POST refunds/*/fail": control(none, (context, _, id) => failRefund(context, id)),
  "POST payment-intents/*/dispute": control(
    z.strictObject({ reason: z.string().default("fraudulent") }),
    (context, body, id) => openDispute(context, chargeOf(context, id), body.reason),
  ),
  "POST disputes/*/close": control(z.strictObject({ status: z.enum(["won", "lost"]) }), (context, body, id) =>
    closeDispute(context, id, body.status),
  ),
  "POST setup-intents/*/finish": control(z.strictObject({ paymentMethod: z.string() }), (context, body, id) =>
    finishSetup(context, found(context.account.setupIntents, "setupintent", id), body.paymentMethod),
  ),
  "POST payment-methods/*/detach": control(none, (context, _, id) => detach(context, id)),
  "POST payment-methods/*": control(
    z.strictObject({
      onSetup: code.nullable().optional(),
      onCharge: code.nullable().optional(),
      authentication: z.enum(["never", "once", "always"]).optional(),
      debit: z.union([z.null(), z.literal("succeeds"), code]).optional(),
    }),
    (context, body, id) => {
      found(context.account.paymentMethods, "PaymentMethod", id);
      const changed = Object.entries(body).filter(([, value]) => value !== undefined);
      const behaviour: Behaviour = { ...behaviourOf(context, id), ...Object.fromEntries(changed) };
      context.account.behaviours[id] = behaviour;
      return behaviour;
    },
  ),
  "POST customers/*": control(
    z.strictObject({
      email: z.string().nullable().optional(),
      name: z.string().nullable().optional(),
      phone: z.string().nullable().optional(),
      metadata: z.record(z.string(), z.string()).optional(),
    }),
    (context, body, id) => updateCustomer(context, body, id),
  ),
  "DELETE customers/*": control(none, (context, _, id) => deleteCustomer(context, id)),
  "POST endpoints/*/roll-secret": control(none, (context, _, id) => ({ secret: rollSecret(context, id) })),
  "POST endpoints/*/forget-old-secret": control(none, (context, _, id) => {
    forgetOldSecret(context, id);
    return {};
  }),
  "POST faults": control(Faults, ({ account }, fault) => {
    account.faults.push(fault);
    return account.faults;
  }),
  "GET faults": control(none, ({ account }) => account.faults),
  "DELETE faults": control(none, ({ account }) => {
    account.faults = [];
    return account.faults;
  }),
  "POST delivery": control(
    z.strictObject({
      hold: z.boolean().optional(),
      early: z.boolean().optional(),
      copies: whole.optional(),
      delayMs: whole.optional(),
      loseOneIn: whole.optional(),
      retries: whole.optional(),
      retryDelayMs: whole.optional(),
      shuffleSeed: whole.nullable().optional(),
    }),
    ({ account }, body) => {
      const changed = Object.entries(body).filter(([, value]) => value !== undefined);
      Object.assign(account.delivery, Object.fromEntries(changed));
      return account.delivery;
    },
  ),
  "POST deliver": control(Wanted, async ({ account }, wanted, _, { send, wallMs }) => {
    const some = chosen(account, wanted);
    for (const delivery of some)
      await deliver(account, delivery, { send, wallMs, delayMs: 0, retries: 0, retryDelayMs: 0 });
    return some;
  }),
  "POST take": control(Wanted, async ({ account }, wanted, _, { wallMs }) => {
    const some = chosen(account, wanted);
    const signed = await Promise.all(some.map((delivery) => signedWebhook(account, delivery, wallMs())));
    for (const delivery of some) noteDelivered(account, delivery);
    return signed.filter((webhook) => webhook !== undefined);
  }),
  "POST idle": control(none, async (_context, _body, _id, { idle }) => {
    await idle();
    return {};
  }),
  "GET deliveries": control(none, ({ account }) => account.deliveries),
  "GET events": control(none, ({ account }) => Object.values(account.events)),
  "GET calls": control(none, ({ account }) => account.calls),
  "GET money": control(none, ({ account }) => moneyOf(account)),
  "POST clock": control(z.strictObject({ advanceSeconds: whole }), ({ account }, body, _, { contextNow, tick }) => {
    account.clockOffsetMs += body.advanceSeconds * 1000;
    tick(contextNow());
    return { nowSeconds: contextNow().nowSeconds };
  }),
  "POST search": control(z.strictObject({ lagSeconds: whole }), ({ account }, body) => {
    account.searchLagSeconds = body.lagSeconds;
    return body;
  }),
  "POST keys": control(
    z.strictObject({ key: z.string(), permissions: z.array(z.string()).nullable().default(null) }),
    (context, body) => {
      context.account.keys[body.key] = body.permissions;
      return {};
    },
  ),
  "POST reset": control(z.strictObject({ seed: z.string().optional() }), ({ account }, body, _, means) => {
    const { keys } = account;
    const [firstKey = ""] = Object.keys(keys);
    const fresh = newAccount(firstKey, body.seed ?? means.seed);
    // The id goes on naming the account that the keys belong to.
    Object.assign(account, fresh, { keys, id: account.id });
    return {};
  }),
};

function sessionOf({ account }: Context, id: string) {
  return found(account.sessions, "checkout.session", id);
}

/** What a browser does with a setup intent's client secret. */
function finishSetup(context: Context, setup: SetupIntent, methodName: string): SetupIntent {
  try {
    trySetup(context, setup, methodNamed(context, methodName), "authenticated");
  } catch (error) {
    if (!(error instanceof StripeRefusal && error.status === 402)) throw error;
  }
  return setup;
}
