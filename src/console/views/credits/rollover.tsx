import { NumberField, numberOf, SelectField } from "../../ui/form.tsx";

/** What becomes of a plan's credits when their period ends, as a choice and in words. */

type Policy = "NONE" | "FULL" | "CAPPED";
type Rollover = { policy: Policy; cap: string };

const POLICIES = [
  { value: "NONE", label: "They are gone" },
  { value: "FULL", label: "They are carried over" },
  { value: "CAPPED", label: "Carried over, up to a cap" },
] as const;

export function RolloverFields({ value, onChange }: { value: Rollover; onChange: (value: Rollover) => void }) {
  const { policy, cap } = value;
  return (
    <div class="form-row">
      <SelectField
        label="Plan credits left at a period's end"
        path="rolloverPolicy"
        value={policy}
        onChange={(next) => onChange({ ...value, policy: next })}
        options={POLICIES}
      />
      {policy === "CAPPED" ? (
        <NumberField
          label="At most"
          path="rolloverCap"
          unit="credits"
          value={cap}
          onChange={(next) => onChange({ ...value, cap: next })}
        />
      ) : null}
    </div>
  );
}

export function rolloverBody({ policy, cap }: Rollover) {
  return { rolloverPolicy: policy, ...(policy === "CAPPED" ? { rolloverCap: numberOf(cap) } : {}) };
}

/** Goes on after “it” or “and”. */
export function rolloverWords(policy: Policy, cap: string | undefined): string {
  if (policy === "NONE") return "what a plan gave is gone when its period ends";
  if (policy === "FULL") return "what a plan gave is carried over";
  return `of what a plan gave, ${cap === undefined || cap === "" ? "so many" : `at most ${cap}`} are carried over`;
}
