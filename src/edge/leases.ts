import { BoundedMap } from "../domain/bounded-map.ts";
import type { Uuid } from "../domain/ids.ts";
import type { LeaseTerms } from "../domain/lease.ts";
import {
  LEASE_STEADY_BOUNDS,
  LEASE_TENDED_BOUND_MS_MIN,
  LEASE_TENDED_MS_MAX,
  LEASE_UNREAD_MS_MAX,
  LEASES_KEPT_MAX,
  LEASES_TENDED_MAX,
} from "../domain/limits.ts";

/**
 * What an isolate repeats of what customers' objects answered: per customer and feature the last answer, as a lease. Owns which of them
 * still count. Leaves to the object which answers may be repeated for how long (`domain/lease.ts`), and to routes what they say.
 *
 * Laws: a lease ends so long after its answer was asked for as the object said, by this isolate's clock alone. An answer that was
 * asked for before a write of its customer through this isolate ended is never repeated after it; nor is one older than another
 * that was seen. It has no clock and asks nobody, so the model of the whole runs this very code.
 */

/** Which answers about one customer still count. Answers asked for in an earlier `epoch` do not, nor held ones below `floorRev`. */
type Mark = { epoch: number; floorRev: number; seenRev: number };

/** How a question comes, whatever answers it. `gapMs`: between the last two. `tendedUntilMs`: till then somebody asks ahead of it. */
type Asking = { lastAtMs: number; gapMs: number; tendedUntilMs: number };

/** An answer that may be repeated; `value`, whatever the border makes of it. */
export type Lease<T> = {
  readonly value: T;
  readonly rev: number;
  readonly askedAtMs: number;
  readonly untilMs: number;
  readonly mark: Mark;
  readonly epoch: number;
  readonly asking: Asking;
  /** A new one is being asked for. */
  isRenewing: boolean;
  /** Checks that it answered and that the object has not been told of. */
  served: number;
};

/** Taken before an object is asked, and given back with its answer. `served`: to be told along. */
export type Ticket = {
  readonly customer: string;
  readonly feature: string;
  readonly mark: Mark;
  readonly epoch: number;
  readonly askedAtMs: number;
  readonly asking: Asking;
  readonly served: number;
};

export class Leases<T> {
  readonly #marks: BoundedMap<string, Mark>;
  readonly #leases: BoundedMap<string, Lease<T>>;
  /** The questions that somebody asks ahead of. */
  readonly #tended = new Set<Asking>();
  #tidiedAtMs = Number.NEGATIVE_INFINITY;

  constructor(leasesMax: number) {
    this.#leases = new BoundedMap(leasesMax);
    this.#marks = new BoundedMap(leasesMax);
  }

  /** The lease that answers now, if there is one. `customer`: name of the object. */
  find(customer: string, feature: string, nowMs: number): Lease<T> | undefined {
    const lease = this.peek(customer, feature, nowMs);
    if (lease !== undefined) noteQuestion(lease.asking, nowMs);
    return lease;
  }

  /** The same, while nobody asks. */
  peek(customer: string, feature: string, nowMs: number): Lease<T> | undefined {
    const lease = this.#leases.get(placeOf(customer, feature));
    if (lease === undefined || !counts(lease)) return undefined;
    // A clock that was set back says nothing: by it the lease would last for as long again.
    return nowMs >= lease.askedAtMs && nowMs < lease.untilMs ? lease : undefined;
  }

