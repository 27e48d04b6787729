import { FEATURES, MODELS } from "./world.mjs";

/** Turns the Demo world into events. The same day gives the same events, so that a repeated seed is all duplicates. */

const DAYS = 60;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Share of a day's requests that follows the daily curve; the rest comes at any hour. */
const PEAK_SHARE = 0.85;
/** Hours around the peak within which most of the curve lies. */
const PEAK_HOURS = 3.2;

/** Events of one customer for the 60 days before `dayMs` (a UTC midnight), in time order. */
export function eventsOf(customer, dayMs) {
  const dice = seeded(customer.reference);
  const events = [];
  for (let day = 0; day < DAYS; day++) {
    const dayStartMs = dayMs - (DAYS - day) * DAY_MS;
    for (const atMs of instantsOf(customer, day, dayStartMs, dice))
      events.push(eventOf(customer, `seed:${events.length + 1}`, atMs, dice));
  }
  return events;
}

function instantsOf(customer, day, dayStartMs, dice) {
  const { arrivesOnDay = 0, leavesOnDay = DAYS, fadesFromDay = DAYS } = customer;
  if (day < arrivesOnDay || day >= leavesOnDay) return [];
  const weekday = new Date(dayStartMs).getUTCDay();
  const weekly = weekday === 0 || weekday === 6 ? customer.weekend : 1;
  const fade = day < fadesFromDay ? 1 : (leavesOnDay - day) / (leavesOnDay - fadesFromDay);
  const expected = customer.perDay * (1 + customer.growth) ** (day - arrivesOnDay) * weekly * fade;
  const count = Math.floor(expected * (0.85 + 0.3 * dice()) + dice());
  return Array.from({ length: count }, () => dayStartMs + offsetInDay(customer.peakHour, dice)).sort((a, b) => a - b);
}

function offsetInDay(peakHour, dice) {
  const hour = dice() < PEAK_SHARE ? peakHour + normal(dice) * PEAK_HOURS : dice() * 24;
  return Math.floor(((hour + 48) % 24) * HOUR_MS);
}

function eventOf(customer, key, atMs, dice) {
  const featureKey = pick(customer.features, dice);
  const feature = FEATURES[featureKey];
  const length = customer.lengthFactor ?? 1;
  return {
    eventName: "llm.request",
    eventIdempotencyKey: key,
    customerReferenceId: customer.reference,
    featureKey,
    occurredAt: new Date(atMs).toISOString(),
    usageUnits: 1,
    // Decimal text: what a person would write on a price list, at most six decimals.
    revenueAmount: (feature.price * (customer.priceFactor ?? 1)).toFixed(6),
    costInput: {
      ...MODELS[pick(customer.models, dice)],
      inputTokens: tokens(feature.input * length, dice),
      outputTokens: tokens(feature.output * length, dice),
    },
  };
}

/** Around the median, rarely several times as much. */
function tokens(median, dice) {
  return Math.max(1, Math.round(median * Math.exp(0.45 * normal(dice))));
}

function pick(weights, dice) {
  const entries = Object.entries(weights);
  let left = dice() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries[0][0];
}

/** Standard normal, from two throws. */
function normal(dice) {
  return Math.sqrt(-2 * Math.log(1 - dice())) * Math.cos(2 * Math.PI * dice());
}

/** Dice that always fall the same way for one name: numbers in [0, 1) from a 32-bit linear congruential sequence, mixed. */
function seeded(name) {
  let state = 2_166_136_261;
  for (const letter of name) state = Math.imul(state ^ letter.codePointAt(0), 16_777_619) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4_294_967_296;
  };
}
