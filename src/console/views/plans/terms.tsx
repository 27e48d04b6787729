import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { exactMoney } from "../../format.ts";
import { AreaField, FormDialog, NumberField, numberOf, SelectField, TextField, textOf } from "../../ui/form.tsx";
import { Fact } from "../../ui/parts.tsx";
import type { Plan } from "../../wire.ts";
import { rhythm } from "../rule-words.tsx";
import { Consequence } from "./consequence.tsx";
import { EditedPreview } from "./edited-preview.tsx";

/** What a plan is called and costs, apart from what is in it. */

const PLANS = "/api/v1/monetization/plans";

type Terms = {
  key: string;
  name: string;
  description: string;
  price: string;
  currency: string;
  months: string;
  timing: Plan["billingTiming"];
};

const INTERVALS = [
  { value: "1", label: "Month" },
  { value: "3", label: "3 months" },
  { value: "6", label: "6 months" },
  { value: "12", label: "Year" },
] as const;

const TIMINGS = [
  { value: "IN_ADVANCE", label: "In advance: paid before it begins" },
  { value: "IN_ARREARS", label: "In arrears: paid when it is over" },
] as const;

type FieldsProps = { terms: Terms; onChange: (terms: Terms) => void; isFixed: boolean; moneyOf: string };

/** `isFixed`: it was on sale, so all but name, description and price stand still. */
function TermsFields({ terms, onChange, isFixed, moneyOf }: FieldsProps) {
  const set = (change: Partial<Terms>) => onChange({ ...terms, ...change });
  const intervals = INTERVALS.some(({ value }) => value === terms.months)
    ? INTERVALS
    : [...INTERVALS, { value: terms.months, label: `${terms.months} months` }];
  return (
    <>
      <div class="form-row">
        <TextField label="Name" path="name" value={terms.name} onChange={(name) => set({ name })} placeholder="Pro" />
        {isFixed ? null : (
          <TextField
            label="Key"
            path="key"
            value={terms.key}
            onChange={(key) => set({ key })}
            placeholder="pro-monthly"
            hint="What your code names it by"
          />
        )}
      </div>
      <AreaField
        label="Description"
        path="description"
        value={terms.description}
        onChange={(description) => set({ description })}
        hint="Customers read it; needed before it can be sold"
        rows={2}
      />
      <div class="form-row">
        <NumberField
          label="Base price"
          path="priceAmount"
          value={terms.price}
          onChange={(price) => set({ price })}
          placeholder="0"
          unit={moneyOf}
        />
        {isFixed ? null : (
          <SelectField
            label="Every"
            path="intervalMonths"
            value={terms.months}
            onChange={(months) => set({ months })}
            options={intervals}
          />
        )}
      </div>
      {isFixed ? null : (
        <SelectField
          label="Base price is due"
          path="billingTiming"
          value={terms.timing}
          onChange={(timing) => set({ timing })}
          options={TIMINGS}
          hint="Usage is always billed when its period is over"
        />
      )}
    </>
  );
}

/** `currency` empty: the account's. */
const NOTHING: Terms = {
  key: "",
  name: "",
  description: "",
  price: "",
  currency: "",
  months: "1",
  timing: "IN_ADVANCE",
};

export function NewPlan({ onClose, onDone }: { onClose: () => void; onDone: (plan: Plan) => void }) {
  const [terms, setTerms] = useState(NOTHING);
  return (
    <FormDialog<Plan>
      title="New plan"
      submit="Make a draft"
      done={({ name }) => `${name} is a draft: give it features, then activate it`}
      onClose={onClose}
      onDone={onDone}
      send={() =>
        ask("POST", PLANS, {
          key: textOf(terms.key),
          name: textOf(terms.name),
          description: textOf(terms.description),
          priceAmount: numberOf(terms.price),
          currency: textOf(terms.currency)?.toUpperCase(),
          intervalMonths: Number(terms.months),
          billingTiming: terms.timing,
        })
      }
    >
      <TermsFields terms={terms} onChange={setTerms} isFixed={false} moneyOf={terms.currency.toUpperCase()} />
      <TextField
        label="Currency"
        path="currency"
        value={terms.currency}
        onChange={(currency) => setTerms({ ...terms, currency })}
        placeholder="USD"
        hint="Three letters; left empty, the account's"
      />
    </FormDialog>
  );
}

export function EditTerms({ plan, onClose, onDone }: { plan: Plan; onClose: () => void; onDone: () => void }) {
  const isFixed = plan.version > 0;
  const [terms, setTerms] = useState<Terms>({
    key: plan.key,
    name: plan.name,
    description: plan.description ?? "",
    price: String(plan.priceAmount),
    currency: plan.currency,
    months: plan.intervalMonths,
    timing: plan.billingTiming,
  });
  const price = numberOf(terms.price);
  return (
    <FormDialog<Plan>
      title={`Edit ${plan.name}`}
      kind="box roomy"
      submit="Save"
      done={({ version }) => (version > plan.version ? `Saved as version ${version}` : "Saved")}
      onClose={onClose}
      onDone={onDone}
      send={() =>
        ask("PATCH", `${PLANS}/${plan.id}`, {
          name: textOf(terms.name),
          description: terms.description.trim(),
          ...(price === plan.priceAmount ? {} : { priceAmount: price ?? 0 }),
          ...(isFixed
            ? {}
            : { key: textOf(terms.key), intervalMonths: Number(terms.months), billingTiming: terms.timing }),
        })
      }
    >
      <TermsFields terms={terms} onChange={setTerms} isFixed={isFixed} moneyOf={plan.currency} />
      {price === plan.priceAmount ? null : (
        <EditedPreview
          planId={plan.id}
          edited={terms.price}
          bodyOf={(text) => ({ priceAmount: numberOf(text) ?? 0 })}
        />
      )}
      {isFixed ? (
        <Consequence plan={plan} isVersion={price !== plan.priceAmount}>
          Its key, interval and timing stay, because it has been on sale.
        </Consequence>
      ) : null}
    </FormDialog>
  );
}

/** The same as facts. */
export function TermsFacts({ plan }: { plan: Plan }) {
  return (
    <dl class="facts">
      <Fact name="Base price">
        {plan.priceAmount === 0 ? "free" : exactMoney(plan.priceAmount, plan.currency)}, {rhythm(plan)}
      </Fact>
      <Fact name="Description">
        {plan.description ?? <span class="quiet">none yet; needed before it can be sold</span>}
      </Fact>
      <Fact name="Key">
        <code>{plan.key}</code>
      </Fact>
      <Fact name="Version">{plan.version === 0 ? "none before it is active" : plan.version}</Fact>
      <Fact name="Id">
        <code>{plan.id}</code>
      </Fact>
    </dl>
  );
}
