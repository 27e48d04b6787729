import type { Uuid } from "./ids.ts";

/** What became of a webhook. RECEIVED: nothing yet, or it is being handled. IGNORED: kept, and of no meaning here. */
export const WEBHOOK_STATES = ["RECEIVED", "HANDLED", "IGNORED", "FAILED"] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** A webhook as it was kept, without its body. Absent `nextAttemptAtMs`: nothing more is tried. */
export type KeptWebhook = {
  eventId: string;
  type: string;
  state: WebhookState;
  /** When it happened at the provider. */
  createdAtMs: number;
  receivedAtMs: number;
  customerId?: Uuid;
  attempts: number;
  nextAttemptAtMs?: number;
  failure?: string;
};
