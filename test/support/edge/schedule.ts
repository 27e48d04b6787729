import { BLOCK_HOLD_SECONDS_MAX, BLOCK_USE_MS } from "../../../src/domain/limits.ts";
import { type Dice, diceOf } from "../year/dice.ts";
import { type Clock, openClock } from "./clock.ts";
import { type Isolate, openIsolate, type There } from "./isolate.ts";
import { openNetwork } from "./network.ts";
import { type Forgotten, type ObjectModel, type Offer, openObject } from "./object.ts";
import { type Oracle, openOracle, type Promised } from "./oracle.ts";
import { openWeights, type Weights } from "./weights.ts";

/**
 * One schedule of a seed: some isolates, one customer, a plan with a limit, with credits, or with both; callers that check, reserve, use
 * and give back; changes by hand; isolates that die and others that start, and an object that does.
 */

const ONE = 10n ** 12n;
const MONTH_MS = Date.UTC(2030, 2, 5) - Date.UTC(2030, 1, 5);
const GRACE_MS = 3 * 86_400_000;
const STEPS = 32;

function offerOf(dice: Dice): Offer {
  const limitE12 = BigInt(dice.of([5, 50, 200, 1000, 5000])) * ONE;
  const kind = dice.below(4);
  if (kind < 2) return { limitE12 };
  const burning = {
    creditsPerUnitE12: dice.of([ONE, ONE / 3n, (ONE * 5n) / 2n, ONE / 20_000n]),
    creditsE4: BigInt(dice.of([50, 1000, 5000])) * 10_000n,
  };
  return kind === 2 ? burning : { limitE12, ...burning };
}

export function runSchedule(seed: number, forgotten?: Forgotten | "clocks"): Oracle["told"] {
  const dice = diceOf(seed);
  const network = openNetwork(dice);
  const offer = offerOf(dice);
  const clock = openClock(network, dice.below(6000) - 3000);
  // In one of four a period ends while it runs, in another one the grace of the bill that nobody paid.
  const falls = dice.below(4);
  const graceMs = falls === 1 ? GRACE_MS : 0;
  let boughtAtMs: number | undefined =
    network.now() - MONTH_MS - graceMs + (falls < 2 ? dice.below(20_000) : 86_400_000);
  const secret = () =>
    dice
      .below(2 ** 32)
      .toString(16)
      .padStart(32, "0");
  const weights = openWeights(offer.creditsPerUnitE12);
  const more = forgotten === undefined || forgotten === "clocks" ? { weights } : { weights, forgotten };
  const object = openObject(offer, () => boughtAtMs ?? clock.now(), secret, more);
  if (falls === 1) {
    // The bill is made in time, or its grace would begin when it is.
    boughtAtMs += MONTH_MS;
    object.check(0);
  }
  boughtAtMs = undefined;
  const state = { ...offer, creditsE4: offer.creditsE4 ?? 0n };
  const oracle = openOracle(object, weights, state);
  let upAtMs = 0;
  const callers: Promised[] = [];
  const there: There = {
    network,
    object: () => (network.now() < upAtMs ? undefined : object),
    oracle,
    boundMs: dice.of([0, 1000, 5000]),
    lent: new Map(),
    isBackUntold: forgotten === "clocks",
    callers,
  };
  const open = (): Isolate => openIsolate(there, dice.below(6000) - 3000);
  const isolates = Array.from({ length: 1 + dice.below(3) }, open);
  const pace = dice.of([30, 200, 1000]);

  function step(left: number): void {
    if (left === 0) return;
    const restart = (ms: number) => (upAtMs = network.now() + ms);
    act(dice, { isolates, open, callers, object, oracle, state, weights, clock, restart });
    network.later(dice.oneIn(25) ? dice.below(8000) : dice.below(pace), () => step(left - 1));
  }
  step(STEPS);
  network.run();
  // Whoever is left dies with what they hold.
  network.passMs(BLOCK_USE_MS + BLOCK_HOLD_SECONDS_MAX * 1000 + 10_000);
  oracle.rest();
  return oracle.told;
}

