import { useMemo } from "preact/hooks";
import { useAsk, withQuery } from "../api.ts";
import { count, countTicks, money, moneyTicks, percent, signedPercent } from "../format.ts";
import { hrefOf } from "../router.ts";
import { Chart, type Line } from "../ui/chart.tsx";
import { Badge, Card, Figure } from "../ui/parts.tsx";
import { Answer, Empty } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import type { BridgePeriod, CustomerFigures, Portfolio, TimeSeries } from "../wire.ts";
import { marginColumns } from "./margin-columns.tsx";
import { OtherCurrencies } from "./other-currencies.tsx";
import { Attention } from "./overview/attention.tsx";
import { MarginTables } from "./overview/margins.tsx";
import { RangeChoice, rangeNow, sameDays } from "./range.tsx";

/** In ten seconds: what comes in, what it costs, who loses money, what needs a hand. */
export function Overview() {
  const { start, end } = rangeNow();
  const portfolio = useAsk<Portfolio>(withQuery("/api/v1/analytics/portfolio", { start, end }));
  return (
    <>
      <div class="view-head">
        <h1>Overview</h1>
        <RangeChoice />
      </div>
      <Answer asked={portfolio} what="figures">
        {(data) =>
          data.totals.events === 0 && data.summary.totalMrr === 0 ? (
            <Empty title="No events in these days">
              <a class="button main" href={hrefOf("/start")}>
                Send the first one
              </a>
            </Empty>
          ) : (
            <>
              <Figures portfolio={data} />
              <OtherCurrencies others={data.otherCurrencies} />
              <div class="grid">
                <Money start={start} end={end} />
                <Attention portfolio={data} />
                <Worst portfolio={data} />
                <Bridge />
                <MarginTables start={start} end={end} />
                <Hours />
              </div>
            </>
          )
        }
      </Answer>
    </>
  );
}

function changeOf(percentChange: number | null | undefined): { text: string; sign: number } | undefined {
  return percentChange === null || percentChange === undefined
    ? undefined
    : { text: signedPercent(percentChange), sign: Math.sign(percentChange) };
}

function Figures({ portfolio }: { portfolio: Portfolio }) {
  const { totals, change, summary, currency, previous } = portfolio;
  const before = previous.marginPercent;
  const points = totals.marginPercent !== null && before !== null ? totals.marginPercent - before : undefined;
  return (
    <dl class="figures">
      <Figure
        label="MRR"
        value={money(summary.totalMrr, currency)}
        note={`${summary.payingCustomers} paying · NRR ${percent(summary.nrr)}`}
      />
      <Figure label="Revenue" value={money(totals.revenue, currency)} change={changeOf(change.revenue.percent)} />
      <Figure label="Cost" value={money(totals.cost, currency)} change={changeOf(change.cost.percent)} rising="bad" />
      <Figure label="Margin" value={money(totals.margin, currency)} change={changeOf(change.margin.percent)} />
      <Figure
        label="Margin of revenue"
        value={percent(totals.marginPercent)}
        change={
          points === undefined
            ? undefined
            : { text: `${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} points`, sign: Math.sign(points) }
        }
      />
    </dl>
  );
}

/** Revenue and cost, day by day. */
function Money({ start, end }: { start: string; end: string }) {
  const series = (metric: string) => withQuery("/api/v1/analytics/timeseries", { metric, interval: "day", start, end });
  const revenue = useAsk<TimeSeries>(series("revenue"));
  const cost = useAsk<TimeSeries>(series("cost"));
  return (
    <Card title="Revenue and cost">
      <Answer asked={revenue} what="revenue">
        {(ofRevenue) => (
          <Answer asked={cost} what="cost">
            {(ofCost) => <MoneyChart revenue={ofRevenue} cost={ofCost} />}
          </Answer>
        )}
      </Answer>
    </Card>
  );
}

function MoneyChart({ revenue, cost }: { revenue: TimeSeries; cost: TimeSeries }) {
  const [instants, lines] = useMemo((): [string[], Line[]] => {
    const points = revenue.series[0]?.points ?? [];
    return [
      points.map(({ start }) => start),
      [
        { label: "Revenue", tone: "a", values: points.map(({ value }) => value) },
        { label: "Cost", tone: "b", values: (cost.series[0]?.points ?? []).map(({ value }) => value) },
      ],
    ];
  }, [revenue, cost]);
  return (
    <Chart
      label="Revenue and cost by day"
      instants={instants}
      lines={lines}
      format={(value) => money(value, revenue.currency)}
      formatTicks={(values) => moneyTicks(values, revenue.currency)}
    />
  );
}

