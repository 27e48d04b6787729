import { insertFloor } from "../../floors/floors.mjs";
import { figuresOf, lineOver } from "../../harness/lines.mjs";
import { interleave } from "../../harness/rounds.mjs";
import { call, openAccount } from "../../harness/world.mjs";
import { batchRequest } from "../../requests/makers.mjs";

export const BATCH_PATH = "/api/v1/client/events/batch";
export const BATCH_EVENTS = 1000;
// More connections than two would only wait for one another inside the object; fewer would leave it idle while a body travels.
const BATCH_CONNECTIONS = 2;
const MANY_CUSTOMERS = 100;
const FLOOR_CONNECTIONS = 32;

/** Batches of 1,000 events, of one customer and of a hundred. */
export const batchSection = {
  name: "batches",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Batches");
    const customers = Array.from({ length: MANY_CUSTOMERS }, (_, index) => `batch-${index}`);
    await checkBatch(world, account, customers);
    const probe = (name, sentFor) => ({
      name,
      instance: world.engine,
      connections: BATCH_CONNECTIONS,
      amount: options.batchesPerRound,
      unitsPerRequest: BATCH_EVENTS,
      job: {
        url: world.engine.addresses.engine,
        request: batchRequest({
          path: BATCH_PATH,
          headers: account.headers,
          customers: sentFor,
          feature: "bench",
          size: BATCH_EVENTS,
        }),
      },
    });
    const figures = await interleave({
      client: world.client,
      probes: [
        insertFloor(world.floors),
        probe("batch, one customer", ["batch-0"]),
        probe("batch, 100 customers", customers),
      ],
      connections: FLOOR_CONNECTIONS,
      rounds: options.rounds,
      seconds: options.seconds,
    });
    const line = (name, measure, atLeast) =>
      lineOver(figures, {
        name,
        measure,
        floor: "floor: durable insert",
        field: "unitsPerSecond",
        target: { atLeast },
      });
    return {
      figures: figuresOf(figures, FLOOR_CONNECTIONS).map((row) =>
        row.name.startsWith("batch") ? { ...row, connections: BATCH_CONNECTIONS } : row,
      ),
      lines: [
        line("batch of 1,000 events of one customer: events/s", "batch, one customer", 8),
        line("batch of 1,000 events over 100 customers: events/s", "batch, 100 customers", 3),
      ],
    };
  },
};

/** A batch answers 200 whatever became of its events: one is looked into, so that no refusals are timed. */
async function checkBatch(world, account, customers) {
  const events = customers.map((customerReferenceId) => ({
    eventName: "chat.completion",
    customerReferenceId,
    featureKey: "bench",
    usageUnits: 1,
    costInput: { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 1200, outputTokens: 180 },
  }));
  const answer = await call(world, account.key, "POST", BATCH_PATH, { events });
  if (answer.accepted !== customers.length) throw new Error(`batch: ${JSON.stringify(answer).slice(0, 400)}`);
}
