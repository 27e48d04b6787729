import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

/** How long typing must rest before what was typed counts. */
const REST_MS = 200;

/** A field that searches a list while one types. */
export function SearchBox({
  label,
  value,
  onSearch,
}: {
  label: string;
  value: string;
  onSearch: (text: string | undefined) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  // What was typed starts the wait, nothing else does.
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text === "" ? undefined : text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search-box">
      <Icon name="search" />
      <span class="unseen">{label}</span>
      <input
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={label}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}
