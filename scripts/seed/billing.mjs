import { ask, instant, SUBSCRIPTIONS_PATH } from "./calls.mjs";

/**
 * Six months of invoices, in every state: nine customers who lived through them by a test clock and were then released into real time.
 * Safe to repeat: who lives in real time has been through it, and the clock says how far the others have come.
 */

const CLOCK = "Demo: six months of invoices";
const CLOCKS_PATH = "/api/v1/test-clocks";
const CUSTOMERS_PATH = "/api/v1/client/customers";
const BILLING_PATH = "/api/v1/monetization/billing/invoices";

/** Who sells: what every invoice of the account shows. */
const SELLER = {
  name: "Demo AI, Inc.",
  address: "548 Market Street\nSan Francisco, CA 94104\nUnited States",
  taxId: "US 12-3456789",
  email: "billing@demo-ai.example",
  footer: "Bank transfers: Demo Bank, IBAN DE02 1203 0000 0000 2020 51. Thank you for your business.",
};

/**
 * `joins`: in which of the six months. `uses`: units a month by feature. `pays`: what becomes of the n-th month's invoice, from 0; all
 * that are not named are paid. `at`: what else happens in a month.
 */
const HISTORIES = [
  {
    reference: "atlas-robotics",
    firstName: "Atlas",
    lastName: "Robotics",
    plan: "pro-monthly",
    uses: { "ai.chat": 2300, "ai.summarize": 140 },
    taxId: "US 98-7654321",
    address: "1 Foundry Way\nPittsburgh, PA 15222",
    at: { 3: { upgrade: "pro-annual" } },
  },
  {
    reference: "beacon-search",
    firstName: "Beacon",
    lastName: "Search",
    plan: "usage-only",
    uses: { "ai.transcript": 310, "ai.summarize": 90 },
    late: { month: 4, featureKey: "ai.transcript", units: 25 },
  },
  {
    reference: "cobalt-media",
    firstName: "云杉",
    lastName: "科技有限公司",
    plan: "pro-monthly",
    gracePeriod: 30,
    uses: { "ai.chat": 900 },
    taxId: "91310000MA1FL0000X",
    address: "上海市浦东新区世纪大道100号",
    pays: { 5: "leaves it due" },
  },
  {
    reference: "dune-analytics",
    firstName: "Dune",
    lastName: "Analytics",
    plan: "pro-monthly",
    uses: { "ai.chat": 4100, "ai.search": 800 },
    pays: { 5: "leaves it past due" },
  },
  {
    reference: "elm-education",
    firstName: "Wiąz",
    lastName: "Edukacja Sp. z o.o.",
    plan: "pro-monthly",
    uses: { "ai.chat": 640, "ai.summarize": 55 },
    taxId: "PL 526-104-08-28",
    address: "ul. Żurawia 6\n00-503 Łódź",
    pays: { 2: "is void, billed again" },
  },
  {
    reference: "fjord-shipping",
    firstName: "Fjord",
    lastName: "Shipping",
    plan: "pro-monthly",
    joins: 2,
    pays: { 2: "never pays" },
  },
  {
    reference: "glade-finance",
    firstName: "Κοιλάδα",
    lastName: "Χρηματοοικονομική Α.Ε.",
    plan: "pro-annual",
    uses: { "ai.chat": 5200, "ai.summarize": 700 },
    taxId: "EL 094019245",
    address: "Ερμού 12\n105 63 Αθήνα",
  },
  {
    reference: "heron-labs",
    firstName: "Heron",
    lastName: "Labs",
    plan: "pro-monthly",
    joins: 1,
    uses: { "ai.chat": 300 },
    at: { 4: { leaves: true } },
  },
  {
    reference: "indigo-retail",
    firstName: "Indigo",
    lastName: "Retail",
    plan: "credits-monthly",
    joins: 3,
    uses: { "ai.translate": 420 },
    // Paid for with the plan's credits: what they earned is on the invoices, not on the events.
    costs: false,
  },
];

