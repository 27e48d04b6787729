import * as z from "zod";
import { findCustomer, type Known } from "../../catalog/directory.ts";
import { EventGroupWire, EventsQuery, GroupedEventsQuery, rangeFields } from "../../contract/analytics.ts";
import { StoredEventWire, toWireEvent } from "../../contract/event.ts";
import { EventDetailWire, toWireEventDetail } from "../../contract/event-detail.ts";
import { idText, instantText, paged, pageOf, sumFields } from "../../contract/scalars.ts";
import type { EventFilter } from "../../customer/calls.ts";
import { objectOf } from "../../customer/object-of.ts";
import { addGroup, type EventGroup, type EventGroups } from "../../domain/event-groups.ts";
import { marginPercent, noFigures } from "../../domain/figures.ts";
import type { Reply } from "../../domain/refusal.ts";
import { groupedRollups } from "../../ledger/customer-sums.ts";
import { feedEvents, groupedFeed } from "../../ledger/feed.ts";
import { customerNames, featureIdsOfKey, featureNames } from "../../ledger/names.ts";
import { ownerOf } from "../customer-of.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";
import { featureLabel, NONE_LABEL } from "./analytics-items.ts";
import { asked } from "./analytics-range.ts";

/**
 * Raw events and their groups. Of one customer they are complete, from its object; of the account they come from the bounded
 * feed (`complete: false`), or, where sums are enough, from the rollups.
 */

type Sent = Omit<z.output<typeof GroupedEventsQuery>, "groupBy">;

/** Whom and what is asked for. `nothing`: the filter names a customer or feature that does not exist, so nothing can match. */
type Scope = { customer: Known | undefined; featureIds: string[] | undefined; nothing: boolean };

async function scopeOf(call: Call, sent: Sent): Promise<Scope> {
  const { accountId } = call.account.account;
  const names = [sent.customerReferenceId, sent.customerId].filter((ref) => ref !== undefined);
  const [owners, byKey] = await Promise.all([
    Promise.all(names.map((ref) => findCustomer(call.env.DB, accountId, ref))),
    sent.featureKey === undefined ? undefined : featureIdsOfKey(call.env.DB, accountId, sent.featureKey),
  ]);
  const [customer] = owners;
  const featureIds =
    sent.featureId === undefined
      ? byKey
      : byKey === undefined || byKey.includes(sent.featureId)
        ? [sent.featureId]
        : [];
  const unknown = owners.some((owner) => owner === undefined || owner.customerId !== customer?.customerId);
  return { customer, featureIds, nothing: unknown || featureIds?.length === 0 };
}

function eventFilter(sent: Sent): Omit<EventFilter, "featureId"> {
  return {
    ...(sent.start === undefined ? {} : { startMs: sent.start }),
    ...(sent.end === undefined ? {} : { endMs: sent.end }),
    ...(sent.model === undefined ? {} : { model: sent.model }),
    ...(sent.modelProvider === undefined ? {} : { modelProvider: sent.modelProvider }),
    ...(sent.eventName === undefined ? {} : { eventName: sent.eventName }),
  };
}

async function rawEvents(call: Call<unknown, z.output<typeof EventsQuery>>) {
  const { accountId } = call.account.account;
  const page = { limit: call.query.limit, offset: call.query.offset };
  const { customer, featureIds, nothing } = await scopeOf(call, call.query);
  const filter = eventFilter(call.query);
  const asOf = instantText(Date.now());
  if (nothing) return answer(200, { ...paged([], 0, page), complete: true, asOf });
  const features = await featureNames(call.env.DB, accountId);
  const featureKey = (featureId: string) => {
    const feature = features.get(featureId);
    return feature === undefined ? {} : { featureKey: feature.key };
  };
  if (customer !== undefined) {
    const found = await customerEvents(call, customer, filter, featureIds, page);
    const { referenceId, customerId } = customer;
    const reference = referenceId === undefined ? {} : { customerReferenceId: referenceId };
    const items = found.items.map((event) =>
      toWireEvent(event, { customerId, ...reference, ...featureKey(event.featureId) }),
    );
    return answer(200, { ...paged(items, found.total, page), complete: true, asOf });
  }
  const found = await feedEvents(
    call.env.DB,
    accountId,
    { ...filter, ...(featureIds === undefined ? {} : { featureIds }) },
    page,
  );
  const ids = [...new Set(found.items.map(({ customerId }) => customerId))];
  const customers = await customerNames(call.env.DB, accountId, ids);
  const items = found.items.map(({ customerId, event }) => {
    const reference = customers.get(customerId)?.referenceId;
    return toWireEvent(event, {
      customerId,
      ...(reference === undefined ? {} : { customerReferenceId: reference }),
      ...featureKey(event.featureId),
    });
  });
  return answer(200, { ...paged(items, found.total, page), complete: false, asOf });
}

