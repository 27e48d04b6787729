import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, exactMoney, money } from "../../format.ts";
import { place, setQuery } from "../../router.ts";
import { Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { Allocation, Plan, PlanVersion, PlanVersions } from "../../wire.ts";
import { allocationLine, Lines, ruleLines } from "../rule-words.tsx";
import { Migrate } from "./migrate.tsx";

/** Every version that subscribers may have bought, what differs between two, and the way to move subscribers to the newest. */

const ROWS = 10;

type Difference = NonNullable<PlanVersions["difference"]>;

/** The two versions that the address compares. */
function compared(plan: Plan): { from: string; to: string } | undefined {
  const { query } = place.value;
  const to = query.get("to") ?? String(plan.version);
  const from = query.get("from");
  return from === null || from === to ? undefined : { from, to };
}

export function Versions({ plan, onDone }: { plan: Plan; onDone: () => void }) {
  const [offset, setOffset] = useState(0);
  const [isMoving, setMoving] = useState(false);
  const pair = compared(plan);
  const path = `/api/v1/monetization/plans/${plan.id}/versions`;
  const asked = useAsk<PlanVersions>(withQuery(path, { limit: ROWS, offset, ...pair }));
  const columns: readonly Column<PlanVersion>[] = [
    {
      title: "Version",
      cell: ({ version }) => (
        <>
          {version} {version === plan.version ? <span class="quiet">newest</span> : null}
        </>
      ),
    },
    { title: "Made", isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    { title: "Price", isFigure: true, cell: ({ priceAmount, currency }) => money(priceAmount, currency) },
    { title: "Features", isFigure: true, isMinor: true, cell: ({ features }) => count(features.length) },
    {
      title: "Differences",
      isFigure: true,
      cell: ({ version }) =>
        version === plan.version ? null : (
          <button
            type="button"
            class="button small"
            aria-label={`To the newest from version ${version}`}
            onClick={() => setQuery({ from: String(version), to: undefined })}
          >
            To the newest
          </button>
        ),
    },
  ];
  return (
    <Card
      title="Versions"
      action={
        plan.version < 2 ? undefined : (
          <button type="button" class="button small" onClick={() => setMoving(true)}>
            Move subscribers
          </button>
        )
      }
    >
      <Answer asked={asked} what="versions">
        {({ items, pagination, difference }) => (
          <>
            <Table label="Versions" columns={columns} rows={items} keyOf={({ version }) => String(version)} />
            <Pager pagination={pagination} onMove={setOffset} />
            {difference === undefined ? null : <Differences of={difference} currency={plan.currency} />}
          </>
        )}
      </Answer>
      {isMoving ? <Migrate plan={plan} onClose={() => setMoving(false)} onDone={onDone} /> : null}
    </Card>
  );
}

type Row = { what: string; before: readonly string[]; after: readonly string[] };

/** Everything that differs, as a subscriber would find it: before and after. */
function rowsOf(of: Difference, currency: string): Row[] {
  const credits = (one: Allocation) => [allocationLine(one)];
  return [
    ...(of.priceAmount === undefined
      ? []
      : [
          {
            what: "Base price",
            before: [exactMoney(of.priceAmount.before, currency)],
            after: [exactMoney(of.priceAmount.after, currency)],
          },
        ]),
    ...of.addedFeatures.map((rule) => ({ what: rule.featureKey, before: [], after: ruleLines(rule, currency) })),
    ...of.removedFeatures.map((rule) => ({ what: rule.featureKey, before: ruleLines(rule, currency), after: [] })),
    ...of.changedFeatures.map(({ before, after }) => ({
      what: after.featureKey,
      before: ruleLines(before, currency),
      after: ruleLines(after, currency),
    })),
    ...of.addedAllocations.map((one) => ({ what: one.creditModelName, before: [], after: credits(one) })),
    ...of.removedAllocations.map((one) => ({ what: one.creditModelName, before: credits(one), after: [] })),
    ...of.changedAllocations.map(({ before, after }) => ({
      what: after.creditModelName,
      before: credits(before),
      after: credits(after),
    })),
  ];
}

function Differences({ of, currency }: { of: Difference; currency: string }) {
  const rows = rowsOf(of, currency);
  const side = (lines: readonly string[]) =>
    lines.length === 0 ? <span class="quiet">not in it</span> : <Lines lines={lines} />;
  const columns: readonly Column<Row>[] = [
    { title: "What", cell: ({ what }) => what },
    { title: `Version ${of.from}`, cell: ({ before }) => side(before) },
    { title: `Version ${of.to}`, cell: ({ after }) => side(after) },
  ];
  return (
    <section class="lines roomy-rows" aria-label={`From version ${of.from} to version ${of.to}`}>
      <header class="card-head">
        <h3>
          From version {of.from} to version {of.to}
        </h3>
        <button type="button" class="button small" onClick={() => setQuery({ from: undefined, to: undefined })}>
          Close
        </button>
      </header>
      {rows.length === 0 ? (
        <Empty title="They say the same" />
      ) : (
        <Table label="Differences" columns={columns} rows={rows} keyOf={({ what }) => what} />
      )}
    </section>
  );
}
