import { useAsk, withQuery } from "../../api.ts";
import { count, words } from "../../format.ts";
import { setQuery } from "../../router.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Badge, Fact, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Explained } from "../../wire.ts";
import { Signed } from "./ledger.tsx";

/** What became of one grant, step by step, down to the events that burned it. */

type Step = Explained["grants"]["items"][number]["history"][number];

const COLUMNS: readonly Column<Step>[] = [
  { title: "When", cell: ({ transaction }) => <Time at={transaction.createdAt} /> },
  { title: "What", cell: ({ transaction }) => <Badge state={transaction.transactionType} /> },
  { title: "Credits", isFigure: true, cell: ({ amount }) => <Signed amount={amount} /> },
  {
    title: "Left",
    isFigure: true,
    cell: ({ remaining }) => (remaining === undefined ? "–" : <strong>{count(remaining)}</strong>),
  },
];

export function ExplainedGrant({ reference, poolId, nth }: { reference: string; poolId: string; nth: number }) {
  const asked = useAsk<Explained>(
    withQuery(`/api/v1/client/credits/${reference}/pools/${poolId}/explain`, { limit: 1, offset: nth }),
  );
  return (
    <Dialog kind="panel" title="What became of this grant" onClose={() => setQuery({ grant: undefined })}>
      <Answer asked={asked} what="the grant">
        {({ grants: { items }, nextCursor }) => {
          const [explained] = items;
          if (explained === undefined) return <Empty title="There is no such grant" />;
          const { grant, history } = explained;
          return (
            <>
              <dl class="facts">
                <Fact name="Kind">{words(grant.grantType)}</Fact>
                <Fact name="Amount">
                  {count(grant.amount)}, of which {count(grant.remaining)} are left
                </Fact>
                <Fact name="Expires">{grant.expiresAt === undefined ? "never" : <Time at={grant.expiresAt} />}</Fact>
                {grant.voidedAt === undefined ? null : (
                  <Fact name="Voided">
                    <Time at={grant.voidedAt} />
                  </Fact>
                )}
                {grant.description === undefined ? null : <Fact name="Said">{grant.description}</Fact>}
                {grant.invoiceId === undefined ? null : (
                  <Fact name="Invoice">
                    <a href={`/console/invoices/${grant.invoiceId}`}>Paid for by this one</a>
                  </Fact>
                )}
                {grant.subscriptionId === undefined ? null : (
                  <Fact name="Subscription">
                    <a href={`/console/subscriptions/${grant.subscriptionId}`}>Given by this one</a>
                  </Fact>
                )}
                <Fact name="Id">
                  <code>{grant.id}</code>
                </Fact>
              </dl>
              <Table label="History" columns={COLUMNS} rows={history} keyOf={({ transaction }) => transaction.id} />
              {nextCursor === undefined ? null : (
                <p class="quiet card-note">These are its first steps; the ledger has the later ones.</p>
              )}
            </>
          );
        }}
      </Answer>
    </Dialog>
  );
}
