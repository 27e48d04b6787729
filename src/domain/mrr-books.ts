import { formatE12 } from "./amount.ts";
import { type Break, count, type LawVerdict, verdict } from "./books.ts";
import type { Invoice } from "./invoice.ts";
import { isPaying, type MrrSpan, monthlyE12 } from "./mrr.ts";
import { type PlanPin, type PlanRef, pinKey, type Subscription } from "./subscription.ts";

/**
 * The law of what subscriptions brought a month, and when. A span brings what its pinned version costs a month. Those of a subscription
 * follow each other: the first begins when it was activated, each next one where the one before ended, with another version, and the
 * last is of the version that it has, open as long as it pays and ended when it ended.
 *
 * A version without a price has no span: where a customer ever had one, spans may begin later and leave time between them, and only what
 * is before, between and behind that is known. A subscription that ended and has no span at all may be older than spans: it is left out.
 */

/** A span as it is stored, and what its column says of it. */
export type StoredSpan = { span: MrrSpan; isOpen: boolean };

export type SpanFacts = {
  /** All that can be read, by number. */
  subscriptions: ReadonlyMap<number, Subscription>;
  /** By `pinKey`. */
  pins: ReadonlyMap<string, PlanPin>;
  /** All that can be read: their lines say when a version was charged from. */
  invoices: Iterable<Pick<Invoice, "subscription" | "lines">>;
};

/** `spans` in the order of their numbers. */
export function auditSpans(spans: Iterable<StoredSpan>, facts: SpanFacts): LawVerdict {
  const { subscriptions, pins } = facts;
  const known = knownBeginnings(facts);
  const hadFree = [...pins.values()].some(({ price }) => price === 0n);
  const newest = new Map<number, MrrSpan>();
  /** What is wrong with spans, by their numbers, and which are not there, by their subscriptions. */
  const unlike = new Map<number, Break>();
  const missing: Break[] = [];
  let there = 0;
  for (const stored of spans) {
    const { span } = stored;
    there += 1;
    const before = newest.get(span.subscription);
    const found =
      termsProblem(stored, pins.get(pinKey(span))) ??
      (before === undefined
        ? firstProblem(span, { subscription: subscriptions.get(span.subscription), hadFree })
        : nextProblem(span, { before, hadFree, isKnown: known.has(beginningOf(span)) }));
    if (found !== undefined && !unlike.has(found.number)) unlike.set(found.number, found);
    newest.set(span.subscription, span);
  }
  for (const subscription of subscriptions.values()) {
    const last = newest.get(subscription.number);
    const found = endProblem(last, subscription, pins.get(pinKey(subscription)));
    if (found?.kind === "subscription") missing.push(found);
    else if (found !== undefined && !unlike.has(found.number)) unlike.set(found.number, found);
  }
  const [first = missing[0]] = [...unlike.values()].sort((a, b) => a.number - b.number);
  const [left, right] = [BigInt(there - unlike.size), BigInt(there + missing.length)];
  return verdict("mrr_spans", { kind: "customer", number: 0 }, { left, right, format: count }, first);
}

const at = (instantMs: number): string => new Date(instantMs).toISOString();

const ofSpan = ({ number }: MrrSpan, why: string): Break => ({ kind: "mrrSpan", number, why });

/** A version, and an instant from which a subscription was on it. */
function beginningOf({ subscription, startMs, ...ref }: Pick<MrrSpan, "subscription" | "startMs"> & PlanRef): string {
  return `${subscription}/${pinKey(ref)}/${startMs}`;
}

/** Those that something else than spans tells: versions in force, and what was charged for. */
function knownBeginnings({ subscriptions, invoices }: SpanFacts): ReadonlySet<string> {
  const known = new Set<string>();
  for (const { number, inForce } of subscriptions.values())
    for (const ref of inForce) known.add(beginningOf({ ...ref, subscription: number }));
  for (const { subscription, lines } of invoices)
    for (const { plan, periodStartMs: startMs } of lines)
      if (plan !== undefined) known.add(beginningOf({ ...plan, subscription, startMs }));
  return known;
}

