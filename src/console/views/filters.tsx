import type { VNode } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { useAsk, withQuery } from "../api.ts";
import { place, setQuery } from "../router.ts";
import { Failure, Loading } from "../ui/states.tsx";
import type { Customer, CustomerItem, Page } from "../wire.ts";

/** Conditions of a list, kept in its address. One that changes takes the list back to its first page. */

/** Sets a condition; nothing takes it away. */
export function setFilter(name: string, value: string | undefined): void {
  setQuery({ [name]: value, offset: undefined });
}

export function filterOf(name: string): string | undefined {
  return place.value.query.get(name) || undefined;
}

/** One of few. `any`: what stands there without a condition. */
export function SelectFilter({
  name,
  label,
  any,
  options,
}: {
  name: string;
  label: string;
  any: string;
  options: readonly { value: string; label: string }[];
}) {
  const value = filterOf(name) ?? "";
  // An address that somebody shared may name what is not among the options any more.
  const isStrange = value !== "" && !options.some((option) => option.value === value);
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <select value={value} onChange={(event) => setFilter(name, event.currentTarget.value)}>
        <option value="">{any}</option>
        {isStrange ? <option value={value}>{value}</option> : null}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A whole day in the viewer's zone. */
export function DayFilter({ name, label }: { name: string; label: string }) {
  return (
    <label class="filter">
      <span class="quiet">{label}</span>
      <input
        type="date"
        value={filterOf(name) ?? ""}
        onChange={(event) => setFilter(name, event.currentTarget.value)}
      />
    </label>
  );
}

/** The first instant of a day that a `DayFilter` holds, or of the day `after` it; undefined where it holds none. */
export function dayStart(name: string, after = 0): string | undefined {
  const [year, month, day] = (filterOf(name) ?? "").split("-").map(Number);
  if (!year || !month || !day) return undefined;
  const instant = new Date(year, month - 1, day + after);
  return Number.isNaN(instant.getTime()) ? undefined : instant.toISOString();
}

/** A text that is sent as it is, once it is entered. */
export function TextFilter({ name, label }: { name: string; label: string }) {
  return (
    <label class="filter">
      <span class="unseen">{label}</span>
      <input
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={label}
        value={filterOf(name) ?? ""}
        onChange={(event) => setFilter(name, event.currentTarget.value.trim())}
      />
    </label>
  );
}

/** The customer that a `CustomerFilter` holds, as lists of the API want it: by id. Until it `isKnown` there is nothing to ask. */
export function useFilteredCustomer(name = "customer") {
  const reference = filterOf(name);
  const asked = useAsk<Customer>(
    reference === undefined ? undefined : `/api/v1/client/customers/${encodeURIComponent(reference)}`,
  );
  if (reference === undefined) return { isKnown: true, customerId: undefined, problem: undefined };
  const isKnown = asked.data !== undefined && !asked.isLoading;
  return { isKnown, customerId: asked.data?.id, problem: asked.problem };
}

/** A list that waits for the customer whom a filter names, and says so where there is none. */
export function OfFilteredCustomer({
  owner: { problem, isKnown },
  children,
}: {
  owner: ReturnType<typeof useFilteredCustomer>;
  children: VNode;
}) {
  if (problem !== undefined) return <Failure problem={problem} />;
  return isKnown ? children : <Loading what="the customer" />;
}

const REST_MS = 150;
const FOUND_MAX = 8;

/** A customer by any of its identifiers; names that fit what is typed are offered. Enter, or choosing one, sets the condition. */
export function CustomerFilter({ name = "customer" }: { name?: string }) {
  const list = useId();
  const value = filterOf(name) ?? "";
  const [text, setText] = useState(value);
  const [search, setSearch] = useState<string>();
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => setSearch(text.trim()), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const asked = useAsk<Page<CustomerItem>>(
    search === undefined ? undefined : withQuery("/api/v1/monetization/customers", { search, limit: FOUND_MAX }),
  );
  const found = (asked.data?.items ?? []).map(({ id, customerReferenceId, displayName }) => ({
    ref: customerReferenceId ?? id,
    displayName,
  }));
  return (
    <label class="filter">
      <span class="unseen">Customer</span>
      <input
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder="Customer"
        list={list}
        value={text}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          // Choosing from the list types the whole reference at once.
          if (typed === "" || found.some(({ ref }) => ref === typed)) setFilter(name, typed);
        }}
        onChange={(event) => setFilter(name, event.currentTarget.value.trim())}
      />
      <datalist id={list}>
        {found.map(({ ref, displayName }) => (
          <option key={ref} value={ref}>
            {displayName}
          </option>
        ))}
      </datalist>
    </label>
  );
}
