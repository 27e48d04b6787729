import { decimalToE12, formatE12 } from "../../../src/domain/amount.ts";
import { E12_PER_E4 } from "./catalog.ts";
import type { Gift, Plan } from "./facts.ts";
import type { Lie } from "./world.ts";

/** Rules that the engine is told in place of those that are reckoned by. */

export const LIES: Record<string, Lie> = {
  "a plan gives a ten-thousandth of a credit more": giving((gift) => ({ ...gift, credits: more(gift.credits) })),
  "what a cap lets go is kept": giving(({ cap: _, ...gift }) => ({
    ...gift,
    policy: gift.policy === "CAPPED" ? "FULL" : gift.policy,
  })),
  "what is gone with its period is kept": giving((gift) => ({
    ...gift,
    policy: gift.policy === "NONE" ? "FULL" : gift.policy,
  })),
  "a unit burns a ten-thousandth of a credit more": {
    sold: (sold) => ({ ...sold, weights: sold.weights.map((one) => ({ ...one, credits: more(one.credits) })) }),
  },
  "a ten-thousandth of a unit more is kept for somebody": {
    fact: (fact) => (fact.kind === "reserve" ? { ...fact, units: more(fact.units) } : fact),
  },
  "a reservation lapses in half of its time": {
    fact: (fact) => (fact.kind === "reserve" ? { ...fact, seconds: Math.ceil(fact.seconds / 2) } : fact),
  },
  "more counts than was used of what was kept": {
    fact: (fact) => (fact.kind === "commit" ? { ...fact, units: more(fact.units) } : fact),
  },
  "a ten-thousandth of a credit more is bought than was asked for": {
    fact: (fact) => (fact.kind === "buy" ? { ...fact, credits: more(fact.credits) } : fact),
  },
  "nobody is erased": {
    fact: (fact) => (fact.kind === "erase" ? { kind: "seen", atMs: fact.atMs } : fact),
  },
};

const more = (credits: string): string => formatE12(decimalToE12(credits) + E12_PER_E4);

function giving(change: (gift: Gift) => Gift): Lie {
  const versionsOf = ({ versions }: Plan) =>
    versions.map((version) => ({ ...version, gives: version.gives.map(change) }));
  return {
    sold: ({ catalog, ...sold }) => ({
      ...sold,
      catalog: catalog.map((plan) => ({ ...plan, versions: versionsOf(plan) })),
    }),
  };
}
