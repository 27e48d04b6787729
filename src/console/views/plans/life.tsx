import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { exactMoney } from "../../format.ts";
import { navigate } from "../../router.ts";
import { AreaField, FormDialog, textOf } from "../../ui/form.tsx";
import type { Plan, PlanFeatures } from "../../wire.ts";
import { rhythm } from "../rule-words.tsx";

/** A plan's life: a draft is activated or deleted, what is sold is archived and may be sold again. Each says first what it does. */

type Step = "activate" | "archive" | "delete";
type Props = { plan: Plan; onClose: () => void; onDone: () => void };

const pathOf = ({ id }: Plan): string => `/api/v1/monetization/plans/${id}`;

export function LifeButtons({ of, onDone }: { of: PlanFeatures; onDone: () => void }) {
  const { plan, features } = of;
  const [step, setStep] = useState<Step>();
  const props = { plan, onDone, onClose: () => setStep(undefined) };
  return (
    <>
      {plan.status === "DRAFT" ? (
        <button type="button" class="button danger" onClick={() => setStep("delete")}>
          Delete
        </button>
      ) : null}
      {plan.status === "ACTIVE" ? (
        <button type="button" class="button" onClick={() => setStep("archive")}>
          Archive
        </button>
      ) : (
        <button type="button" class="button main" onClick={() => setStep("activate")}>
          {plan.status === "DRAFT" ? "Activate" : "Sell again"}
        </button>
      )}
      {step === "activate" ? <Activate {...props} features={features.length} /> : null}
      {step === "archive" ? <Archive {...props} /> : null}
      {step === "delete" ? <Delete {...props} /> : null}
    </>
  );
}

function Activate({ plan, features, onClose, onDone }: Props & { features: number }) {
  const [description, setDescription] = useState("");
  const isDraft = plan.status === "DRAFT";
  return (
    <FormDialog<Plan>
      title={isDraft ? `Activate ${plan.name}` : `Sell ${plan.name} again`}
      submit={isDraft ? "Activate" : "Sell again"}
      done={({ name, version }) => `${name} is on sale, version ${version}`}
      onClose={onClose}
      onDone={onDone}
      send={() => ask("PATCH", pathOf(plan), { status: "ACTIVE", description: textOf(description) })}
    >
      <p>
        From now on it can be bought: {plan.priceAmount === 0 ? "free" : exactMoney(plan.priceAmount, plan.currency)}{" "}
        {rhythm(plan)}, with {features === 1 ? "one feature" : `${features} features`}.{" "}
        {isDraft
          ? "Its key, interval, timing and currency are fixed then; later changes of price or features make versions, and subscribers keep theirs."
          : `What is sold is its newest version, ${plan.version}.`}
      </p>
      {plan.description === undefined ? (
        <AreaField
          label="Description"
          path="description"
          value={description}
          onChange={setDescription}
          hint="Customers read it on the pricing page"
        />
      ) : null}
    </FormDialog>
  );
}

function Archive({ plan, onClose, onDone }: Props) {
  return (
    <FormDialog<Plan>
      title={`Archive ${plan.name}`}
      submit="Archive"
      isDanger
      done="Archived: nobody can buy it any more"
      onClose={onClose}
      onDone={onDone}
      send={() => ask("PATCH", pathOf(plan), { status: "ARCHIVED" })}
    >
      <p>
        Nobody can buy it from now on. Its subscribers stay, are billed as before and renew as before. You can sell it
        again at any time.
      </p>
    </FormDialog>
  );
}

function Delete({ plan, onClose }: Props) {
  return (
    <FormDialog
      title={`Delete ${plan.name}`}
      submit="Delete the draft"
      isDanger
      done={`${plan.name} is deleted`}
      onClose={onClose}
      onDone={() => navigate("/plans")}
      send={() => ask("DELETE", pathOf(plan))}
    >
      <p>It was never on sale, so nobody has it. It is gone for good, and its key is free again.</p>
    </FormDialog>
  );
}
