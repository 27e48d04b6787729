import type { Invoice, Subscription } from "./sale.ts";

/**
 * One customer as it should be, told by what was asked of it: naive, from the contract alone, and without a price. Which invoices there
 * are and what they come to is heard from the API, each must have its reason here; everything else is foretold. Units are numbers.
 */

export type Rule = { priced: boolean; limit?: number; accumulates?: boolean; on: boolean };
export type Version = { price: number; rules: Record<string, Rule> };
export type Plan = { id: string; key: string; months: number; inArrears: boolean; versions: Version[] };
export type Ref = { plan: string; version: number };

export type Bill = { id: string; sub: string; type: string; status: string; dueMs: number; graceEndsMs?: number };
type Counter = { total: number; atStart: number };

export type Sub = Ref & {
  id: string;
  status: "INCOMPLETE" | "ACTIVE" | "SUSPENDED" | "CANCELLED";
  createdMs: number;
  activatedMs?: number;
  graceDays: number;
  anchor: number;
  startMs: number;
  endMs: number;
  isOpen: boolean;
  /** Counts the periods that were opened: two may begin at one instant. */
  period: number;
  pending?: Bill;
  cancel?: { mode: string; atMs: number };
  scheduled?: Ref & { type: string };
  suspendedMs?: number;
  endedMs?: number;
  counters: Record<string, Counter>;
  /** Units that are never billed since their invoice was voided, and those that wait for the next invoice. */
  forgiven: Record<string, number>;
  waiting: Record<string, number>;
};

export type Hold = { id: string; sub: string; feature: string; units: number; untilMs: number; status: string };
type Piece = { period: number; units: number };
/** An event as it is after its corrections. */
export type Usage = { id: string; sub?: string; feature?: string; atMs: number; units: number; pieces: Piece[] };

export type Heard = { subscriptions: readonly Subscription[]; invoices: readonly Invoice[] };
export type Model = {
  nowMs: number;
  plans: Record<string, Plan>;
  subs: Sub[];
  bills: Bill[];
  holds: Hold[];
  events: Usage[];
  /** Receipts by the key of their event, as text. */
  receipts: Record<string, string>;
  heard: Heard;
};

export const DAY = 86_400_000;

export function newModel(plans: Record<string, Plan>, nowMs: number): Model {
  const heard = { subscriptions: [], invoices: [] };
  return { nowMs, plans, subs: [], bills: [], holds: [], events: [], receipts: {}, heard };
}

/** A copy to try a story on; the catalog is the same for all. */
export function copyOf({ plans, heard, ...rest }: Model): Model {
  return { ...structuredClone(rest), plans, heard };
}

export function planOf(model: Model, { plan }: { plan: string }): Plan {
  const found = model.plans[plan];
  if (found === undefined) throw new Error(`no plan ${plan}`);
  return found;
}

export function versionOf(model: Model, ref: Ref): Version {
  const found = planOf(model, ref).versions[ref.version - 1];
  if (found === undefined) throw new Error(`no version ${ref.plan}/${ref.version}`);
  return found;
}

export function subOf(model: Model, id: string): Sub | undefined {
  return model.subs.find((sub) => sub.id === id);
}

export function monthsLater(fromMs: number, months: number, anchor: number): number {
  const from = new Date(fromMs);
  const last = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months + 1, 0));
  last.setUTCDate(Math.min(anchor, last.getUTCDate()));
  return last.getTime() + (fromMs % DAY);
}

export const unpaid = ({ status }: Bill) => status === "DUE" || status === "PAST_DUE";
export const billsOf = (model: Model, { id }: Sub) => model.bills.filter(({ sub }) => sub === id);
export const heardOf = (model: Model, id: string) => model.heard.invoices.find((one) => one.id === id);

/** The next invoice that was heard of and has no reason yet, if it was made now. Invoices' ids rise. */
function claim(model: Model, sub: Sub, type: string): Bill | undefined {
  const known = new Set(model.bills.map(({ id }) => id));
  const made = model.heard.invoices
    .filter(({ id, subscription }) => subscription.id === sub.id && !known.has(id))
    .sort((a, b) => (a.id < b.id ? -1 : 1))[0];
  if (made === undefined || Date.parse(made.createdAt) !== model.nowMs) return undefined;
  if (type !== "PENDING" && made.type !== type) return undefined;
  const bill = { id: made.id, sub: sub.id, type: made.type, status: "PENDING", dueMs: model.nowMs };
  model.bills.push(bill);
  return bill;
}

export function bill(
  model: Model,
  sub: Sub,
  type: string,
  { must, fills }: { must: boolean; fills?: Bill | undefined },
) {
  const made = fills ?? claim(model, sub, type);
  if (made === undefined) {
    if (must) throw new Error(`no ${type} invoice of ${sub.id} at ${new Date(model.nowMs).toISOString()}`);
    return undefined;
  }
  sub.waiting = {};
  const isPaid = heardOf(model, made.id)?.amount === 0 || type === "CREDIT";
  Object.assign(made, { type, status: isPaid ? "PAID" : "DUE", dueMs: model.nowMs });
  if (!isPaid && type !== "IN_ADVANCE_INITIAL") made.graceEndsMs = model.nowMs + sub.graceDays * DAY;
  return made;
}

