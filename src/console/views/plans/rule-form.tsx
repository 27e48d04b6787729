import { NumberField, numberOf, SelectField, TextField, Tick } from "../../ui/form.tsx";
import { Choice } from "../../ui/parts.tsx";
import type { CreditModel } from "../../wire.ts";
import { PriceCurve } from "./price-curve.tsx";
import { curveTiers, type PriceModel, type RuleDraft } from "./rule-draft.ts";
import { TierTable } from "./tier-table.tsx";

/** One feature of a plan: how it is priced, how much there may be, and what it burns. */

const MODELS: readonly { value: PriceModel; label: string }[] = [
  { value: "included", label: "Included" },
  { value: "usage", label: "Per unit" },
  { value: "graduated", label: "Graduated" },
];

export function RuleForm({
  index,
  rule,
  currency,
  creditModels,
  onChange,
  onRemove,
}: {
  /** Its place in the list that is sent. */
  index: number;
  rule: RuleDraft;
  currency: string;
  creditModels: readonly CreditModel[];
  onChange: (rule: RuleDraft) => void;
  onRemove: () => void;
}) {
  const set = (change: Partial<RuleDraft>) => onChange({ ...rule, ...change });
  const path = `features[${index}]`;
  const pricing = `${path}.value.pricing`;
  const name = rule.featureName;
  const limit = numberOf(rule.limit);
  const unitName = (
    <TextField
      label="A unit is called"
      path={`${pricing}.usage_unit_type`}
      value={rule.unit}
      onChange={(unit) => set({ unit })}
      placeholder="call"
    />
  );
  return (
    <section class="rule" aria-label={`Rule of ${name}`}>
      <header class="rule-head">
        <div>
          <h3>{name}</h3>
          <code>{rule.featureKey}</code>
        </div>
        <div class="tools">
          <Choice label={`Price of ${name}`} options={MODELS} value={rule.model} onChange={(model) => set({ model })} />
          <button type="button" class="button small" aria-label={`Take out ${name}`} onClick={onRemove}>
            Take out
          </button>
        </div>
      </header>
      <div class={rule.model === "included" ? "rule-body" : "rule-body priced"}>
        <div class="rule-fields">
          {rule.model === "included" ? null : (
            <div class="form-row">
              {rule.model === "usage" ? (
                <NumberField
                  label="Price per unit"
                  path={`${pricing}.price_per_unit`}
                  value={rule.price}
                  onChange={(price) => set({ price })}
                  placeholder="0.02"
                  unit={currency}
                />
              ) : null}
              {unitName}
            </div>
          )}
          {rule.model === "graduated" ? (
            <TierTable
              path={`${pricing}.tiers`}
              name={name}
              tiers={rule.tiers}
              currency={currency}
              onChange={(tiers) => set({ tiers })}
            />
          ) : null}
          <div class="form-row">
            {rule.model === "included" ? unitName : null}
            <NumberField
              label="Limit"
              path={`${pricing}.max_usage`}
              value={rule.limit}
              onChange={(max) => set({ limit: max })}
              placeholder="no limit"
              hint="Access ends when so many are used"
            />
            <SelectField
              label="Counted"
              path={`${pricing}.reset_mode`}
              value={rule.resetMode}
              onChange={(resetMode) => set({ resetMode })}
              options={[
                { value: "reset", label: "Each period" },
                { value: "accumulate", label: "For ever" },
              ]}
              {...(rule.resetMode === "reset" ? {} : { hint: "Never reset, as seats are" })}
            />
            <SelectField
              label="Units burn credits"
              path={`${path}.creditModelId`}
              value={rule.creditModelId}
              onChange={(creditModelId) => set({ creditModelId })}
              options={[
                { value: "", label: "No" },
                ...creditModels.map(({ id, name: model, denomination }) => ({
                  value: id,
                  label: `${model} (${denomination})`,
                })),
              ]}
              {...(rule.creditModelId === "" ? {} : { hint: "What they do not cover costs the price" })}
            />
          </div>
          <Tick label="Subscribers may use it" value={rule.isEnabled} onChange={(isEnabled) => set({ isEnabled })} />
        </div>
        {rule.model === "included" ? null : (
          <PriceCurve
            tiers={curveTiers(rule)}
            limit={typeof limit === "number" && limit > 0 ? limit : undefined}
            currency={currency}
            unit={rule.unit.trim() || "units"}
            name={name}
          />
        )}
      </div>
    </section>
  );
}