/** What a span says by itself. */
function termsProblem({ span, isOpen }: StoredSpan, pin: PlanPin | undefined): Break | undefined {
  const { mrrE12, currency, startMs, endMs } = span;
  if (isOpen !== (endMs === undefined))
    return ofSpan(span, `is ${isOpen ? "open" : "ended"} by its column, and not by its body`);
  if (pin === undefined) return ofSpan(span, "is of a version that is not there, or cannot be read");
  const isE12 = monthlyE12(pin);
  if (pin.price === 0n) return ofSpan(span, "is of a version without a price");
  if (mrrE12 !== isE12) return ofSpan(span, `brings ${formatE12(mrrE12)} a month, its version ${formatE12(isE12)}`);
  if (currency !== pin.currency) return ofSpan(span, `is in ${currency}, its version in ${pin.currency}`);
  if (endMs !== undefined && endMs < startMs) return ofSpan(span, `ends at ${at(endMs)}, before it begins`);
  return undefined;
}

/** The first one begins with its subscription. */
function firstProblem(
  span: MrrSpan,
  { subscription, hadFree }: { subscription: Subscription | undefined; hadFree: boolean },
): Break | undefined {
  if (subscription === undefined) return ofSpan(span, "is of a subscription that is not there, or cannot be read");
  const { startMs } = span;
  const { activatedAtMs } = subscription;
  if (activatedAtMs === undefined) return ofSpan(span, "is of a subscription that never began");
  if (startMs === activatedAtMs || (hadFree && startMs > activatedAtMs)) return undefined;
  return ofSpan(span, `begins at ${at(startMs)}, its subscription at ${at(activatedAtMs)}`);
}

/** Another begins where the one before it ended. Of the two that one is wrong of which nothing else says that it is right. */
function nextProblem(
  span: MrrSpan,
  { before, hadFree, isKnown }: { before: MrrSpan; hadFree: boolean; isKnown: boolean },
): Break | undefined {
  const { startMs } = span;
  const { number, endMs } = before;
  const isSame = pinKey(span) === pinKey(before);
  if (endMs === undefined) return ofSpan(span, `begins at ${at(startMs)}, while number ${number} goes on`);
  if (startMs === endMs)
    return isSame && !hadFree ? ofSpan(span, `goes on with the version of number ${number}`) : undefined;
  if (startMs > endMs && hadFree) return undefined;
  return isKnown && !isSame && startMs >= before.startMs
    ? ofSpan(before, `ended at ${at(endMs)}, number ${span.number} begins at ${at(startMs)}`)
    : ofSpan(span, `begins at ${at(startMs)}, number ${number} ended at ${at(endMs)}`);
}

/** How the last span stands: as its subscription does. */
function endProblem(
  last: MrrSpan | undefined,
  subscription: Subscription,
  pin: PlanPin | undefined,
): Break | undefined {
  const { number, status, endedAtMs, modifiedAtMs, activatedAtMs } = subscription;
  if (pin === undefined || activatedAtMs === undefined) return undefined;
  const ofIt = (why: string): Break => ({ kind: "subscription", number, why });
  const pays = isPaying(status);
  if (pin.price === 0n) {
    if (last === undefined) return undefined;
    const { endMs = Number.POSITIVE_INFINITY } = last;
    return endMs > (endedAtMs ?? modifiedAtMs) ? ofSpan(last, "goes on, its subscription without a price") : undefined;
  }
  if (last === undefined) return pays ? ofIt("brings money each month, and has no span") : undefined;
  if (pinKey(last) !== pinKey(subscription)) return ofIt(`has no span of its version ${subscription.version}`);
  if (pays) return last.endMs === undefined ? undefined : ofSpan(last, "ended, and its subscription goes on");
  const endMs = Math.max(last.startMs, endedAtMs ?? modifiedAtMs);
  if (last.endMs === endMs) return undefined;
  const ends = last.endMs === undefined ? "goes on" : `ends at ${at(last.endMs)}`;
  return ofSpan(last, `${ends}, its subscription ended at ${at(endMs)}`);
}
