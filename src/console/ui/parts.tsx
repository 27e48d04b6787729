import type { ComponentChildren } from "preact";
import { moment, utc, day as viewerDay, words } from "../format.ts";

/** The small things that views are made of. */

/** `wide`: the card takes the whole row. `action`: what stands at the right of its title. */
export function Card({
  title,
  action,
  wide = false,
  children,
}: {
  title: string;
  action?: ComponentChildren;
  wide?: boolean;
  children: ComponentChildren;
}) {
  return (
    <section class={wide ? "card wide" : "card"} aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        {action}
      </header>
      {children}
    </section>
  );
}

/** An instant in the viewer's zone; UTC on hover. */
export function Time({ at, day = false }: { at: string; day?: boolean }) {
  return (
    <time dateTime={at} title={utc(at)}>
      {day ? viewerDay(at) : moment(at)}
    </time>
  );
}

type Tone = "good" | "warn" | "bad" | "plain";

const TONES: Record<string, Tone> = {
  healthy: "good",
  ACTIVE: "good",
  PAID: "good",
  allowed: "good",
  at_risk: "warn",
  INCOMPLETE: "warn",
  DUE: "warn",
  PENDING: "plain",
  FROZEN: "warn",
  DEPLETED: "bad",
  underwater: "bad",
  PAST_DUE: "bad",
  SUSPENDED: "bad",
  denied: "bad",
};

/** A state as a word with a colour; the word alone says it too. */
export function Badge({ state, label }: { state: string; label?: string }) {
  return <span class={`badge ${TONES[state] ?? "plain"}`}>{label ?? words(state)}</span>;
}

/** A figure with its name, and what changed. `change` in percent; `rising` says whether more is better. */
export function Figure({
  label,
  value,
  change,
  rising = "good",
  note,
}: {
  label: string;
  value: string;
  change?: { text: string; sign: number } | undefined;
  rising?: "good" | "bad";
  note?: string | undefined;
}) {
  const isGood = change === undefined ? true : rising === "good" ? change.sign >= 0 : change.sign <= 0;
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd class="figure-value">{value}</dd>
      {change === undefined ? null : (
        <dd class={change.sign === 0 ? "quiet" : isGood ? "good-text" : "bad-text"}>
          {change.text} <span class="quiet">vs. before</span>
        </dd>
      )}
      {note === undefined ? null : <dd class="quiet">{note}</dd>}
    </div>
  );
}

/** How much of a whole is used, as a bar beside the words that say it. */
export function Meter({ share, label }: { share: number; label: string }) {
  const tone = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "good";
  return (
    <svg class={`meter ${tone}`} viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="meter-whole" width="100" height="6" />
      <rect class="meter-part" width={Math.max(0, Math.min(1, share)) * 100} height="6" />
    </svg>
  );
}

/** A name and what is so, in a list `dl.facts`. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A choice of few, one of which holds. */
export function Choice<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}
