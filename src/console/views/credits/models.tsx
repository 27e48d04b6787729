import { useState } from "preact/hooks";
import { ask, useAsk, useWhole } from "../../api.ts";
import { count } from "../../format.ts";
import { navigate } from "../../router.ts";
import { AreaField, FormDialog, TextField, Tick, textOf } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Card, Fact, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { CreditModel, Offer } from "../../wire.ts";
import { CreditsHead } from "./head.tsx";
import { RolloverFields, rolloverBody, rolloverWords } from "./rollover.tsx";

/** Kinds of credits. A model never changes: another is made instead. */

const PATH = "/api/v1/monetization/credits/models";

const COLUMNS: readonly Column<CreditModel>[] = [
  { title: "Model", cell: ({ name }) => name },
  { title: "Counted in", cell: ({ denomination }) => <code>{denomination}</code> },
  { title: "At 0", isMinor: true, cell: ({ hardLimit }) => (hardLimit ? "refuses" : "bills by price") },
  {
    title: "At a period's end",
    isSpare: true,
    cell: ({ rolloverPolicy, rolloverCap }) => rolloverWords(rolloverPolicy, capText(rolloverCap)),
  },
  { title: "Made", isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} day /> },
];

function capText(cap: number | undefined): string | undefined {
  return cap === undefined ? undefined : count(cap);
}

export function CreditModels() {
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <CreditsHead>
        <button type="button" class="button main" onClick={() => setMaking(true)}>
          New model
        </button>
      </CreditsHead>
      <Card title="Credit models, newest first" wide>
        <PagedTable<CreditModel>
          path={PATH}
          what="credit models"
          columns={COLUMNS}
          keyOf={({ id }) => id}
          href={({ id }) => `/credits/models/${id}`}
          empty={
            <Empty title="No credit model">
              A model says what credits are counted in. Rules of plans then let features burn them.
            </Empty>
          }
        />
      </Card>
      {isMaking ? <NewModel onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function NewModel({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [denomination, setDenomination] = useState("");
  const [description, setDescription] = useState("");
  const [hardLimit, setHard] = useState(true);
  const [rollover, setRollover] = useState<Parameters<typeof rolloverBody>[0]>({ policy: "NONE", cap: "" });
  return (
    <FormDialog<CreditModel>
      title="New credit model"
      submit="Make the model"
      done={(model) => `The model “${model.name}” is made.`}
      send={() =>
        ask("POST", PATH, {
          name: name.trim(),
          denomination: denomination.trim(),
          description: textOf(description),
          hardLimit,
          ...rolloverBody(rollover),
        })
      }
      onClose={onClose}
      onDone={({ id }) => navigate(`/credits/models/${id}`)}
    >
      <TextField label="Name" path="name" value={name} onChange={setName} placeholder="AI credits" />
      <TextField
        label="Counted in"
        path="denomination"
        value={denomination}
        onChange={setDenomination}
        placeholder="AI_CREDITS"
        hint="Models may share one. Each feature burns one."
      />
      <AreaField label="Description" path="description" value={description} onChange={setDescription} rows={2} />
      <Tick
        label="At 0, refuse usage (otherwise it is billed by the plan's price)"
        value={hardLimit}
        onChange={setHard}
      />
      <RolloverFields value={rollover} onChange={setRollover} />
      <p class="quiet">A model never changes. To change it, make another and use that one in plans.</p>
    </FormDialog>
  );
}

export function CreditModelView({ id }: { id: string }) {
  const asked = useAsk<CreditModel>(`${PATH}/${encodeURIComponent(id)}`);
  const [isDeleting, setDeleting] = useState(false);
  return (
    <Answer asked={asked} what="the credit model">
      {(model) => (
        <>
          <div class="view-head">
            <div>
              <p class="crumbs">
                <a href="/console/credits/models">Credit models</a>
              </p>
              <h1>{model.name}</h1>
            </div>
            <div class="tools">
              <button type="button" class="button danger" onClick={() => setDeleting(true)}>
                Delete
              </button>
            </div>
          </div>
          <div class="grid">
            <Card title="What it says">
              <dl class="facts">
                <Fact name="Counted in">
                  <code>{model.denomination}</code>
                </Fact>
                <Fact name="At 0">
                  {model.hardLimit ? "usage is refused" : "usage goes on and is billed by the plan's price"}
                </Fact>
                <Fact name="Period's end">{rolloverWords(model.rolloverPolicy, capText(model.rolloverCap))}</Fact>
                {model.description === undefined ? null : <Fact name="Description">{model.description}</Fact>}
                <Fact name="Made">
                  <Time at={model.createdAt} />
                </Fact>
                <Fact name="Id">
                  <code>{model.id}</code>
                </Fact>
              </dl>
            </Card>
            <GivenBy model={model} />
          </div>
          {isDeleting ? (
            <FormDialog<undefined>
              title={`Delete “${model.name}”`}
              submit="Delete"
              isDanger
              done="The model is deleted."
              send={() => ask("DELETE", `${PATH}/${model.id}`)}
              onClose={() => setDeleting(false)}
              onDone={() => navigate("/credits/models")}
            >
              <p>
                Credits that were given stay. It is refused while a plan, or a version that subscribers still have, uses
                the model.
              </p>
            </FormDialog>
          ) : null}
        </>
      )}
    </Answer>
  );
}

type Giving = { plan: Offer["plan"]; amount: number; hardLimit: boolean };

const GIVING_COLUMNS: readonly Column<Giving>[] = [
  { title: "Plan", cell: ({ plan }) => plan.name },
  { title: "Each period", isFigure: true, cell: ({ amount }) => count(amount) },
  { title: "At 0", isMinor: true, cell: ({ hardLimit }) => (hardLimit ? "refuses" : "bills by price") },
];

/** The plans on sale that give its credits. */
function GivenBy({ model }: { model: CreditModel }) {
  const asked = useWhole<Offer>("/api/v1/client/plans");
  return (
    <Card title="Plans that give it">
      <Answer asked={asked} what="plans">
        {({ items }) => {
          const giving = items.flatMap(({ plan, creditAllocations }) =>
            creditAllocations
              .filter(({ creditModelId }) => creditModelId === model.id)
              .map(({ creditAmount, hardLimit }): Giving => ({ plan, amount: creditAmount, hardLimit })),
          );
          return giving.length === 0 ? (
            <Empty title="No plan on sale gives these credits">
              <a href="/console/plans">Let a plan give some with each period</a>
            </Empty>
          ) : (
            <Table
              label="Plans"
              columns={GIVING_COLUMNS}
              rows={giving}
              keyOf={({ plan }) => plan.id}
              href={({ plan }) => `/plans/${plan.id}`}
            />
          );
        }}
      </Answer>
    </Card>
  );
}
