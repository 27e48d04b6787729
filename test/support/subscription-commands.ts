import {
  abandon,
  type Bill,
  bill,
  billsOf,
  close,
  DAY,
  drop,
  end,
  heardOf,
  type Model,
  monthsLater,
  open,
  paysAhead,
  planOf,
  type Ref,
  resume,
  type Sub,
  startOrAsk,
  subOf,
  today,
  unpaid,
  versionOf,
} from "./subscription-model.ts";

/** What is asked of a customer's subscriptions and invoices, in the naive model. Each answers the status that the API must answer. */

const liveOn = (model: Model, plan: string, except?: Sub) =>
  model.subs.find(
    (one) => one !== except && one.status !== "CANCELLED" && (one.plan === plan || one.scheduled?.plan === plan),
  );

export function subscribe(model: Model, plan: string, graceDays: number): number {
  const there = liveOn(model, plan);
  if (there !== undefined) return there.status === "INCOMPLETE" ? 201 : 409;
  const made = model.heard.subscriptions.toReversed().find(({ id }) => subOf(model, id) === undefined);
  if (made === undefined) throw new Error("no subscription was made");
  const { months, versions } = planOf(model, { plan });
  const anchor = today(model);
  const sub: Sub = {
    id: made.id,
    plan,
    version: versions.length,
    status: "INCOMPLETE",
    createdMs: model.nowMs,
    graceDays,
    anchor,
    startMs: model.nowMs,
    endMs: monthsLater(model.nowMs, months, anchor),
    isOpen: false,
    period: 0,
    counters: {},
    forgiven: {},
    waiting: {},
  };
  model.subs.push(sub);
  startOrAsk(model, sub);
  return 201;
}

/** What a change answers; a refused one does nothing. */
export function changePlan(model: Model, sub: Sub, plan: string, type: string): number {
  const target = planOf(model, { plan });
  const to = { plan, version: target.versions.length };
  if (sub.status === "CANCELLED") return 409;
  if (plan === sub.plan) return 400;
  if (liveOn(model, plan, sub) !== undefined || sub.status === "SUSPENDED") return 409;
  const from = planOf(model, sub);
  const [before, after] = [versionOf(model, sub).price * target.months, versionOf(model, to).price * from.months];
  if (type === "UPGRADE" && after < before && target.months <= from.months) return 400;
  if (type === "DOWNGRADE" && after > before && target.months >= from.months) return 400;
  if (type === "DOWNGRADE" && sub.cancel !== undefined) return 409;
  if (sub.status === "INCOMPLETE") exchange(model, sub, to);
  else if (type === "DOWNGRADE") sub.scheduled = { ...to, type };
  else {
    delete sub.scheduled;
    if (from.months === target.months && from.inArrears === target.inArrears) changeWithin(model, sub, to);
    else changeRhythm(model, sub, to);
  }
  return 200;
}

function exchange(model: Model, sub: Sub, to: Ref): void {
  drop(model, sub, "CANCELLED");
  const anchor = today(model);
  const endMs = monthsLater(model.nowMs, planOf(model, to).months, anchor);
  Object.assign(sub, to, { anchor, startMs: model.nowMs, endMs });
  startOrAsk(model, sub);
}

function changeWithin(model: Model, sub: Sub, to: Ref): void {
  const isPaid = paysAhead(model, sub) || paysAhead(model, to);
  Object.assign(sub, to);
  if (isPaid) bill(model, sub, "ADJUSTMENT", { must: true });
}

function changeRhythm(model: Model, sub: Sub, to: Ref): void {
  const must = paysAhead(model, sub) || paysAhead(model, to);
  const fills = close(sub);
  Object.assign(sub, to);
  open(model, sub, today(model));
  if (sub.cancel !== undefined) sub.cancel.atMs = sub.endMs;
  bill(model, sub, "ADJUSTMENT", { must: must || fills !== undefined, fills });
}

