import { words } from "../format.ts";
import { place, setQuery } from "../router.ts";

/** A list by state: which one stands in the address (`?status=`), and a new choice begins at the first page. */
export function StateFilter({ states }: { states: readonly string[] }) {
  return (
    <label>
      <span class="unseen">State</span>
      <select
        value={place.value.query.get("status") ?? ""}
        onChange={(event) => setQuery({ status: event.currentTarget.value, offset: undefined })}
      >
        <option value="">Every state</option>
        {states.map((state) => (
          <option key={state} value={state}>
            {words(state)}
          </option>
        ))}
      </select>
    </label>
  );
}
