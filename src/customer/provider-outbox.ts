import { noteTerms, withNextCharge } from "../domain/collect.ts";
import { isUnpaid } from "../domain/invoice.ts";
import {
  PROVIDER_ATTEMPTS_MAX,
  PROVIDER_CALLS_PER_FLUSH_MAX,
  PROVIDER_DELAY_MS_MAX,
  PROVIDER_DELAY_MS_MIN,
} from "../domain/limits.ts";
import { expire } from "../domain/payment-outcome.ts";
import { isOpenPayment, type Payment, turnOf } from "../domain/payments.ts";
import type { Env } from "../env.ts";
import { currentTerms, type Opened, openProvider } from "../payments/open.ts";
import type { PaymentProvider } from "../payments/provider.ts";
import { commit } from "./commit.ts";
import type { PaymentDecision } from "./decide-payments.ts";
import { decideOnPayments } from "./decide-payments.ts";
import type { Customer } from "./image.ts";
import { type CallRow, deleteCall, markSent, postpone, readPayment, waitingCalls } from "./payment-store.ts";
import { type CallContext, callProvider } from "./provider-calls.ts";
import { parkedRows } from "./store.ts";

/**
 * What leaves the object for the payment provider. A row names a call; it is committed with the decision that wants it, and is deleted
 * with the decision that its answer brings. One call is under way per object, so an older payment page is closed before anything
 * takes its place. A call that cannot be made waits ever longer, with a jitter; after two days it is parked and shown.
 */

/** Of what is due: what ends an attempt comes before what begins one. */
const ORDER: Record<CallRow["op"], number> = { expire: 0, profile: 1, charge: 2, page: 3, refund: 4 };

/** Runs in a turn of the object, settled to now; not while the customer is quarantined: then it answers false. */
type InTurn = (work: (nowMs: number) => void) => boolean;

/** `off`: the account has no key. `away`: it has, and some call could not be made. */
export type CallsOutcome = "done" | "off" | "away";

export class ProviderOutbox {
  readonly #customer: Customer;
  readonly #env: Env;
  readonly #inTurn: InTurn;
  #inFlight: Promise<CallsOutcome> | undefined;

  constructor(customer: Customer, env: Env, inTurn: InTurn) {
    this.#customer = customer;
    this.#env = env;
    this.#inTurn = inTurn;
  }

  /** Whether anything is to be asked now. */
  isDue(): boolean {
    const { image, wallMs } = this.#customer;
    return image.callsAtMs !== undefined && image.callsAtMs <= wallMs();
  }

