import type Stripe from "stripe";
import { missing } from "./refusals.ts";

/**
 * All that one account at the double holds. Plain JSON, so that a whole double can be written to a file and read again. Each
 * account has its own data, webhooks, faults and clock: tests beside each other use different keys.
 */

/** A Stripe object as it is kept: what could be expanded is an id. */
export type Stored<T> = { [K in keyof T]: string extends T[K] ? Extract<T[K], string | null | undefined> : T[K] };

export type Customer = Stored<Stripe.Customer>;
export type PaymentIntent = Stored<Stripe.PaymentIntent>;
export type SetupIntent = Stored<Stripe.SetupIntent>;
export type PaymentMethod = Stored<Stripe.PaymentMethod>;
export type Charge = Stored<Stripe.Charge>;
export type Refund = Stored<Stripe.Refund>;
export type Dispute = Stored<Stripe.Dispute>;
export type Session = Stored<Stripe.Checkout.Session>;
export type WebhookEndpoint = Stored<Stripe.WebhookEndpoint>;
/** Prices travel as text: the SDK makes decimals of them. */
export type LineItem = Omit<Stripe.LineItem, "price"> & { price: Record<string, unknown> };
/** An event of any type: what it tells is a copy of the object as it was. */
export type StripeEvent = {
  id: string;
  object: "event";
  api_version: string;
  created: number;
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
  livemode: false;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  type: string;
};

/** How a payment method behaves when it is used; null: as it should. */
export type Behaviour = {
  /** Refused with this code when it is saved or checked without money. */
  onSetup: DeclineCode | null;
  /** Refused with this code when it is charged. */
  onCharge: DeclineCode | null;
  /** `once`: the holder is asked unless it was set up for later use; `always`: at each use. */
  authentication: "never" | "once" | "always";
  /** A bank debit stays processing; what becomes of it in the end. */
  debit: null | "succeeds" | DeclineCode;
};

export type DeclineCode =
  | "generic_decline"
  | "insufficient_funds"
  | "lost_card"
  | "stolen_card"
  | "fraudulent"
  | "expired_card"
  | "incorrect_cvc"
  | "processing_error"
  | "authentication_required"
  | "account_closed"
  | "no_account"
  | "debit_not_authorized";

/** One event on its way to one endpoint. */
export type Delivery = {
  id: string;
  eventId: string;
  eventType: string;
  endpointId: string;
  url: string;
  /**
   * `held`: waits to be asked for; `lost`: will not come by itself; `due`: leaves in a moment; `failed`: all attempts were refused.
   * Only what is `due` leaves by itself, and it is `sending` before anybody else looks: so nothing is sent twice by accident.
   */
  state: "held" | "lost" | "due" | "sending" | "delivered" | "failed";
  /** The answers so far: a status, or 0 where nobody answered. */
  attempts: number[];
};

/** How events leave. All of it holds for events from now on. */
export type DeliverySettings = {
  /** Events wait until a test asks for them. */
  hold: boolean;
  /** They arrive before the API call that caused them has its answer. */
  early: boolean;
  /** Each arrives this many times. */
  copies: number;
  delayMs: number;
  /** One in so many is lost; 0: none. */
  loseOneIn: number;
  /** More attempts after one that failed. */
  retries: number;
  retryDelayMs: number;
  /** Events of the same instant leave in the order that this seed gives; null: in the order in which they happened. */
  shuffleSeed: number | null;
};

/** An outage: what happens to the next calls of the API that it names. */
export type Fault = {
  /**
   * `refused`: the connection breaks before the call has an effect. `error`: 500 without effect. `hang`: no effect and never an
   * answer. `lost`: the effect, and then the connection breaks. `slow`: the answer comes after `ms`. `busy`: 429.
   */
  mode: "refused" | "error" | "hang" | "lost" | "slow" | "busy";
  method: string | null;
  /** The path begins with this. */
  path: string | null;
  /** So many matching calls pass first. */
  skip: number;
  /** So many calls are hit; null: all, until it is lifted. */
  times: number | null;
  ms: number;
};

/** A call of the API that the double saw; `status` 0: nobody got an answer. */
export type Call = {
  method: string;
  path: string;
  idempotencyKey: string | null;
  params: Record<string, unknown>;
  status: number;
  replayed: boolean;
};

