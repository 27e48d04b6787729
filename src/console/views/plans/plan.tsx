import { useState } from "preact/hooks";
import { useAsk } from "../../api.ts";
import { Badge, Card } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { PlanFeatures } from "../../wire.ts";
import { Lines, limitWords, priceLines } from "../rule-words.tsx";
import { CreditsCard } from "./credits.tsx";
import { Earnings, Payers } from "./earnings.tsx";
import { LifeButtons } from "./life.tsx";
import { PreviewCard, usePreview } from "./preview.tsx";
import { EditTerms, TermsFacts } from "./terms.tsx";
import { Versions } from "./versions.tsx";

/** One plan: what it costs and holds, what it brings, its versions, and what one can do with it. */
export function Plan({ id }: { id: string }) {
  const asked = useAsk<PlanFeatures>(`/api/v1/monetization/plans/${encodeURIComponent(id)}/features`);
  return (
    <Answer asked={asked} what="the plan">
      {(of) => <PlanOf of={of} onChanged={asked.again} />}
    </Answer>
  );
}

function PlanOf({ of, onChanged }: { of: PlanFeatures; onChanged: () => void }) {
  const { plan, features, creditAllocations } = of;
  const [isEditing, setEditing] = useState(false);
  // Whatever changes a plan changes one of these, so everything on the page is asked for again.
  const turn = JSON.stringify([plan, features.map(({ rule }) => rule), creditAllocations]);
  const preview = usePreview(plan.id, turn);
  const wasSold = plan.version > 0;
  return (
    <>
      <div class="view-head">
        <div>
          <p class="crumbs">
            <a href="/console/plans">Plans</a>
          </p>
          <h1>{plan.name}</h1>
        </div>
        <div class="tools">
          <Badge state={plan.status} />
          <button type="button" class="button" onClick={() => setEditing(true)}>
            Edit
          </button>
          <LifeButtons of={of} onDone={onChanged} />
        </div>
      </div>
      {plan.status === "DRAFT" ? <NextSteps of={of} /> : null}
      {wasSold ? <Earnings key={turn} plan={plan} /> : null}
      <div class="grid">
        <Card title="Price">
          <TermsFacts plan={plan} />
        </Card>
        <CreditsCard plan={plan} allocations={creditAllocations} onDone={onChanged} />
        <FeaturesCard of={of} />
        <PreviewCard preview={preview} />
        {wasSold ? (
          <>
            <Versions key={turn} plan={plan} onDone={onChanged} />
            <Payers plan={plan} />
          </>
        ) : null}
      </div>
      {isEditing ? <EditTerms plan={plan} onClose={() => setEditing(false)} onDone={onChanged} /> : null}
    </>
  );
}

/** What a draft still needs before it can be sold. */
function NextSteps({ of: { plan, features } }: { of: PlanFeatures }) {
  const left = [
    ...(plan.description === undefined ? ["say what it is (Edit)"] : []),
    ...(features.length === 0 ? ["put features into it"] : []),
  ];
  return (
    <p class="consequence calm beside">
      A draft: nobody can buy it yet.{" "}
      {left.length === 0
        ? "It is complete: look at the preview below, then activate it."
        : `Before it can be sold: ${left.join(", then ")}.`}
    </p>
  );
}

type Row = PlanFeatures["features"][number];

function FeaturesCard({ of: { plan, features } }: { of: PlanFeatures }) {
  const columns: readonly Column<Row>[] = [
    {
      title: "Feature",
      cell: ({ name, isEnabled }) => (
        <>
          {name} {isEnabled ? null : <Badge state="denied" label="Off" />}
        </>
      ),
    },
    { title: "Key", isMinor: true, cell: ({ key }) => <code>{key}</code> },
    {
      title: "Price",
      cell: ({ rule: { isEnabled: isOn, value } }) => (
        <Lines lines={[...(isOn ? [] : ["switched off in this plan"]), ...priceLines(value.pricing, plan.currency)]} />
      ),
    },
    { title: "Limit", cell: ({ rule }) => limitWords(rule) },
    {
      title: "Burns",
      isMinor: true,
      cell: ({ rule: { creditDenomination } }) => creditDenomination ?? <span class="quiet">no credits</span>,
    },
  ];
  return (
    <Card
      title="Features"
      wide
      action={
        <a class="button small" href={`/console/plans/${plan.id}/edit`}>
          Edit features
        </a>
      }
    >
      {features.length === 0 ? (
        <Empty title="No feature in it">
          <a href={`/console/plans/${plan.id}/edit`}>Put the first one in</a>
        </Empty>
      ) : (
        <div class="roomy-rows">
          <Table
            label="Features of the plan"
            columns={columns}
            rows={features}
            keyOf={({ id }) => id}
            href={({ key }) => `/features/${encodeURIComponent(key)}`}
          />
        </div>
      )}
    </Card>
  );
}
