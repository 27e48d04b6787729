import { noteTerms } from "../domain/collect.ts";
import { customerThingId } from "../domain/ids.ts";
import type { PaymentView } from "../domain/payment-view.ts";
import type { PaymentHere } from "../domain/reconcile.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import type * as calls from "./calls.ts";
import { payOut } from "./commands/balance.ts";
import { erasedRefusal } from "./commands/erase.ts";
import * as payments from "./commands/payments.ts";
import { CustomerCrediting } from "./crediting.ts";
import { type CallContext, chooseMethod, ensureCustomer, makeSetupIntent, refusalOf } from "./provider-calls.ts";
import type { CallsOutcome } from "./provider-outbox.ts";
import { invoiceOf } from "./questions/billing.ts";
import { type AskedPayment, paymentBooks } from "./questions/payment-books.ts";
import {
  newProviderCustomer,
  noPage,
  pageNow,
  pageQuestion,
  paymentAt,
  paymentPage,
  purchaseNow,
  REFUSED,
  viewOfPayment,
} from "./questions/payments.ts";
import type { RequestKey } from "./requests.ts";
import { QUARANTINED } from "./turns.ts";

/**
 * Commands that need the payment provider's answer before they give theirs: each commits what it wants, lets the outbox ask, and says
 * what is true by then. The provider away: what was committed stands, and is asked for again by alarm.
 */
export abstract class CustomerPaying extends CustomerCrediting {
  /** A money command after which the provider is asked at once. `answer` says what is so then. */
  protected async paying<T, R>(
    name: string,
    call: { requestKey?: RequestKey },
    work: (nowMs: number) => Reply<T>,
    answer: (reply: calls.Replayable<T>, provider: CallsOutcome) => calls.Replayable<R>,
  ): Promise<calls.Replayable<R>> {
    const reply = this.command(name, call.requestKey, (nowMs) => (this.isQuarantined() ? QUARANTINED : work(nowMs)));
    const outcome = reply.ok ? await this.provider.flush() : "done";
    await this.flushNow();
    return answer(reply, outcome);
  }

  /** A page to pay an invoice on; see `commands/payments.ts`. */
  checkout(call: calls.CheckoutCall): Promise<calls.Replayable<calls.CheckoutReply>> {
    return this.paying(
      "checkout",
      call,
      (nowMs) => payments.checkout(this.customer, call, nowMs),
      (reply, outcome) => {
        if (!reply.ok) return reply;
        const id = customerThingId(this.customer.image.owner.tag, "invoice", reply.value.invoice);
        const invoice = invoiceOf(this.customer, id);
        const page = invoice.ok ? pageNow(this.customer, invoice.value, outcome === "off") : invoice;
        if (!page.ok) return page;
        const value = { page: page.value, ...newProviderCustomer(this.customer) };
        return { ok: true, value, ...(reply.replayed ? { replayed: true } : {}) };
      },
    );
  }

  /** Credits for money; see `commands/payments.ts`. */
  purchase(call: calls.PurchaseCall): Promise<calls.Replayable<calls.PurchaseReply>> {
    return this.paying(
      "purchase",
      call,
      (nowMs) => payments.purchase(this.customer, call, nowMs),
      (reply, outcome) => {
        if (!reply.ok) return this.#withOpenPurchase(reply);
        const payment = purchaseNow(this.customer, reply.value.payment);
        if (payment === undefined) throw new Error("invariant broken: what a purchase asked for is there");
        const isKnown = payment.status === "COMPLETED" || payment.status === "PROCESSING" || payment.url !== undefined;
        if (payment.status === "FAILED" && outcome === "done") return REFUSED;
        if (!isKnown) return noPage(outcome === "off");
        const value = { payment: viewOfPayment(this.customer, payment), ...newProviderCustomer(this.customer) };
        return { ok: true, value, ...(reply.replayed ? { replayed: true } : {}) };
      },
    );
  }

  /** Money of the balance; see `commands/balance.ts`. The provider away: it is taken from the balance, and given back once it is not. */
  payOut(call: calls.PayoutCall): Promise<calls.Replayable<calls.BalanceEntryReply>> {
    return this.paying(
      "payOut",
      call,
      (nowMs) => payOut(this.customer, call, nowMs),
      (reply) => reply,
    );
  }

