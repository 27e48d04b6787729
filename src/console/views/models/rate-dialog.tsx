import { useState } from "preact/hooks";
import { FormDialog, NumberField, numberOf, TextField } from "../../ui/form.tsx";
import type { Settings } from "../../wire.ts";
import { perMillion, setRate } from "./rates.ts";

/** The name under which a rate is added of which nothing is known yet. */
const NEW = "new";

/** Gives a model a rate of the account's own, or changes it. `model`: its name, or `new`. */
export function RateDialog({
  model: named,
  settings,
  onClose,
  onDone,
}: {
  model: string;
  settings: Settings;
  onClose: () => void;
  onDone: () => void;
}) {
  const { currency, defaultCostConfig } = settings;
  const known = defaultCostConfig.modelCosts[named];
  const now = known === undefined ? undefined : perMillion(known);
  const [model, setModel] = useState(named === NEW ? "" : named);
  const [input, setInput] = useState(now === undefined ? "" : String(now.input));
  const [output, setOutput] = useState(now === undefined ? "" : String(now.output));
  const name = model.trim();
  const path = (field: string) => `defaultCostConfig.modelCosts.${name}.${field}`;
  return (
    <FormDialog<Settings>
      title={now === undefined ? "Add a rate" : `Change the rate of ${named}`}
      submit={now === undefined ? "Add the rate" : "Change the rate"}
      isDisabled={name === ""}
      send={() =>
        setRate(
          name,
          { inputCostPerMillion: numberOf(input), outputCostPerMillion: numberOf(output) },
          now === undefined ? undefined : named,
        )
      }
      done={`${name} costs what you say.`}
      onClose={onClose}
      onDone={onDone}
    >
      <TextField
        label="Model"
        path={`defaultCostConfig.modelCosts.${name}`}
        value={model}
        onChange={setModel}
        placeholder="my-model, or openai/gpt-4o-mini"
        hint="As events name it; with a provider before a slash it holds for that provider alone."
      />
      <div class="form-row">
        <NumberField
          label="Input"
          path={path("inputCostPerMillion")}
          value={input}
          onChange={setInput}
          unit={`${currency} per million`}
        />
        <NumberField
          label="Output"
          path={path("outputCostPerMillion")}
          value={output}
          onChange={setOutput}
          unit={`${currency} per million`}
        />
      </div>
      <ul class="effects" aria-label="What this does">
        <li>
          Events of it that come from now on cost this, within five seconds. It goes before the public price list.
        </li>
        <li>Events that are recorded keep their cost; unknown ones are found by “Find”, in the list of models.</li>
      </ul>
    </FormDialog>
  );
}
