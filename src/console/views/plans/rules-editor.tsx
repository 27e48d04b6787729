import { useEffect, useState } from "preact/hooks";
import { ask, useAsk, useWhole } from "../../api.ts";
import { navigate, unsaved } from "../../router.ts";
import { Form } from "../../ui/form.tsx";
import { Badge, Card } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import type { CreditModel, Feature, FeaturePlan, Page, PlanFeatures } from "../../wire.ts";
import { NewFeature } from "../features/forms.tsx";
import { Consequence } from "./consequence.tsx";
import { EditedPreview } from "./edited-preview.tsx";
import { bodyOf, draftOf, newRule, type RuleDraft } from "./rule-draft.ts";
import { RuleForm } from "./rule-form.tsx";

/** The features of a plan, edited together: one save, one version. What customers would pay is shown before it is saved. */

export function RulesEditor({ id }: { id: string }) {
  const ref = encodeURIComponent(id);
  const plan = useAsk<PlanFeatures>(`/api/v1/monetization/plans/${ref}/features`);
  const features = useWhole<Feature>("/api/v1/monetization/features");
  const models = useWhole<CreditModel>("/api/v1/monetization/credits/models");
  return (
    <Answer asked={plan} what="the plan">
      {(of) => (
        <Answer asked={features} what="features">
          {(known) => (
            <Answer asked={models} what="credit models">
              {(credit) => <Editor of={of} known={known.items} models={credit.items} />}
            </Answer>
          )}
        </Answer>
      )}
    </Answer>
  );
}

type Rules = readonly RuleDraft[];
type Saved = { version: number };

function Editor({
  of: { plan, features },
  known,
  models,
}: {
  of: PlanFeatures;
  known: readonly Feature[];
  models: readonly CreditModel[];
}) {
  const [rules, setRules] = useState<Rules>(() => features.map(draftOf));
  const [isMaking, setMaking] = useState(false);
  const [before] = useState(rules);
  const isEdited = JSON.stringify(rules) !== JSON.stringify(before);
  useEffect(() => {
    unsaved.value = isEdited ? `What you changed of ${plan.name} is not saved.` : undefined;
    return () => {
      unsaved.value = undefined;
    };
  }, [isEdited]);
  const add = async (feature: Pick<Feature, "id" | "key" | "name">) => {
    setRules((others) => [...others, newRule(feature)]);
    const unit = await unitOf(feature.id);
    setRules((others) =>
      others.map((one) => (one.featureId === feature.id && one.unit === "" ? { ...one, unit } : one)),
    );
  };
  const others = known.filter(({ id }) => !rules.some(({ featureId }) => featureId === id));
  const back = `/plans/${plan.id}`;
  return (
    <>
      <div class="view-head">
        <div>
          <p class="crumbs">
            <a href="/console/plans">Plans</a> / <a href={`/console${back}`}>{plan.name}</a>
          </p>
          <h1>Features of {plan.name}</h1>
        </div>
        <Badge state={plan.status} />
      </div>
      <Card title="What a subscriber gets" wide>
        <Form<Saved>
          submit={plan.version === 0 ? "Save the draft" : `Save as version ${plan.version + 1}`}
          isDeliberate={plan.version > 0}
          send={() =>
            ask("PATCH", `/api/v1/monetization/rules/plan-features/diff/${plan.id}`, { features: rules.map(bodyOf) })
          }
          done={({ version }) =>
            version === plan.version ? "Saved" : `Saved as version ${version}; subscribers keep theirs`
          }
          onDone={() => {
            unsaved.value = undefined;
            navigate(back);
          }}
        >
          {rules.length === 0 ? <Empty title="No feature in it">Put the first one in below.</Empty> : null}
          {rules.map((rule, index) => (
            <RuleForm
              key={rule.featureId}
              index={index}
              rule={rule}
              currency={plan.currency}
              creditModels={models}
              onChange={(changed) => setRules(rules.map((one) => (one === rule ? changed : one)))}
              onRemove={() => setRules(rules.filter((one) => one !== rule))}
            />
          ))}
          <AddFeature others={others} onAdd={add} onMake={() => setMaking(true)} />
          <EditedPreview planId={plan.id} edited={rules} bodyOf={(these) => ({ features: these.map(bodyOf) })} />
          <Consequence plan={plan} isVersion />
        </Form>
      </Card>
      {isMaking ? <NewFeature onClose={() => setMaking(false)} onDone={add} /> : null}
    </>
  );
}

/** What other plans call a unit of a feature: it has to be the same everywhere. Empty: none has said it yet. */
async function unitOf(featureId: string): Promise<string> {
  const path = `/api/v1/monetization/features/${featureId}/plans?limit=200`;
  const answered = await ask<Page<FeaturePlan>>("GET", path);
  const rules = answered.ok ? answered.data.items.map(({ rule }) => rule) : [];
  return rules.find(({ value }) => value.pricing?.usage_unit_type !== undefined)?.value.pricing?.usage_unit_type ?? "";
}

function AddFeature({
  others,
  onAdd,
  onMake,
}: {
  others: readonly Feature[];
  onAdd: (feature: Feature) => void;
  onMake: () => void;
}) {
  return (
    <div class="add-feature">
      <label>
        <span>Put in</span>
        <select
          value=""
          onChange={(event) => {
            const feature = others.find(({ id }) => id === event.currentTarget.value);
            event.currentTarget.value = "";
            if (feature !== undefined) onAdd(feature);
          }}
        >
          <option value="">{others.length === 0 ? "All features are in it" : "Choose a feature…"}</option>
          {others.map(({ id, name, key }) => (
            <option key={id} value={id}>
              {name === key ? key : `${name} (${key})`}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="button" onClick={onMake}>
        New feature
      </button>
    </div>
  );
}
