import type { ComponentChildren } from "preact";
import { Icon } from "../../ui/icon.tsx";

/**
 * The lines of a batch that is to be published, at least one, and what publishing them does. `fields` are one line's; `foretold` says
 * what it changes. A line has no identity but its place.
 */
export function Batch<T>({
  entries,
  empty,
  onChange,
  fields,
  foretold,
  children,
}: {
  entries: readonly T[];
  /** What a new line holds. */
  empty: T;
  onChange: (entries: readonly T[]) => void;
  fields: (entry: T, at: number, change: (changes: Partial<T>) => void) => ComponentChildren;
  foretold: (entry: T) => ComponentChildren;
  /** Between the lines and what they do: when it counts. */
  children: ComponentChildren;
}) {
  const change = (at: number, changes: Partial<T>) =>
    onChange(entries.map((entry, index) => (index === at ? { ...entry, ...changes } : entry)));
  return (
    <>
      <div class="batch">
        {entries.map((entry, at) => (
          <div class="batch-row" key={at}>
            {fields(entry, at, (changes) => change(at, changes))}
            <button
              type="button"
              class="icon-button"
              aria-label={`Remove line ${at + 1}`}
              disabled={entries.length === 1}
              onClick={() => onChange(entries.filter((_, index) => index !== at))}
            >
              <Icon name="close" />
            </button>
          </div>
        ))}
        <div>
          <button type="button" class="button small" onClick={() => onChange([...entries, empty])}>
            Add a line
          </button>
        </div>
      </div>
      {children}
      <section class="preview" aria-label="What this does">
        <ul class="said">
          {entries.map((entry, at) => (
            <li key={at}>{foretold(entry)}</li>
          ))}
        </ul>
      </section>
    </>
  );
}
