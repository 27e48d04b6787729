import { useEffect, useState } from "preact/hooks";
import { type Answered, ask } from "../../api.ts";
import { count, money } from "../../format.ts";
import { FormDialog } from "../../ui/form.tsx";
import { Failure } from "../../ui/states.tsx";

/** Finds unknown costs of a model by the rates as they are now: first how many there are and what they come to, then for good. */

type Recost = { customers: number; examined: number; priced: number; cost: number; nextCursor?: string };

/** All pages as one answer. */
async function recost(model: string, dryRun: boolean): Promise<Answered<Recost>> {
  const all: Recost = { customers: 0, examined: 0, priced: 0, cost: 0 };
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const answered: Answered<Recost> = await ask("POST", "/api/v1/analytics/recost", {
      model,
      dryRun,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (!answered.ok) return answered;
    const { data } = answered;
    all.customers += data.customers;
    all.examined += data.examined;
    all.priced += data.priced;
    all.cost += data.cost;
    cursor = data.nextCursor;
  }
  return { ok: true, data: all };
}

export function RecostDialog({
  model,
  currency,
  onClose,
  onDone,
}: {
  model: string;
  currency: string;
  onClose: () => void;
  onDone: () => void;
}) {
  const [trial, setTrial] = useState<Answered<Recost>>();
  useEffect(() => {
    let isWanted = true;
    recost(model, true).then((answered) => {
      if (isWanted) setTrial(answered);
    });
    return () => {
      isWanted = false;
    };
  }, [model]);
  return (
    <FormDialog<Recost>
      title={`Find unknown costs of ${model}`}
      submit="Find the costs"
      isDisabled={trial?.ok !== true || trial.data.priced === 0}
      send={() => recost(model, false)}
      done={({ priced, cost }) => `${many(priced)} cost ${money(cost, currency)}.`}
      onClose={onClose}
      onDone={onDone}
    >
      <div class="effects" aria-live="polite">
        {trial === undefined ? (
          <p class="quiet">Counting events of unknown cost…</p>
        ) : !trial.ok ? (
          <Failure problem={trial.problem} />
        ) : trial.data.priced === 0 ? (
          <p>No rate is known for it: {many(trial.data.examined)} would stay unknown. Give the model a rate first.</p>
        ) : (
          <p>
            {many(trial.data.priced)} of {count(trial.data.customers)}{" "}
            {trial.data.customers === 1 ? "customer" : "customers"} would cost{" "}
            <strong>{money(trial.data.cost, currency)}</strong> together, each by the rate of its own instant. Sums and
            margins follow; events that have a cost stay as they are.
          </p>
        )}
      </div>
    </FormDialog>
  );
}

function many(events: number): string {
  return events === 1 ? "1 event" : `${count(events)} events`;
}
