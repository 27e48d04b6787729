import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useId, useState } from "preact/hooks";
import type { Answered, Problem } from "../api.ts";
import { Dialog } from "./dialog.tsx";
import { say } from "./toast.tsx";

/**
 * Forms: fields that know their path in the body that is sent. What the API says of a path (`features.0.key: …`) stands at its field;
 * what no field claims, and why the whole was refused, stands above the button with the request id. The API is the one that validates.
 */

type Complaints = { at: ReadonlyMap<string, string>; claim: (path: string) => () => void };
const Complaining = createContext<Complaints>({ at: new Map(), claim: () => () => {} });

/** `detail` as the contract writes it: a line per field, its path before the first colon. */
function complaintsOf(problem: Problem | undefined): Map<string, string> {
  const lines = problem?.code === "validation_failed" ? (problem.detail ?? "").split("\n") : [];
  return new Map(
    lines.flatMap((line) => {
      const [, path, message] = /^([\w.[\]-]+): (.*)$/s.exec(line) ?? [];
      return path === undefined || message === undefined ? [] : [[path, message]];
    }),
  );
}

/**
 * Sends what its fields hold. `send` builds the body from the caller's state and asks the API; `onDone` gets the answer. `done`: what
 * the toast says. `isDanger`: the button warns. `children` are the fields.
 */
export function Form<T>({
  submit,
  send,
  onDone,
  done,
  isDanger = false,
  isDisabled = false,
  isDeliberate = false,
  children,
}: {
  submit: string;
  send: () => Promise<Answered<T>>;
  onDone: (data: T) => void;
  done?: string | ((data: T) => string);
  isDanger?: boolean;
  isDisabled?: boolean;
  /** What it does cannot be taken back: Enter in a field does not send it, its button does. */
  isDeliberate?: boolean;
  children?: ComponentChildren;
}) {
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const [claimed] = useState(() => new Set<string>());
  const at = complaintsOf(problem);
  const claim = (path: string) => {
    claimed.add(path);
    return () => claimed.delete(path);
  };
  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    const answered = await send();
    setBusy(false);
    setProblem(answered.ok ? undefined : answered.problem);
    if (!answered.ok) return;
    if (done !== undefined) say(typeof done === "string" ? done : done(answered.data));
    onDone(answered.data);
  };
  return (
    <form
      class="form"
      noValidate
      onSubmit={onSubmit}
      onKeyDown={(event) => {
        if (isDeliberate && event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
      }}
    >
      <Complaining.Provider value={{ at, claim }}>{children}</Complaining.Provider>
      {problem === undefined ? null : <FormProblem problem={problem} hides={(path) => claimed.has(path)} />}
      <div class="form-end">
        <button type="submit" class={isDanger ? "button danger" : "button main"} disabled={isBusy || isDisabled}>
          {submit}
        </button>
      </div>
    </form>
  );
}

function FormProblem({ problem, hides }: { problem: Problem; hides: (path: string) => boolean }) {
  const at = complaintsOf(problem);
  const left = at.size === 0 ? [problem.detail ?? ""] : [...at].flatMap(([p, m]) => (hides(p) ? [] : [`${p}: ${m}`]));
  return (
    <div class="form-problem" role="alert">
      {problem.message}
      {left.map((line) => (line === "" ? null : <p key={line}>{line}</p>))}
      {problem.requestId === undefined ? null : (
        <small>
          Request id <code>{problem.requestId}</code>
        </small>
      )}
    </div>
  );
}

/** A form in a dialog that closes once it is done. `children` may be fields, or words to confirm. */
export function FormDialog<T>({
  title,
  kind = "box",
  onClose,
  onDone,
  ...form
}: Parameters<typeof Form<T>>[0] & { title: ComponentChildren; kind?: "box" | "box roomy"; onClose: () => void }) {
  return (
    <Dialog title={title} kind={kind} onClose={onClose}>
      <Form<T>
        {...form}
        onDone={(data) => {
          onClose();
          onDone(data);
        }}
      />
    </Dialog>
  );
}

