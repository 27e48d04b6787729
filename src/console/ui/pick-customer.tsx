import { useEffect, useId, useState } from "preact/hooks";
import { useAsk, withQuery } from "../api.ts";
import type { CustomerItem, Page } from "../wire.ts";
import { TextField } from "./form.tsx";

/** How long typing must rest before customers are looked for. */
const REST_MS = 150;
const FOUND_MAX = 8;

/**
 * A customer, by a part of the name, reference or email. The value is what the API takes: the reference, or the id of who has none.
 * What fits is offered below the field by the browser's own list.
 */
export function CustomerField({
  label = "Customer",
  path,
  value,
  onChange,
}: {
  label?: string;
  path: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const list = useId();
  const [search, setSearch] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSearch(value.trim()), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  const asked = useAsk<Page<CustomerItem>>(withQuery("/api/v1/monetization/customers", { search, limit: FOUND_MAX }));
  const found = asked.data?.items ?? [];
  const chosen = found.find(({ id, customerReferenceId }) => (customerReferenceId ?? id) === value.trim());
  return (
    <>
      <TextField
        label={label}
        path={path}
        value={value}
        onChange={onChange}
        placeholder="Name, reference or email"
        list={list}
        hint={chosen === undefined ? "Type a part, then choose from the list." : chosen.displayName}
      />
      <datalist id={list}>
        {found.map(({ id, customerReferenceId, displayName }) => (
          <option key={id} value={customerReferenceId ?? id}>
            {displayName}
          </option>
        ))}
      </datalist>
    </>
  );
}
