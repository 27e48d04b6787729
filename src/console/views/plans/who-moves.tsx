import { useEffect, useState } from "preact/hooks";
import { count, money } from "../../format.ts";
import { Time } from "../../ui/parts.tsx";
import { ShortTable } from "../../ui/short-table.tsx";
import { Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Migration, Plan } from "../../wire.ts";
import { askPreview } from "./preview.tsx";

/** Who would move to a plan's newest version, and what each pays before and after: the base, and with what was really used. */

export type Moves = Pick<Migration, "moved" | "skipped">;
type Moved = Migration["moved"][number];
type Skipped = Migration["skipped"][number];

/** Rows of a page: a preview prices as many customers at once. */
const ROWS = 10;
/** Who stays is seldom of interest beyond the first few. */
const SKIPPED_SHOWN = 5;

const REASONS: Record<Skipped["reason"], string> = {
  ENDED: "ended meanwhile",
  OTHER_VERSION: "has another version by now",
  ENDS: "cancelled to its period's end",
  CHANGE_SCHEDULED: "goes to another plan when its period ends",
  SCHEDULED_ALREADY: "waits for the end of its period already",
  FAILED: "could not be reached; try again",
};

/** What a page's customers would have paid for the last whole period, by version and customer. */
type Bills = { amounts: ReadonlyMap<string, number>; periodStart: string; periodEnd: string };

const billKey = (version: number, customerId: string): string => `${version} ${customerId}`;

/** Bills of these rows on the version they have and on the newest; none while they are worked out, or where that fails. */
function useBills(plan: Plan, rows: readonly Moved[]): Bills | undefined {
  const [bills, setBills] = useState<Bills>();
  useEffect(() => {
    let isWanted = true;
    setBills(undefined);
    askBills(plan, rows).then((found) => {
      if (isWanted) setBills(found);
    });
    return () => {
      isWanted = false;
    };
  }, [plan.id, rows.map(({ subscriptionId }) => subscriptionId).join()]);
  return bills;
}

async function askBills(plan: Plan, rows: readonly Moved[]): Promise<Bills | undefined> {
  const everybody = rows.map(({ customerId }) => customerId);
  const byVersion = Map.groupBy(rows, ({ fromVersion }) => fromVersion);
  const questions = [
    ...[...byVersion].map(([version, theirs]) => ({ version, customers: theirs.map(({ customerId }) => customerId) })),
    ...(rows.length === 0 ? [] : [{ version: plan.version, customers: everybody }]),
  ].map(({ version, customers }) => ({ version, customers: [...new Set(customers)] }));
  const answers = await Promise.all(questions.map((body) => askPreview(plan.id, body)));
  const amounts = new Map<string, number>();
  for (const { data } of answers)
    for (const { customerId, amount } of data?.customers ?? [])
      amounts.set(billKey(data?.version ?? 0, customerId), amount);
  const told = answers.find(({ data }) => data !== undefined)?.data;
  return told === undefined ? undefined : { amounts, periodStart: told.periodStart, periodEnd: told.periodEnd };
}

export function WhoMoves({ plan, found: { moved, skipped } }: { plan: Plan; found: Moves }) {
  return (
    <>
      {moved.length === 0 ? (
        <Empty title="Nobody would move">Every subscriber has the newest version, or is on the way to it.</Empty>
      ) : (
        <MovedTable plan={plan} moved={moved} />
      )}
      {skipped.length === 0 ? null : (
        <ShortTable
          label="Who stays"
          shown={SKIPPED_SHOWN}
          columns={SKIPPED_COLUMNS}
          rows={skipped}
          keyOf={({ subscriptionId }) => subscriptionId}
        />
      )}
    </>
  );
}

const owner = ({ customerId, customerName }: { customerId: string; customerName: string }) => (
  <a href={`/console/customers/${customerId}`}>{customerName}</a>
);

const SKIPPED_COLUMNS: readonly Column<Skipped>[] = [
  { title: "Stays", cell: owner },
  { title: "Because it", cell: ({ reason }) => REASONS[reason] },
];

function MovedTable({ plan, moved }: { plan: Plan; moved: readonly Moved[] }) {
  const { currency } = plan;
  const [chosen, setOffset] = useState(0);
  // Asked again there may be fewer.
  const offset = chosen < moved.length ? chosen : 0;
  const rows = moved.slice(offset, offset + ROWS);
  const bills = useBills(plan, rows);
  const bill = (version: number, customerId: string) => {
    const amount = bills?.amounts.get(billKey(version, customerId));
    return amount === undefined ? <span class="quiet">–</span> : money(amount, currency);
  };
  const columns: readonly Column<Moved>[] = [
    { title: "Customer", cell: owner },
    { title: "Version", isFigure: true, isMinor: true, cell: ({ fromVersion }) => fromVersion },
    {
      title: "Base now",
      isFigure: true,
      isMinor: true,
      cell: ({ priceAmount }) => money(priceAmount.before, currency),
    },
    {
      title: "Base then",
      isFigure: true,
      isMinor: true,
      cell: ({ priceAmount }) => money(priceAmount.after, currency),
    },
    { title: "Bill now", isFigure: true, cell: ({ customerId, fromVersion }) => bill(fromVersion, customerId) },
    {
      title: "Bill then",
      isFigure: true,
      cell: ({ customerId, toVersion }) => <strong>{bill(toVersion, customerId)}</strong>,
    },
    {
      title: "At once",
      isFigure: true,
      cell: ({ adjustmentAmount }) => (adjustmentAmount === undefined ? "–" : money(adjustmentAmount, currency)),
    },
    { title: "From", isMinor: true, cell: ({ effectiveAt }) => <Time at={effectiveAt} day /> },
  ];
  const sum = (side: "before" | "after") => moved.reduce((total, { priceAmount }) => total + priceAmount[side], 0);
  return (
    <>
      <Table label="Who would move" columns={columns} rows={rows} keyOf={({ subscriptionId }) => subscriptionId} />
      <Pager
        pagination={{ total: moved.length, limit: ROWS, offset, hasMore: offset + ROWS < moved.length }}
        onMove={setOffset}
      />
      <p class="card-note quiet">
        {moved.length === 1 ? "One subscription" : `${count(moved.length)} subscriptions`}, base{" "}
        {money(sum("before"), currency)} a period now, {money(sum("after"), currency)} then.{" "}
        {bills === undefined ? null : (
          <>
            Bill: base and what was really used from <Time at={bills.periodStart} day /> to{" "}
            <Time at={bills.periodEnd} day />, priced by each version.
          </>
        )}
      </p>
    </>
  );
}
