import * as z from "zod";
import {
  beginAdvance,
  clockCustomerPage,
  clockOf,
  clockPage,
  customersOfClock,
  deleteClock,
  finishAdvance,
  insertClock,
} from "../../catalog/test-clocks.ts";
import { CustomerItemWire, toWireCustomerItem } from "../../contract/customer.ts";
import { idText, page, paged, pageOf } from "../../contract/scalars.ts";
import {
  AdvancedClockWire,
  AdvanceTestClock,
  CreateTestClock,
  type Settled,
  TestClockWire,
  toWireAdvancedClock,
  toWireTestClock,
} from "../../contract/test-clock.ts";
import type { Advanced } from "../../customer/calls.ts";
import { callEach } from "../../customer/object-of.ts";
import { CLOCK_CUSTOMERS_MAX } from "../../domain/limits.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { advanceRefusal, type TestClock } from "../../domain/test-clock.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { liveAccount, noClock } from "../test-clock-of.ts";

/** Test clocks, for the operator of a test account. How a customer joins one is `test-clock-of.ts`. */

const PATH = "/api/v1/test-clocks";
const Id = z.object({ id: idText });
type Id = z.output<typeof Id>;

function createClock(call: Call<unknown, unknown, z.output<typeof CreateTestClock>>): Promise<Answer> | Answer {
  const { accountId } = call.account.account;
  const { name, frozenTime } = call.body;
  return (
    liveAccount(call) ??
    commitAccount(call, async (nowMs) => {
      const clock: TestClock = {
        clockId: crypto.randomUUID(),
        ...(name === undefined ? {} : { name }),
        frozenAtMs: frozenTime,
        createdAtMs: nowMs,
      };
      const shown = toWireTestClock(clock);
      return {
        ok: true,
        version: "leave",
        statements: [insertClock(call.env.DB, accountId, clock)],
        audit: { action: "clock.created", target: clock.clockId, after: shown },
        status: 201,
        data: shown,
      };
    })
  );
}

async function readClock(call: Call<Id>): Promise<Answer> {
  const refused = liveAccount(call);
  if (refused !== undefined) return refused;
  const found = await clockOf(call.env.DB, call.account.account.accountId, call.params.id.toLowerCase());
  return found === undefined ? noClock(call.params.id) : answer(200, toWireTestClock(found.clock, found.customers));
}

async function listCustomers(call: Call<Id, z.output<z.ZodObject<typeof page>>>): Promise<Answer> {
  const refused = liveAccount(call);
  if (refused !== undefined) return refused;
  const { accountId } = call.account.account;
  const clockId = call.params.id.toLowerCase();
  if ((await clockOf(call.env.DB, accountId, clockId)) === undefined) return noClock(call.params.id);
  const { items, total } = await clockCustomerPage(call.env.DB, accountId, clockId, call.query);
  return answer(
    200,
    paged(
      items.map((view) => toWireCustomerItem(view, true)),
      total,
      call.query,
    ),
  );
}

/**
 * Where the clock is going is written first, where it stands last. Interrupted in between, by whatever, the same call goes on: who
 * has arrived already stays as it is.
 */
function advanceClock(call: Call<Id, unknown, z.output<typeof AdvanceTestClock>>): Promise<Answer> | Answer {
  const { accountId } = call.account.account;
  const clockId = call.params.id.toLowerCase();
  const toMs = call.body.frozenTime;
  return (
    liveAccount(call) ??
    commitAccount(call, async () => {
      const clock = await beginAdvance(call.env.DB, accountId, clockId, toMs);
      if (clock === undefined) return noClock(call.params.id);
      const refused = advanceRefusal(clock, toMs);
      if (refused !== undefined) return refused;
      const ids = await customersOfClock(call.env.DB, accountId, clockId);
      const owners = ids.map((customerId) => ({ accountId, customerId }));
      const replies = await callEach(call.env, owners, async (object) => object.advanceClock(toMs));
      const advanced = replies.flatMap((reply) =>
        reply.status === "fulfilled" && reply.value.ok ? [reply.value.value] : [],
      );
      if (advanced.length < owners.length) return unfinished(owners.length - advanced.length);
      const shown = toWireAdvancedClock(clock, toMs, sumOf(advanced));
      return {
        ok: true,
        version: "leave",
        statements: [finishAdvance(call.env.DB, accountId, clockId, toMs)],
        audit: {
          action: "clock.advanced",
          target: clockId,
          before: { frozenTime: toWireTestClock(clock).frozenTime },
          after: shown,
        },
        status: 200,
        data: shown,
      };
    })
  );
}