type Acting = {
  isolates: Isolate[];
  open: () => Isolate;
  callers: Promised[];
  object: ObjectModel;
  oracle: Oracle;
  state: { limitE12?: bigint; creditsE4: bigint };
  weights: Weights;
  clock: Clock;
  restart: (ms: number) => void;
};

function act(dice: Dice, acting: Acting): void {
  const { isolates, open, callers, object, oracle, state, restart } = acting;
  const isolate = dice.of(isolates);
  if (object.isSuspended()) oracle.told.suspended += 1;
  if (dice.oneIn(16)) {
    disturb(dice, isolate, acting);
    return;
  }
  const what = dice.below(100);
  if (what < 20) isolate.check();
  else if (what < 45) isolate.reserve(unitsOf(dice), dice.of([1, 5, 30, 60, 61]));
  // Some come in bursts: those are who blocks are for.
  else if (what < 60) for (let n = dice.below(5); n >= 0; n -= 1) isolate.reserve(unitsOf(dice), 60);
  else if (what < 85) endOne(dice, isolate, callers);
  else if (what < 90) isolate.consume(unitsOf(dice));
  else if (what < 93) {
    isolate.die();
    isolates[isolates.indexOf(isolate)] = open();
    object.check(0);
  } else if (what < 95) {
    object.restart();
    restart(dice.below(500));
  } else if (what < 97 && state.limitE12 !== undefined) upgrade(isolate, state);
  else if (what < 99) grant(isolate, state);
  else if (dice.oneIn(10))
    isolate.change((there) => {
      oracle.cancelled();
      return there.cancel();
    });
}

/** What nobody asks for: clocks are set back, a unit is to burn something else, and who had not paid pays. */
function disturb(dice: Dice, isolate: Isolate, { object, oracle, weights, clock }: Acting): void {
  const what = dice.below(3);
  if (what === 0) {
    oracle.told.setBack += 1;
    (dice.oneIn(4) ? clock : isolate).setBack(1 + dice.below(dice.of([20, 2000, 8000])));
  } else if (what === 1 && weights.all.length > 0) {
    oracle.told.weighed += 1;
    // Those that isolates do not know yet are not in force yet: they are scheduled so far ahead.
    weights.publish(dice.of(WEIGHTS), object.now() + 1 + dice.below(5000));
  } else if (object.isSuspended()) isolate.change((there) => there.pay());
}

const WEIGHTS = [ONE, ONE / 3n, (ONE * 5n) / 2n, ONE / 20_000n, ONE * 4n] as const;

const unitsOf = (dice: Dice): bigint => (dice.oneIn(5) ? BigInt(1 + dice.below(5000)) * (ONE / 1000n) : ONE);

/** Used or given back, by whoever is asked, now and then twice; sometimes less than was reserved. */
function endOne(dice: Dice, isolate: Isolate, callers: Promised[]): void {
  if (callers.length === 0) return;
  const at = dice.below(callers.length);
  const [one] = dice.oneIn(6) ? callers.slice(at, at + 1) : callers.splice(at, 1);
  if (one === undefined) return;
  if (dice.oneIn(4)) isolate.release(one);
  else isolate.commit(one, dice.oneIn(4) ? one.unitsE12 / 2n : one.unitsE12);
}

/** What may be used is more from the instant at which the object says so. */
function upgrade(isolate: Isolate, state: { limitE12?: bigint }): void {
  isolate.change((there) => {
    there.check(0);
    const [live] = there.book.subscriptions.values();
    const limitE12 = (state.limitE12 ?? 0n) + 50n * ONE;
    if (live?.status !== "ACTIVE") return there.rev();
    state.limitE12 = limitE12;
    return there.upgrade(limitE12);
  });
}

function grant(isolate: Isolate, state: { creditsE4: bigint }): void {
  isolate.change((there) => {
    if (there.book.pools.size === 0) return there.rev();
    state.creditsE4 += 100n * 10_000n;
    return there.grant(100n * 10_000n);
  });
}
