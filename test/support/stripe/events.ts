import * as z from "zod";
import { pageOf } from "./lists.ts";
import { list, paging, text } from "./params.ts";
import { get } from "./route.ts";
import { type Account, type Context, diceOf, found, newId, type StripeEvent } from "./state.ts";

/** The version of Stripe's API whose shapes the double answers in: the one that the pinned SDK asks for. */
export const API_VERSION = "2026-10-28.endive";

/** Notes what happened to `object`, as it is now, and puts it on its way to every endpoint that wants it. */
export function emit(
  context: Context,
  type: string,
  object: object,
  previous?: Readonly<Record<string, unknown>>,
): StripeEvent {
  const { account } = context;
  const endpoints = Object.values(account.endpoints).filter(
    ({ enabled_events, status }) =>
      status === "enabled" && (enabled_events.includes("*") || enabled_events.includes(type)),
  );
  const event: StripeEvent = {
    id: newId(account, "evt"),
    object: "event",
    api_version: API_VERSION,
    created: context.nowSeconds,
    data: {
      object: structuredClone(object) as Record<string, unknown>,
      ...(previous === undefined ? {} : { previous_attributes: structuredClone(previous) }),
    },
    livemode: false,
    pending_webhooks: endpoints.length,
    request: { id: context.requestId, idempotency_key: context.idempotencyKey },
    type,
  };
  account.events[event.id] = event;
  for (const { id, url } of endpoints) {
    const delivery = { eventId: event.id, eventType: type, endpointId: id, url, state: "held" as const };
    for (let copy = 0; copy < account.delivery.copies; copy++)
      account.deliveries.push({ ...delivery, id: newId(account, "dlv"), state: firstState(account), attempts: [] });
  }
  return event;
}

function firstState({ delivery, seed, made }: Account): "held" | "lost" | "due" {
  if (delivery.loseOneIn > 0 && diceOf(`${seed}/lose/${made}`)() < 1 / delivery.loseOneIn) return "lost";
  return delivery.hold ? "held" : "due";
}

export const eventRoutes = [
  get("/v1/events/:id", "event", z.strictObject({}), ({ account }, _, { id }) => found(account.events, "event", id)),
  get(
    "/v1/events",
    "event",
    z.strictObject({ ...paging, type: text().optional(), types: list(text()).optional() }),
    ({ account }, params) =>
      pageOf(
        "/v1/events",
        account.events,
        params,
        ({ type }) => (params.type ?? type) === type && (params.types ?? [type]).includes(type),
      ),
  ),
];
