import { randomUUID } from "node:crypto";

/**
 * Makers of event requests. Every event has a key of its own, so nothing is a duplicate, and what a request for an LLM call
 * would carry. The text is put together by hand: a client that spends its core on JSON leaves none to the engine.
 */

const eventText = (key, customer, feature) =>
  `{"eventName":"chat.completion","eventIdempotencyKey":"${key}","customerReferenceId":"${customer}","featureKey":"${feature}",` +
  `"usageUnits":1,"revenueAmount":0.002,"flowId":"flow-bench","costInput":{"model":"gpt-4o-mini","modelProvider":"openai",` +
  `"inputTokens":1200,"outputTokens":180}}`;

/** One event per request, for `customers` in turn. */
export function single({ path, headers, customers, feature }) {
  const run = randomUUID().slice(0, 8);
  let sent = 0;
  return () => {
    sent += 1;
    return {
      method: "POST",
      path,
      headers,
      body: eventText(`${run}-${sent}`, customers[sent % customers.length], feature),
    };
  };
}

/** `size` events per request, for `customers` in turn. */
export function batch({ path, headers, customers, feature, size }) {
  const run = randomUUID().slice(0, 8);
  let sent = 0;
  return () => {
    const events = [];
    for (let index = 0; index < size; index += 1) {
      sent += 1;
      events.push(eventText(`${run}-${sent}`, customers[sent % customers.length], feature));
    }
    return { method: "POST", path, headers, body: `{"events":[${events.join(",")}]}` };
  };
}