/**
 * One customer's events. A key that was deleted and made again has named several features: the object is asked for each, and
 * the pages are cut from what they have together.
 */
async function customerEvents(
  call: Call,
  customer: Known,
  filter: EventFilter,
  featureIds: string[] | undefined,
  page: { limit: number; offset: number },
) {
  const object = objectOf(call.env, call.account.account.accountId, customer.customerId);
  const [only, ...more] = featureIds ?? [];
  if (more.length === 0) return object.events(only === undefined ? filter : { ...filter, featureId: only }, page);
  const upTo = { limit: page.offset + page.limit, offset: 0 };
  const parts = await Promise.all((featureIds ?? []).map((featureId) => object.events({ ...filter, featureId }, upTo)));
  const items = parts.flatMap((part) => part.items);
  items.sort((a, b) => b.occurredAtMs - a.occurredAtMs || b.seq - a.seq);
  return {
    items: items.slice(page.offset, page.offset + page.limit),
    total: parts.reduce((sum, part) => sum + part.total, 0),
  };
}

const Id = z.object({ id: idText });

async function oneEvent(call: Call<z.output<typeof Id>>): Promise<Answer> {
  const { accountId } = call.account.account;
  const owner = ownerOf(call, "event", call.params.id);
  if (!owner.ok) return owner;
  const customerId = owner.value;
  const reply = await objectOf(call.env, accountId, customerId).event(call.params.id);
  if (!reply.ok) return reply;
  const { featureId } = reply.value.event;
  const [customers, features] = await Promise.all([
    customerNames(call.env.DB, accountId, [customerId]),
    featureNames(call.env.DB, accountId),
  ]);
  const reference = customers.get(customerId)?.referenceId;
  const feature = features.get(featureId);
  return answer(
    200,
    toWireEventDetail(reply.value, {
      customerId,
      ...(reference === undefined ? {} : { customerReferenceId: reference }),
      ...(feature === undefined ? {} : { featureKey: feature.key }),
    }),
  );
}

async function groupedEvents(call: Call<unknown, z.output<typeof GroupedEventsQuery>>) {
  const { groupBy } = call.query;
  const { currency } = call.account.account;
  const scope = await scopeOf(call, call.query);
  const found = await groupsOf(call, scope);
  if (!found.ok) return found;
  const { groups, complete, range } = found.value;
  const label = await labelOf(call, groupBy, groups);
  const items = groups
    .sort((a, b) => b.events - a.events || (a.key < b.key ? -1 : 1))
    .map((group) => ({
      groupKey: group.key,
      groupLabel: label(group.key),
      eventCount: group.events,
      ...sumFields("totalCost", group.costE12),
      ...sumFields("totalRevenue", group.revenueE12),
      ...sumFields("totalUsageUnits", group.usageE12),
      ...sumFields("margin", group.revenueE12 - group.costE12),
      marginPercent: marginPercent({ ...noFigures(), costE12: group.costE12, revenueE12: group.revenueE12 }),
      costUnknownEvents: group.costUnknownEvents,
      ...(group.currency === undefined || group.currency === currency ? {} : { currency: group.currency }),
      lastOccurredAt: instantText(group.lastOccurredAtMs),
    }));
  return answer(200, { items, complete, ...range, asOf: instantText(Date.now()), currency, groupBy });
}

type Groups = { groups: EventGroup[]; complete: boolean; range: { start?: string; end?: string } };

async function groupsOf(
  call: Call<unknown, z.output<typeof GroupedEventsQuery>>,
  { customer, featureIds, nothing }: Scope,
): Promise<Reply<Groups>> {
  const { groupBy, ...sent } = call.query;
  const filter = eventFilter(sent);
  const exactRange = {
    ...(sent.start === undefined ? {} : { start: instantText(sent.start) }),
    ...(sent.end === undefined ? {} : { end: instantText(sent.end) }),
  };
  if (nothing) return { ok: true, value: { groups: [], complete: true, range: exactRange } };
  if (customer !== undefined) {
    const groups = await customerGroups(call, customer, filter, featureIds, groupBy);
    return { ok: true, value: { groups, complete: true, range: exactRange } };
  }
  const features = featureIds === undefined ? {} : { featureIds };
  if (groupBy === "EVENT_NAME" || sent.eventName !== undefined) {
    const groups = await groupedFeed(call.env.DB, call.account.account.accountId, { ...filter, ...features }, groupBy);
    return { ok: true, value: { groups, complete: false, range: exactRange } };
  }
  const reply = asked(call, sent);
  if (!reply.ok) return reply;
  const { accountId, range } = reply.value;
  const rows = await groupedRollups(call.env.DB, accountId, range, groupBy, {
    ...features,
    ...(sent.model === undefined ? {} : { model: sent.model }),
    ...(sent.modelProvider === undefined ? {} : { modelProvider: sent.modelProvider }),
  });
  const groups = rows.map(({ member, currency, figures, lastBucketMs }) => {
    const { events, costUnknownEvents, usageE12, costE12, revenueE12 } = figures;
    return {
      key: member,
      currency,
      events,
      costUnknownEvents,
      usageE12,
      costE12,
      revenueE12,
      lastOccurredAtMs: lastBucketMs,
    };
  });
  return { ok: true, value: { groups, complete: true, range: rangeFields(range) } };
}

