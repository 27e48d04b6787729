import type { Entitlement } from "./access.ts";
import type { Invoice } from "./sale.ts";
import { cancel, changeGrace, changePlan, pay, subscribe, voidBill } from "./subscription-commands.ts";
import { type Bill, type Hold, type Model, type Sub, subOf, versionOf } from "./subscription-model.ts";
import { access, correct, isHeld, note, type Sent, type Taken, take } from "./usage-model.ts";
import type { BatchResult, Receipt } from "./world.ts";

/** What a simulated customer asks for: the request, and what the model makes of it. */

export const PLANS = ["free", "pro", "annual", "team"] as const;
export const FEATURES = ["chat", "tokens", "calls", "seats", "ghost"] as const;

/** `a` and `b` choose among what there is when it is asked. */
export type Wish = { kind: (typeof KINDS)[number]; a: number; b: number; units: number | undefined };

export type Asked = {
  method: string;
  path: string;
  body?: unknown;
  /** Does it in the model; returns the status that it must have had, and throws where its data are wrong. */
  apply: (model: Model, data: never) => number;
};

export const KINDS = [
  "subscribe",
  "pay",
  "void",
  "cancel",
  "revert",
  "change",
  "dropScheduled",
  "grace",
  "activate",
  "event",
  "batch",
  "consume",
  "evaluate",
  "reserve",
  "commit",
  "release",
  "correct",
] as const;

const CLIENT = "/api/v1/client";
const ADMIN = "/api/v1/monetization";
const NOBODY = "0f9d1c4e-7a5b-8c3d-8300-000000000001";

function pick<T>(items: readonly T[], n: number): T | undefined {
  // Now and then what does not exist.
  return n % 23 === 22 ? undefined : items[n % Math.max(1, items.length)];
}

/** The newest first, but what has ended last. */
function liveFirst<T extends { status: string }>(items: readonly T[], ...ended: readonly string[]): T[] {
  const rank = ({ status }: T) => (ended.includes(status) ? 1 : 0);
  return items.toReversed().sort((one, other) => rank(one) - rank(other));
}

/** What is wrong with an answer, as a throw. */
export function must(same: boolean, what: string, ...seen: unknown[]): void {
  if (!same) throw new Error(`${what}: ${seen.map((one) => JSON.stringify(one)).join(" instead of ")}`);
}