const MONTHS = 6;

/** What one event of a history cost to serve. */
const COST = { model: "gpt-4o-mini", modelProvider: "openai", inputTokens: 40_000, outputTokens: 6_000 };

/** Fills the account's books; answers what it adds to the account. Plans, features and credits are there. */
export async function seedBilling(call, day) {
  await ask(call, "PATCH", "/api/v1/account/settings", { seller: SELLER });
  const added = { customers: HISTORIES.length, plans: 0, subscriptions: HISTORIES.length };
  const there = await known(call, HISTORIES[0].reference);
  if (there !== undefined && there.testClockId === undefined) return added;
  const clock = await clockFrom(call, monthStart(day, 0));
  for (const history of HISTORIES) await register(call, history, clock.id);
  for (let month = 0; month < MONTHS; month += 1) {
    for (const history of HISTORIES) await begin(call, history, month);
    await liveThrough(call, clock.id, day, month);
  }
  // Into the seventh month, so that the sixth has been billed; from here on they live in real time.
  await ask(call, "DELETE", `${CLOCKS_PATH}/${clock.id}`);
  return added;
}

/** The first instants of the months that end some days before the seed's own day: grace of the newest invoices is over. */
function monthStart(day, month) {
  const end = new Date(Date.parse(`${day}T08:00:00Z`) - 9 * 86_400_000);
  end.setUTCDate(Math.min(end.getUTCDate(), 28));
  return Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - MONTHS + month, end.getUTCDate(), 8);
}

async function clockFrom(call, startMs) {
  const clocks = await ask(call, "GET", `${CLOCKS_PATH}?limit=200`);
  return (
    clocks.items.find(({ name }) => name === CLOCK) ??
    (await ask(call, "POST", CLOCKS_PATH, { name: CLOCK, frozenTime: instant(startMs) }, [201]))
  );
}

function known(call, reference) {
  return ask(call, "GET", `${CUSTOMERS_PATH}/${reference}`, undefined, [200, 404]);
}

function register(call, { reference, firstName, lastName, taxId, address }, testClockId) {
  const email = `billing@${reference}.example`;
  const body = { customerReferenceId: reference, firstName, lastName, email, taxId, address, testClockId };
  return ask(call, "POST", CUSTOMERS_PATH, body, [201, 409]);
}

/** Subscribes in the month in which the customer joins, and pays the first invoice, unless it never does. */
async function begin(call, { reference, plan, gracePeriod, joins = 0, pays = {} }, month) {
  if (month !== joins) return;
  const { subscriptions } = await known(call, reference);
  const body = { customerReferenceId: reference, planId: plan, ...(gracePeriod === undefined ? {} : { gracePeriod }) };
  const { id, status } = subscriptions[0] ?? (await ask(call, "POST", SUBSCRIPTIONS_PATH, body, [201])).subscription;
  if (status !== "INCOMPLETE" || pays[month] === "never pays") return;
  await ask(call, "POST", `/api/v1/monetization/subscriptions/${id}/activate`);
}

/** One month of everybody: half of it, what happens then, the rest, and the invoices of its end. */
async function liveThrough(call, clockId, day, month) {
  const [startMs, endMs] = [monthStart(day, month), monthStart(day, month + 1)];
  const halfMs = Math.floor((startMs + endMs) / 2);
  await advance(call, clockId, halfMs);
  for (const history of HISTORIES) {
    await use(call, history, month, startMs, halfMs);
    await change(call, history, month);
  }
  await advance(call, clockId, endMs - 1);
  for (const history of HISTORIES) await use(call, history, month, halfMs, endMs - 1);
  // The day after the renewals: whoever pays has paid by then.
  await advance(call, clockId, endMs + 3_600_000);
  for (const history of HISTORIES) {
    await useLate(call, history, month, endMs);
    await payUp(call, history, month);
  }
}

