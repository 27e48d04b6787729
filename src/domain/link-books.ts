import { type Break, type LawVerdict, verdict } from "./books.ts";
import type { E4, Pool, PoolLink } from "./credit.ts";
import { formatE4 } from "./credit-amount.ts";
import type { PoolAudit, PoolFacts } from "./pool-books.ts";

/**
 * The laws of what a pool counts for each of its subscriptions, by which it limits their draws: what is held is what their open
 * reservations hold of it, and what is drawn is what the ledger drew for them since the count began, less what of that came back. Links
 * that were taken away count on to the end of their period, and are held against the same.
 *
 * Links of before do not say when their count began: what they have drawn cannot be derived, and is left out.
 */

/** A link and what it should have counted. */
type Count = { link: PoolLink; drawnE4: E4 };

export function auditLinks(pool: Pool, { linksHeldE4 }: Pick<PoolFacts, "linksHeldE4">): PoolAudit {
  const { number, name, links, unlinked = [] } = pool;
  const counts = new Map<number, Count>();
  for (const link of [...links, ...unlinked]) counts.set(link.subscription, { link, drawnE4: 0n });
  /** Those of a subscription, if an entry of this number is in its count. */
  const countOf = (subscription: number | undefined, entry: number): Count | undefined => {
    const found = subscription === undefined ? undefined : counts.get(subscription);
    const after = found?.link.drawnAfter;
    return after === undefined || entry <= after ? undefined : found;
  };
  return {
    entry({ number: entry, type, amountE4, subscription, reverses }, { reversedFor } = {}) {
      // What comes back counts where it was drawn: a reversal says only which entry it takes back.
      const counted =
        type === "DEDUCTION"
          ? countOf(subscription, entry)
          : type === "REVERSAL" && reverses !== undefined
            ? countOf(reversedFor, reverses)
            : undefined;
      if (counted !== undefined) counted.drawnE4 -= amountE4;
    },
    grant() {},
    verdicts(): LawVerdict[] {
      const subject = { kind: "creditPool" as const, number, name };
      const all = [...counts.values()];
      const drawn = compare(
        all
          .filter(({ link }) => link.drawnAfter !== undefined)
          .map(({ link, drawnE4 }) => ({ link, saidE4: link.drawnE4, isE4: drawnE4 })),
        (said, is) => `counts ${said} as drawn for it, the ledger drew ${is}`,
      );
      const held = compare(
        all.map(({ link }) => ({ link, saidE4: link.heldE4, isE4: linksHeldE4.get(link.subscription) ?? 0n })),
        (said, is) => `counts ${said} as held for it, its open reservations hold ${is}`,
      );
      return [
        verdict("links_drawn", subject, drawn.sides, drawn.broken),
        verdict("links_held", subject, held.sides, held.broken),
      ];
    },
  };

  function compare(
    counted: readonly { link: PoolLink; saidE4: E4; isE4: E4 }[],
    why: (said: string, is: string) => string,
  ) {
    let [left, right] = [0n, 0n];
    let broken: Break | undefined;
    for (const { link, saidE4, isE4 } of counted) {
      left += saidE4;
      right += isE4;
      if (saidE4 !== isE4)
        broken ??= {
          kind: "subscription",
          number: link.subscription,
          why: `its pool ${why(formatE4(saidE4), formatE4(isE4))}`,
        };
    }
    return { sides: { left, right, format: formatE4 }, broken };
  }
}