/** The first answer under an idempotency key. `answer` is null while the first request still runs. */
export type Remembered = {
  request: string;
  route: string;
  atMs: number;
  answer: { status: number; body: string; requestId: string } | null;
};

export type Account = {
  id: string;
  seed: string;
  made: number;
  clockOffsetMs: number;
  searchLagSeconds: number;
  /** Keys of this account; null: may do all, else the permissions of a restricted key. */
  keys: Record<string, string[] | null>;
  customers: Record<string, Customer>;
  deletedCustomers: Record<string, number>;
  paymentMethods: Record<string, PaymentMethod>;
  behaviours: Record<string, Behaviour>;
  /** Payment methods that a customer has authenticated for later use. */
  authenticated: Record<string, true>;
  paymentIntents: Record<string, PaymentIntent>;
  setupIntents: Record<string, SetupIntent>;
  charges: Record<string, Charge>;
  refunds: Record<string, Refund>;
  disputes: Record<string, Dispute>;
  sessions: Record<string, Session>;
  sessionLines: Record<string, LineItem[]>;
  /** What a session's payment intent will be given. */
  sessionIntents: Record<string, IntentData>;
  endpoints: Record<string, WebhookEndpoint>;
  /** Secrets that sign for an endpoint, the newest first. */
  secrets: Record<string, string[]>;
  events: Record<string, StripeEvent>;
  deliveries: Delivery[];
  delivery: DeliverySettings;
  faults: Fault[];
  calls: Call[];
  remembered: Record<string, Remembered>;
};

export type IntentData = {
  description: string | null;
  metadata: Record<string, string>;
  receipt_email: string | null;
  setup_future_usage: "off_session" | "on_session" | null;
  statement_descriptor: string | null;
  statement_descriptor_suffix: string | null;
};

/** What a route knows of the call that it answers. */
export type Context = {
  account: Account;
  nowSeconds: number;
  /** Where the double is reached: checkout pages are there. */
  origin: string;
  requestId: string | null;
  idempotencyKey: string | null;
};

export const DELIVERY_PLAIN: DeliverySettings = {
  hold: false,
  early: false,
  copies: 1,
  delayMs: 0,
  loseOneIn: 0,
  retries: 0,
  retryDelayMs: 100,
  shuffleSeed: null,
};

/** An account with nothing in it. Equal seed and key: the same ids in the same order. */
export function newAccount(key: string, seed: string): Account {
  const account: Account = {
    id: "",
    seed: `${seed}/${key}`,
    made: 0,
    clockOffsetMs: 0,
    searchLagSeconds: 0,
    keys: { [key]: null },
    customers: {},
    deletedCustomers: {},
    paymentMethods: {},
    behaviours: {},
    authenticated: {},
    paymentIntents: {},
    setupIntents: {},
    charges: {},
    refunds: {},
    disputes: {},
    sessions: {},
    sessionLines: {},
    sessionIntents: {},
    endpoints: {},
    secrets: {},
    events: {},
    deliveries: [],
    delivery: { ...DELIVERY_PLAIN },
    faults: [],
    calls: [],
    remembered: {},
  };
  account.id = newId(account, "acct", 16);
  return account;
}

/** The next id of an account: random to look at, the same for the same seed. */
export function newId(account: Account, prefix: string, length = 24): string {
  account.made += 1;
  return `${prefix}_${lettersOf(`${account.seed}/${account.made}`, length)}`;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function lettersOf(text: string, length: number): string {
  const next = diceOf(text);
  let letters = "";
  while (letters.length < length) letters += LETTERS[Math.floor(next() * LETTERS.length)];
  return letters;
}

/** Dice that a text determines: numbers from 0 up to 1. */
export function diceOf(seed: string): () => number {
  // FNV-1a spreads the seed over 32 bits, a Weyl sequence with two multiplications makes the numbers.
  let state = 0x811c9dc5;
  for (const letter of seed) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000;
  };
}

/** A list in an order that the seed determines. */
export function shuffled<T>(items: readonly T[], seed: string): T[] {
  const next = diceOf(seed);
  return items
    .map((item) => ({ item, rank: next() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}

/** The object of this id, or Stripe's refusal. `param`: where the id stood; `id` for the path. */
export function found<T>(table: Readonly<Record<string, T>>, noun: string, id: string, param = "id"): T {
  const value = Object.hasOwn(table, id) ? table[id] : undefined;
  if (value === undefined) throw missing(noun, id, param);
  return value;
}
