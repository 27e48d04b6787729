import { useState } from "preact/hooks";
import { ask, useWhole, withQuery } from "../../api.ts";
import { count } from "../../format.ts";
import { FormDialog, NumberField, SelectField } from "../../ui/form.tsx";
import { Card } from "../../ui/parts.tsx";
import { Empty, Failure, Loading } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Allocation, CreditModel, Plan } from "../../wire.ts";
import { allocationLine } from "../rule-words.tsx";
import { Consequence } from "./consequence.tsx";

/** The credits that a plan gives with each period. */

type Props = { plan: Plan; allocations: readonly Allocation[]; onDone: () => void };

const pathOf = (plan: Plan, modelId: string): string =>
  `/api/v1/monetization/credits/models/${modelId}/plans/${plan.id}`;

export function CreditsCard({ plan, allocations, onDone }: Props) {
  const [edited, setEdited] = useState<Allocation | "new">();
  const [stopped, setStopped] = useState<Allocation>();
  const columns: readonly Column<Allocation>[] = [
    {
      title: "Each period",
      cell: (one) => (
        <>
          <strong>{one.creditModelName}</strong>
          <br />
          <span class="wraps">{allocationLine(one)}</span>
        </>
      ),
    },
    {
      title: "Change",
      isFigure: true,
      cell: (one) => (
        <span class="tools end">
          <button
            type="button"
            class="button small"
            aria-label={`Edit credits of ${one.creditModelName}`}
            onClick={() => setEdited(one)}
          >
            Edit
          </button>
          <button
            type="button"
            class="button small"
            aria-label={`Stop credits of ${one.creditModelName}`}
            onClick={() => setStopped(one)}
          >
            Stop
          </button>
        </span>
      ),
    },
  ];
  return (
    <Card
      title="Credits with each period"
      action={
        <button type="button" class="button small" onClick={() => setEdited("new")}>
          Give credits
        </button>
      }
    >
      {allocations.length === 0 ? (
        <Empty title="It gives no credits">Features can still burn credits that customers buy.</Empty>
      ) : (
        <div class="roomy-rows">
          <Table label="Credits with each period" columns={columns} rows={allocations} keyOf={({ id }) => id} />
        </div>
      )}
      {edited === undefined ? null : (
        <GiveCredits
          plan={plan}
          {...(edited === "new" ? {} : { was: edited })}
          given={allocations}
          onClose={() => setEdited(undefined)}
          onDone={onDone}
        />
      )}
      {stopped === undefined ? null : (
        <FormDialog
          title={`Give no more ${stopped.creditModelName}`}
          submit="Stop giving them"
          isDanger
          done="It gives them no more"
          onClose={() => setStopped(undefined)}
          onDone={onDone}
          send={() => ask("DELETE", pathOf(plan, stopped.creditModelId))}
        >
          <p>New subscribers get no credits of this model. What was given stays with those who have it.</p>
          <Consequence plan={plan} isVersion />
        </FormDialog>
      )}
    </Card>
  );
}

type Limit = "model" | "true" | "false";

function GiveCredits({
  plan,
  was,
  given,
  onClose,
  onDone,
}: {
  plan: Plan;
  was?: Allocation;
  given: readonly Allocation[];
  onClose: () => void;
  onDone: () => void;
}) {
  const models = useWhole<CreditModel>("/api/v1/monetization/credits/models");
  const [modelId, setModelId] = useState(was?.creditModelId ?? "");
  const [amount, setAmount] = useState(was === undefined ? "" : String(was.creditAmount));
  const [months, setMonths] = useState(was?.grantExpiresMonths === undefined ? "" : String(was.grantExpiresMonths));
  const [limit, setLimit] = useState<Limit>(was === undefined ? "model" : was.hardLimit ? "true" : "false");
  const free = (models.data?.items ?? []).filter(
    ({ id }) => id === was?.creditModelId || !given.some(({ creditModelId }) => creditModelId === id),
  );
  const model = free.find(({ id }) => id === modelId);
  return (
    <FormDialog<Allocation>
      title={was === undefined ? "Give credits with each period" : `Credits of ${was.creditModelName}`}
      submit="Save"
      done="Saved"
      isDisabled={modelId === ""}
      onClose={onClose}
      onDone={onDone}
      send={() =>
        ask(
          "POST",
          withQuery(pathOf(plan, modelId), {
            creditAmount: amount.trim(),
            grantExpiresMonths: months.trim(),
            hardLimit: limit === "model" ? undefined : limit,
          }),
        )
      }
    >
      {models.problem !== undefined ? (
        <Failure problem={models.problem} again={models.again} />
      ) : models.data === undefined ? (
        <Loading what="credit models" />
      ) : models.data.items.length === 0 ? (
        <Empty title="No credit model yet">
          Credits are of a model, which says what they are counted in. <a href="/console/credits">Make one first</a>.
        </Empty>
      ) : (
        <>
          {was === undefined ? (
            <SelectField
              label="Credit model"
              path="id"
              value={modelId}
              onChange={setModelId}
              options={[
                { value: "", label: "Choose…" },
                ...free.map(({ id, name, denomination }) => ({ value: id, label: `${name} (${denomination})` })),
              ]}
            />
          ) : null}
          <div class="form-row">
            <NumberField
              label="Credits each period"
              path="creditAmount"
              value={amount}
              onChange={setAmount}
              placeholder="1000"
              {...(model === undefined ? {} : { unit: model.denomination })}
            />
            <NumberField
              label="Gone after"
              path="grantExpiresMonths"
              value={months}
              onChange={setMonths}
              unit="months"
              hint="Empty: as the model's rollover says"
            />
          </div>
          <SelectField
            label="Usage that they do not cover"
            path="hardLimit"
            value={limit}
            onChange={setLimit}
            options={[
              {
                value: "model",
                label: `As the model says${
                  model === undefined ? "" : model.hardLimit ? ": it is refused" : ": it is billed by price"
                }`,
              },
              { value: "true", label: "Is refused" },
              { value: "false", label: "Is billed by the feature's price" },
            ]}
          />
          {model === undefined ? null : <Rollover model={model} />}
        </>
      )}
      <Consequence plan={plan} isVersion />
    </FormDialog>
  );
}

/** What becomes of a plan's credits is the model's to say. */
function Rollover({ model: { rolloverPolicy, rolloverCap } }: { model: CreditModel }) {
  return (
    <p class="quiet">
      At the period's end{" "}
      {rolloverPolicy === "NONE"
        ? "what is left of them is gone"
        : rolloverPolicy === "FULL"
          ? "what is left of them is carried over"
          : `up to ${count(rolloverCap ?? 0)} of what is left are carried over`}
      ; the credit model says so.
    </p>
  );
}
