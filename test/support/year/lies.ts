import { decimalToE12, formatE12 } from "../../../src/domain/amount.ts";
import { E12_PER_E4 } from "./catalog.ts";
import type { Sold } from "./commands.ts";
import type { Gift } from "./facts.ts";
import type { Lie } from "./world.ts";

/** Rules that the engine is told in place of those that are reckoned by. `fallsOut`: by what that is noticed. */

type Told = { lie: Lie; fallsOut: RegExp };

export const LIES: Record<string, Told> = {
  "a plan gives a ten-thousandth of a credit more": {
    lie: giving((gift) => ({ ...gift, credits: more(gift.credits) })),
    fallsOut: /pools/,
  },
  "what a cap lets go is kept": {
    lie: giving(({ cap: _, ...gift }) => ({ ...gift, policy: gift.policy === "CAPPED" ? "FULL" : gift.policy })),
    fallsOut: /pools/,
  },
  "what is gone with its period is kept": {
    lie: giving((gift) => ({ ...gift, policy: gift.policy === "NONE" ? "FULL" : gift.policy })),
    fallsOut: /pools/,
  },
  "a unit burns a ten-thousandth of a credit more": {
    lie: (sold) => ({ ...sold, weights: sold.weights.map((one) => ({ ...one, credits: more(one.credits) })) }),
    fallsOut: /pools/,
  },
};

const more = (credits: string): string => formatE12(decimalToE12(credits) + E12_PER_E4);

function giving(change: (gift: Gift) => Gift): Lie {
  return ({ catalog, ...sold }: Sold) => ({
    ...sold,
    catalog: catalog.map((plan) => ({
      ...plan,
      versions: plan.versions.map((version) => ({ ...version, gives: version.gives.map(change) })),
    })),
  });
}
