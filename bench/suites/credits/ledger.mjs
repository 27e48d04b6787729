import { floorProbes, RPC, rowFloor, rowOverCall } from "../../floors/floors.mjs";
import { ROOT_TOKEN } from "../../harness/build.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { call } from "../../harness/world.mjs";
import { getRequest } from "../../requests/makers.mjs";
import { checkPath } from "../platform/plans.mjs";
import { layDeductions } from "./lay-deductions.mjs";
import { deduct, grant, MANY_CREDITS, openCreditPlan, openPoolOwner } from "./pools.mjs";

const START = "2027-01-01T00:00:00Z";
const END = "2027-01-25T00:00:00Z";
const INSTANTS = 500;

/** Whether a long ledger costs a check anything, and what a balance in the middle of it costs. */
export const ledgerSection = {
  name: "credit-ledger",
  async run(world) {
    const { ledgerEntries, rounds, seconds } = world.options;
    const account = await openClockAccount(world);
    const planId = await openCreditPlan(world, account, "spent");
    const owners = {};
    for (const reference of ["none", "long"]) {
      owners[reference] = await openPoolOwner(world, account, { reference, planId, testClockId: account.clockId });
      await grant(world, account, owners[reference].poolId, MANY_CREDITS);
    }
    const { id, poolId } = owners.long;
    const pattern = await deduct(world, account, poolId, 1);
    await call(world, account.key, "POST", `/api/v1/test-clocks/${account.clockId}/advance`, { frozenTime: END });
    await world.editObjects((paths) =>
      layDeductions(paths, { pool: "long", count: ledgerEntries, fromMs: Date.parse(START), toMs: Date.parse(END) }),
    );
    await mustBeTrue(world, account, { id, poolId, pattern, ledgerEntries });

    const entries = ledgerEntries.toLocaleString("en");
    const probe = (name, request) => ({
      name,
      instance: world.engine,
      job: { url: world.engine.addresses.engine, request: getRequest({ headers: account.headers, ...request }) },
    });
    const [none, long, past] = ["check with an empty ledger", `check with ${entries} entries`, "balance at an instant"];
    const figures = await interleave({
      client: world.client,
      probes: [
        floorProbes(world.floors).find(({ name }) => name === RPC),
        await rowFloor(world.floors, { rows: ledgerEntries, asked: INSTANTS }),
        probe(none, { path: checkPath("none", "spent-0") }),
        probe(long, { path: checkPath("long", "spent-0") }),
        probe(past, { paths: instants().map((at) => balancePath(poolId, at)) }),
      ],
      connections: 1,
      rounds,
      seconds,
    });
    const line = (name, measure, floor, atMost) =>
      lineOver(figures, { name, measure, floor, field: "p50", target: { atMost } });
    return {
      figures: figuresOf(figures, 1),
      lines: [
        line(`GET check of a credit feature with ${entries} ledger entries: p50`, long, none, 1.1),
        line(`balance at a past instant in a ledger of ${entries} entries: p50`, past, RPC, 1.3),
      ],
      told: [rowOverCall(figures)],
    };
  },
};

/** A test account: its ledger can be as old as its clock says. */
async function openClockAccount(world) {
  const { apiKey: key } = await call(world, ROOT_TOKEN, "POST", "/api/v1/accounts", {
    name: "Ledger",
    mode: "test",
    currency: "USD",
  });
  const clock = await call(world, key, "POST", "/api/v1/test-clocks", { name: "Ledger", frozenTime: START });
  return { key, clockId: clock.id, headers: { Authorization: `Bearer ${key}` } };
}

/** The engine must find nothing wrong with what was laid down, and go on from it. */
async function mustBeTrue(world, account, { id, poolId, pattern, ledgerEntries }) {
  const { holds, laws } = await call(world, account.key, "GET", `/api/v1/monetization/customers/${id}/books`);
  if (holds !== true) throw new Error(`the books do not add up: ${JSON.stringify(laws)}`);
  const next = await deduct(world, account, poolId, 1);
  if (next.balanceBefore !== pattern.balanceAfter - ledgerEntries) throw new Error(JSON.stringify(next));
  const middle = new Date((Date.parse(START) + Date.parse(END)) / 2).toISOString();
  const { balance } = await call(world, account.key, "GET", balancePath(poolId, middle));
  if (Math.abs(balance - (MANY_CREDITS - ledgerEntries / 2)) > 2) throw new Error(`${balance} in the middle`);
}

/** Instants all over the ledger, in no order. */
function instants() {
  const [startMs, endMs] = [Date.parse(START), Date.parse(END)];
  const step = (endMs - startMs) / INSTANTS;
  return Array.from({ length: INSTANTS }, (_, index) =>
    new Date(startMs + Math.floor(((index * 197) % INSTANTS) * step)).toISOString(),
  );
}

function balancePath(poolId, at) {
  return `/api/v1/client/credits/long/pools/${poolId}/balance?at=${at}`;
}
