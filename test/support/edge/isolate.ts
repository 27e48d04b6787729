import type { GrantedBlock } from "../../../src/domain/block.ts";
import { creditsFor } from "../../../src/domain/credit-ledger.ts";
import { BLOCK_USE_MS, LEASE_TENDED_MS_MAX } from "../../../src/domain/limits.ts";
import { type Ask, dropBlocks, handOut, keepBlock, openBlocks } from "../../../src/edge/blocks.ts";
import { type Lease, Leases, type Ticket } from "../../../src/edge/leases.ts";
import { openClock } from "./clock.ts";
import type { Network } from "./network.ts";
import { type ObjectModel, TAG } from "./object.ts";
import type { Basis, Oracle, Promised } from "./oracle.ts";

/** An isolate: what the Worker remembers between requests, and how its routes use it. Its clock is its own. */

const CUSTOMER = "account/customer";
const FEATURE = "api";

export type There = {
  network: Network;
  /** The object, or nobody while it starts again. */
  object: () => ObjectModel | undefined;
  oracle: Oracle;
  boundMs: number;
  /** What blocks the object lent, on what basis, and what a unit of them burns. */
  lent: Map<number, { basis: Basis; creditsE12: bigint | undefined }>;
  /** Nobody is told that a clock was set back. */
  isBackUntold: boolean;
  /** Everything that callers hold, whoever gave it to them. */
  callers: Promised[];
};

type Answer = { allowed: boolean; rev: number; basis: Basis };

