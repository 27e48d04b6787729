import { customerId, customerThingId, tagFromBytes } from "../../../src/domain/ids.ts";
import { eventText } from "../../../src/ledger/feed.ts";
import { shown } from "../../harness/report.mjs";
import { call, openAccount } from "../../harness/world.mjs";
import { insertRows } from "../observe/rollup-rows.mjs";
import { median, percentile, withConsole } from "./page.mjs";

const CUSTOMERS = 50;
const ROWS_PER_STATEMENT = 500;
const FRAMES = 120;
/** Between three and four rows a frame: as fast as a wheel that is spun. */
const STEP_PX = 120;
const ROW_PX = 34;
const COLUMNS =
  "account_id, event_id, customer_id, occurred_at_ms, feature_id, provider, model, event_name, event, rev".split(", ");

/** Scrolling through many events that the page holds, beside a plain table of as many rows as come into sight meanwhile. */
export const scrollingSection = {
  name: "console scrolling",
  async run(world) {
    const { options } = world;
    const account = await openAccount(world, "Scrolling");
    await fillFeed(world, account.accountId, options.consoleEvents);
    const { pagination } = await call(world, account.key, "GET", "/api/v1/analytics/events?limit=1");
    if (pagination.total !== options.consoleEvents)
      throw new Error(`console scrolling: the feed has ${pagination.total} of ${options.consoleEvents} events`);
    const rounds = await withConsole(world, account, async (page, url) => {
      await page.goto(`${url}/events`);
      const list = page.getByRole("region", { name: "Events", exact: true });
      await list.locator(".leads").first().waitFor();
      await page.getByRole("button", { name: "Pause" }).click();
      const loadedMs = await holdAll(list, options.consoleEvents);
      await list.evaluate(placePlain, { rows: Math.ceil((FRAMES * STEP_PX) / ROW_PX) + 100 });
      const plain = page.locator("#plain");
      const seen = [];
      for (let round = 0; round < options.rounds; round += 1) {
        const floor = await plain.evaluate(framesOf, { frames: FRAMES, stepPx: STEP_PX });
        const measure = await list.evaluate(framesOf, { frames: FRAMES, stepPx: STEP_PX });
        seen.push({ floor, measure, loadedMs });
      }
      return seen;
    });
    const p95 = (kind) => median(rounds.map((one) => percentile(one[kind], 0.95)));
    const felt = rounds.flatMap(({ measure }) => measure).filter((ms) => ms > 50).length;
    return {
      lines: [
        {
          name: `scrolling ${options.consoleEvents.toLocaleString("en")} events: p95 of a frame over a plain table's`,
          measure: shown(p95("measure"), "ms"),
          floor: shown(p95("floor"), "ms"),
          value: median(rounds.map(({ floor, measure }) => percentile(measure, 0.95) / percentile(floor, 0.95))),
          target: { atMost: 1.5 },
        },
      ],
      told: [
        `console scrolling: ${felt} of ${rounds.length * FRAMES} frames took more than 50 ms; all events were held ` +
          `after ${shown(rounds[0]?.loadedMs, "ms")}`,
      ],
    };
  },
};

/** Scrolls to the end until the page holds all of them; how long it took. */
async function holdAll(list, events) {
  const startedMs = performance.now();
  const rows = () => list.locator("table").getAttribute("aria-rowcount").then(Number);
  for (let held = await rows(); held <= events; held = await rows()) {
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await list.locator(`table:not([aria-rowcount="${held}"])`).waitFor();
  }
  return performance.now() - startedMs;
}

/** Runs in the page: a copy of the list with so many rows, all of them in the page and nothing behind them; the list stays. */
function placePlain(element, { rows }) {
  const copy = element.cloneNode(true);
  copy.id = "plain";
  copy.ariaLabel = "A plain table";
  const body = copy.querySelector("tbody");
  const some = [...body.querySelectorAll(".leads")];
  body.replaceChildren(...Array.from({ length: rows }, (_, at) => some[at % some.length].cloneNode(true)));
  element.parentElement.prepend(copy);
}

/** Runs in the page: durations of so many frames, each of which scrolls on by `stepPx`; from the top. */
function framesOf(element, { frames, stepPx }) {
  element.scrollIntoView();
  element.scrollTo(0, 0);
  return new Promise((resolve) => {
    const durations = [];
    let lastMs;
    const tick = (atMs) => {
      if (lastMs !== undefined) durations.push(atMs - lastMs);
      lastMs = atMs;
      if (durations.length === frames) return resolve(durations);
      element.scrollTop += stepPx;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
}

/** Events straight into the feed, as the objects of their customers would have sent them. */
async function fillFeed(world, accountId, events) {
  const tags = Array.from({ length: CUSTOMERS }, () => tagFromBytes(crypto.getRandomValues(new Uint8Array(8))));
  const nowMs = Date.now();
  const row = (index) => {
    const tag = tags[index % CUSTOMERS];
    const seq = 1 + Math.floor(index / CUSTOMERS);
    const eventId = customerThingId(tag, "event", seq);
    const occurredAtMs = nowMs - index * 1000;
    const event = {
      eventId,
      seq,
      key: `event-${index}`,
      eventName: "chat.completion",
      occurredAtMs,
      receivedAtMs: occurredAtMs,
      featureId: "",
      provider: "openai",
      model: `model-${index % 10}`,
      currency: "USD",
      usageE12: 1_000_000_000_000n,
      costE12: 864_000_000n,
      costSource: "catalog",
      revenueE12: 6_000_000_000n,
    };
    return [
      accountId,
      eventId,
      customerId(tag),
      occurredAtMs,
      "",
      "openai",
      event.model,
      event.eventName,
      eventText(event),
      seq,
    ];
  };
  for (let from = 0; from < events; from += ROWS_PER_STATEMENT) {
    const length = Math.min(ROWS_PER_STATEMENT, events - from);
    await insertRows(
      world,
      "feed",
      COLUMNS,
      Array.from({ length }, (_, index) => row(from + index)),
    );
  }
  const known = ["account_id", "customer_id", "reference_id", "source", "created_at_ms", "modified_at_ms"];
  const customers = tags.map((tag, at) => [accountId, customerId(tag), `customer-${at}`, "MANUAL", nowMs, nowMs]);
  await insertRows(world, "customers", known, customers);
}
