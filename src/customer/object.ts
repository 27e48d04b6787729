import { DurableObject } from "cloudflare:workers";
import type { CustomerView, Owner } from "../domain/customer.ts";
import type { StoredEvent } from "../domain/event.ts";
import { type CustomerTag, customerId } from "../domain/ids.ts";
import { FLUSH_ROWS_MAX, REQUEST_KEPT_MS } from "../domain/limits.ts";
import type { Reply } from "../domain/refusal.ts";
import type { Env } from "../env.ts";
import type {
  ChangeProfileCall,
  EventFilter,
  RecostCall,
  RecostResult,
  RegisterCall,
  Replayable,
  TrackCall,
  TrackResult,
} from "./calls.ts";
import { recost } from "./commands/recost.ts";
import { changeProfile, register } from "./commands/register.ts";
import { reproject } from "./commands/reproject.ts";
import { track } from "./commands/track.ts";
import { GroupCommit } from "./group-commit.ts";
import { type Customer, commit, loadImage } from "./image.ts";
import { objectLimits, SizeGuard } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { type EventGroup, type EventGrouping, events, groupedEvents } from "./questions/events.ts";
import { view } from "./questions/view.ts";
import { firstReply, type RequestKey } from "./requests.ts";
import { migrate } from "./schema.ts";
import { settle } from "./settle.ts";

/**
 * One customer: the only writer of its data. Its public methods are what a customer can be told and asked; each reads the clock
 * once, settles what fell due, and does its work in one synchronous turn. Methods that write in numbers go through the group
 * commit; management commands flush their projections before they answer, so that lists read what was just written.
 */