async function advance(call, clockId, toMs) {
  const { frozenTime } = (await ask(call, "GET", `${CLOCKS_PATH}?limit=200`)).items.find(({ id }) => id === clockId);
  if (Date.parse(frozenTime) < toMs)
    await ask(call, "POST", `${CLOCKS_PATH}/${clockId}/advance`, { frozenTime: instant(toMs) });
}

const hasJoined = ({ joins = 0, at = {} }, month) =>
  month >= joins && !Object.entries(at).some(([when, { leaves }]) => leaves === true && month > Number(when));

/** Half a month's units of each feature in ten events, a little more from month to month. */
async function use(call, history, month, fromMs, untilMs) {
  const { reference, uses = {}, costs = true } = history;
  if (!hasJoined(history, month)) return;
  const events = Object.entries(uses).flatMap(([featureKey, units]) =>
    Array.from({ length: 10 }, (_, nth) => ({
      eventName: "seed.month",
      eventIdempotencyKey: `seed:month:${fromMs}:${featureKey}:${nth}`,
      customerReferenceId: reference,
      featureKey,
      usageUnits: Math.round((units * (1 + month * 0.05)) / 20),
      occurredAt: instant(fromMs + Math.floor(((untilMs - fromMs) * (nth + 1)) / 11)),
      ...(costs ? { costInput: COST } : {}),
    })),
  );
  if (events.length > 0) await ask(call, "POST", "/api/v1/client/events/batch", { events });
}

/** Usage that is told after its month was billed: the next invoice has it, and says that it came late. */
async function useLate(call, { reference, late }, month, endMs) {
  if (late?.month !== month) return;
  const { featureKey, units } = late;
  await ask(
    call,
    "POST",
    "/api/v1/client/events",
    {
      eventName: "seed.late",
      eventIdempotencyKey: `seed:late:${featureKey}`,
      customerReferenceId: reference,
      featureKey,
      usageUnits: units,
      occurredAt: instant(endMs - 86_400_000),
    },
    [201, 409],
  );
}

async function change(call, { reference, at = {} }, month) {
  const { upgrade, leaves } = at[month] ?? {};
  if (upgrade === undefined && leaves === undefined) return;
  const [{ id, plan, status }] = (await known(call, reference)).subscriptions;
  if (upgrade !== undefined && plan.key !== upgrade)
    await ask(call, "POST", `${SUBSCRIPTIONS_PATH}/${id}/plan-change`, {
      changeToPlanId: upgrade,
      changeType: "UPGRADE",
    });
  if (leaves === true && status !== "CANCELLED") {
    await ask(call, "POST", `${SUBSCRIPTIONS_PATH}/cancellation/${id}?cancelMode=IMMEDIATE`);
    const payout = { currency: "USD", amount: 10, reference: "Refund by bank transfer", idempotencyKey: "seed:payout" };
    await ask(call, "POST", `/api/v1/monetization/customers/${reference}/balance/payout`, payout, [200, 201]);
  }
  await payDue(call, reference);
}

/** Pays what is due, or does to it what the history says of this month. */
async function payUp(call, { reference, pays = {} }, month) {
  const fate = pays[month];
  if (fate === undefined) await payDue(call, reference);
  if (fate !== "is void, billed again") return;
  for (const { id } of await due(call, reference)) await ask(call, "POST", `${BILLING_PATH}/${id}/void?rebill=true`);
}

async function payDue(call, reference) {
  for (const { id, type } of await due(call, reference))
    if (type !== "IN_ADVANCE_INITIAL") await ask(call, "POST", `${BILLING_PATH}/${id}/mark-paid`);
}

async function due(call, reference) {
  const { items } = await ask(call, "GET", `/api/v1/client/billing/invoices/${reference}?limit=200`);
  return items.filter(({ status }) => status === "DUE" || status === "PAST_DUE");
}
