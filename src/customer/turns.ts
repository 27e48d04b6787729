import { DurableObject } from "cloudflare:workers";
import { spreadOf } from "../domain/ids.ts";
import { ALARM_LOST_MS, REQUEST_KEPT_MS, WAKE_JITTER_MS } from "../domain/limits.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import type { Env } from "../env.ts";
import type * as calls from "./calls.ts";
import { CheckLog } from "./check-log.ts";
import { countPending } from "./commands/count-pending.ts";
import { erasedRefusal, eraseOn, isErasing } from "./commands/erase.ts";
import { commit } from "./commit.ts";
import { GroupCommit } from "./group-commit.ts";
import { assertReadable, type Customer, openCustomer, ownerOf } from "./image.ts";
import { objectLimits, SizeGuard } from "./limits.ts";
import { migrate } from "./migrate.ts";
import { Outbox } from "./outbox.ts";
import { ProviderOutbox } from "./provider-outbox.ts";
import { withInvoiceFacts } from "./questions/billing.ts";
import { firstReply, type RequestKey } from "./requests.ts";
import { settle } from "./settle.ts";

/**
 * How a customer's object takes its turns: the clock is read once, what fell due is settled, then the work is done; afterwards the
 * alarm is set and, for management commands, copies are sent. What can be told and asked is `object.ts`.
 */
export abstract class CustomerTurns extends DurableObject<Env> {
  protected readonly customer: Customer;
  protected readonly outbox: Outbox;
  protected readonly provider: ProviderOutbox;
  protected readonly group: GroupCommit;
  protected readonly size: SizeGuard;
  protected readonly checks: CheckLog;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    migrate(sql, (work) => ctx.storage.transactionSync(work));
    this.customer = openCustomer(ctx.storage, ownerOf(ctx.id.name), () => Date.now());
    this.outbox = new Outbox(this.customer, env.DB);
    this.provider = new ProviderOutbox(this.customer, env, (work) => this.#inTurn(work));
    this.group = new GroupCommit(() => ctx.storage.sync());
    this.size = new SizeGuard(sql, objectLimits(env.OBJECT_LIMITS));
    this.checks = new CheckLog(this.customer);
  }

  /** The alarm only makes sure that somebody calls: what it does, any call would do. */
  override async alarm(): Promise<void> {
    this.customer.image.alarmAtMs = undefined;
    await this.work();
  }

  protected async work(): Promise<void> {
    const nowMs = this.now();
    try {
      this.settle(nowMs);
      this.#forgetOldRequests();
      if (isErasing(this.customer)) eraseOn(this.customer, nowMs);
      if (!this.isQuarantined()) await this.provider.flush();
      await this.outbox.flush(nowMs);
    } finally {
      // Whatever happened, somebody must come back for what is left.
      this.arm();
    }
  }

  /** now = max(clock, last settled instant): time never runs backwards for a customer. A test clock stands until it is moved. */
  protected now(): number {
    const { clock, lastSettledAtMs } = this.customer.image.state;
    return Math.max(clock?.atMs ?? Date.now(), lastSettledAtMs);
  }

