import { type Model, type Rule, type Sub, subOf, type Usage, versionOf } from "./subscription-model.ts";

/** What one customer may use and has used, as it should be: the part of the naive model that counts. */

type Serving = { sub: Sub; rule: Rule };

const ruleOf = (model: Model, sub: Sub, feature: string) => versionOf(model, sub).rules[feature];

/** Who decides about a feature; else why nobody does. */
function servingOf(model: Model, feature: string | undefined, wanted?: string): Serving | string {
  const live = model.subs.filter(({ status }) => status !== "CANCELLED");
  const rank = ({ status, isOpen }: Sub) => (status === "ACTIVE" ? 3 : status === "SUSPENDED" ? (isOpen ? 2 : 1) : 0);
  const including = live.flatMap((sub) => {
    const rule = feature === undefined ? undefined : ruleOf(model, sub, feature);
    return rule === undefined ? [] : [{ sub, rule }];
  });
  const best = including.toReversed().sort((a, b) => rank(b.sub) - rank(a.sub))[0];
  return (
    including.find(({ sub }) => sub.id === wanted) ??
    best ??
    (live.length > 0 ? "FEATURE_NOT_IN_PLAN" : "NO_SUBSCRIPTION")
  );
}

function used({ sub, rule }: Serving, feature: string): number {
  const { total, atStart } = sub.counters[feature] ?? { total: 0, atStart: 0 };
  return Math.max(0, rule.accumulates ? total : total - atStart);
}

export type Access = { denial?: string; sub?: string; used: number; limit?: number; remaining?: number };

/** `requested` units more; without it, whether any. */
export function access(
  model: Model,
  feature: string,
  { wanted, requested }: { wanted?: string; requested?: number } = {},
): Access {
  const serving = servingOf(model, feature, wanted);
  if (typeof serving === "string") return { denial: serving, used: 0 };
  const { sub, rule } = serving;
  const now = used(serving, feature);
  const held = model.holds
    .filter((one) => one.sub === sub.id && one.feature === feature && isHeld(model, one))
    .reduce((sum, { units }) => sum + units, 0);
  const { limit } = rule;
  const denial = denialOf(serving, { now, held, requested });
  return {
    ...(denial === undefined ? {} : { denial }),
    sub: sub.id,
    used: now,
    ...(limit === undefined ? {} : { limit, remaining: Math.max(0, limit - now - held) }),
  };
}

function denialOf(
  { sub, rule: { on, limit } }: Serving,
  { now, held, requested }: { now: number; held: number; requested: number | undefined },
): string | undefined {
  if (sub.status === "INCOMPLETE") return "SUBSCRIPTION_INACTIVE";
  if (sub.status === "SUSPENDED") return "SUBSCRIPTION_SUSPENDED";
  if (!on) return "FEATURE_DISABLED";
  if (limit === undefined || (requested !== undefined && requested < 0)) return undefined;
  if (now >= limit) return "USAGE_LIMIT_EXCEEDED";
  const fits = requested === undefined ? now + held < limit : now + held + requested <= limit;
  return fits ? undefined : "WOULD_EXCEED_LIMIT";
}

export function isHeld(model: Model, { status, untilMs }: { status: string; untilMs: number }): boolean {
  return status === "HELD" && untilMs > model.nowMs;
}

export type Sent = { feature?: string; units?: number; atMs: number; wanted?: string; held?: number; granted?: true };
/** `units` are counted; without any there is a reason. Undefined: refused, since they cannot be taken back. */
export type Taken = { sub?: string; units: number; reason?: string; isOver: boolean };

