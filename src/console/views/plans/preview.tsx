import { useEffect, useState } from "preact/hooks";
import { ask, type Problem } from "../../api.ts";
import { count, exactMoney, money, percent } from "../../format.ts";
import { Card, Time } from "../../ui/parts.tsx";
import { Empty, Failure, Loading } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { PlanPreview } from "../../wire.ts";

/** What real customers would have paid on a plan for the last whole period: as it is, or as it is being edited. */

/** What `POST …/preview` takes. */
export type PreviewBody = {
  customers?: string[];
  priceAmount?: number | string;
  features?: unknown;
  version?: number;
};
type Previewed = PlanPreview["customers"][number];
type Line = Previewed["lines"][number];

export type PreviewState = { data?: PlanPreview; problem?: Problem; isLoading: boolean };

/** Asks for a preview of the plan as it is, and again with every other `turn`. */
export function usePreview(planId: string, turn: unknown): PreviewState {
  const [state, setState] = useState<PreviewState>({ isLoading: true });
  useEffect(() => {
    let isWanted = true;
    setState((known) => ({ ...known, isLoading: true }));
    askPreview(planId, {}).then((answered) => {
      if (isWanted) setState({ ...answered, isLoading: false });
    });
    return () => {
      isWanted = false;
    };
  }, [planId, turn]);
  return state;
}

export async function askPreview(planId: string, body: PreviewBody): Promise<Omit<PreviewState, "isLoading">> {
  const answered = await ask<PlanPreview>("POST", `/api/v1/monetization/plans/${planId}/preview`, body);
  return answered.ok ? { data: answered.data } : { problem: answered.problem };
}

const nameOf = ({ customerReferenceId, customerId }: Previewed): string => customerReferenceId ?? customerId;

export function PreviewCard({ preview }: { preview: PreviewState }) {
  const { data, problem } = preview;
  return (
    <Card title="What real customers would have paid" wide>
      {problem !== undefined ? (
        <Failure problem={problem} />
      ) : data === undefined ? (
        <Loading what="the preview" />
      ) : (
        <PreviewTable preview={data} />
      )}
    </Card>
  );
}

/** `before`: the same customers on the plan as it is, where `preview` is of an edited one. */
export function PreviewTable({ preview, before }: { preview: PlanPreview; before?: PlanPreview | undefined }) {
  const { customers, currency, costCurrency, periodStart, periodEnd } = preview;
  const [opened, setOpened] = useState<string>();
  if (customers.length === 0)
    return (
      <Empty title="Nobody used its features in that time">
        Once customers have used them for a month, this shows what three of them would have paid.
      </Empty>
    );
  const beforeOf = (one: Previewed) => before?.customers.find(({ customerId }) => customerId === one.customerId);
  const columns: readonly Column<Previewed>[] = [
    {
      title: "Customer",
      cell: (one) => <a href={`/console/customers/${encodeURIComponent(nameOf(one))}`}>{one.customerName}</a>,
    },
    { title: "Events", isFigure: true, isMinor: true, cell: ({ events }) => count(events) },
    ...(before === undefined
      ? []
      : [
          {
            title: "As it is",
            isFigure: true,
            cell: (one: Previewed) => {
              const was = beforeOf(one);
              return was === undefined ? <span class="quiet">–</span> : money(was.amount, currency);
            },
          },
        ]),
    {
      title: before === undefined ? "Would have paid" : "As edited",
      isFigure: true,
      cell: ({ amount }) => <strong>{money(amount, currency)}</strong>,
    },
    { title: "Cost to you", isFigure: true, isMinor: true, cell: ({ cost }) => money(cost, costCurrency) },
    {
      title: "Margin",
      isFigure: true,
      cell: ({ marginPercent }) => (
        <span class={(marginPercent ?? 0) < 0 ? "bad-text" : ""}>{percent(marginPercent)}</span>
      ),
    },
    {
      title: "Lines",
      isFigure: true,
      cell: (one) => (
        <button
          type="button"
          class="button small"
          aria-expanded={opened === one.customerId}
          aria-label={`${opened === one.customerId ? "Hide" : "Show"} lines of ${one.customerName}`}
          onClick={() => setOpened(opened === one.customerId ? undefined : one.customerId)}
        >
          {opened === one.customerId ? "Hide" : "Show"}
        </button>
      ),
    },
  ];
  const shown = customers.find(({ customerId }) => customerId === opened);
  return (
    <>
      <Table
        label="What customers would have paid"
        columns={columns}
        rows={customers}
        keyOf={({ customerId }) => customerId}
      />
      {shown === undefined ? null : <PreviewLines of={shown} currency={currency} />}
      <p class="card-note quiet">
        <Time at={periodStart} day /> to <Time at={periodEnd} day />, from what they really used, priced as invoices
        are. Nothing is stored or charged.
      </p>
    </>
  );
}

function PreviewLines({ of, currency }: { of: Previewed; currency: string }) {
  const columns: readonly Column<Line>[] = [
    { title: "Line", cell: ({ description }) => description },
    {
      title: "Used",
      isFigure: true,
      isMinor: true,
      cell: ({ usage }) => (usage === undefined ? "" : count(usage.used)),
    },
    { title: "How", cell: (line) => <How line={line} currency={currency} /> },
    { title: "Amount", isFigure: true, cell: ({ amount }) => money(amount, currency) },
  ];
  return (
    <section class="lines" aria-label={`Lines of ${of.customerName}`}>
      <header class="card-head">
        <h3>{of.customerName}, line by line</h3>
      </header>
      <Table label="Lines" columns={columns} rows={of.lines} keyOf={({ description }) => description} />
      {of.credits.map(({ denomination, given, needed, drawn }) => (
        <p key={denomination} class="card-note quiet">
          Credits: {count(drawn)} of {count(given)} {denomination} drawn
          {needed > drawn ? `, ${count(needed)} would have been needed` : ""}.
        </p>
      ))}
    </section>
  );
}

/** Why a line comes to its amount. */
function How({ line: { kind, usage, unitPrice, tiers, unitLabel }, currency }: { line: Line; currency: string }) {
  if (kind === "BASE" || usage === undefined) return <span class="quiet">base price</span>;
  const unit = unitLabel ?? "units";
  const said = [
    ...(tiers ?? []).map(
      ({ tierIndex, units, pricePerUnit, flatFee }) =>
        `tier ${tierIndex + 1}: ${count(units)} × ${exactMoney(pricePerUnit, currency)}${
          flatFee === 0 ? "" : ` + ${exactMoney(flatFee, currency)}`
        }`,
    ),
    ...(unitPrice === undefined ? [] : [`${count(usage.billable)} × ${exactMoney(unitPrice, currency)}`]),
    ...(usage.covered > 0 ? [`${count(usage.covered)} ${unit} paid by credits`] : []),
    ...(usage.refused > 0 ? [`${count(usage.refused)} ${unit} refused`] : []),
  ];
  return (
    <ul class="said">
      {(said.length === 0 ? ["included"] : said).map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}
