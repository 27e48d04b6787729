import { runInDurableObject } from "cloudflare:test";
import { onTestFinished } from "vitest";
import type { CustomerObject } from "../../src/customer/object.ts";
import type { Opened } from "../../src/payments/open.ts";
import type {
  Charge,
  Failed,
  Metadata,
  Outcome,
  Page,
  PaymentProvider,
  ProviderCustomer,
  ProviderFailure,
  Refund,
} from "../../src/payments/provider.ts";

/**
 * A payment provider in memory: it remembers keys of repetition, takes money, and can be away, lose its answers or decline cards. It
 * tells nothing by itself: a test tells what happened there, in the order that it wants.
 */

type Kept<T> = T & { metadata: Metadata; providerCustomerId: string };
type PageThere = Kept<Page>;
type ChargeThere = Kept<Charge> & { paymentMethodId: string };

/** `lost`: the next call is done, but its answer does not arrive. */
type Mood = "fine" | "away" | "lost";

const AWAY: Failed = { ok: false, failure: "away", message: "no answer" };

export class ProviderDouble {
  mood: Mood = "fine";
  /** What charging a method comes to; every other one succeeds. */
  readonly methods = new Map<string, "declined" | "authentication_required" | "processing">();
  readonly customers = new Map<string, ProviderCustomer & { metadata: Metadata }>();
  readonly pages = new Map<string, PageThere>();
  readonly charges = new Map<string, ChargeThere>();
  readonly refunds: (Refund & { paymentIntentId: string; metadata: Metadata })[] = [];
  /** Names of the calls that arrived, in order. */
  readonly calls: string[] = [];
  /** Runs while a call is away: what happens meanwhile. */
  meanwhile: ((call: string) => Promise<void>) | undefined;
  readonly #answers = new Map<string, { said: string; outcome: Outcome<unknown> }>();
  #ids = 0;