function sumOf(advanced: readonly Advanced[]): Settled {
  const sum: Settled = { customers: 0, periods: 0, invoices: 0, grants: 0, expirations: 0 };
  for (const {
    periods,
    invoices,
    grants,
    expirations,
    steps = periods + invoices + grants + expirations,
  } of advanced) {
    if (steps > 0) sum.customers += 1;
    sum.periods += periods;
    sum.invoices += invoices;
    sum.grants += grants;
    sum.expirations += expirations;
  }
  return sum;
}

function unfinished(customers: number): Refusal {
  return { ok: false, code: "clock_unfinished", customers };
}

/** Releases every customer, then ends the clock: interrupted, the same call goes on. */
function removeClock(call: Call<Id>): Promise<Answer> | Answer {
  const { accountId } = call.account.account;
  const clockId = call.params.id.toLowerCase();
  return (
    liveAccount(call) ??
    commitAccount(call, async (nowMs) => {
      const found = await clockOf(call.env.DB, accountId, clockId);
      if (found === undefined) return noClock(call.params.id);
      const ids = await customersOfClock(call.env.DB, accountId, clockId);
      const owners = ids.map((customerId) => ({ accountId, customerId }));
      const released = await callEach(call.env, owners, (object) => object.releaseClock());
      const failed = released.filter(({ status }) => status === "rejected").length;
      if (failed > 0) return unfinished(failed);
      return {
        ok: true,
        version: "leave",
        statements: deleteClock(call.env.DB, accountId, clockId, nowMs),
        audit: { action: "clock.deleted", target: clockId, before: toWireTestClock(found.clock) },
        status: 200,
      };
    })
  );
}

export const testClockRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    scope: "admin",
    tag: "Test clocks",
    summary: "List test clocks, newest first",
    query: z.object(page),
    answers: { 200: pageOf(TestClockWire) },
    handle: async (call) => {
      const refused = liveAccount(call);
      if (refused !== undefined) return refused;
      const { items, total } = await clockPage(call.env.DB, call.account.account.accountId, call.query);
      return answer(
        200,
        paged(
          items.map(({ clock, customers }) => toWireTestClock(clock, customers)),
          total,
          call.query,
        ),
      );
    },
  }),
  defineRoute({
    method: "POST",
    path: PATH,
    scope: "admin",
    tag: "Test clocks",
    summary: "Make a test clock",
    description: [
      "Time of a test account that stands until it is advanced; a live account has none (403).",
      "",
      `A customer lives by it from its first instant when \`testClockId\` stands in the POST that registers it, at most ${CLOCK_CUSTOMERS_MAX} of them. “Now” is then the clock's, everywhere: periods, due dates, expiry, entitlements and the default of \`occurredAt\`. Customers that events make live in real time.`,
    ].join("\n"),
    body: CreateTestClock,
    examples: { body: { name: "A year of renewals", frozenTime: "2027-01-31T09:00:00Z" } },
    answers: { 201: TestClockWire },
    refuses: ["request_conflict"],
    handle: createClock,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Test clocks",
    summary: "Read a test clock",
    params: Id,
    answers: { 200: TestClockWire },
    refuses: ["thing_not_found"],
    handle: readClock,
  }),
  defineRoute({
    method: "GET",
    path: `${PATH}/{id}/customers`,
    scope: "admin",
    tag: "Test clocks",
    summary: "List the customers that live by a test clock, newest first",
    params: Id,
    query: z.object(page),
    answers: { 200: pageOf(CustomerItemWire) },
    refuses: ["thing_not_found"],
    handle: listCustomers,
  }),
  defineRoute({
    method: "POST",
    path: `${PATH}/{id}/advance`,
    scope: "admin",
    tag: "Test clocks",
    summary: "Advance a test clock",
    description: [
      "Only forwards, at most two years a call. When it answers, all that was due for the clock's customers until then has happened, each thing at its instant and in order.",
      "",
      "The clock's own instant again changes nothing. Should it end early (503, a lost connection), repeat it: it goes on where it was. Until then an advance to an earlier instant is refused (409).",
    ].join("\n"),
    params: Id,
    body: AdvanceTestClock,
    examples: { body: { frozenTime: "2027-03-01T00:00:00Z" } },
    answers: { 200: AdvancedClockWire },
    refuses: ["thing_not_found", "state_conflict", "clock_unfinished", "request_conflict"],
    handle: advanceClock,
  }),
  defineRoute({
    method: "DELETE",
    path: `${PATH}/{id}`,
    scope: "admin",
    tag: "Test clocks",
    summary: "End a test clock",
    description:
      "Its customers live in real time from now on; what is due by then happens at once. Time never runs backwards for a customer: one whose clock stood ahead of it stays at that instant until real time is there. Should it end early (503), repeat it.",
    params: Id,
    answers: { 200: null },
    refuses: ["thing_not_found", "clock_unfinished", "request_conflict"],
    handle: removeClock,
  }),
];