const WORST_SHOWN = 8;

function Worst({ portfolio }: { portfolio: Portfolio }) {
  const { currency } = portfolio;
  const columns: readonly Column<CustomerFigures>[] = [
    { title: "Customer", cell: ({ customerName }) => customerName },
    { title: "Health", cell: ({ marginStatus }) => <Badge state={marginStatus} /> },
    ...marginColumns(currency),
  ];
  return (
    <Card title="Margin by customer, worst first" action={<a href={hrefOf(sameDays("/customers"))}>All customers</a>}>
      <Table
        label="Margin by customer, worst first"
        columns={columns}
        rows={activeFirst(portfolio.customers).slice(0, WORST_SHOWN)}
        keyOf={({ customerId }) => customerId}
        href={({ customerReferenceId, customerId }) =>
          sameDays(`/customers/${encodeURIComponent(customerReferenceId ?? customerId)}`)
        }
      />
    </Card>
  );
}

/** Nobody's margin is bad who neither paid nor cost anything in these days. */
function activeFirst(customers: readonly CustomerFigures[]): CustomerFigures[] {
  const isActive = ({ revenue, cost }: CustomerFigures) => revenue !== 0 || cost !== 0;
  return [...customers.filter(isActive), ...customers.filter((one) => !isActive(one))];
}

const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });

/** What changed the revenue from month to month. */
function Bridge() {
  const asked = useAsk<{ currency: string; periods: BridgePeriod[] }>("/api/v1/analytics/revenue-bridge?periods=6");
  return (
    <Card title="Revenue bridge">
      <Answer asked={asked} what="the revenue bridge">
        {({ currency, periods }) => {
          const signed = (amount: number, sign: 1 | -1) =>
            amount === 0 ? <span class="quiet">–</span> : money(amount * sign, currency);
          const columns: readonly Column<BridgePeriod>[] = [
            {
              title: "Month",
              cell: ({ periodStart, partial }) => `${MONTH.format(new Date(periodStart))}${partial ? " *" : ""}`,
            },
            { title: "New", isFigure: true, cell: (period) => signed(period.new, 1) },
            { title: "Expansion", isFigure: true, cell: (period) => signed(period.expansion, 1) },
            { title: "Contraction", isFigure: true, isMinor: true, cell: (period) => signed(period.contraction, -1) },
            { title: "Churned", isFigure: true, cell: (period) => signed(period.churned, -1) },
            {
              title: "Revenue",
              isFigure: true,
              cell: (period) => <strong>{money(period.totalRevenue, currency)}</strong>,
            },
          ];
          return (
            <>
              <Table
                label="Revenue bridge by month"
                columns={columns}
                rows={periods}
                keyOf={({ periodStart }) => periodStart}
              />
              <p class="card-note quiet">* still running</p>
            </>
          );
        }}
      </Answer>
    </Card>
  );
}

const HOURS_SHOWN = 48;

function Hours() {
  const endMs = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
  const [start, end] = [new Date(endMs - HOURS_SHOWN * 3_600_000).toISOString(), new Date(endMs).toISOString()];
  const asked = useAsk<TimeSeries>(
    withQuery("/api/v1/analytics/timeseries", { metric: "events", interval: "hour", start, end }),
  );
  return (
    <Card title="Events per hour, last 48 hours" wide action={<a href="/console/events">Live</a>}>
      <Answer asked={asked} what="events">
        {(series) => <HoursChart series={series} />}
      </Answer>
    </Card>
  );
}

function HoursChart({ series }: { series: TimeSeries }) {
  const [instants, lines] = useMemo((): [string[], Line[]] => {
    const points = series.series[0]?.points ?? [];
    return [
      points.map(({ start }) => start),
      [{ label: "Events", tone: "c", values: points.map(({ value }) => value) }],
    ];
  }, [series]);
  return (
    <Chart label="Events per hour" instants={instants} lines={lines} format={count} formatTicks={countTicks} isHourly />
  );
}
