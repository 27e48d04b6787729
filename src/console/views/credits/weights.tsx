import { useState } from "preact/hooks";
import { type Asked, useAsk, useWhole, whoami } from "../../api.ts";
import { count, exactMoney, money, percent } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Empty, Failure, Loading } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { CreditPrice, CreditWeight, Feature } from "../../wire.ts";
import { CreditsHead } from "./head.tsx";
import { PublishWeights } from "./publish-weights.tsx";
import { Scheduled } from "./scheduled.tsx";
import { marginPercent, marginState, type UnitCosts, unitPrice, type WeightRow, weightRows } from "./tariff.ts";

/** What units burn, beside what they really cost and what is left of the price. */

const PATH = "/api/v1/monetization/credits/weights";

/** All that the table rests on, or what hinders it. */
function useWeights() {
  const weights = useWhole<CreditWeight>(PATH);
  const prices = useWhole<CreditPrice>("/api/v1/monetization/credits/prices");
  const denominations = useAsk<Record<string, string>>(`${PATH}/denominations`);
  const unitCosts = useAsk<UnitCosts>(`${PATH}/unit-costs`);
  const features = useWhole<Feature>("/api/v1/monetization/features");
  const all: readonly Asked<unknown>[] = [weights, prices, denominations, unitCosts, features];
  const again = () => weights.again();
  const problem = all.find((one) => one.problem !== undefined)?.problem;
  if (
    weights.data === undefined ||
    prices.data === undefined ||
    denominations.data === undefined ||
    unitCosts.data === undefined ||
    features.data === undefined
  )
    return { again, problem };
  const currency = whoami.value?.account.currency ?? "USD";
  const known = {
    weights: weights.data.items,
    prices: prices.data.items,
    denominations: denominations.data,
    unitCosts: unitCosts.data,
    features: features.data.items,
    currency,
  };
  return { again, problem, known, rows: weightRows(known, Date.now()) };
}

export type KnownWeights = NonNullable<ReturnType<typeof useWeights>["known"]>;

function columnsOf(currency: string): readonly Column<WeightRow>[] {
  return [
    {
      title: "Feature",
      cell: ({ featureId, featureKey, model }) => (
        <button
          type="button"
          class="link-button"
          onClick={() => setQuery({ history: model === undefined ? featureId : `${featureId}:${model}` })}
        >
          {featureKey}
        </button>
      ),
    },
    { title: "Model", cell: ({ model }) => <span class="wraps">{model ?? <span class="quiet">any other</span>}</span> },
    {
      title: "Burns",
      isFigure: true,
      cell: ({ weight, isPublished }) => (
        <>
          <strong>{count(weight)}</strong>
          {isPublished ? null : <span class="quiet minor"> by default</span>}
        </>
      ),
    },
    { title: "Counted in", isSpare: true, cell: ({ denomination }) => <code>{denomination ?? "–"}</code> },
    {
      title: "A unit brings",
      isFigure: true,
      isMinor: true,
      cell: (row) => {
        const brings = unitPrice(row);
        return brings === undefined ? <span class="quiet">no price</span> : exactMoney(brings, currency);
      },
    },
    {
      title: "A unit cost",
      isFigure: true,
      isMinor: true,
      cell: ({ unitCost }) => (unitCost === undefined ? <span class="quiet">unknown</span> : money(unitCost, currency)),
    },
    {
      title: "Margin",
      isFigure: true,
      cell: (row) => {
        const margin = marginPercent(row);
        return margin === undefined ? "–" : <Badge state={marginState(margin)} label={percent(margin)} />;
      },
    },
    {
      title: "Next",
      isSpare: true,
      cell: ({ next }) =>
        next === undefined ? (
          <span class="quiet">–</span>
        ) : (
          <>
            {count(next.creditsPerUnit)} from <Time at={next.effectiveFrom} />
          </>
        ),
    },
  ];
}

export function Weights() {
  const { again, problem, known, rows } = useWeights();
  const [isPublishing, setPublishing] = useState(false);
  const history = place.value.query.get("history");
  return (
    <>
      <CreditsHead>
        <button type="button" class="button main" disabled={known === undefined} onClick={() => setPublishing(true)}>
          Publish weights
        </button>
      </CreditsHead>
      <div class="grid">
        <Card title="What a unit burns, what it cost in 30 days, and what is left" wide>
          {problem !== undefined ? (
            <Failure problem={problem} again={again} />
          ) : rows === undefined || known === undefined ? (
            <Loading what="weights" />
          ) : rows.length === 0 ? (
            <Empty title="No feature burns credits">
              A rule of a plan that names a credit model lets a feature burn.
            </Empty>
          ) : (
            <Table
              label="Weights"
              columns={columnsOf(known.currency)}
              rows={rows}
              keyOf={({ featureId, model }) => `${featureId}:${model ?? ""}`}
            />
          )}
        </Card>
        {known === undefined ? null : <ScheduledWeights weights={known.weights} onDone={again} />}
      </div>
      {isPublishing && known !== undefined && rows !== undefined ? (
        <PublishWeights known={known} rows={rows} onClose={() => setPublishing(false)} onDone={again} />
      ) : null}
      {history === null ? null : <WeightHistory of={history} />}
    </>
  );
}

const SCHEDULED_COLUMNS: readonly Column<CreditWeight>[] = [
  { title: "Feature", cell: ({ featureKey, featureId }) => featureKey ?? featureId },
  { title: "Model", cell: ({ model }) => model ?? <span class="quiet">any other</span> },
  { title: "Burns", isFigure: true, cell: ({ creditsPerUnit }) => <strong>{count(creditsPerUnit)}</strong> },
];

function ScheduledWeights({ weights, onDone }: { weights: readonly CreditWeight[]; onDone: () => void }) {
  return (
    <Scheduled
      noun="weight"
      path={PATH}
      entries={weights}
      columns={SCHEDULED_COLUMNS}
      nameOf={({ featureKey, model }) => `${featureKey ?? ""} ${model ?? ""}`.trim()}
      consequence={({ featureKey, model, creditsPerUnit, effectiveFrom }) => (
        <>
          {featureKey}
          {model === undefined ? "" : ` with ${model}`} will not burn {count(creditsPerUnit)} credits a unit from{" "}
          <Time at={effectiveFrom} /> on: the weight before it stays in force.
        </>
      )}
      onDone={onDone}
    />
  );
}

const HISTORY_COLUMNS: readonly Column<CreditWeight>[] = [
  { title: "From", cell: ({ effectiveFrom }) => <Time at={effectiveFrom} /> },
  { title: "Burns", isFigure: true, cell: ({ creditsPerUnit }) => <strong>{count(creditsPerUnit)}</strong> },
  { title: "Published by", cell: ({ createdBy }) => <code>{createdBy}</code> },
];

/** `of`: a feature's id, and behind a colon its model. */
function WeightHistory({ of }: { of: string }) {
  const [featureId = "", ...model] = of.split(":");
  return (
    <Dialog
      kind="panel"
      title={model.length === 0 ? "The feature's weights" : `Weights with ${model.join(":")}`}
      onClose={() => setQuery({ history: undefined, past: undefined })}
    >
      <PagedTable<CreditWeight>
        path={`${PATH}/history`}
        query={{ featureId, model: model.join(":") }}
        what="weights"
        columns={HISTORY_COLUMNS}
        keyOf={({ id }) => id}
        offsetName="past"
        empty={<Empty title="None was published">A unit burns what the feature does, else 1.</Empty>}
      />
    </Dialog>
  );
}