export function ask(wish: Wish, model: Model, customer: { id: string; reference: string }): Asked {
  const { a, b } = wish;
  // Who has nothing yet, or nothing any more, begins again, mostly.
  const kind = model.subs.some(({ status }) => status !== "CANCELLED") || b % 4 === 0 ? wish.kind : "subscribe";
  const sub = pick(liveFirst(model.subs, "CANCELLED"), a);
  const plan = pick(PLANS, b);
  const bill = pick(liveFirst(model.bills, "PAID", "VOID", "CANCELLED", "PENDING"), a);
  const hold = pick(liveFirst(model.holds, "RELEASED", "COMMITTED"), a);
  const { reference } = customer;
  const onSub = (work: (model: Model, sub: Sub) => number) => (now: Model) => {
    const found = subOf(now, sub?.id ?? "");
    return found === undefined ? 404 : work(now, found);
  };
  const onBill = (work: (model: Model, bill: Bill) => number) => (now: Model) => {
    const found = now.bills.find(({ id }) => id === bill?.id);
    return found === undefined ? 404 : work(now, found);
  };
  const id = sub?.id ?? NOBODY;
  switch (kind) {
    case "subscribe":
      return {
        method: "POST",
        path: `${CLIENT}/subscriptions`,
        body: { customerReferenceId: reference, planId: plan ?? "none", gracePeriod: a % 5 },
        apply: (now) => (plan === undefined ? 404 : subscribe(now, plan, a % 5)),
      };
    case "change": {
      const changeType = a % 2 === 0 ? "UPGRADE" : "DOWNGRADE";
      return {
        method: "POST",
        path: `${CLIENT}/subscriptions/${id}/plan-change`,
        body: { changeToPlanId: plan ?? "none", changeType },
        apply: onSub((now, found) => (plan === undefined ? 404 : changePlan(now, found, plan, changeType))),
      };
    }
    case "cancel": {
      const cancelMode = b % 3 === 0 ? "IMMEDIATE" : "END_OF_PERIOD";
      const path = `${CLIENT}/subscriptions/cancellation/${id}?cancelMode=${cancelMode}`;
      return { method: "POST", path, apply: onSub((now, found) => cancel(now, found, cancelMode)) };
    }
    case "revert":
    case "dropScheduled": {
      const isRevert = kind === "revert";
      const tail = isRevert ? `cancellation/${id}/scheduled` : `${id}/plan-change/scheduled`;
      return {
        method: "DELETE",
        path: `${CLIENT}/subscriptions/${tail}`,
        apply: onSub((_, found) => {
          if (found.status === "CANCELLED") return 409;
          delete found[isRevert ? "cancel" : "scheduled"];
          return 200;
        }),
      };
    }
    case "grace":
      return {
        method: "PATCH",
        path: `${ADMIN}/subscriptions/${id}`,
        body: { gracePeriod: b % 6 },
        apply: onSub((now, found) => changeGrace(now, found, b % 6)),
      };
    case "activate":
      return {
        method: "POST",
        path: `${ADMIN}/subscriptions/${id}/activate`,
        apply: onSub((now, found) => {
          if (found.status === "ACTIVE") return 200;
          const first = now.bills.find((one) => one.sub === found.id && one.status === "DUE");
          return found.status === "INCOMPLETE" && first !== undefined ? pay(now, first) : 409;
        }),
      };
    case "pay":
      return {
        method: "POST",
        path: `${CLIENT}/billing/invoices/${bill?.id ?? NOBODY}/mark-paid`,
        apply: onBill((now, found) => pay(now, found)),
      };
    case "void":
      return {
        method: "POST",
        path: `${ADMIN}/billing/invoices/${bill?.id ?? NOBODY}/void?rebill=${b % 2 === 0}`,
        apply: onBill((now, found) => voidBill(now, found, b % 2 === 0)),
      };
    case "release":
      return {
        method: "POST",
        path: `${CLIENT}/reservations/${hold?.id ?? NOBODY}/release`,
        apply: (now) => {
          const found = now.holds.find((one) => one.id === hold?.id);
          if (found === undefined) return 404;
          if (isHeld(now, found)) found.status = "RELEASED";
          return found.status === "RELEASED" ? 200 : 409;
        },
      };
    default:
      return askUse({ ...wish, kind }, model, { reference, sub, hold });
  }
}

type UseKind = "event" | "batch" | "consume" | "evaluate" | "reserve" | "commit" | "correct";
type Chosen = { reference: string; sub: Sub | undefined; hold: Hold | undefined };

