import { InstantField, instantOf } from "../../ui/form.tsx";
import { Choice } from "../../ui/parts.tsx";

/** When a batch takes effect: as soon as may be, or at an instant to come. */
export type When = { kind: "now" | "later"; local: string };

const KINDS = [
  { value: "now", label: "In 10 seconds" },
  { value: "later", label: "At a time" },
] as const;

export function WhenField({ value, onChange }: { value: When; onChange: (value: When) => void }) {
  return (
    <>
      <Choice
        label="When it takes effect"
        options={KINDS}
        value={value.kind}
        onChange={(kind) => onChange({ ...value, kind })}
      />
      {value.kind === "now" ? null : (
        <InstantField
          label="Takes effect"
          path="effectiveFrom"
          value={value.local}
          onChange={(local) => onChange({ ...value, local })}
        />
      )}
    </>
  );
}

/** The API takes the present instant for the soonest that there can be. */
export function effectiveFrom({ kind, local }: When): string | undefined {
  return kind === "now" ? new Date().toISOString() : instantOf(local);
}