export function openIsolate({ network, object, oracle, boundMs, lent, callers, isBackUntold }: There, skewMs: number) {
  const ownClock = openClock(network, skewMs);
  const clock = ownClock.now;
  const backSince = ({ askedAtMs }: Basis): number => (isBackUntold ? 0 : ownClock.backSince(askedAtMs));
  const leases = new Leases<Answer>(10);
  const blocks = openBlocks();
  let isAlive = true;
  let ownRev = 0;
  /** Of what was used here as well: leases follow that, while blocks go on. */
  let usedRev = 0;

  /** A call of this isolate; whoever is dead hears no answer. */
  function call<T>(ask: (there: ObjectModel) => T, answered: (answer: T) => void, lost: () => void = () => {}): void {
    const there = (): T | "down" => {
      const up = object();
      return up === undefined ? "down" : ask(up);
    };
    network.call<T>(
      there,
      (answer) => isAlive && answered(answer),
      () => isAlive && lost(),
    );
  }

  const answerOf = (there: ObjectModel, askedAtMs: number) => {
    const answer = there.check(boundMs);
    return { ...answer, basis: oracle.basisOf(network.now(), askedAtMs) };
  };

  function keepAnswer(ticket: Ticket, kept: (answer: Answer) => void): void {
    const askedAtMs = network.now();
    call(
      (there) => answerOf(there, askedAtMs),
      (answer) => {
        leases.keep(ticket, answer, answer);
        kept(answer);
      },
    );
  }

  function ask(): void {
    keepAnswer(leases.ask(CUSTOMER, FEATURE, clock()), ({ allowed }) => {
      oracle.told.asked += 1;
      if (!allowed) oracle.told.denied += 1;
      tendIfSteady();
    });
  }

  function renew(kept: () => void): void {
    const ticket = leases.askAhead(CUSTOMER, FEATURE, clock());
    if (ticket !== undefined) keepAnswer(ticket, kept);
  }

  function tendIfSteady(): void {
    const lease = leases.peek(CUSTOMER, FEATURE, clock());
    if (lease !== undefined && leases.takeTending(lease, boundMs, clock())) tend(lease);
  }

  /** As the Worker does in a request of its own, which the platform ends some time. */
  function tend(first: Lease<Answer>, endMs = clock() + LEASE_TENDED_MS_MAX): void {
    const lease = leases.peek(CUSTOMER, FEATURE, clock());
    const waitMs = lease && leases.nextAskMs(lease, boundMs, clock());
    if (!isAlive || waitMs === undefined || clock() >= endMs) leases.endTending(first);
    else if (waitMs > 0) network.later(waitMs, () => tend(first, endMs));
    else {
      oracle.told.tended += 1;
      renew(() => tend(first, endMs));
    }
  }

  function noteLent(block: GrantedBlock | undefined, askedAtMs: number): GrantedBlock | undefined {
    if (block !== undefined)
      lent.set(block.block, {
        basis: oracle.basisOf(network.now(), askedAtMs),
        creditsE12: block.creditsPerUnitE12,
      });
    return block;
  }

  function askAhead(asked: Ask): void {
    leases.written(CUSTOMER);
    const askedAtMs = network.now();
    call(
      (there) => noteLent(there.lend(asked.wish), askedAtMs),
      (block) => {
        leases.written(CUSTOMER);
        keepBlock(asked, block);
      },
      () => leases.written(CUSTOMER),
    );
  }

  /** A change by hand: what was remembered before it, or asked for meanwhile, counts no more. */
  function change(work: (there: ObjectModel) => number): void {
    const forget = (): void => {
      leases.written(CUSTOMER);
      dropBlocks(blocks, CUSTOMER);
    };
    forget();
    call(
      work,
      (rev) => {
        forget();
        ownRev = Math.max(ownRev, rev);
      },
      forget,
    );
  }

  function write<T>(work: (there: ObjectModel) => T): void {
    leases.written(CUSTOMER);
    const end = (): void => leases.written(CUSTOMER);
    call(work, end, end);
  }

  return {
    die: () => {
      isAlive = false;
    },
    isAlive: () => isAlive,
    setBack: ownClock.setBack,
    check(): void {
      const nowMs = clock();
      const lease = boundMs === 0 ? undefined : leases.find(CUSTOMER, FEATURE, nowMs);
      if (lease === undefined) {
        ask();
        return;
      }
      const backMs = backSince(lease.value.basis);
      oracle.leased(lease.value, { nowMs: network.now(), boundMs, ownRev: Math.max(ownRev, usedRev), backMs });
      if (leases.takeRenewal(lease, nowMs)) renew(() => {});
      tendIfSteady();
    },
    reserve(unitsE12: bigint, ttlSeconds: number): void {
      const key = { customer: CUSTOMER, tag: TAG, featureKey: FEATURE };
      const { handed, ask: asked } = handOut(blocks, key, { unitsE12, ttlSeconds }, clock());
      if (handed !== undefined) {
        const [, number = ""] = /-([0-9a-f]{12})\./.exec(handed.reservationId) ?? [];
        const from = lent.get(Number.parseInt(number, 16));
        if (from === undefined) throw new Error("broken: nothing is handed out that was not lent");
        const backMs = backSince(from.basis);
        oracle.handedOut(from.basis, { nowMs: network.now(), useMsMax: BLOCK_USE_MS, ownRev, backMs });
        const creditsE4 = from.creditsE12 === undefined ? 0n : creditsFor(unitsE12, from.creditsE12);
        const promised = { id: handed.reservationId, unitsE12, creditsE4, expiresAtMs: handed.expiresAtMs };
        oracle.promise(promised);
        callers.push(promised);
        if (asked !== undefined) askAhead(asked);
        return;
      }
      leases.written(CUSTOMER);
      const askedAtMs = network.now();
      call(
        (there) => {
          const wish = asked === undefined ? {} : { wish: asked.wish };
          const { made, block } = there.reserve({ unitsE12, ttlSeconds, ...wish });
          const promised = made && { ...made, unitsE12, creditsE4: oracle.creditsOf(unitsE12) };
          if (promised !== undefined) oracle.promise(promised);
          return { promised, block: noteLent(block, askedAtMs) };
        },
        ({ promised, block }) => {
          leases.written(CUSTOMER);
          if (asked !== undefined) keepBlock(asked, block);
          if (promised === undefined) oracle.told.refused += 1;
          else {
            oracle.told.reserved += 1;
            callers.push(promised);
          }
        },
        () => leases.written(CUSTOMER),
      );
    },
    commit(one: Promised, unitsE12: bigint): void {
      write((there) => oracle.ended(one.id, unitsE12, there.commit(one.id, unitsE12)));
    },
    release(one: Promised): void {
      write((there) => oracle.ended(one.id, 0n, there.release(one.id)));
    },
    /** The reply brings the new answer along where the question is asked here, and ends older ones by its commit number. */
    consume(unitsE12: bigint): void {
      const ticket = boundMs === 0 ? undefined : leases.askAlong(CUSTOMER, FEATURE, clock());
      if (ticket === undefined) {
        write((there) => oracle.consumed(there.consume(unitsE12)));
        return;
      }
      const askedAtMs = network.now();
      call(
        (there) => {
          oracle.consumed(there.consume(unitsE12));
          return answerOf(there, askedAtMs);
        },
        (answer) => {
          leases.written(CUSTOMER, answer.rev);
          usedRev = Math.max(usedRev, answer.rev);
          if (leases.keep(ticket, answer, answer)) oracle.told.brought += 1;
        },
        () => leases.written(CUSTOMER),
      );
    },
    change,
  };
}

export type Isolate = ReturnType<typeof openIsolate>;
