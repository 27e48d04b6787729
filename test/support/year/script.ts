import { type Dice, diceOf } from "./dice.ts";

/** What a seed brings: steps at their instants, each able to stand alone, so that any of them can be left out. */

export const START_MS = Date.parse("2030-01-30T22:17:05.123Z");
export const CUSTOMERS = 2;
const DAY = 86_400_000;

const WISHES = {
  subscribe: 8,
  pay: 14,
  payAll: 6,
  void: 3,
  payout: 4,
  change: 8,
  migrate: 3,
  cancel: 4,
  revert: 2,
  dropScheduled: 1,
  grace: 2,
  activate: 2,
  use: 34,
  correct: 12,
  credits: 8,
  buy: 8,
  reserve: 12,
  endHold: 8,
  publish: 2,
  erase: 1,
  evict: 3,
  cron: 3,
  abort: 1,
  compare: 2,
  card: 2,
  page: 4,
  payPage: 10,
  webhooks: 10,
  atStripe: 8,
} as const;
export type WishKind = keyof typeof WISHES;

export const D1_TROUBLES = ["away", "answer lost", "doubled", "late"] as const;

export const STRIPE_TROUBLES = ["refused", "lost", "error", "busy"] as const;

/** `statement`: the object dies at its n-th statement. `abort`: it dies while it works. */
export type Trouble =
  | { kind: "d1"; how: (typeof D1_TROUBLES)[number] }
  | { kind: "stripe"; how: (typeof STRIPE_TROUBLES)[number]; times: number }
  | { kind: "statement"; n: number }
  | { kind: "abort" };

export type Step = {
  atMs: number;
  /** At the next due instant instead, if that comes first: so many milliseconds beside it. */
  beside?: number;
  who: number;
  wish: WishKind;
  /** Choose among what there is then. */
  a: number;
  b: number;
  c: number;
  /** No alarm rings on the way to it. */
  isAlarmLost: boolean;
  trouble?: Trouble;
};

const BAG = Object.entries(WISHES).flatMap(([wish, weight]) => Array.from({ length: weight }, () => wish as WishKind));

export function makeScript(seed: number, days: number): Step[] {
  const dice = diceOf(seed * 7 + 1);
  return Array.from({ length: days }, (_, day) => {
    const steps = Array.from({ length: 1 + dice.below(4) }, () => makeStep(dice, START_MS + day * DAY));
    return steps.sort((one, other) => one.atMs - other.atMs);
  }).flat();
}

function makeStep(dice: Dice, dayMs: number): Step {
  const trouble = makeTrouble(dice);
  return {
    atMs: dayMs + dice.below(DAY),
    ...(dice.oneIn(4) ? { beside: dice.of([-1, 0, 0, 1, 3_600_000, 3_600_001]) } : {}),
    who: dice.below(CUSTOMERS),
    wish: dice.of(BAG),
    a: dice.below(1000),
    b: dice.below(1000),
    c: dice.below(1000),
    isAlarmLost: dice.oneIn(3),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function makeTrouble(dice: Dice): Trouble | undefined {
  if (!dice.oneIn(6)) return undefined;
  const kind = dice.of(["d1", "stripe", "stripe", "statement", "statement", "abort"] as const);
  if (kind === "stripe") return { kind, how: dice.of(STRIPE_TROUBLES), times: 1 + dice.below(4) };
  if (kind === "d1") return { kind, how: dice.of(D1_TROUBLES) };
  if (kind === "statement") return { kind, n: 1 + dice.below(30) };
  return { kind };
}
