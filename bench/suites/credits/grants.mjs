import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { call, openAccount } from "../../harness/world.mjs";
import { grant, MANY_CREDITS, openCreditPlan, openPoolOwner } from "./pools.mjs";
import { burnProbe } from "./requests.mjs";

const DAY_MS = 86_400_000;

/** Whether an event costs more where its pool has very many open grants, each with an expiry of its own. */
export const grantsSection = {
  name: "credit-grants",
  async run(world) {
    const { openGrants, rounds, seconds } = world.options;
    const account = await openAccount(world, "Grants");
    const planId = await openCreditPlan(world, account, "granted");
    const one = await openPoolOwner(world, account, { reference: "one", planId });
    const many = await openPoolOwner(world, account, { reference: "many", planId });
    await grant(world, account, one.poolId, MANY_CREDITS);
    for (let index = 1; index <= openGrants; index += 1) {
      const expiresAt = new Date(Date.now() + index * DAY_MS).toISOString();
      await grant(world, account, many.poolId, MANY_CREDITS / openGrants, { expiresAt });
    }
    const grants = openGrants.toLocaleString("en");
    const [floor, measure] = ["burn from one grant", `burn from ${grants} grants`];
    const feature = "granted-0";
    const figures = await interleave({
      client: world.client,
      probes: [
        burnProbe(world, account, floor, { reference: "one", feature }),
        burnProbe(world, account, measure, { reference: "many", feature }),
      ],
      connections: 1,
      rounds,
      seconds,
    });
    await mustBeOpen(world, account, many.poolId, openGrants);
    return {
      figures: figuresOf(figures, 1),
      lines: [
        lineOver(figures, {
          name: `event that burns credits of a pool with ${grants} open grants: p50`,
          measure,
          floor,
          field: "p50",
          target: { atMost: 1.15 },
        }),
      ],
    };
  },
};

/** Grants that were emptied on the way would make the line easier than it says. */
async function mustBeOpen(world, account, poolId, openGrants) {
  const last = `/api/v1/monetization/credits/pools/${poolId}/grants?limit=1`;
  const { items, pagination } = await call(world, account.key, "GET", last);
  if (pagination.total !== openGrants || items[0].remainingAmount <= 0) throw new Error(JSON.stringify(items));
}