  #id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids}`;
  }

  /** Forgets all keys of repetition, as a day does. */
  forgetKeys(): void {
    this.#answers.clear();
  }

  async #call<T>(name: string, spec: { idempotencyKey?: string }, work: () => Outcome<T>): Promise<Outcome<T>> {
    if (this.mood === "away") return AWAY;
    this.calls.push(name);
    const key = spec.idempotencyKey;
    const said = JSON.stringify([name, spec]);
    const before = key === undefined ? undefined : this.#answers.get(key);
    let outcome: Outcome<T>;
    if (before === undefined) outcome = work();
    else if (before.said === said) outcome = before.outcome as Outcome<T>;
    else outcome = no("refused", "the key was used for another call");
    if (key !== undefined && before === undefined) this.#answers.set(key, { said, outcome });
    // As it was then: what happens there later changes no answer.
    const answer = structuredClone(outcome);
    await this.meanwhile?.(name);
    if (this.mood !== "lost") return answer;
    this.mood = "fine";
    return AWAY;
  }

  /** The page that was made last. */
  get page(): PageThere {
    const page = [...this.pages.values()].at(-1);
    if (page === undefined) throw new Error("no page was made");
    return page;
  }

  openPages(): PageThere[] {
    return [...this.pages.values()].filter(({ status }) => status === "open");
  }

  /** The customer completes a page: paid, or on its way. Returns what it is called. */
  complete(page: PageThere, how: "paid" | "processing" = "paid"): string {
    if (page.status !== "open") throw new Error(`the page is ${page.status}`);
    const id = this.#id("pi");
    const { amountMinor = 0, currency = "", metadata, providerCustomerId } = page;
    const status = how === "paid" ? "succeeded" : "processing";
    const paymentMethodId = "pm_page";
    const { payment = 0 } = metadata;
    const base = { id, status, amountMinor, currency, refundedMinor: 0, payment } as const;
    this.charges.set(id, { ...base, metadata, providerCustomerId, paymentMethodId });
    page.status = "completed";
    page.isPaid = how === "paid";
    page.isProcessing = how === "processing";
    page.paymentIntentId = id;
    delete page.url;
    return id;
  }

  /** Money that came and was not given back, in minor units. */
  get moneyMinor(): number {
    return [...this.charges.values()]
      .filter(({ status }) => status === "succeeded")
      .reduce((sum, { amountMinor, refundedMinor }) => sum + amountMinor - refundedMinor, 0);
  }

  giveBack(paymentIntentId: string, amountMinor: number): number {
    const charge = this.#charge(paymentIntentId);
    if (charge.refundedMinor + amountMinor > charge.amountMinor) throw new Error("more than was paid");
    charge.refundedMinor += amountMinor;
    return charge.refundedMinor;
  }

  #charge(id: string): ChargeThere {
    const charge = this.charges.get(id);
    if (charge === undefined) throw new Error(`no charge ${id}`);
    return charge;
  }

  readonly provider: PaymentProvider = {
    account: () => this.#call("account", {}, () => yes({ id: "acct_1", isLive: false })),
    createCustomer: (spec) =>
      this.#call("createCustomer", spec, () => {
        if (spec.email?.includes(" ")) return no("refused", "the e-mail is none");
        const id = this.#id("cus");
        const { email, name, metadata } = spec;
        const made = { id, isDeleted: false, ...(email ? { email } : {}), ...(name ? { name } : {}) };
        this.customers.set(id, { ...made, metadata });
        return yes(made);
      }),
    retrieveCustomer: (id) =>
      this.#call("retrieveCustomer", {}, () => {
        const found = this.customers.get(id);
        return found === undefined ? no("not_found", `no customer ${id}`) : yes(found);
      }),
    findCustomer: ({ customer }) =>
      this.#call("findCustomer", {}, () =>
        yes([...this.customers.values()].find(({ metadata }) => metadata.customer === customer)),
      ),
    createPage: (spec) =>
      this.#call("createPage", spec, () => {
        const { amountMinor, currency, metadata, providerCustomerId, lines } = spec;
        const sum = lines.reduce((total, line) => total + line.amountMinor, 0);
        if (sum !== amountMinor || lines.some((line) => line.amountMinor <= 0))
          return no("refused", "the lines are not what is to be paid");
        const id = this.#id("cs");
        const page: PageThere = {
          id,
          url: `https://pay.test/${id}`,
          status: "open",
          isPaid: false,
          isProcessing: false,
          expiresAtMs: Date.now() + 86_400_000,
          amountMinor,
          currency,
          metadata,
          providerCustomerId,
        };
        this.pages.set(id, page);
        return yes({ ...page });
      }),
    retrievePage: (id) => this.#call("retrievePage", {}, () => this.#page(id)),
    expirePage: (id, idempotencyKey) =>
      this.#call("expirePage", { idempotencyKey }, () => {
        const page = this.pages.get(id);
        if (page?.status === "open") page.status = "expired";
        return this.#page(id);
      }),
    findPage: ({ providerCustomerId, payment }) =>
      this.#call("findPage", {}, () =>
        yes(
          [...this.pages.values()].find(
            (page) => page.providerCustomerId === providerCustomerId && page.metadata.payment === payment,
          ),
        ),
      ),
    createSetupIntent: (spec) =>
      this.#call("createSetupIntent", spec, () => yes({ id: this.#id("seti"), clientSecret: "secret" })),
    setDefaultMethod: (spec) =>
      this.#call("setDefaultMethod", spec, () =>
        spec.paymentMethodId.startsWith("pm_")
          ? yes({ paymentMethodId: spec.paymentMethodId })
          : no("not_found", "no such method"),
      ),
    charge: (spec) =>
      this.#call("charge", spec, () => {
        const { amountMinor, currency, metadata, providerCustomerId, paymentMethodId } = spec;
        const how = this.methods.get(paymentMethodId);
        const id = this.#id("pi");
        const status = how === undefined ? "succeeded" : how === "processing" ? "processing" : "failed";
        const { payment = 0 } = metadata;
        const charge: ChargeThere = {
          ...{ id, status, amountMinor, currency, refundedMinor: 0, payment },
          ...{ metadata, providerCustomerId, paymentMethodId },
        };
        this.charges.set(id, charge);
        if (how === "declined" || how === "authentication_required")
          return { ...no(how, "the card was declined"), declineReason: "insufficient_funds", chargeId: id };
        return yes({ ...charge });
      }),
    retrieveCharge: (id) => this.#call("retrieveCharge", {}, () => yes(this.#charge(id))),
    findCharge: ({ providerCustomerId, payment }) =>
      this.#call("findCharge", {}, () =>
        yes(
          [...this.charges.values()].find(
            (charge) => charge.providerCustomerId === providerCustomerId && charge.payment === payment,
          ),
        ),
      ),
    refund: (spec) =>
      this.#call("refund", spec, () => {
        const { paymentIntentId, amountMinor, metadata } = spec;
        this.giveBack(paymentIntentId, amountMinor);
        const refund = { id: this.#id("re"), amountMinor, status: "succeeded" as const };
        this.refunds.push({ ...refund, paymentIntentId, metadata });
        return yes(refund);
      }),
    refundsOf: (id) =>
      this.#call("refundsOf", {}, () =>
        yes(
          this.refunds
            .filter(({ paymentIntentId }) => paymentIntentId === id)
            .map(({ id: refundId, amountMinor, status }) => ({
              refundId,
              amountMinor,
              hasFailed: status === "failed",
              isAsked: true,
            })),
        ),
      ),
    registerWebhook: (spec) => this.#call("registerWebhook", spec, () => yes({ id: "we_1", secret: "whsec" })),
    deleteWebhook: () => this.#call("deleteWebhook", {}, () => yes(undefined)),
    listPayments: () => this.#call("listPayments", {}, () => yes({ items: [] })),
  };

  #page(id: string): Outcome<Page> {
    const page = this.pages.get(id);
    return page === undefined ? no("not_found", `no page ${id}`) : yes({ ...page });
  }
}

function yes<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

function no(failure: ProviderFailure, message: string): Failed {
  return { ok: false, failure, message };
}

/** The doubles of accounts, by id; an account without one has stored no key. */
export const DOUBLES = new Map<string, ProviderDouble | "unavailable">();

type Opening = { open: () => Promise<Opened>; accountId: string };

/**
 * Puts the doubles in place of the provider that an account's key would open, in every object and until the test is over: objects and
 * tests share one isolate, and all objects one prototype. `object` may be anybody's.
 */
export async function installDoubles(object: DurableObjectStub<CustomerObject>): Promise<void> {
  await runInDurableObject(object, (instance) => {
    const outbox = (instance as unknown as { provider: Opening }).provider;
    const prototype = Object.getPrototypeOf(outbox) as Opening;
    const { open } = prototype;
    onTestFinished(() => {
      prototype.open = open;
    });
    prototype.open = async function (this: Opening) {
      const double = DOUBLES.get(this.accountId) ?? "off";
      return typeof double === "string" ? double : double.provider;
    };
  });
}
