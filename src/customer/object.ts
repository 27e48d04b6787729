import type { CreditTerms } from "../domain/credit-weight.ts";
import type { CustomerView } from "../domain/customer.ts";
import type { Verdict } from "../domain/entitlement.ts";
import type { StoredEvent } from "../domain/event.ts";
import type { EventGroup } from "../domain/event-groups.ts";
import { FLUSH_ROWS_MAX } from "../domain/limits.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import { type LeasedText, leasedText, type TimedText, timedText } from "../domain/timed-text.ts";
import type * as calls from "./calls.ts";
import { advanceClock, releaseClock } from "./commands/clock.ts";
import { consume } from "./commands/consume.ts";
import { correct } from "./commands/correct.ts";
import { erase, eraseOn, isErasing } from "./commands/erase.ts";
import { activateSubscription, payInvoice, voidInvoice } from "./commands/invoices.ts";
import * as previews from "./commands/previews.ts";
import { recost } from "./commands/recost.ts";
import { changeProfile, register } from "./commands/register.ts";
import { reproject } from "./commands/reproject.ts";
import { commitReservation, releaseReservation } from "./commands/reservations.ts";
import { lend, reserve } from "./commands/reserve.ts";
import * as subscriptions from "./commands/subscriptions.ts";
import { track } from "./commands/track.ts";
import type { Outbox } from "./outbox.ts";
import { CustomerPaying } from "./paying.ts";
import type { CancelPreview, PlanChangePreview, SubscribePreview } from "./preview-replies.ts";
import * as billing from "./questions/billing.ts";
import { books } from "./questions/books.ts";
import { check, leasedCheck, plainCheck } from "./questions/check.ts";
import { entitlements } from "./questions/entitlements.ts";
import { eventQuestion } from "./questions/event.ts";
import { type EventGrouping, events, groupedEvents } from "./questions/events.ts";
import { explainInvoice, replayInvoices } from "./questions/explain.ts";
import { exportPage } from "./questions/export.ts";
import { forecast } from "./questions/forecast.ts";
import { overview } from "./questions/overview.ts";
import { subscriptionNow } from "./questions/payments.ts";
import { view } from "./questions/view.ts";
import type * as reservations from "./reservation-calls.ts";
import { QUARANTINED } from "./turns.ts";

/**
 * One customer: the only writer of its data. Its public methods are what a customer can be told and asked; each reads the clock
 * once, settles what fell due, and does its work in one synchronous turn. Methods that write in numbers go through the group
 * commit; management commands flush their projections before they answer, so that lists read what was just written.
 */
