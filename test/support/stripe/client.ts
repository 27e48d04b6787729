import type { Money } from "./accounts.ts";
import type { SignedWebhook, Wanted } from "./deliveries.ts";
import type {
  Behaviour,
  Call,
  DeclineCode,
  Delivery,
  DeliverySettings,
  Dispute,
  Fault,
  PaymentIntent,
  Refund,
  Session,
  SetupIntent,
  StripeEvent,
} from "./state.ts";

/** What tests do to the double, in words. One for each API key: accounts know nothing of each other. */
export type StripeControl = ReturnType<typeof stripeControl>;

/** `at`: where the double is reached. `fetcher`: the double's own `fetch`, where it runs in the same isolate. */
export function stripeControl(at: string, apiKey: string, fetcher: (request: Request) => Promise<Response> = fetch) {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetcher(
      new Request(`${at}/_double/${path}`, {
        method,
        headers: { Authorization: `Bearer ${apiKey}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
  const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);
  return {
    /** The customer pays at the page of a session; a decline throws. */
    pay: (sessionId: string, paymentMethod?: string) =>
      post<Session>(`checkout/${sessionId}/pay`, paymentMethod === undefined ? {} : { paymentMethod }),
    /** His bank declines what he tries there. */
    decline: (sessionId: string, code?: DeclineCode) =>
      post<Session>(`checkout/${sessionId}/decline`, code === undefined ? {} : { code }),
    /** He pays in a way whose money comes later, if it comes: see `settle`. */
    completeUnpaid: (sessionId: string) => post<Session>(`checkout/${sessionId}/complete-unpaid`),
    expire: (sessionId: string) => post<Session>(`checkout/${sessionId}/expire`),
    /** The bank tells what became of a debit. Without `failure`: what its test method stands for; null: the money came. */
    settle: (intentId: string, failure?: DeclineCode | null) =>
      post<PaymentIntent>(`payment-intents/${intentId}/settle`, failure === undefined ? {} : { failure }),
    /** The holder answers his bank. */
    authenticate: (intentId: string, agrees = true) =>
      post<PaymentIntent>(`payment-intents/${intentId}/authenticate`, { agrees }),
    /** Somebody refunds in the dashboard; without an amount all that is left. */
    refund: (intentId: string, amount?: number) =>
      post<Refund>(`payment-intents/${intentId}/refund`, amount === undefined ? {} : { amount }),
    /** Days later the customer's bank does not take a refund. */
    failRefund: (refundId: string) => post<Refund>(`refunds/${refundId}/fail`),
    /** Somebody takes a saved method off its customer. */
    detach: (methodId: string) => post<{ id: string }>(`payment-methods/${methodId}/detach`),
    dispute: (intentId: string, reason?: string) =>
      post<Dispute>(`payment-intents/${intentId}/dispute`, reason === undefined ? {} : { reason }),
    closeDispute: (disputeId: string, status: "won" | "lost") =>
      post<Dispute>(`disputes/${disputeId}/close`, { status }),
    /** What a browser does with a setup intent's client secret. */
    finishSetup: (setupId: string, paymentMethod: string) =>
      post<SetupIntent>(`setup-intents/${setupId}/finish`, { paymentMethod }),
    /** How a saved payment method behaves from now on. */
    behave: (methodId: string, behaviour: Partial<Behaviour>) =>
      post<Behaviour>(`payment-methods/${methodId}`, behaviour),
    changeCustomer: (id: string, change: { email?: string | null; name?: string | null; phone?: string | null }) =>
      post<Record<string, unknown>>(`customers/${id}`, change),
    deleteCustomer: (id: string) => call<Record<string, unknown>>("DELETE", `customers/${id}`, {}),
    /** A new secret for an endpoint; the old one goes on signing beside it until it is forgotten. */
    rollSecret: async (endpointId: string) =>
      (await post<{ secret: string }>(`endpoints/${endpointId}/roll-secret`)).secret,
    forgetOldSecret: (endpointId: string) => post(`endpoints/${endpointId}/forget-old-secret`),
    /** An outage, from now until it has hit `times` calls or is lifted. */
    fail: (fault: Partial<Fault> & Pick<Fault, "mode">) => post<Fault[]>("faults", fault),
    heal: () => call<Fault[]>("DELETE", "faults", {}),
    /** How events leave from now on. */
    delivery: (settings: Partial<DeliverySettings>) => post<DeliverySettings>("delivery", settings),
    /** Sends what is held (or what else is wanted) now, one after the other, and waits for the answers. */
    deliver: (wanted: Wanted = {}) => post<Delivery[]>("deliver", wanted),
    /** The same webhooks, signed now, for a test that hands them over itself. They count as delivered. */
    take: (wanted: Wanted = {}) => post<SignedWebhook[]>("take", wanted),
    /** Waits until no webhook is on its way by itself. */
    idle: () => post("idle"),
    deliveries: () => call<Delivery[]>("GET", "deliveries"),
    events: async (type?: string) =>
      (await call<StripeEvent[]>("GET", "events")).filter((event) => type === undefined || event.type === type),
    /** Calls of the API so far; `path`: those whose path begins with it. */
    calls: async (path = "") => (await call<Call[]>("GET", "calls")).filter((seen) => seen.path.startsWith(path)),
    money: () => call<Record<string, Money>>("GET", "money"),
    /** Moves the account's clock: pages expire, idempotency keys are forgotten after a day. Signatures keep real time. */
    advance: (seconds: number) => post<{ nowSeconds: number }>("clock", { advanceSeconds: seconds }),
    /** Searches find what is older than this. */
    searchLag: (seconds: number) => post("search", { lagSeconds: seconds }),
    /** Another key of this account; with `permissions` such as `customer_write` a restricted one. */
    addKey: (key: string, permissions: string[] | null = null) => post("keys", { key, permissions }),
    /** Forgets everything but the keys. An equal seed makes equal ids again. */
    reset: (seed?: string) => post("reset", seed === undefined ? {} : { seed }),
  };
}
