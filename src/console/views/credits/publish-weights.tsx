import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { count, percent } from "../../format.ts";
import { FormDialog, NumberField, numberOf, SelectField, TextField, textOf } from "../../ui/form.tsx";
import type { CreditWeight } from "../../wire.ts";
import { Batch } from "./batch.tsx";
import { marginPercent, type WeightRow } from "./tariff.ts";
import type { KnownWeights } from "./weights.tsx";
import { effectiveFrom, type When, WhenField } from "./when-field.tsx";

type Entry = { featureId: string; model: string; credits: string };

const EMPTY: Entry = { featureId: "", model: "", credits: "" };

/** A batch of weights, each with the margin that it would leave. */
export function PublishWeights({
  known,
  rows,
  onClose,
  onDone,
}: {
  known: KnownWeights;
  rows: readonly WeightRow[];
  onClose: () => void;
  onDone: () => void;
}) {
  const [entries, setEntries] = useState<readonly Entry[]>([EMPTY]);
  const [when, setWhen] = useState<When>({ kind: "now", local: "" });
  const burning = known.features.filter(({ id }) => known.denominations[id] !== undefined);
  const offered = burning.length === 0 ? known.features : burning;
  return (
    <FormDialog<CreditWeight[]>
      title="Publish weights"
      submit={entries.length === 1 ? "Publish the weight" : `Publish ${entries.length} weights`}
      done={(published) =>
        published.length === 1 ? "The weight is published." : `${published.length} weights are published.`
      }
      send={() =>
        ask("POST", "/api/v1/monetization/credits/weights/publish", {
          effectiveFrom: effectiveFrom(when),
          entries: entries.map(({ featureId, model, credits }) => ({
            featureId,
            model: textOf(model),
            creditsPerUnit: numberOf(credits),
          })),
        })
      }
      onClose={onClose}
      onDone={onDone}
    >
      <p class="quiet">
        How many credits a unit burns. What is not in the batch keeps its weight; once in force a weight never changes,
        and events burn by the weight of their own time.
      </p>
      <Batch
        entries={entries}
        empty={EMPTY}
        onChange={setEntries}
        foretold={(entry) => foretold(entry, rows)}
        fields={(entry, at, change) => (
          <>
            <SelectField
              label="Feature"
              path={`entries[${at}].featureId`}
              value={entry.featureId}
              onChange={(featureId) => change({ featureId })}
              options={[{ value: "", label: "Choose…" }, ...offered.map(({ id, key }) => ({ value: id, label: key }))]}
            />
            <TextField
              label="Model"
              path={`entries[${at}].model`}
              placeholder="any other"
              value={entry.model}
              onChange={(model) => change({ model })}
            />
            <NumberField
              label="Credits a unit"
              path={`entries[${at}].creditsPerUnit`}
              value={entry.credits}
              onChange={(credits) => change({ credits })}
            />
          </>
        )}
      >
        <WhenField value={when} onChange={setWhen} />
      </Batch>
    </FormDialog>
  );
}

/** From what to what, and the margin before and after. */
function foretold({ featureId, model, credits }: Entry, rows: readonly WeightRow[]) {
  const weight = numberOf(credits);
  if (featureId === "" || typeof weight !== "number")
    return <span class="quiet">Choose a feature and say how many credits a unit of it burns.</span>;
  const named = textOf(model);
  const ofFeature = rows.filter((row) => row.featureId === featureId);
  const row = ofFeature.find((one) => one.model === named) ?? ofFeature.find((one) => one.model === undefined);
  if (row === undefined) return <span class="quiet">No plan lets this feature burn credits yet.</span>;
  const [before, after] = [marginPercent(row), marginPercent({ ...row, weight })];
  return (
    <>
      {row.featureKey}
      {named === undefined ? "" : ` with ${named}`}: {count(row.weight)} to <strong>{count(weight)}</strong> credits a
      unit
      {after === undefined ? (
        ", margin not known"
      ) : (
        <>
          , margin {percent(before)} to <strong class={after < 0 ? "bad-text" : ""}>{percent(after)}</strong>
        </>
      )}
    </>
  );
}