  /** Is it time to ask for the next one? Yes once, in the second half of a lease. */
  takeRenewal(lease: Lease<T>, nowMs: number): boolean {
    if (!this.#wantsRenewal(lease, nowMs)) return false;
    lease.isRenewing = true;
    return true;
  }

  /**
   * The lease that answers now and only has to be repeated: neither the next one nor somebody who asks for it is wanted. Undefined: `find`
   * knows more.
   */
  findSettled(customer: string, feature: string, boundMs: number, nowMs: number): Lease<T> | undefined {
    const lease = this.peek(customer, feature, nowMs);
    if (lease === undefined || this.#wantsRenewal(lease, nowMs)) return undefined;
    const { lastAtMs, gapMs } = lease.asking;
    noteQuestion(lease.asking, nowMs);
    if (!this.#wantsTending(lease, boundMs, nowMs)) return lease;
    // It is asked again by the other way.
    Object.assign(lease.asking, { lastAtMs, gapMs });
    return undefined;
  }

  #wantsRenewal({ isRenewing, askedAtMs, untilMs }: Lease<T>, nowMs: number): boolean {
    return !isRenewing && nowMs * 2 >= askedAtMs + untilMs;
  }

  /** Before the object is asked this question for somebody. */
  ask(customer: string, feature: string, nowMs: number): Ticket {
    let mark = this.#marks.get(customer);
    if (mark === undefined) {
      mark = { epoch: 0, floorRev: 0, seenRev: 0 };
      this.#remember(customer, mark);
    }
    const { asking = unasked() } = this.#leases.get(placeOf(customer, feature)) ?? {};
    noteQuestion(asking, nowMs);
    return this.#ticket(customer, feature, mark, nowMs, asking);
  }

  /** Before the object is asked for the next lease, beside an answer or for nobody in particular. */
  askAhead(customer: string, feature: string, nowMs: number): Ticket | undefined {
    const known = this.#leases.get(placeOf(customer, feature));
    const mark = this.#marks.get(customer);
    if (known === undefined || mark === undefined) return undefined;
    known.isRenewing = true;
    return this.#ticket(customer, feature, mark, nowMs, known.asking);
  }

  /** Before a write, whose reply may bring the new answer along: where the question was asked here lately, else it would be in vain. */
  askAlong(customer: string, feature: string, nowMs: number): Ticket | undefined {
    const known = this.#leases.get(placeOf(customer, feature));
    if (known === undefined || nowMs - known.asking.lastAtMs > LEASE_UNREAD_MS_MAX) return undefined;
    const mark = this.#marks.get(customer);
    return mark === undefined ? undefined : this.#ticket(customer, feature, mark, nowMs, known.asking);
  }

  /**
   * Shall somebody ask ahead of this question from now on? Yes to one at a time, where it comes steadily: whoever comes once in a bound
   * finds each lease just over, since none sets off the next one in time. Whoever got a yes says `endTending`, or dies.
   */
  takeTending(lease: Lease<T>, boundMs: number, nowMs: number): boolean {
    if (!this.#wantsTending(lease, boundMs, nowMs)) return false;
    lease.asking.tendedUntilMs = nowMs + LEASE_TENDED_MS_MAX;
    this.#tended.add(lease.asking);
    return true;
  }

  endTending({ asking }: Lease<T>): void {
    asking.tendedUntilMs = Number.NEGATIVE_INFINITY;
    this.#tended.delete(asking);
  }

  #wantsTending(lease: Lease<T>, boundMs: number, nowMs: number): boolean {
    if (nowMs < lease.asking.tendedUntilMs || this.nextAskMs(lease, boundMs, nowMs) === undefined) return false;
    return this.#tended.size < LEASES_TENDED_MAX || this.#hasRoom(nowMs);
  }

  /** Those whose request died are found now and then, and only where their places are wanted. */
  #hasRoom(nowMs: number): boolean {
    if (Math.abs(nowMs - this.#tidiedAtMs) < LEASE_TENDED_MS_MAX) return false;
    this.#tidiedAtMs = nowMs;
    for (const asking of this.#tended) if (asking.tendedUntilMs <= nowMs) this.#tended.delete(asking);
    return this.#tended.size < LEASES_TENDED_MAX;
  }

  /**
   * Milliseconds until the next lease should be asked for, by who sees to it: in the last quarter of one. Undefined: not at all, since the
   * question does not come steadily any more, or something falls due, after which the answer may be another.
   */
  nextAskMs({ askedAtMs, untilMs, isRenewing, asking }: Lease<T>, boundMs: number, nowMs: number): number | undefined {
    // In a long one somebody asks in its second half.
    const isTended = boundMs >= LEASE_TENDED_BOUND_MS_MIN && boundMs <= LEASE_TENDED_MS_MAX;
    if (!isTended || untilMs - askedAtMs < boundMs || !isSteady(asking, boundMs, nowMs)) return undefined;
    const atMs = isRenewing ? untilMs : untilMs - Math.floor(boundMs / 4);
    return Math.max(0, atMs - nowMs);
  }

  #ticket(customer: string, feature: string, mark: Mark, askedAtMs: number, asking: Asking): Ticket {
    const known = this.#leases.get(placeOf(customer, feature));
    const served = known?.served ?? 0;
    if (known !== undefined) known.served = 0;
    return { customer, feature, mark, epoch: mark.epoch, askedAtMs, asking, served };
  }

  /** The object has answered. True where the answer may be repeated, and nothing has overtaken it. */
  keep(ticket: Ticket, { rev, leaseMs }: LeaseTerms, value: T): boolean {
    const { customer, feature, mark, epoch, askedAtMs, asking } = ticket;
    if (mark.epoch !== epoch || rev < mark.seenRev || this.#marks.get(customer) !== mark) return false;
    mark.seenRev = rev;
    const place = placeOf(customer, feature);
    if (leaseMs <= 0) {
      this.#leases.delete(place);
      return false;
    }
    const served = this.#leases.get(place)?.served ?? 0;
    const untilMs = askedAtMs + leaseMs;
    this.#leases.set(place, { value, rev, askedAtMs, untilMs, mark, epoch, asking, isRenewing: false, served });
    this.#remember(customer, mark);
    return true;
  }

  /**
   * A write of the customer begins, or has ended. `rev`: the commit number that its reply came with; without one nothing that was
   * asked for before counts any more, with one nothing older.
   */
  written(customer: string, rev?: number): void {
    const mark = this.#marks.get(customer);
    if (mark === undefined) return;
    if (rev === undefined) mark.epoch += 1;
    else if (rev > mark.floorRev) {
      mark.floorRev = rev;
      mark.seenRev = Math.max(mark.seenRev, rev);
    }
  }

  /** Forgets everything: for tests. */
  clear(): void {
    this.#leases.clear();
    this.#marks.clear();
    this.#tended.clear();
  }

  /** Newest last. Leases of a customer that is forgotten end: no write could be told to them any more. */
  #remember(customer: string, mark: Mark): void {
    const forgotten = this.#marks.set(customer, mark);
    if (forgotten !== undefined) forgotten.epoch += 1;
  }
}

function placeOf(customer: string, feature: string): string {
  return `${customer}\n${feature}`;
}

function unasked(): Asking {
  return {
    lastAtMs: Number.NEGATIVE_INFINITY,
    gapMs: Number.POSITIVE_INFINITY,
    tendedUntilMs: Number.NEGATIVE_INFINITY,
  };
}

function noteQuestion(asking: Asking, nowMs: number): void {
  asking.gapMs = nowMs - asking.lastAtMs;
  asking.lastAtMs = nowMs;
}

/** Did it come twice within a while, and not long ago? A clock that was set back says nothing. */
function isSteady({ lastAtMs, gapMs }: Asking, boundMs: number, nowMs: number): boolean {
  const longestMs = LEASE_STEADY_BOUNDS * boundMs;
  return Math.abs(gapMs) <= longestMs && Math.abs(nowMs - lastAtMs) <= longestMs;
}

function counts({ mark, epoch, rev }: Lease<unknown>): boolean {
  return mark.epoch === epoch && rev >= mark.floorRev;
}

/**
 * What a lease repeats: the verdict as the domain's JSON text, and the customer's instant at which it was true. `catalogVersion`: of what
 * the account had defined and switched on by then. `said`: what became of it for callers who named the customer like this.
 */
export type LeasedVerdict = {
  readonly verdictText: string;
  readonly asOfMs: number;
  readonly catalogVersion: number;
  said?: { reference: string; text: string };
};

/** The leases of this isolate. */
export const leases = new Leases<LeasedVerdict>(LEASES_KEPT_MAX);

/** How leases name a customer. */
export function leaseholder(accountId: string, customerId: Uuid): string {
  return `${accountId}/${customerId}`;
}