  /** A turn for what another party answered: settled first, like a command. False while nobody knows what is due. */
  #inTurn(work: (nowMs: number) => void): boolean {
    const nowMs = this.now();
    this.settle(nowMs);
    if (this.isQuarantined()) return false;
    work(nowMs);
    this.arm();
    return true;
  }

  /** A command whose copies are in D1 before it answers. */
  protected async manage<T>(
    name: string,
    { requestKey }: { requestKey?: RequestKey },
    work: (nowMs: number) => Reply<T>,
    nowMs = this.now(),
  ): Promise<calls.Replayable<T>> {
    const reply = this.command(name, requestKey, work, nowMs);
    await this.flushNow();
    return withInvoiceFacts(this.customer, reply);
  }

  /** A command about money: it must wait while settling throws, since nobody knows what is due. */
  protected money<T>(
    name: string,
    call: { requestKey?: RequestKey },
    work: (nowMs: number) => Reply<T>,
  ): Promise<calls.Replayable<T>> {
    return this.manage(name, call, (nowMs) => (this.isQuarantined() ? QUARANTINED : work(nowMs)));
  }

  /** A money command that comes in numbers: copies follow by alarm, concurrent ones share one commit. */
  protected grouped<T>(
    name: string,
    { requestKey }: { requestKey?: RequestKey },
    work: (nowMs: number) => Reply<T>,
  ): Promise<calls.Replayable<T>> {
    return this.group.run(() =>
      this.command(name, requestKey, (nowMs) => (this.isQuarantined() ? QUARANTINED : work(nowMs))),
    );
  }

  protected question<T>(name: string, work: (nowMs: number) => Reply<T>): Reply<T> {
    const nowMs = this.now();
    this.settleToAnswer(nowMs);
    const reply = this.isQuarantined() ? QUARANTINED : work(nowMs);
    if (!reply.ok) this.#logRefusal(name, reply);
    return reply;
  }

  /** Settles before a question, which writes nothing: the alarm is looked at only if settling did something. */
  protected settleToAnswer(nowMs: number): void {
    const { rev } = this.customer.image.state;
    this.settle(nowMs);
    if (this.customer.image.state.rev !== rev) this.arm();
  }

  protected isQuarantined(): boolean {
    return this.customer.image.state.quarantinedAtMs !== undefined;
  }

  /** Settles before a question that refuses nothing. Throws where nothing is known that it could tell. */
  protected settleFor(): void {
    this.settleToAnswer(this.now());
    assertReadable(this.customer.image);
  }

  protected command<T>(
    name: string,
    requestKey: RequestKey | undefined,
    work: (nowMs: number) => Reply<T>,
    nowMs = this.now(),
  ): calls.Replayable<T> {
    this.settle(nowMs);
    if (requestKey !== undefined) {
      const first = firstReply<T>(this.customer, requestKey);
      if (first !== undefined) return first;
    }
    const reply = erasedRefusal(this.customer, name) ?? this.#unreadable(name) ?? work(nowMs);
    this.arm();
    if (!reply.ok) this.#logRefusal(name, reply);
    return reply;
  }

  /** While its book cannot be read nothing is decided on the empty one, and nothing is written: its books alone are told. */
  #unreadable(name: string): Refusal | undefined {
    return this.customer.image.unreadable === undefined || name === "books" ? undefined : QUARANTINED;
  }

  #logRefusal(command: string, { code }: Refusal): void {
    console.log(JSON.stringify({ at: "object", command, refused: code, ...this.#who() }));
  }

  /**
   * Settles, or quarantines the customer when that throws: then nothing of it is kept, events are still taken, and the alarm
   * tries again.
   */
  protected settle(nowMs: number): void {
    const { image } = this.customer;
    try {
      const done = settle(this.customer, nowMs);
      if (image.state.quarantinedAtMs !== undefined && countPending(this.customer, nowMs))
        commit(this.customer, [{ kind: "released" }], nowMs);
      if (done > 0) console.log(JSON.stringify({ at: "settle", done, nowMs, ...this.#who() }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      console.error(JSON.stringify({ at: "settle", quarantined: true, reason, nowMs, ...this.#who() }));
      if (image.state.quarantinedAtMs === undefined)
        commit(this.customer, [{ kind: "quarantined", atMs: nowMs, reason }], nowMs);
    }
  }

  #who(): { accountId: string; customerId: string } {
    const { accountId, customerId } = this.customer.image.owner;
    return { accountId, customerId };
  }

  /** Sets the alarm to the earliest thing due. Called in the turn of the write, so that the alarm commits with it. */
  protected arm(): void {
    const { image } = this.customer;
    const due: number[] = isErasing(this.customer) ? [Date.now()] : [];
    if (image.outboxKnown.size > 0 || this.outbox.hasRows()) due.push(Date.now() + this.outbox.delayMs);
    // While settling throws nothing falls due but the next attempt: what is overdue would ring at once, again and again.
    if (image.state.quarantinedAtMs !== undefined) due.push(Date.now() + QUARANTINE_RETRY_MS);
    // A test clock moves by command alone: an instant of it is no instant to ring at. The payment provider lives in real time.
    else {
      if (image.callsAtMs !== undefined) due.push(image.callsAtMs);
      if (image.state.clock === undefined) due.push(...this.#instants());
    }
    const atMs = Math.min(...due);
    if (!Number.isFinite(atMs) || this.#ringsBy(atMs)) return;
    image.alarmAtMs = atMs;
    // One that could not be set must not count as set: the next call tries again.
    this.ctx.storage.setAlarm(atMs).catch(() => {
      image.alarmAtMs = undefined;
    });
  }

  /** When something of the customer itself is due. */
  #instants(): number[] {
    const { compactAtMs, billingAtMs, owner } = this.customer.image;
    const due = compactAtMs === undefined ? [] : [compactAtMs];
    // Customers that renew at one instant do not all come to D1 at once; what is due is due at its instant all the same.
    return billingAtMs === undefined ? due : [...due, billingAtMs + spreadOf(owner.tag, WAKE_JITTER_MS)];
  }

  /** Is there an alarm that rings in time? One that should have rung long ago is lost, and nobody else would set another. */
  #ringsBy(atMs: number): boolean {
    const { alarmAtMs } = this.customer.image;
    return alarmAtMs !== undefined && alarmAtMs <= atMs && alarmAtMs > Date.now() - ALARM_LOST_MS;
  }

  /** Sends what a management command wrote before it answers. D1 away: the answer is right all the same, the alarm sends. */
  protected async flushNow(): Promise<void> {
    await this.outbox.flush(this.now());
    this.arm();
  }

  #forgetOldRequests(): void {
    this.customer.sql.exec("DELETE FROM requests WHERE created_at_ms < ?", Date.now() - REQUEST_KEPT_MS);
  }
}

/** Nobody knows what is due: the caller must wait. */
export const QUARANTINED: Refusal = { ok: false, code: "quarantined" };

/** How long a quarantined customer waits until settling is tried again without anybody calling. */
const QUARANTINE_RETRY_MS = 60_000;