/** Counts what was used, as far as it counts. */
export function take(model: Model, { feature, units, atMs, wanted, held = 0, granted }: Sent): Taken | undefined {
  const serving = servingOf(model, feature, wanted);
  // What was allowed now counts now.
  const reason = reasonOf(serving, { feature, units, atMs: granted ? model.nowMs : atMs });
  if (reason !== undefined || typeof serving === "string" || feature === undefined || units === undefined)
    return (units ?? 0) < 0 ? undefined : { units: 0, ...(reason === undefined ? {} : { reason }), isOver: false };
  const { sub, rule } = serving;
  const total = sub.counters[feature]?.total ?? 0;
  if (units < 0 && (!rule.accumulates || total + units < 0)) return undefined;
  // A reservation is good for the subscription that it was made with.
  const sure = sub.id === wanted ? Math.min(held, units) : 0;
  const isOver = rule.limit !== undefined && units > sure && used(serving, feature) + sure >= rule.limit;
  const taken = isOver ? sure : units;
  if (taken === 0) return { units: 0, reason: "USAGE_LIMIT_EXCEEDED", isOver };
  move(sub, feature, taken);
  return { sub: sub.id, units: taken, isOver };
}

function move(sub: Sub, feature: string, units: number): void {
  const counter = sub.counters[feature] ?? { total: 0, atStart: 0 };
  sub.counters[feature] = { ...counter, total: counter.total + units };
}

function reasonOf(
  serving: Serving | string,
  { feature, units = 0, atMs }: Sent | { feature: string | undefined; units: number | undefined; atMs: number },
): string | undefined {
  if (serving === "NO_SUBSCRIPTION") return serving;
  if (feature === undefined) return "NO_FEATURE";
  if (units === 0) return "NO_USAGE";
  if (typeof serving === "string") return serving;
  const { status, isOpen, activatedMs = Number.POSITIVE_INFINITY } = serving.sub;
  if (status === "INCOMPLETE") return "SUBSCRIPTION_INACTIVE";
  if (!isOpen) return "SUBSCRIPTION_SUSPENDED";
  return atMs < activatedMs ? "BEFORE_START" : undefined;
}

/** Notes an event, so that it can be corrected. */
export function note(model: Model, id: string, { feature, units = 0, atMs }: Sent, taken: Taken): void {
  const period = subOf(model, taken.sub ?? "")?.period ?? 0;
  const pieces = taken.units === 0 ? [] : [{ period, units: taken.units }];
  const sub = taken.sub === undefined ? {} : { sub: taken.sub };
  model.events.push({ id, ...sub, ...(feature === undefined ? {} : { feature }), atMs, units, pieces });
}

/** Corrects an event to the right total: whether that can be. */
export function correct(model: Model, event: Usage, right: number): boolean {
  const sub = event.sub === undefined ? undefined : subOf(model, event.sub);
  const { feature = "" } = event;
  const rule = sub === undefined || sub.status === "CANCELLED" ? undefined : ruleOf(model, sub, feature);
  if (right < 0 && !rule?.accumulates) return false;
  const counted = event.pieces.reduce((sum, { units }) => sum + units, 0);
  const change = right >= event.units ? right - event.units : Math.min(right, counted) - counted;
  if (sub !== undefined && change !== 0) {
    if (change > 0) {
      const taken =
        rule === undefined
          ? undefined
          : take(model, { feature, units: change, atMs: event.atMs, wanted: sub.id, granted: true });
      if (taken !== undefined && taken.units > 0) event.pieces.push({ period: sub.period, units: taken.units });
    } else if (rule?.accumulates) {
      if ((sub.counters[feature]?.total ?? 0) + change < 0) return false;
      move(sub, feature, change);
      if (!sub.isOpen) sub.waiting[feature] = (sub.waiting[feature] ?? 0) + change;
      event.pieces.push({ period: sub.period, units: change });
    } else takeBack(sub, event, -change);
  }
  event.units = right;
  return true;
}

/** The newest units first; those of a closed period come back as money, not as units. */
function takeBack(sub: Sub, event: Usage, less: number): void {
  let left = less;
  for (const piece of event.pieces.toReversed()) {
    const units = Math.min(left, piece.units);
    if (units <= 0) continue;
    left -= units;
    piece.units -= units;
    if (sub.isOpen && piece.period === sub.period) move(sub, event.feature ?? "", -units);
  }
}