export class CustomerObject extends DurableObject<Env> {
  readonly #customer: Customer;
  readonly #outbox: Outbox;
  readonly #group: GroupCommit;
  readonly #size: SizeGuard;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    const transact = <T>(work: () => T): T => ctx.storage.transactionSync(work);
    migrate(sql, transact);
    this.#customer = { image: loadImage(sql, ownerOf(ctx.id.name)), sql, transact };
    this.#outbox = new Outbox(this.#customer, env.DB);
    this.#group = new GroupCommit(() => ctx.storage.sync());
    this.#size = new SizeGuard(sql, objectLimits(env.OBJECT_LIMITS));
  }

  /** Records events; see `commands/track.ts`. Concurrent calls share one commit. */
  track(call: TrackCall): Promise<Replayable<TrackResult[]>> {
    return this.#group.run(() =>
      this.#command("track", call.requestKey, (nowMs) => track(this.#customer, call, this.#size, nowMs)),
    );
  }

  async register(call: RegisterCall): Promise<Replayable<CustomerView>> {
    const reply = this.#command("register", call.requestKey, (nowMs) => register(this.#customer, call, nowMs));
    await this.#flushNow();
    return reply;
  }

  async changeProfile(call: ChangeProfileCall): Promise<Replayable<CustomerView>> {
    const reply = this.#command("changeProfile", call.requestKey, (nowMs) =>
      changeProfile(this.#customer, call, nowMs),
    );
    await this.#flushNow();
    return reply;
  }

  /** The customer from memory; undefined when there is none. */
  view(): CustomerView | undefined {
    return view(this.#customer);
  }

  events(filter: EventFilter, page: { limit: number; offset: number }): { items: StoredEvent[]; total: number } {
    return events(this.#customer, filter, page);
  }

  groupedEvents(filter: EventFilter, groupBy: EventGrouping): EventGroup[] {
    return groupedEvents(this.#customer, filter, groupBy);
  }

  async recost(call: RecostCall): Promise<Reply<RecostResult>> {
    const reply = this.#command("recost", undefined, (nowMs) => recost(this.#customer, call, nowMs));
    if (!call.dryRun) await this.#flushNow();
    return reply;
  }

  /** Sends all projections of this customer to D1 again. Returns how many rows, and whether all of them arrived. */
  async reproject(): Promise<{ rows: number; arrived: boolean }> {
    const rows = reproject(this.#customer, this.#now());
    this.#arm();
    // As many flushes as what waits now needs: a busy customer would never let this end.
    for (let left = this.#outbox.health().waitingRows; left > 0; left -= FLUSH_ROWS_MAX)
      if ((await this.#outbox.flush(this.#now())) !== "sent") break;
    return { rows, arrived: !this.#outbox.hasRows() };
  }

  /** Settles and sends what waits, now: for the cron that wakes silent customers. */
  async wake(): Promise<void> {
    await this.#work();
  }

  /** What an operator asks of one object. */
  health(): ReturnType<Outbox["health"]> & { rev: number; events: number } {
    return {
      ...this.#outbox.health(),
      rev: this.#customer.image.state.rev,
      events: this.#customer.image.lastSeq,
    };
  }

  /** The alarm only makes sure that somebody calls: what it does, any call would do. */
  override async alarm(): Promise<void> {
    this.#customer.image.alarmAtMs = undefined;
    await this.#work();
  }

  async #work(): Promise<void> {
    const nowMs = this.#now();
    try {
      this.#settle(nowMs);
      this.#forgetOldRequests(nowMs);
      await this.#outbox.flush(nowMs);
    } finally {
      // Whatever happened, somebody must come back for what is left.
      this.#arm();
    }
  }

  /** now = max(clock, last settled instant): time never runs backwards for a customer. */
  #now(): number {
    return Math.max(Date.now(), this.#customer.image.state.lastSettledAtMs);
  }

  #command<T>(name: string, requestKey: RequestKey | undefined, work: (nowMs: number) => Reply<T>): Replayable<T> {
    const nowMs = this.#now();
    this.#settle(nowMs);
    if (requestKey !== undefined) {
      const first = firstReply<T>(this.#customer, requestKey, nowMs);
      if (first !== undefined) return first;
    }
    const reply = work(nowMs);
    this.#arm();
    if (!reply.ok) console.log(JSON.stringify({ at: "object", command: name, refused: reply.code, ...this.#who() }));
    return reply;
  }

  /**
   * Settles, or quarantines the customer when that throws: then nothing of it is kept, events are still taken, and the alarm
   * tries again.
   */
  #settle(nowMs: number): void {
    const { image } = this.#customer;
    try {
      const done = settle(this.#customer, nowMs);
      if (image.state.quarantinedAtMs !== undefined) commit(this.#customer, [{ kind: "released" }], nowMs);
      if (done > 0) console.log(JSON.stringify({ at: "settle", done, nowMs, ...this.#who() }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      console.error(JSON.stringify({ at: "settle", quarantined: true, reason, nowMs, ...this.#who() }));
      if (image.state.quarantinedAtMs === undefined)
        commit(this.#customer, [{ kind: "quarantined", atMs: nowMs, reason }], nowMs);
    }
  }

  #who(): { accountId: string; customerId: string } {
    const { accountId, customerId } = this.#customer.image.owner;
    return { accountId, customerId };
  }

  /** Sets the alarm to the earliest thing due. Called in the turn of the write, so that the alarm commits with it. */
  #arm(): void {
    const { image } = this.#customer;
    const due: number[] = [];
    if (image.outboxKnown.size > 0 || this.#outbox.hasRows()) due.push(Date.now() + this.#outbox.delayMs);
    if (image.compactAtMs !== undefined) due.push(image.compactAtMs);
    if (image.state.quarantinedAtMs !== undefined) due.push(Date.now() + QUARANTINE_RETRY_MS);
    const atMs = Math.min(...due);
    if (!Number.isFinite(atMs) || (image.alarmAtMs !== undefined && image.alarmAtMs <= atMs)) return;
    image.alarmAtMs = atMs;
    // One that could not be set must not count as set: the next call tries again.
    this.ctx.storage.setAlarm(atMs).catch(() => {
      image.alarmAtMs = undefined;
    });
  }

  /** Sends what a management command wrote before it answers. D1 away: the answer is right all the same, the alarm sends. */
  async #flushNow(): Promise<void> {
    await this.#outbox.flush(this.#now());
    this.#arm();
  }

  #forgetOldRequests(nowMs: number): void {
    this.#customer.sql.exec("DELETE FROM requests WHERE created_at_ms < ?", nowMs - REQUEST_KEPT_MS);
  }
}

/** How long a quarantined customer waits until settling is tried again without anybody calling. */
const QUARANTINE_RETRY_MS = 60_000;

/** The object's name is `accountId/tag`; objects are made by that name alone. */
function ownerOf(name: string | undefined): Owner {
  const [accountId, tag] = (name ?? "").split("/");
  if (accountId === undefined || accountId === "" || tag === undefined || tag === "")
    throw new Error("invariant broken: a customer's object is named accountId/tag");
  return { accountId, tag: tag as CustomerTag, customerId: customerId(tag as CustomerTag) };
}