export class CustomerObject extends CustomerPaying {
  /** Records events; see `commands/track.ts`. Concurrent calls share one commit. */
  track(call: calls.TrackCall): Promise<calls.Leasing<calls.TrackResult[]>> {
    return this.group.run(() =>
      this.#leasing(
        call,
        this.command("track", call.requestKey, (nowMs) => track(this.customer, call, this.size, nowMs)),
      ),
    );
  }

  /** Access: asked for from memory alone, used up and reserved in one turn with the question. 503 while quarantined. */
  check(call: calls.CheckCall): Reply<calls.CheckReply> {
    const nowMs = this.now();
    return this.#asked(call.record, nowMs, () => check(this.customer, call, nowMs));
  }

  /**
   * The check of a plain question, which nearly all are; answers a Verdict. What crosses to an object and back costs more than the
   * answer does, so the question comes in single arguments too. `credits`: weights of the feature; absent where it has none. `boundMs`:
   * how stale the account lets it be; the answer then says how long it may be repeated. `served`: how often the one before was.
   */
  plainCheck(
    featureKey: string,
    isEnabled: boolean,
    record: boolean,
    credits?: CreditTerms,
    boundMs?: number,
    served = 0,
  ): TimedText | LeasedText | Refusal {
    const question = { featureKey, isEnabled, ...(credits === undefined ? {} : { credits }) };
    const nowMs = this.now();
    if (served > 0) this.checks.note({ featureKey, allowed: true }, nowMs, served);
    if (boundMs === undefined) {
      const reply = this.#asked(record, nowMs, () => plainCheck(this.customer, question, nowMs));
      return reply.ok ? timedText(reply.value.text, nowMs) : reply;
    }
    const reply = this.#asked(record, nowMs, () => leasedCheck(this.customer, question, boundMs, nowMs));
    return reply.ok ? leasedText(reply.value.text, nowMs, reply.value) : reply;
  }

  /** Brings the answer to a plain question along with a reply, as it is since, where the call asks for it. */
  #leasing<T>({ ask, credits }: calls.TrackCall, reply: calls.Replayable<T>): calls.Leasing<T> {
    if (ask === undefined) return reply;
    const { featureKey, isEnabled, boundMs, served = 0 } = ask;
    const nowMs = this.now();
    // Whatever became of the write: the isolate has forgotten how many there were.
    if (served > 0) this.checks.note({ featureKey, allowed: true }, nowMs, served);
    if (!reply.ok || this.isQuarantined()) return reply;
    const question = { featureKey, isEnabled, ...(credits === undefined ? {} : { credits }) };
    const answer = leasedCheck(this.customer, question, boundMs, nowMs);
    return answer.ok ? { ...reply, lease: leasedText(answer.value.text, nowMs, answer.value) } : reply;
  }

  #asked<T extends { verdict: Verdict }>(record: boolean, nowMs: number, answer: () => Reply<T>): Reply<T> {
    this.settleToAnswer(nowMs);
    if (this.isQuarantined()) return QUARANTINED;
    const reply = answer();
    if (reply.ok && record) this.checks.note(reply.value.verdict, nowMs);
    return reply;
  }

  entitlements(call: calls.EntitlementsCall): Reply<calls.EntitlementsReply> {
    return this.question("entitlements", (nowMs) => entitlements(this.customer, call, nowMs));
  }

  async consume(call: calls.ConsumeCall): Promise<calls.Leasing<calls.ConsumeReply>> {
    const reply = await this.grouped("consume", call.track, (nowMs) => consume(this.customer, call, this.size, nowMs));
    return this.#leasing(call.track, reply);
  }

  reserve(call: reservations.ReserveCall): Promise<calls.Replayable<reservations.ReserveReply>> {
    return this.grouped("reserve", call, (nowMs) => reserve(this.customer, call, nowMs));
  }

  /** Lends a block to an isolate; see `domain/block.ts`. */
  lend(call: reservations.LendCall): Promise<calls.Replayable<reservations.LendReply>> {
    return this.grouped("lend", {}, (nowMs) => lend(this.customer, call, nowMs));
  }

  commitReservation(call: reservations.CommitCall): Promise<calls.Replayable<reservations.CommitReply>> {
    return this.grouped("commit", call.track, (nowMs) => commitReservation(this.customer, call, this.size, nowMs));
  }

  releaseReservation(call: reservations.ReleaseCall): Promise<calls.Replayable<undefined>> {
    return this.grouped("release", call, (nowMs) => releaseReservation(this.customer, call, nowMs));
  }

  /** Corrects an event; see `commands/correct.ts`. */
  correct(call: calls.CorrectCall): Promise<calls.Replayable<calls.CorrectReply>> {
    return this.money("correct", call, (nowMs) => correct(this.customer, call, nowMs));
  }

  /** How often access was asked for, newest day first. */
  checkDays(page: { limit: number; offset: number }): { items: calls.CheckDay[]; total: number } {
    return this.checks.page(page);
  }

  /** A customer that is made for a test clock begins at that clock's instant, not at ours. */
  register(call: calls.RegisterCall): Promise<calls.Replayable<calls.ProfileReply>> {
    const { state } = this.customer.image;
    const isNew = state.profile === undefined && call.testClock !== undefined;
    const nowMs = isNew ? Math.max(call.testClock?.nowMs ?? 0, state.lastSettledAtMs) : this.now();
    return this.manage("register", call, (atMs) => register(this.customer, call, atMs), nowMs);
  }

  changeProfile(call: calls.ChangeProfileCall): Promise<calls.Replayable<calls.ProfileReply>> {
    return this.manage("changeProfile", call, (nowMs) => changeProfile(this.customer, call, nowMs));
  }

  /** A page of all that is held of the customer, also while it is quarantined; see `questions/export.ts`. */
  exportPage(page: calls.ExportPage): Reply<calls.ExportReply> {
    this.checks.write();
    return this.command("export", undefined, () => exportPage(this.customer, page));
  }

  /** Erases what is personal; see `commands/erase.ts`. When it answers, all of it is gone here, and from D1 unless that is away. */
  async erase(call: calls.EraseCall): Promise<Reply<calls.EraseReply>> {
    const reply = await this.money("erase", {}, (nowMs) => erase(this.customer, call, nowMs));
    while (isErasing(this.customer)) {
      eraseOn(this.customer, this.now());
      // Others have their turn between two pages.
      await this.ctx.storage.sync();
    }
    if (reply.ok) await this.#flushAll();
    return reply;
  }

  /** Commands on subscriptions and invoices; see `commands/`. 503 while the customer is quarantined. */
  subscribe(call: calls.SubscribeCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.#withPage("subscribe", call, (nowMs) => subscriptions.subscribe(this.customer, call, nowMs));
  }

  changePlan(call: calls.ChangePlanCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.#withPage("changePlan", call, (nowMs) => subscriptions.changePlan(this.customer, call, nowMs));
  }

  /** Money is asked for before it answers, so that it says whether it came, or where it can be paid. */
  #withPage(
    name: string,
    call: Pick<calls.SubscribeCall, "requestKey">,
    work: (nowMs: number) => Reply<calls.SubscriptionReply>,
  ): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.paying(name, call, work, (reply) => subscriptionNow(this.customer, reply));
  }

  cancelSubscription(call: calls.CancelCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.#withPage("cancel", call, (nowMs) => subscriptions.cancelSubscription(this.customer, call, nowMs));
  }

  revertCancellation(call: calls.SubscriptionCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.money("revertCancel", call, (nowMs) => subscriptions.revertCancellation(this.customer, call, nowMs));
  }

  dropScheduledChange(call: calls.DropChangeCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.money("dropChange", call, (nowMs) => subscriptions.dropScheduledChange(this.customer, call, nowMs));
  }

  changeGrace(call: calls.ChangeGraceCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.money("changeGrace", call, (nowMs) => subscriptions.changeGrace(this.customer, call, nowMs));
  }

  activateSubscription(call: calls.SubscriptionCall): Promise<calls.Replayable<calls.SubscriptionReply>> {
    return this.money("activate", call, (nowMs) => activateSubscription(this.customer, call, nowMs));
  }

  payInvoice(call: calls.InvoiceCall): Promise<calls.Replayable<calls.InvoiceReply>> {
    return this.money("payInvoice", call, (nowMs) => payInvoice(this.customer, call, nowMs));
  }

  voidInvoice(call: calls.VoidInvoiceCall): Promise<calls.Replayable<calls.InvoiceReply>> {
    return this.money("voidInvoice", call, (nowMs) => voidInvoice(this.customer, call, nowMs));
  }

  migratePlan(call: calls.MigrateCall): Promise<Reply<calls.MigrateResult>> {
    return this.money("migratePlan", {}, (nowMs) => subscriptions.migratePlan(this.customer, call, nowMs));
  }

  /** Questions about the same: settled first, like everything that is answered. */
  previewPlanChange(call: calls.ChangePlanCall): Reply<PlanChangePreview> {
    return this.question("preview", (nowMs) => previews.previewPlanChange(this.customer, call, nowMs));
  }

  previewSubscribe(call: calls.SubscribeCall): Reply<SubscribePreview> {
    return this.question("preview", (nowMs) => previews.previewSubscribe(this.customer, call, nowMs));
  }

  previewCancel(call: calls.CancelCall): Reply<CancelPreview> {
    return this.question("preview", (nowMs) => previews.previewCancel(this.customer, call, nowMs));
  }

  upcoming(subscriptionId?: string): Reply<calls.InvoiceReply> {
    return this.question("upcoming", () => billing.upcoming(this.customer, subscriptionId));
  }

  subscription(id: string): Reply<calls.SubscriptionReply> {
    return this.question("subscription", () => billing.subscriptionQuestion(this.customer, id));
  }

  invoice(id: string): Reply<calls.InvoiceReply> {
    return this.question("invoice", () => billing.invoiceQuestion(this.customer, id));
  }

  /** An invoice with what stands behind it, made again from the tables; see `questions/explain.ts`. */
  explainInvoice(id: string): Reply<calls.ExplainInvoiceReply> {
    return this.question("explainInvoice", () => explainInvoice(this.customer, id));
  }

  replayInvoices(page: calls.ReplayPage): Reply<calls.ReplayReply> {
    return this.command("replay", undefined, () => replayInvoices(this.customer, page));
  }

  /** The money balance by currency, and a page of its ledger, newest first; undefined when there is no such customer. */
  balance(page: { limit: number; offset: number }): ReturnType<typeof billing.balanceQuestion> {
    this.settleFor();
    return billing.balanceQuestion(this.customer, page);
  }

  balanceEntriesBehind(page: calls.LedgerPage): ReturnType<typeof billing.balanceEntriesBehind> {
    this.settleFor();
    return billing.balanceEntriesBehind(this.customer, page);
  }

  invoices(page: { limit: number; offset: number }): ReturnType<typeof billing.invoicesQuestion> {
    this.settleFor();
    return billing.invoicesQuestion(this.customer, page);
  }

  forecast(): Reply<calls.ForecastReply> {
    return this.question("forecast", (nowMs) => forecast(this.customer, nowMs));
  }

  /** The conservation laws, held against the tables now: also while the customer is quarantined, when it is asked most. */
  books(): Reply<calls.BooksReply> {
    return this.command("books", undefined, (nowMs) => books(this.customer, nowMs));
  }

  /** The customer with all subscriptions and pools there ever were, newest first; undefined when there is none. */
  overview(): ReturnType<typeof overview> {
    this.settleFor();
    return overview(this.customer);
  }

  /** Moves the customer's test clock; see `commands/clock.ts`. What is asked of the payment provider is answered at its instant. */
  async advanceClock(toMs: number): Promise<Reply<calls.Advanced>> {
    const sum = { steps: 0, periods: 0, invoices: 0, grants: 0, expirations: 0 };
    for (let isThere = false; !isThere; ) {
      const reply = this.command("advanceClock", undefined, () => ({
        ok: true,
        value: advanceClock(this.customer, toMs),
      }));
      if (!reply.ok) return reply;
      for (const count of Object.keys(sum) as (keyof typeof sum)[]) sum[count] += reply.value[count] ?? 0;
      isThere = reply.value.isThere;
      await this.provider.flush();
    }
    await this.flushNow();
    return { ok: true, value: sum };
  }

  async releaseClock(): Promise<void> {
    releaseClock(this.customer, this.now());
    await this.work();
  }

  /** The customer from memory; undefined when there is none. */
  view(): CustomerView | undefined {
    return view(this.customer);
  }

  events(filter: calls.EventFilter, page: { limit: number; offset: number }): { items: StoredEvent[]; total: number } {
    return events(this.customer, filter, page);
  }

  /** One event, with its price and its corrections; see `questions/event.ts`. */
  event(id: string): Reply<calls.EventReply> {
    return this.question("event", () => eventQuestion(this.customer, id));
  }

  groupedEvents(filter: calls.EventFilter, groupBy: EventGrouping): EventGroup[] {
    return groupedEvents(this.customer, filter, groupBy);
  }

  async recost(call: calls.RecostCall): Promise<Reply<calls.RecostResult>> {
    const reply = this.command("recost", undefined, (nowMs) => recost(this.customer, call, nowMs));
    if (!call.dryRun) await this.flushNow();
    return reply;
  }

  /** Sends all projections of this customer to D1 again. Returns how many rows, and whether all of them arrived. */
  async reproject(): Promise<{ rows: number; arrived: boolean }> {
    const rows = reproject(this.customer, this.now());
    this.arm();
    await this.#flushAll();
    return { rows, arrived: !this.outbox.hasRows() };
  }

  /** As many flushes as what waits now needs: a busy customer would never let this end. */
  async #flushAll(): Promise<void> {
    for (let left = this.outbox.health().waitingRows; left > 0; left -= FLUSH_ROWS_MAX)
      if ((await this.outbox.flush(this.now())) !== "sent") break;
    this.arm();
  }

  /** Settles and sends what waits, now: for the cron that wakes silent customers. */
  async wake(): Promise<void> {
    await this.work();
  }

  /** What an operator asks of one object. */
  health(): ReturnType<Outbox["health"]> & { rev: number; events: number } {
    return {
      ...this.outbox.health(),
      rev: this.customer.image.state.rev,
      events: this.customer.image.lastSeq,
    };
  }
}