async function customerGroups(
  call: Call,
  customer: Known,
  filter: EventFilter,
  featureIds: string[] | undefined,
  groupBy: z.output<typeof GroupedEventsQuery>["groupBy"],
): Promise<EventGroup[]> {
  const object = objectOf(call.env, call.account.account.accountId, customer.customerId);
  const filters: EventFilter[] =
    featureIds === undefined ? [filter] : featureIds.map((featureId) => ({ ...filter, featureId }));
  const parts = await Promise.all(
    // Of one customer there is one group by customer: any grouping sums to it.
    filters.map((one) => object.groupedEvents(one, groupBy === "CUSTOMER" ? "MODEL" : groupBy)),
  );
  const groups: EventGroups = new Map();
  for (const part of parts.flat()) addGroup(groups, groupBy === "CUSTOMER" ? customer.customerId : part.key, part);
  return [...groups.values()];
}

async function labelOf(
  call: Call,
  groupBy: z.output<typeof GroupedEventsQuery>["groupBy"],
  groups: readonly EventGroup[],
): Promise<(key: string) => string> {
  const { accountId } = call.account.account;
  if (groupBy === "CUSTOMER") {
    const names = await customerNames(
      call.env.DB,
      accountId,
      groups.map(({ key }) => key),
    );
    return (key) => names.get(key)?.name ?? key;
  }
  if (groupBy === "FEATURE") {
    const names = await featureNames(call.env.DB, accountId);
    return (key) => featureLabel(key, names);
  }
  return (key) => (key === "" ? NONE_LABEL : key);
}

const completeness = z.boolean().meta({
  description:
    "True: all events there are. False: from the feed, which keeps the newest of an account, at most 50,000.",
});

export const analyticsEventRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/events",
    aliases: ["/api/v1/tanso/events"],
    scope: "admin",
    tag: "Analytics",
    summary: "Raw events, newest first",
    description:
      "With `customerReferenceId` or `customerId` (either takes any of a customer's three identifiers): all of that customer's events, from its own store, the newest included (`complete: true`). Without: the account's newest events (`complete: false`), some seconds late. A filter that names an unknown customer or feature finds nothing. `start` and `end` are exact here; without them there is no bound.",
    query: EventsQuery,
    answers: {
      200: pageOf(StoredEventWire).extend({ complete: completeness, asOf: z.iso.datetime() }),
    },
    handle: rawEvents,
  }),
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/events/grouped",
    aliases: ["/api/v1/tanso/events/grouped"],
    scope: "admin",
    tag: "Analytics",
    summary: "Events summed by one property",
    description:
      "Most events first. Of one customer: complete, from its own store, within exactly `[start, end)`, without bounds if none are given. Of the account, by model, provider, customer or feature: complete, from the hourly sums; `start` and `end` are then widened to whole hours (days beyond 35 days), default the last 30 days, and `lastOccurredAt` is the start of the newest hour. By `EVENT_NAME` or with `eventName`: from the feed of newest events (`complete: false`). Sums in another currency than the account's are groups of their own, with `currency`.",
    query: GroupedEventsQuery,
    answers: {
      200: z.object({
        items: z.array(EventGroupWire),
        complete: completeness,
        start: z.iso.datetime().optional(),
        end: z.iso.datetime().optional(),
        asOf: z.iso.datetime(),
        currency: z.string().meta({ description: "The account's, in which groups are that name no other." }),
        groupBy: z.string(),
      }),
    },
    handle: groupedEvents,
  }),
  // Behind the literal path, which it would match as well.
  defineRoute({
    method: "GET",
    path: "/api/v1/analytics/events/{id}",
    scope: "admin",
    tag: "Analytics",
    summary: "Read an event",
    description:
      "From its customer's own store: its receipt as it is known now, the plan version and the rule that price it, the tiers that its units stand in, and every correction of it.",
    params: Id,
    answers: { 200: EventDetailWire },
    refuses: ["thing_not_found", "quarantined"],
    handle: oneEvent,
  }),
];