function askUse(
  { kind, a, b, units }: Wish & { kind: UseKind },
  model: Model,
  { reference, sub, hold }: Chosen,
): Asked {
  const sent = sentOf(model, a, b, units, sub);
  const body = bodyOf(sent, reference, `k${b % 50}`);
  const key = `k${b % 50}`;
  switch (kind) {
    case "event":
      return {
        method: "POST",
        path: `${CLIENT}/events`,
        body,
        apply: (now, data: Receipt) => {
          const told = record(now, key, sent, data);
          return told === "repeat" ? 409 : told === "refused" ? 400 : told.isOver && told.units === 0 ? 200 : 201;
        },
      };
    case "batch": {
      const lines = [0, 1, 2].map((n) => {
        const one = sentOf(model, a + n, b + 7 * n, units, sub);
        return { sent: one, key: `k${(b + 7 * n) % 50}` };
      });
      return {
        method: "POST",
        path: `${CLIENT}/events/batch`,
        body: { events: lines.map((line) => bodyOf(line.sent, reference, line.key)) },
        apply: (now, { results }: BatchResult) => {
          for (const [index, line] of lines.entries()) {
            // One event may meet a D1 that is away: it is not there then.
            if (results[index]?.error?.code === "unavailable") continue;
            const told = record(now, line.key, line.sent, results[index]?.receipt);
            const named = { repeat: "duplicate", refused: "rejected" } as const;
            const right =
              typeof told === "string" ? named[told] : told.isOver && told.units === 0 ? "over_limit" : "accepted";
            must(results[index]?.status === right, `line ${index}`, results[index], right);
          }
          return 200;
        },
      };
    }
    case "consume":
      return {
        method: "POST",
        path: `${CLIENT}/entitlements/consume`,
        body: bodyOf({ feature: "chat", ...sent }, reference, key),
        apply: (now, data: { receipt?: Receipt; duplicate?: boolean; entitlement: Entitlement }) => {
          const one = { feature: "chat", ...sent, granted: true as const };
          const requested = one.units ?? 0;
          const first = now.receipts[key];
          if (first !== undefined) {
            const { eventId } = JSON.parse(first) as Receipt;
            if (now.events.find(({ id }) => id === eventId)?.feature !== one.feature) {
              must(JSON.stringify(data) === first, `${key} is another feature's`, data, first);
              return 409;
            }
          } else {
            const { denial } = access(now, one.feature, {
              requested,
              ...(one.wanted === undefined ? {} : { wanted: one.wanted }),
            });
            if (denial !== undefined) {
              must(data.entitlement.meta?.reason.code === denial, "consume is denied", data.entitlement, denial);
              return 200;
            }
          }
          const told = record(now, key, one, data?.receipt);
          return told === "refused" ? 400 : 201;
        },
      };
    case "evaluate": {
      const feature = sent.feature ?? "chat";
      const requested = units ?? 1;
      return {
        method: "POST",
        path: `${CLIENT}/entitlements?record=false`,
        body: { customerReferenceId: reference, featureKey: feature, usage: { usageUnits: units } },
        apply: (now, data: Entitlement) => {
          if (requested <= 0) return 400;
          const { denial, used, limit, remaining = 0 } = access(now, feature, { requested });
          const told = [data.meta?.reason.code, data.simulation?.projectedUsage, data.simulation?.projectedRemaining];
          const right = limit === undefined ? [denial] : [denial, used + requested, Math.max(0, remaining - requested)];
          must(told.join() === [...right, undefined, undefined].slice(0, 3).join(), "evaluate", data, right);
          return 200;
        },
      };
    }
    case "reserve": {
      const usageUnits = units ?? 1;
      const ttlSeconds = b % 2 === 0 ? 60 : 3600;
      const feature = sent.feature ?? "chat";
      return {
        method: "POST",
        path: `${CLIENT}/entitlements/reserve`,
        body: { customerReferenceId: reference, featureKey: feature, usageUnits, ttlSeconds },
        apply: (now, data: { reservationId: string } & Entitlement) => {
          if (usageUnits <= 0) return 400;
          const { denial, sub: serving } = access(now, feature, { requested: usageUnits });
          if (denial !== undefined || serving === undefined) {
            must(data?.meta?.reason.code === denial, "reserve is denied", data, denial);
            return 409;
          }
          const untilMs = now.nowMs + ttlSeconds * 1000;
          const { reservationId } = data;
          now.holds.push({ id: reservationId, sub: serving, feature, units: usageUnits, untilMs, status: "HELD" });
          return 201;
        },
      };
    }
    case "commit":
      return {
        method: "POST",
        path: `${CLIENT}/reservations/${hold?.id ?? NOBODY}/commit`,
        body: { eventName: "x", ...(units === undefined ? {} : { usageUnits: units }) },
        apply: (now, data: Receipt) => {
          const found = now.holds.find((one) => one.id === hold?.id);
          if (found === undefined) return 404;
          const own = `reservation:${found.id}`;
          if (found.status === "COMMITTED") return record(now, own, sent, data) === "repeat" ? 200 : 0;
          if (!isHeld(now, found)) return 409;
          const { feature, sub: wanted } = found;
          const used = { feature, units: units ?? found.units, atMs: now.nowMs, wanted, held: found.units };
          if (record(now, own, used, data) === "refused") return 400;
          found.status = "COMMITTED";
          return 201;
        },
      };
    case "correct": {
      const counted = model.events.filter(({ pieces }) => pieces.length > 0);
      const event = pick(b % 3 === 0 ? model.events : counted.toReversed(), a);
      const right = units ?? 0;
      return {
        method: "POST",
        path: `${CLIENT}/events/${event?.id ?? NOBODY}/correct`,
        body: { usageUnits: right },
        apply: (now) => {
          const found = now.events.find(({ id }) => id === event?.id);
          if (found === undefined) return 404;
          return correct(now, found, right) ? 201 : 400;
        },
      };
    }
    default:
      return kind satisfies never;
  }
}