  /** A refusal names the other purchase by number inside; outside it is shown. */
  #withOpenPurchase(refusal: Refusal): Refusal {
    if (refusal.code !== "purchase_open") return refusal;
    const open = paymentAt(this.customer, refusal.payment);
    return open === undefined ? refusal : { ...refusal, data: viewOfPayment(this.customer, open) };
  }

  /** The payment page with this id. */
  checkoutSession(id: string): Reply<PaymentView> {
    return this.question("checkoutSession", () => pageQuestion(this.customer, id));
  }

  /** All attempts to collect money, newest first. */
  paymentsPage(page: { limit: number; offset: number }): Reply<calls.PageReply<PaymentView>> {
    return this.question("paymentsPage", () => paymentPage(this.customer, page));
  }

  /** Takes an event of the provider; see `commands/payments.ts`. */
  providerEvent(call: calls.ProviderEventCall): Promise<Reply<calls.ProviderEventReply>> {
    return this.money("providerEvent", {}, (nowMs) => payments.providerEvent(this.customer, call, nowMs));
  }

  /** What the books say of payments, to be held against the provider's; see `questions/payment-books.ts`. */
  paymentBooks(asked: readonly AskedPayment[]): (PaymentHere | null)[] {
    return paymentBooks(this.customer, asked);
  }

  /** What the customer's browser needs to save a method; see `provider-calls.ts`. */
  setupIntent(call: calls.PaymentMethodCall): Promise<Reply<calls.SetupIntentReply>> {
    return this.#asking(call, async (context, providerCustomerId, key) => {
      const made = await makeSetupIntent(context, providerCustomerId, key);
      if (!made.ok) return made;
      const { id: setupIntentId, clientSecret } = made.value;
      return { ok: true, value: { setupIntentId, clientSecret, stripeCustomerId: providerCustomerId } };
    });
  }

  /** A saved method is charged from now on; see `provider-calls.ts`. */
  setDefaultMethod(call: calls.DefaultMethodCall): Promise<Reply<calls.DefaultMethodReply>> {
    const { paymentMethodId } = call;
    return this.#asking(call, (context, providerCustomerId, key) =>
      chooseMethod(context, { providerCustomerId, paymentMethodId }, key),
    );
  }

  /** Asks the provider what is no row of the outbox, since whoever asks waits: under a key of its own. */
  async #asking<T>(
    call: calls.PaymentMethodCall,
    ask: (context: CallContext, providerCustomerId: string, key: string) => Promise<Reply<T>>,
  ): Promise<Reply<T & { providerCustomerId?: string }>> {
    const { image } = this.customer;
    this.settleFor();
    if (this.isQuarantined()) return QUARANTINED;
    // Nobody is made at the provider for who was erased, nor for who is while we look for its key.
    const erased = erasedRefusal(this.customer, "paymentMethod");
    if (erased !== undefined) return erased;
    if (image.state.profile === undefined)
      return { ok: false, code: "customer_not_found", given: image.owner.customerId };
    if (!call.payments.isOn) return { ok: false, code: "payments_off" };
    const context = await this.provider.context();
    if (typeof context === "string") return noPage(context === "off");
    const erasedMeanwhile = erasedRefusal(this.customer, "paymentMethod");
    if (erasedMeanwhile !== undefined) return erasedMeanwhile;
    const customer = await ensureCustomer(context);
    if (!customer.ok) return refusalOf(customer, "customerReferenceId");
    const setups = (image.book.payer.setups ?? 0) + 1;
    context.inTurn((draft) => {
      noteTerms(draft, call.payments);
      draft.payer.put({ ...draft.payer.get(), setups });
    });
    const key = `tanso_${image.owner.tag}_${call.requestKey?.digest ?? setups}`;
    const reply = await ask(context, customer.value, key);
    await this.flushNow();
    return reply.ok ? { ok: true, value: { ...reply.value, ...newProviderCustomer(this.customer) } } : reply;
  }
}
