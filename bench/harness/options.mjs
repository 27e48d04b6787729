import { parseArgs } from "node:util";

const USAGE = `Usage: npm run bench -- [--only TEXT] [--seconds N] [--rounds N] [--quick] [--soak] [--profile]
  --only TEXT   run only the sections whose name contains TEXT
  --seconds N   length of one round of one request (default 1.2)
  --rounds N    rounds of each request, floors and measures in turn (default 5)
  --quick       small data and short rounds: shows that everything runs; its ratios mean little
  --soak        also half an hour of mixed requests at two edges, with an eye on memory
  --soak-minutes N  the same for so long
  --profile     also says where the engine's processor time goes, by function`;

const FULL = {
  seconds: 1.2,
  rounds: 5,
  batchesPerRound: 24,
  historyEvents: 1_000_000,
  rollupRows: 100_000,
  fleetCustomers: 2000,
  fleetSeconds: 60,
  checkCustomers: 1000,
  clockCustomers: 100,
  closingEvents: 100_000,
  dueCustomers: 2000,
  replayCustomers: 50,
  invoices: 100_000,
  openGrants: 1000,
  ledgerEntries: 1_000_000,
  mixCustomers: 2000,
  mixSeconds: 60,
  // Far from what a machine can do: the waits of a queue would say nothing.
  mixPerSecond: 400,
  spendCustomers: 20,
  coldStarts: 10,
  consoleCustomers: 1000,
  consoleEvents: 10_000,
};
const QUICK = {
  seconds: 0.4,
  rounds: 3,
  batchesPerRound: 6,
  historyEvents: 50_000,
  rollupRows: 20_000,
  fleetCustomers: 200,
  fleetSeconds: 5,
  checkCustomers: 100,
  clockCustomers: 10,
  closingEvents: 5000,
  dueCustomers: 200,
  replayCustomers: 10,
  invoices: 10_000,
  openGrants: 100,
  ledgerEntries: 50_000,
  mixCustomers: 200,
  mixSeconds: 6,
  mixPerSecond: 40,
  spendCustomers: 4,
  coldStarts: 2,
  consoleCustomers: 100,
  consoleEvents: 2000,
};

/** The run's settings from the command line. Ends the process with usage and status 2 on what it does not know. */
export function readOptions(words) {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        only: { type: "string", default: "" },
        seconds: { type: "string" },
        rounds: { type: "string" },
        quick: { type: "boolean", default: false },
        soak: { type: "boolean", default: false },
        "soak-minutes": { type: "string" },
        profile: { type: "boolean", default: false },
      },
    });
    const sizes = values.quick ? QUICK : FULL;
    const positive = (text, fallback) => {
      const value = text === undefined ? fallback : Number(text);
      if (!(value > 0)) throw new Error(`not a positive number: ${text}`);
      return value;
    };
    return {
      ...sizes,
      only: values.only,
      quick: values.quick,
      profile: values.profile,
      soak: values.soak || values["soak-minutes"] !== undefined,
      soakMinutes: positive(values["soak-minutes"], 30),
      seconds: positive(values.seconds, sizes.seconds),
      rounds: Math.ceil(positive(values.rounds, sizes.rounds)),
      connections: [1, 32, 128],
    };
  } catch (failure) {
    console.error(`${failure.message}\n${USAGE}`);
    process.exit(2);
  }
}
