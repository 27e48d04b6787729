import { useState } from "preact/hooks";
import { Failure } from "../../ui/states.tsx";
import { askPreview, type PreviewBody, type PreviewState, PreviewTable } from "./preview.tsx";

/**
 * What three customers would have paid on a plan as it is, and as it is being edited. Asked for, since who types is not done yet. `edited`:
 * what is edited, by which one knows whether a preview is still of it; `bodyOf` says it as the API takes it.
 */
export function EditedPreview<T>({
  planId,
  edited,
  bodyOf,
}: {
  planId: string;
  edited: T;
  bodyOf: (edited: T) => PreviewBody;
}) {
  const [state, setState] = useState<PreviewState & { of?: T; before?: PreviewState["data"] }>({ isLoading: false });
  const work = async () => {
    setState({ ...state, isLoading: true });
    const after = await askPreview(planId, bodyOf(edited));
    const customers = after.data?.customers.map(({ customerId }) => customerId) ?? [];
    // The same people on both sides.
    const before = customers.length === 0 ? undefined : (await askPreview(planId, { customers })).data;
    setState({ ...after, isLoading: false, of: edited, ...(before === undefined ? {} : { before }) });
  };
  const isFresh = state.of === edited;
  return (
    <section class="inset" aria-label="Preview">
      <header class="card-head">
        <h3>What real customers would have paid</h3>
        <button type="button" class="button small" disabled={state.isLoading} onClick={work}>
          {state.data === undefined ? "Work it out" : "Work it out again"}
        </button>
      </header>
      {state.problem !== undefined ? <Failure problem={state.problem} /> : null}
      {state.data === undefined ? (
        state.problem === undefined ? (
          <p class="card-note quiet">From last month's usage, before anything is saved.</p>
        ) : null
      ) : (
        <div class={isFresh ? "" : "outdated"}>
          {isFresh ? null : <p class="card-note">Changed since: work it out again.</p>}
          <PreviewTable preview={state.data} before={state.before} />
        </div>
      )}
    </section>
  );
}