  /** Makes the calls that are due, each once. Calls under way are joined first, so that what was written before is on its way after. */
  async flush(): Promise<CallsOutcome> {
    const joined = await this.#inFlight;
    if (this.#inFlight === undefined) {
      if (!this.isDue()) return joined ?? "done";
      this.#inFlight = this.#flushOnce().finally(() => {
        this.#inFlight = undefined;
      });
    }
    return this.#inFlight;
  }

  /** The provider of the account, for calls that are no rows: whoever asks waits for the answer. */
  async context(): Promise<CallContext | "off" | "unavailable"> {
    const provider = await this.#opened();
    return typeof provider === "string" ? provider : this.#context(provider);
  }

  #context(provider: PaymentProvider): CallContext {
    return { customer: this.#customer, provider, inTurn: (decide) => void this.#decide(decide) };
  }

  /** The account's provider. A method of its own, so that tests can put another one in its place. */
  open(): Promise<Opened> {
    return openProvider(this.#env, this.accountId);
  }

  get accountId(): string {
    return this.#customer.image.owner.accountId;
  }

  async #opened(): Promise<Opened> {
    try {
      return await this.open();
    } catch (failure) {
      this.#log({ opening: String(failure) });
      return "unavailable";
    }
  }

  async #flushOnce(): Promise<CallsOutcome> {
    const { wallMs } = this.#customer;
    const opened = await this.#opened();
    const isOff = await this.#isTurnedOff();
    let outcome: CallsOutcome = "done";
    for (let made = 0; made < PROVIDER_CALLS_PER_FLUSH_MAX && outcome !== "away"; made += 1) {
      const row = this.#next();
      if (row === undefined) break;
      if (opened === "unavailable") {
        this.#later(row, "the account's key cannot be opened");
        outcome = "away";
      } else if (opened === "off" && row.op === "refund") {
        // What is to be given back is owed whatever key is stored: it waits for the next one.
        this.#later(row, "no key is stored");
        outcome = "away";
      } else if (opened === "off" || (isOff && asksForMoney(row))) {
        if (!this.#drop(row, { isOff: true })) break;
        outcome = "off";
      } else if (!(await this.#call(this.#context(opened), row))) outcome = "away";
    }
    this.#lookAhead(outcome === "away" ? wallMs() + PROVIDER_DELAY_MS_MIN : 0);
    return outcome;
  }

  /**
   * Does the account collect nothing any more? What falls due by itself goes by what the last command brought, which may be long ago, so
   * the settings are asked before money is. While they cannot be read, what is remembered holds.
   */
  async #isTurnedOff(): Promise<boolean> {
    const { sql, wallMs } = this.#customer;
    if (!waitingCalls(sql).some((row) => row.nextAtMs <= wallMs() && asksForMoney(row))) return false;
    const terms = await currentTerms(this.#env, this.accountId);
    if (terms === undefined) return false;
    if (this.#book.payer.terms?.isOn !== terms.isOn) this.#decide((draft) => noteTerms(draft, terms));
    return !terms.isOn;
  }

  /** The first call that is due and whose turn it is. */
  #next(): CallRow | undefined {
    const { sql, wallMs } = this.#customer;
    return waitingCalls(sql)
      .filter((row) => row.nextAtMs <= wallMs() && !this.#mustWait(row))
      .sort((a, b) => ORDER[a.op] - ORDER[b.op] || a.payment - b.payment)[0];
  }

  /** What takes the place of an older attempt waits until that has ended: its own call has a time. */
  #mustWait({ op, payment: number }: CallRow): boolean {
    const payment = this.#customer.image.book.payments.get(number);
    return (op === "page" || op === "charge") && payment !== undefined && turnOf(this.#book, payment) === "later";
  }

  get #book() {
    return this.#customer.image.book;
  }

  #paymentOf({ payment: number }: CallRow): Payment | undefined {
    return number === 0 ? undefined : (this.#book.payments.get(number) ?? readPayment(this.#customer.sql, number));
  }

  /** Makes one call and carries out what its answer decides. False where it is to be made again later. */
  async #call(context: CallContext, row: CallRow): Promise<boolean> {
    const { sql, wallMs } = this.#customer;
    const payment = this.#paymentOf(row);
    if (this.#isIdle(row, payment)) return this.#drop(row);
    try {
      markSent(sql, row, row.sentAtMs ?? wallMs());
      const called = await callProvider(context, row, payment);
      if ("later" in called) {
        this.#later(row, `${called.later.failure}: ${called.later.message}`);
        return false;
      }
      return this.#decide(called.decide, row);
    } catch (failure) {
      // A bug, or the object's storage: the row stays, and is looked at again like one that was not answered.
      this.#later(row, String(failure));
      return false;
    }
  }

  /** Nothing is to be asked any more: it has ended meanwhile, or an older attempt has money on its way. */
  #isIdle({ op, sentAtMs }: CallRow, payment: Payment | undefined): boolean {
    if (op === "profile" || op === "refund") return false;
    if (payment === undefined || !isOpenPayment(payment)) return true;
    if (op === "expire") return false;
    // Never sent, so nothing can come of it.
    return sentAtMs === undefined && (payment.isClosing === true || turnOf(this.#book, payment) === "never");
  }

  /** Forgets a call; the attempt that it was for ends, if it has not. A charge that nobody could be asked for is tried again like a declined one. */
  #drop(row: CallRow, { isOff = false } = {}): boolean {
    const payment = row.op === "refund" ? undefined : this.#paymentOf(row);
    return this.#decide((draft, past, nowMs) => {
      if (payment === undefined || !isOpenPayment(payment)) return;
      expire(draft, past, payment, nowMs);
      const invoice = draft.invoices.get(payment.invoice ?? 0);
      if (isOff && row.op === "charge" && invoice !== undefined && isUnpaid(invoice))
        draft.invoices.put(withNextCharge(invoice, nowMs));
    }, row);
  }

  /** Carries a decision out, together with the end of its row. */
  #decide(decide: PaymentDecision, row?: CallRow): boolean {
    const { sql } = this.#customer;
    return this.#inTurn((nowMs) =>
      decideOnPayments(this.#customer, decide, nowMs, () => {
        if (row !== undefined) deleteCall(sql, row);
      }),
    );
  }

  #later(row: CallRow, why: string): void {
    const { sql, wallMs, transact, image } = this.#customer;
    const nowMs = wallMs();
    const isParked = row.failures + 1 >= PROVIDER_ATTEMPTS_MAX;
    this.#log({ op: row.op, payment: row.payment, failures: row.failures + 1, why });
    transact(() =>
      postpone(sql, row, {
        nextAtMs: nowMs + this.#delayMs(row),
        parkedAtMs: isParked ? nowMs : undefined,
      }),
    );
    if (!isParked) return;
    image.parkedRows += 1;
    commit(this.#customer, [{ kind: "unsent", outboxKind: "health", key: "" }], image.state.lastSettledAtMs);
  }

  /** Doubled with each failure; between half of it and all, by customer and call, so that not all of an account come back at once. */
  #delayMs({ failures, payment, op }: CallRow): number {
    const wholeMs = Math.min(PROVIDER_DELAY_MS_MAX, PROVIDER_DELAY_MS_MIN * 2 ** failures);
    const dice = Number.parseInt(this.#customer.image.owner.tag.slice(0, 8), 16) + failures * 7919 + payment * 104_729;
    return Math.round(wholeMs * (0.5 + ((dice + ORDER[op]) % 1000) / 2000));
  }

  /**
   * When the provider is next to be asked, which the directory is told too; whether a parked call was let go. Where one call could not be
   * made, the others that are due wait a little as well (`notBeforeMs`): an alarm at once would only find the provider away again.
   */
  #lookAhead(notBeforeMs: number): void {
    const { image, sql } = this.#customer;
    const [row] = waitingCalls(sql).filter((one) => !this.#mustWait(one));
    const callsAtMs = row && Math.max(row.nextAtMs, notBeforeMs);
    if (callsAtMs !== image.callsAtMs) {
      image.callsAtMs = callsAtMs;
      commit(this.#customer, [{ kind: "unsent", outboxKind: "customer", key: "" }], image.state.lastSettledAtMs);
    }
    if (image.parkedRows > 0) image.parkedRows = parkedRows(sql);
  }

  #log(line: Record<string, unknown>): void {
    const { accountId, customerId } = this.#customer.image.owner;
    console.error(JSON.stringify({ at: "provider", ...line, accountId, customerId }));
  }
}

/** What closes a page or gives money back is done whatever the settings say by now. */
function asksForMoney({ op }: CallRow): boolean {
  return op === "charge" || op === "page";
}