const HOUR = 3_600_000;

/** What the customer's subscriptions include. */
function included(model: Model): string[] {
  const live = model.subs.filter(({ status }) => status !== "CANCELLED");
  return [...new Set(live.flatMap((sub) => Object.keys(versionOf(model, sub).rules)))];
}

function sentOf(model: Model, a: number, b: number, units: number | undefined, sub: Sub | undefined): Sent {
  const feature = a % 13 === 12 ? undefined : pick(a % 4 === 0 ? FEATURES : included(model), a + b);
  return {
    ...(feature === undefined ? {} : { feature }),
    ...(units === undefined ? {} : { units }),
    // One in three is late, by up to 40 days.
    atMs: model.nowMs - (b % 3 === 0 ? (b % 960) * HOUR : 0),
    ...(b % 5 === 0 && sub !== undefined ? { wanted: sub.id } : {}),
  };
}

function bodyOf({ feature, units, atMs, wanted }: Sent, reference: string, key: string) {
  return {
    eventName: "x",
    customerReferenceId: reference,
    eventIdempotencyKey: key,
    occurredAt: new Date(atMs).toISOString(),
    ...(feature === undefined ? {} : { featureKey: feature }),
    ...(units === undefined ? {} : { usageUnits: units }),
    ...(wanted === undefined ? {} : { subscriptionId: wanted }),
  };
}

/** Records an event under its key, and holds its receipt against what the model makes of it. */
function record(model: Model, key: string, sent: Sent, receipt: Receipt | undefined): Taken | "repeat" | "refused" {
  const text = JSON.stringify(receipt);
  const first = model.receipts[key];
  if (first !== undefined) {
    must(first === text, `${key} was used before`, receipt, first);
    return "repeat";
  }
  const taken = take(model, sent);
  if (taken === undefined) return "refused";
  if (receipt === undefined) throw new Error(`${key} has no receipt`);
  must(receipt.metered === (taken.units !== 0), `${key} is metered`, receipt, taken);
  if (receipt.metered)
    must((receipt.meteredUnits ?? receipt.usageUnits) === taken.units, `${key} counts`, receipt, taken);
  else must(receipt.unmeteredReason === taken.reason, `${key} is not metered`, receipt, taken);
  model.receipts[key] = text;
  note(model, receipt.eventId, sent, taken);
  return taken;
}

/** What of an invoice a preview or a forecast must foretell. */
export function gist(invoice: Invoice | undefined) {
  if (invoice === undefined) return undefined;
  const { amount, type, periodStart, periodEnd, items } = invoice;
  const lines = items.map(({ kind, chargeAmount, description, quantity }) => ({
    kind,
    chargeAmount,
    description,
    quantity,
  }));
  return { amount, type, periodStart, periodEnd, lines };
}