/** `path`: where the field's value goes in the body, as the API names it in its complaints. `isBare`: its label is not seen, as in a table. */
type FieldProps = { label: string; path: string; hint?: ComponentChildren; isBare?: boolean };

/** A label, its control and what is wrong with it; `children` get what ties them together. */
function Field({
  label,
  path,
  hint,
  isBare = false,
  children,
}: FieldProps & {
  children: (ties: { id: string; "aria-invalid": boolean; "aria-describedby": string }) => ComponentChildren;
}) {
  const id = useId();
  const { at, claim } = useContext(Complaining);
  useEffect(() => claim(path), [path]);
  const complaint = at.get(path);
  return (
    <div class="field">
      <label for={id} class={isBare ? "unseen" : ""}>
        {label}
      </label>
      {children({ id, "aria-invalid": complaint !== undefined, "aria-describedby": `${id}-said` })}
      <p id={`${id}-said`} class={complaint === undefined ? "field-hint" : "field-hint bad-text"}>
        {complaint ?? hint}
      </p>
    </div>
  );
}

type TextProps = FieldProps & { value: string; onChange: (value: string) => void; placeholder?: string };

/** `list`: the id of a `datalist` of what may be meant. */
export function TextField({ value, onChange, placeholder, list, ...field }: TextProps & { list?: string }) {
  return (
    <Field {...field}>
      {(ties) => (
        <input
          {...ties}
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder={placeholder}
          list={list}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** A secret is not shown while it is typed. */
export function SecretField({ value, onChange, placeholder, ...field }: TextProps) {
  return (
    <Field {...field}>
      {(ties) => (
        <input
          {...ties}
          type="password"
          autocomplete="off"
          placeholder={placeholder}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** A number as text while it is typed; `numberOf` makes it one. */
export function NumberField({ value, onChange, placeholder, unit, ...field }: TextProps & { unit?: string }) {
  return (
    <Field {...field}>
      {(ties) => (
        <span class="with-unit">
          <input
            {...ties}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            placeholder={placeholder}
            value={value}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
          {unit === undefined ? null : <span class="quiet">{unit}</span>}
        </span>
      )}
    </Field>
  );
}

export function AreaField({ value, onChange, placeholder, rows = 3, ...field }: TextProps & { rows?: number }) {
  return (
    <Field {...field}>
      {(ties) => (
        <textarea
          {...ties}
          rows={rows}
          placeholder={placeholder}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** An instant, typed in the viewer's zone and kept as the control writes it (`2026-11-26T09:30`); `instantOf` makes it UTC. */
export function InstantField({ value, onChange, ...field }: Omit<TextProps, "placeholder">) {
  return (
    <Field {...field}>
      {(ties) => (
        <input {...ties} type="datetime-local" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      )}
    </Field>
  );
}

export function SelectField<T extends string>({
  value,
  onChange,
  options,
  ...field
}: FieldProps & {
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; label: string }[];
}) {
  return (
    <Field {...field}>
      {(ties) => (
        <select {...ties} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Yes or no. */
export function Tick({
  label,
  value,
  onChange,
}: {
  label: string;
  value: boolean;
  onChange: (value: boolean) => void;
}) {
  return (
    <label class="tick">
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} />
      {label}
    </label>
  );
}

/** What was typed as a number; nothing typed is undefined, and what is no number goes as it is, for the API to refuse with its path. */
export function numberOf(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : trimmed;
}

/** A text that is worth sending. */
export function textOf(text: string): string | undefined {
  return text.trim() === "" ? undefined : text.trim();
}

/** What an `InstantField` holds as the API's instant. */
export function instantOf(local: string): string | undefined {
  return local === "" ? undefined : new Date(local).toISOString();
}