export function drop(model: Model, sub: Sub, status: string): void {
  for (const one of billsOf(model, sub).filter(unpaid)) one.status = status;
}

export function open(model: Model, sub: Sub, anchor: number): void {
  const { months, inArrears } = planOf(model, sub);
  const endMs = monthsLater(model.nowMs, months, anchor);
  Object.assign(sub, { anchor, startMs: model.nowMs, endMs, isOpen: true, period: sub.period + 1 });
  delete sub.pending;
  if (!inArrears) return;
  const pending = claim(model, sub, "PENDING");
  if (pending === undefined) throw new Error(`nothing was announced for ${sub.id}`);
  sub.pending = pending;
}

export function close(sub: Sub): Bill | undefined {
  const { pending } = sub;
  sub.isOpen = false;
  delete sub.pending;
  for (const counter of Object.values(sub.counters)) counter.atStart = counter.total;
  return pending;
}

export const today = (model: Model) => new Date(model.nowMs).getUTCDate();
export const paysAhead = (model: Model, ref: Ref) => !planOf(model, ref).inArrears && versionOf(model, ref).price > 0;

function finish(model: Model, sub: Sub): void {
  delete sub.scheduled;
  delete sub.pending;
  Object.assign(sub, { status: "CANCELLED", isOpen: false, endedMs: model.nowMs });
}

export function end(model: Model, sub: Sub): void {
  const fills = sub.isOpen ? close(sub) : undefined;
  bill(model, sub, "REGULAR", { must: fills !== undefined, fills });
  finish(model, sub);
}

export function abandon(model: Model, sub: Sub): void {
  drop(model, sub, "CANCELLED");
  finish(model, sub);
}

function applyScheduled(sub: Sub): void {
  if (sub.scheduled !== undefined) Object.assign(sub, { plan: sub.scheduled.plan, version: sub.scheduled.version });
  delete sub.scheduled;
}

function periodEnds(model: Model, sub: Sub): void {
  if (sub.cancel !== undefined) {
    end(model, sub);
    return;
  }
  const fills = close(sub);
  const isActive = sub.status === "ACTIVE";
  if (isActive) {
    applyScheduled(sub);
    open(model, sub, sub.anchor);
  }
  bill(model, sub, "REGULAR", { must: fills !== undefined || (isActive && paysAhead(model, sub)), fills });
}

export function startOrAsk(model: Model, sub: Sub): void {
  const start = () => {
    Object.assign(sub, { status: "ACTIVE", activatedMs: model.nowMs });
    open(model, sub, today(model));
  };
  if (planOf(model, sub).inArrears) start();
  else if (bill(model, sub, "IN_ADVANCE_INITIAL", { must: true })?.status === "PAID") start();
}

export function resume(model: Model, sub: Sub): void {
  if (sub.status !== "SUSPENDED" || billsOf(model, sub).some(({ status }) => status === "PAST_DUE")) return;
  sub.status = "ACTIVE";
  delete sub.suspendedMs;
  if (sub.isOpen) return;
  applyScheduled(sub);
  open(model, sub, today(model));
  if (paysAhead(model, sub)) bill(model, sub, "REGULAR", { must: true });
}

type Due = { atMs: number; rank: number; work: () => void };

function* duesOf(model: Model): Iterable<Due> {
  for (const one of model.bills)
    if (one.status === "DUE" && one.graceEndsMs !== undefined)
      yield { atMs: one.graceEndsMs, rank: 0, work: () => pastDue(model, one) };
  for (const sub of model.subs) {
    if (sub.status === "INCOMPLETE") yield { atMs: sub.createdMs + 30 * DAY, rank: 1, work: () => abandon(model, sub) };
    if (sub.status === "SUSPENDED" && sub.suspendedMs !== undefined)
      yield { atMs: sub.suspendedMs + 90 * DAY, rank: 2, work: () => end(model, sub) };
    if (sub.isOpen) yield { atMs: sub.endMs, rank: 3, work: () => periodEnds(model, sub) };
  }
}

function pastDue(model: Model, one: Bill): void {
  one.status = "PAST_DUE";
  const sub = subOf(model, one.sub);
  if (sub?.status === "ACTIVE") Object.assign(sub, { status: "SUSPENDED", suspendedMs: model.nowMs });
}

/** Lets time pass until `toMs`; returns how many things fell due. */
export function pass(model: Model, toMs: number): number {
  for (let steps = 0; ; steps += 1) {
    const [due] = [...duesOf(model)].sort((a, b) => a.atMs - b.atMs || a.rank - b.rank);
    if (due === undefined || due.atMs > toMs) {
      model.nowMs = toMs;
      return steps;
    }
    model.nowMs = Math.max(model.nowMs, due.atMs);
    due.work();
  }
}
