import type { CreditEntry, Draw, E4, Grant, Pool, PoolLink, PoolStatus } from "./credit.ts";
import { type CustomerTag, customerThingId, type Uuid } from "./ids.ts";

/**
 * What a customer's object tells of credits: with ids in place of numbers. The same shapes are answers, and the copies in D1. Survive
 * structured clone and `jsonText`.
 */

/** DEPLETED: nothing is in an ACTIVE hard pool. A grant revives it. */
export type ShownPoolStatus = PoolStatus | "DEPLETED";

export type PoolLinkView = Omit<PoolLink, "subscription" | "drawnAfter"> & { subscriptionId: Uuid };

export type PoolView = Omit<Pool, "number" | "status" | "links"> & {
  poolId: Uuid;
  status: ShownPoolStatus;
  links: readonly PoolLinkView[];
};

export type GrantView = Omit<Grant, "number" | "pool" | "subscription" | "invoice" | "carriesE4" | "owedE4"> & {
  grantId: Uuid;
  poolId: Uuid;
  subscriptionId?: Uuid;
  invoiceId?: Uuid;
};

export type DrawView = Omit<Draw, "grant"> & { grantId: Uuid };

export type EntryView = Omit<
  CreditEntry,
  "number" | "pool" | "grant" | "draws" | "eventSeq" | "subscription" | "reverses"
> & {
  entryId: Uuid;
  poolId: Uuid;
  grantId?: Uuid;
  draws?: readonly DrawView[];
  eventId?: Uuid;
  /** The entry that it takes back. */
  reversesId?: Uuid;
};

/** What an entry did to a grant: `amountE4` is the grant's share, `remainingE4` what it had left, where that is known. */
export type GrantStep = { entry: EntryView; amountE4: E4; remainingE4?: E4 };

/** A grant with what happened to it, in order. */
export type ExplainedGrant = { grant: GrantView; steps: GrantStep[] };

export function shownPoolStatus({ status, hardLimit, balanceE4 }: Pool): ShownPoolStatus {
  return status === "ACTIVE" && hardLimit && balanceE4 === 0n ? "DEPLETED" : status;
}

export function poolViewOf(tag: CustomerTag, pool: Pool): PoolView {
  const { number, links, ...rest } = pool;
  return {
    ...rest,
    poolId: customerThingId(tag, "creditPool", number),
    status: shownPoolStatus(pool),
    links: links.map(({ subscription, drawnAfter: _, ...link }) => ({
      ...link,
      subscriptionId: customerThingId(tag, "subscription", subscription),
    })),
  };
}

export function grantViewOf(tag: CustomerTag, grant: Grant): GrantView {
  const { number, pool, subscription, invoice, carriesE4: _, owedE4: __, ...rest } = grant;
  return {
    ...rest,
    grantId: customerThingId(tag, "creditGrant", number),
    poolId: customerThingId(tag, "creditPool", pool),
    ...(subscription === undefined ? {} : { subscriptionId: customerThingId(tag, "subscription", subscription) }),
    ...(invoice === undefined ? {} : { invoiceId: customerThingId(tag, "invoice", invoice) }),
  };
}

export function entryViewOf(tag: CustomerTag, entry: CreditEntry): EntryView {
  const { number, pool, grant, draws, eventSeq, subscription: _, reverses, ...rest } = entry;
  return {
    ...rest,
    entryId: customerThingId(tag, "creditEntry", number),
    poolId: customerThingId(tag, "creditPool", pool),
    ...(grant === undefined ? {} : { grantId: customerThingId(tag, "creditGrant", grant) }),
    ...(draws === undefined
      ? {}
      : {
          draws: draws.map((draw) => ({
            grantId: customerThingId(tag, "creditGrant", draw.grant),
            amountE4: draw.amountE4,
          })),
        }),
    ...(eventSeq === undefined ? {} : { eventId: customerThingId(tag, "event", eventSeq) }),
    ...(reverses === undefined ? {} : { reversesId: customerThingId(tag, "creditEntry", reverses) }),
  };
}
