import { NumberField } from "../../ui/form.tsx";
import { newTier, type TierDraft } from "./rule-draft.ts";

/** Tiers as rows: up to how many units, what each costs, what entering costs. The last one goes on without end. */
export function TierTable({
  path,
  name,
  tiers,
  currency,
  onChange,
}: {
  /** Of the list of tiers in the body. */
  path: string;
  /** Of the feature: for the labels, since several tables may be on the page. */
  name: string;
  tiers: readonly TierDraft[];
  currency: string;
  onChange: (tiers: readonly TierDraft[]) => void;
}) {
  const set = (index: number, change: Partial<TierDraft>) =>
    onChange(tiers.map((tier, at) => (at === index ? { ...tier, ...change } : tier)));
  const last = tiers.length - 1;
  // The new tier goes before the last, which has no end.
  const add = () => onChange([...tiers.slice(0, last), newTier(tiers[last]?.price), ...tiers.slice(last)]);
  return (
    <div class="tier-table">
      <div class="tier-head" aria-hidden="true">
        <span>Up to</span>
        <span>Per unit, {currency}</span>
        <span>On entering, {currency}</span>
        <span />
      </div>
      {tiers.map((tier, index) => {
        const of = `tier ${index + 1} of ${name}`;
        return (
          <div key={tier.id} class="tier-row">
            {index === last ? (
              <span class="tier-end">beyond</span>
            ) : (
              <NumberField
                isBare
                label={`Up to, ${of}`}
                path={`${path}[${index}].up_to`}
                value={tier.upTo}
                onChange={(upTo) => set(index, { upTo })}
              />
            )}
            <NumberField
              isBare
              label={`Price per unit, ${of}`}
              path={`${path}[${index}].price_per_unit`}
              value={tier.price}
              onChange={(price) => set(index, { price })}
              placeholder="0.02"
            />
            <NumberField
              isBare
              label={`Fee on entering, ${of}`}
              path={`${path}[${index}].flat_fee`}
              value={tier.fee}
              onChange={(fee) => set(index, { fee })}
              placeholder="none"
            />
            {index === last ? (
              <span />
            ) : (
              <button
                type="button"
                class="button small"
                aria-label={`Remove ${of}`}
                onClick={() => onChange(tiers.filter((_, at) => at !== index))}
              >
                Remove
              </button>
            )}
          </div>
        );
      })}
      <button type="button" class="button small" aria-label={`Add a tier to ${name}`} onClick={add}>
        Add a tier
      </button>
    </div>
  );
}
