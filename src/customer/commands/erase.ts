import type { Refusal, Reply } from "../../domain/refusal.ts";
import { readSubscriptions } from "../book-store.ts";
import type { EraseCall, EraseReply } from "../calls.ts";
import { commit } from "../commit.ts";
import { readPools } from "../credit-store.ts";
import { erasePage } from "../erasure.ts";
import type { Change, Customer } from "../image.ts";
import { invoiceNumbers } from "../invoice-store.ts";
import { unknownCustomer } from "../questions/check.ts";

/**
 * Erases what is personal of the customer, for ever, here and then in D1; what is left stands under the id alone. Refused while a
 * subscription is live: whoever is still served is known. Erasing again changes nothing here, and lets D1 erase again whatever a
 * request that was under way may have brought back.
 */
export function erase(customer: Customer, { names }: EraseCall, nowMs: number): Reply<EraseReply> {
  const { image, sql } = customer;
  const { profile } = image.state;
  if (image.book.subscriptions.size > 0)
    return { ok: false, code: "state_conflict", why: "The customer has a live subscription: cancel it first." };
  const atMs = profile?.erased?.atMs ?? nowMs;
  const told: Change[] = [
    { kind: "unsent", outboxKind: "erasure", key: JSON.stringify(names) },
    { kind: "unsent", outboxKind: "customer", key: "" },
  ];
  if (profile?.erased !== undefined) commit(customer, told, nowMs);
  else
    commit(
      customer,
      [
        { kind: "erased", atMs },
        ...told,
        ...readSubscriptions(sql).map(({ number }) => unsent("subscription", number)),
        ...invoiceNumbers(sql).map((number) => unsent("invoice", number)),
        ...readPools(sql).map(({ number }) => unsent("pool", number)),
      ],
      nowMs,
    );
  return { ok: true, value: { erasedAtMs: atMs, isRepeat: profile?.erased !== undefined } };
}

function unsent(outboxKind: "subscription" | "invoice" | "pool", number: number): Change {
  return { kind: "unsent", outboxKind, key: String(number) };
}

/** Is there anything personal left in the long tables? Nothing comes into them once a customer is erased. */
export function isErasing({ image }: Customer): boolean {
  const erased = image.state.profile?.erased;
  return erased !== undefined && erased.throughNumber < Math.max(image.lastSeq, image.book.last.creditEntry);
}

/** Erases a page of the long tables, in one transaction with how far it came. */
export function eraseOn(customer: Customer, nowMs: number): void {
  const { profile } = customer.image.state;
  if (profile?.erased === undefined) return;
  const { erased } = profile;
  customer.transact(() => {
    const throughNumber = erasePage(customer.sql, erased);
    // Last, since it also changes memory, which no rollback would undo.
    commit(customer, [{ kind: "profile", profile: { ...profile, erased: { ...erased, throughNumber } } }], nowMs);
  });
}

/** Once erased, a customer is unknown to whoever asks, and nothing new is taken on; what is open of its invoices can be settled. */
const STILL_ANSWERED: readonly string[] = [
  "erase",
  "payInvoice",
  "voidInvoice",
  "payOut",
  "providerEvent",
  "paymentBooks",
  "subscription",
  "invoice",
  "explainInvoice",
  "replay",
  "books",
  "pool",
  "grant",
  "poolGrants",
  "poolEntries",
  "balanceAt",
  "explainPool",
  "advanceClock",
];
const QUESTIONS: readonly string[] = ["entitlements", "preview", "upcoming", "pools", "forecast", "export"];

/** Why this is not done for a customer who was erased; undefined: it is, or the customer was not. */
export function erasedRefusal(customer: Customer, name: string): Refusal | undefined {
  if (customer.image.state.profile?.erased === undefined || STILL_ANSWERED.includes(name)) return undefined;
  return QUESTIONS.includes(name) ? unknownCustomer(customer) : { ok: false, code: "customer_erased" };
}