/** Moves every subscriber of a plan to its newest version; returns whom. */
export function migrate(model: Model, plan: string, when: string): string[] {
  const to = { plan, version: planOf(model, { plan }).versions.length };
  const meant = model.subs.filter(
    (one) => one.plan === plan && one.status !== "CANCELLED" && one.version !== to.version,
  );
  return meant.flatMap((sub) => {
    const isLater = sub.status === "SUSPENDED" || (sub.status === "ACTIVE" && when === "NEXT_PERIOD");
    if (isLater && (sub.scheduled?.type === "DOWNGRADE" || sub.scheduled?.version === to.version)) return [];
    if (isLater) sub.scheduled = { ...to, type: "MIGRATION" };
    else if (sub.status === "INCOMPLETE") exchange(model, sub, to);
    else {
      if (sub.scheduled?.type === "MIGRATION") delete sub.scheduled;
      changeWithin(model, sub, to);
    }
    return [sub.id];
  });
}

export function cancel(model: Model, sub: Sub, mode: string): number {
  if (sub.status === "CANCELLED") return 409;
  const waits = mode === "END_OF_PERIOD" && sub.isOpen;
  if (waits && sub.cancel !== undefined) return 200;
  sub.cancel = { mode, atMs: waits ? sub.endMs : model.nowMs };
  if (waits) return 200;
  if (sub.status === "INCOMPLETE") abandon(model, sub);
  else {
    if (mode === "IMMEDIATE") {
      drop(model, sub, "VOID");
      bill(model, sub, "CREDIT", { must: false });
    }
    end(model, sub);
  }
  return 200;
}

export function changeGrace(model: Model, sub: Sub, graceDays: number): number {
  if (sub.status === "CANCELLED") return 409;
  sub.graceDays = graceDays;
  for (const one of billsOf(model, sub))
    if (one.graceEndsMs !== undefined) one.graceEndsMs = Math.max(model.nowMs, one.dueMs + graceDays * DAY);
  return 200;
}

export function pay(model: Model, one: Bill): number {
  if (one.status === "PAID") return 200;
  if (!unpaid(one)) return 409;
  one.status = "PAID";
  const sub = subOf(model, one.sub);
  if (sub?.status === "INCOMPLETE") {
    Object.assign(sub, { status: "ACTIVE", activatedMs: model.nowMs });
    open(model, sub, today(model));
  } else if (sub !== undefined) resume(model, sub);
  return 200;
}

export function voidBill(model: Model, one: Bill, rebill: boolean): number {
  const sub = subOf(model, one.sub);
  if (!unpaid(one) || sub === undefined) return 409;
  if (sub.status === "INCOMPLETE") {
    abandon(model, sub);
    return 200;
  }
  if (billsOf(model, sub).some((other) => unpaid(other) && other.id > one.id && rests(model, other, one))) return 409;
  const usage = (heardOf(model, one.id)?.items ?? []).filter(({ kind }) => kind === "USAGE");
  if (rebill && usage.length > 0 && sub.status === "CANCELLED") return 409;
  const kept = rebill ? sub.waiting : sub.forgiven;
  for (const { featureKey = "", quantity = 0 } of usage) kept[featureKey] = (kept[featureKey] ?? 0) + quantity;
  one.status = "VOID";
  resume(model, sub);
  return 200;
}

/** Does `other` give a part back of what `one` charges for? */
function rests(model: Model, other: Bill, one: Bill): boolean {
  const times = (bill: Bill, sign: number) =>
    (heardOf(model, bill.id)?.items ?? []).filter(
      ({ kind, chargeAmount }) => (kind === "BASE" || kind === "PRORATION") && chargeAmount * sign > 0,
    );
  return times(other, -1).some((back) =>
    times(one, 1).some((paid) => back.periodStart < paid.periodEnd && paid.periodStart < back.periodEnd),
  );
}
