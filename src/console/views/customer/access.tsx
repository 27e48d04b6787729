import { useAsk, useWhole } from "../../api.ts";
import { count } from "../../format.ts";
import { setQuery } from "../../router.ts";
import { Badge, Card, Meter } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Forecast, Page } from "../../wire.ts";

/** What the customer may do, feature by feature: the verdict, what is used and how much there may be. */

type Verdicts = Page<{ subscriptionId: string; entitlements: { featureKey: string; allowed: boolean }[] }>;
type Usage = Forecast["subscriptions"][number]["features"][number];
type Row = { featureKey: string; subscriptionId: string; allowed: boolean; usage: Usage | undefined };

const COLUMNS: readonly Column<Row>[] = [
  {
    title: "Feature",
    cell: ({ featureKey }) => (
      <a href={`/console/features/${encodeURIComponent(featureKey)}`}>
        <code>{featureKey}</code>
      </a>
    ),
  },
  {
    title: "Access",
    cell: ({ allowed }) => <Badge state={allowed ? "allowed" : "denied"} />,
  },
  {
    title: "Used",
    isFigure: true,
    cell: ({ usage }) =>
      usage === undefined ? (
        "–"
      ) : (
        <>
          {count(usage.used)}
          <span class="quiet"> / {usage.limit === undefined ? "no limit" : count(usage.limit)}</span>
          {usage.limit === undefined ? null : (
            <Meter share={usage.used / usage.limit} label={`${count(usage.used)} of ${count(usage.limit)} used`} />
          )}
        </>
      ),
  },
  {
    title: "By period's end",
    isFigure: true,
    isMinor: true,
    cell: ({ usage }) =>
      usage?.projectedEndOfPeriod === undefined ? (
        <span class="quiet">too early</span>
      ) : (
        <span class={usage.wouldExceedLimit ? "bad-text" : ""}>{count(Math.round(usage.projectedEndOfPeriod))}</span>
      ),
  },
  {
    title: "Explain",
    cell: ({ featureKey }) => (
      <button
        type="button"
        class="button small"
        onClick={() => setQuery({ why: featureKey })}
        aria-label={`Why? ${featureKey}`}
      >
        Why?
      </button>
    ),
  },
];

export function Access({ reference }: { reference: string }) {
  const verdicts = useAsk<Verdicts>(`/api/v1/client/entitlements/${reference}?limit=200`);
  const forecast = useAsk<Forecast>(`/api/v1/client/customers/${reference}/usage`);
  return (
    <Card title="Entitlements">
      <Answer asked={verdicts} what="entitlements">
        {({ items }) => {
          const rows = items.flatMap(({ subscriptionId, entitlements }) =>
            entitlements.map(({ featureKey, allowed }): Row => {
              const of = forecast.data?.subscriptions.find((one) => one.subscriptionId === subscriptionId);
              return {
                featureKey,
                allowed,
                subscriptionId,
                usage: of?.features.find((feature) => feature.featureKey === featureKey),
              };
            }),
          );
          return rows.length === 0 ? (
            <Empty title="No active subscription gives access">
              <AskWhy />
            </Empty>
          ) : (
            <>
              <Table
                label="Entitlements"
                columns={COLUMNS}
                rows={rows}
                keyOf={({ subscriptionId, featureKey }) => `${subscriptionId} ${featureKey}`}
              />
              <AskWhy />
            </>
          );
        }}
      </Answer>
    </Card>
  );
}

/** Any feature can be asked about: also one that no subscription has. */
function AskWhy() {
  const features = useWhole<{ key: string; name: string }>("/api/v1/monetization/features");
  return (
    <label class="ask-why">
      Why may they, or may they not, use
      <select
        value=""
        onChange={(event) => {
          const why = event.currentTarget.value;
          event.currentTarget.value = "";
          setQuery({ why });
        }}
      >
        <option value="">a feature…</option>
        {(features.data?.items ?? []).map(({ key, name }) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
