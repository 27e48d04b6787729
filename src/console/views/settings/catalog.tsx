import { useEffect, useState } from "preact/hooks";
import { ask, useAsk } from "../../api.ts";
import { count, exactMoney, money } from "../../format.ts";
import { hrefOf } from "../../router.ts";
import { Snippet } from "../../ui/copy.tsx";
import { Form, FormDialog, TextField, textOf } from "../../ui/form.tsx";
import { Badge, Card, Fact } from "../../ui/parts.tsx";
import { Answer, Empty, Loading } from "../../ui/states.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { PublicCatalog, Settings } from "../../wire.ts";
import { SETTINGS_PATH } from "./account.tsx";

/** Prices for everybody: the switch, the address to embed, and what the public sees. */

function addressOf(slug: string): string {
  return `${location.origin}/public/v1/catalog/${slug}/pricing.json`;
}

export function PublicCatalogSettings() {
  const asked = useAsk<Settings>(SETTINGS_PATH);
  return (
    <Answer asked={asked} what="settings">
      {(settings) => (
        <div class="grid">
          <Switch settings={settings} again={asked.again} />
          <Embed settings={settings} />
          <Preview settings={settings} />
        </div>
      )}
    </Answer>
  );
}

function Switch({ settings, again }: { settings: Settings; again: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const { values, field } = useTexts({ slug: settings.slug ?? "" });
  const { slug, publicCatalogEnabled: isOn } = settings;
  return (
    <Card
      title="Public catalog"
      action={<Badge state={isOn ? "ACTIVE" : "off"} label={isOn ? "Public" : "Switched off"} />}
    >
      <Form<Settings>
        submit="Save the name"
        send={() => ask("PATCH", SETTINGS_PATH, { slug: textOf(values.slug) ?? "" })}
        isDisabled={values.slug === (slug ?? "")}
        done="Saved."
        onDone={again}
      >
        <TextField
          label="Name in the address"
          placeholder="acme-ai"
          hint={
            isOn
              ? "Unique. Pages that use the address of before find nothing there any more."
              : "Unique: 3 to 63 lower-case letters, digits or hyphens."
          }
          {...field("slug")}
        />
      </Form>
      <div class="card-end">
        <button
          type="button"
          class={isOn ? "button danger" : "button main"}
          disabled={slug === undefined && !isOn}
          onClick={() => setAsking(true)}
        >
          {isOn ? "Switch it off" : "Make it public"}
        </button>
      </div>
      {slug === undefined && !isOn ? <p class="card-note quiet">It needs a name before it can be public.</p> : null}
      {isAsking ? (
        <FormDialog<Settings>
          title={isOn ? "Switch the public catalog off" : "Make prices public"}
          submit={isOn ? "Switch it off" : "Make it public"}
          isDanger={isOn}
          send={() => ask("PATCH", SETTINGS_PATH, { publicCatalogEnabled: !isOn })}
          done={isOn ? "Nobody sees the catalog any more." : "The catalog is public."}
          onClose={() => setAsking(false)}
          onDone={again}
        >
          <p>
            {isOn
              ? "The address answers as if it had never been there. Plans and customers are not touched."
              : `Everybody can read the plans that are active, their prices and features, and what credits burn, at ${addressOf(slug ?? "")}. Nothing of customers, costs or drafts is in it.`}
          </p>
        </FormDialog>
      ) : null}
    </Card>
  );
}

function Embed({ settings: { slug, publicCatalogEnabled: isOn } }: { settings: Settings }) {
  return (
    <Card title="Use it on a pricing page">
      {slug === undefined ? (
        <Empty title="No address yet">Give the catalog a name first.</Empty>
      ) : (
        <div class="card-text">
          <p>
            Any page may read it, without a key; it is at most a minute old.
            {isOn ? "" : " It answers once the catalog is public."}
          </p>
          <Snippet text={addressOf(slug)} what="the address" />
          <Snippet
            text={`const answer = await fetch("${addressOf(slug)}");\nconst { plans } = await answer.json();`}
            what="the script"
          />
        </div>
      )}
    </Card>
  );
}

/** The catalog as everybody gets it, raw and without the session. */
async function readPublic(slug: string): Promise<PublicCatalog | "none"> {
  const response = await fetch(addressOf(slug), { credentials: "omit" }).catch(() => undefined);
  return response?.ok === true ? ((await response.json()) as PublicCatalog) : "none";
}

/** As everybody gets it: no session goes along, so nothing can be in it that only this page may see. */
function Preview({ settings: { slug, publicCatalogEnabled: isOn } }: { settings: Settings }) {
  const [catalog, setCatalog] = useState<PublicCatalog | "none">();
  useEffect(() => {
    if (slug === undefined || !isOn) return;
    let isWanted = true;
    readPublic(slug).then((read) => {
      if (isWanted) setCatalog(read);
    });
    return () => {
      isWanted = false;
    };
  }, [slug, isOn]);
  return (
    <Card title="What the public sees" wide>
      {slug === undefined || !isOn ? (
        <Empty title="Nothing">The catalog is switched off: its address answers 404.</Empty>
      ) : catalog === undefined ? (
        <Loading what="the catalog" />
      ) : catalog === "none" ? (
        <Empty title="The catalog does not answer" />
      ) : (
        <Shown catalog={catalog} />
      )}
    </Card>
  );
}

type Offered = PublicCatalog["plans"][number];

function usageOf({ features, included_usage: included, price: { currency } }: Offered): [string, string][] {
  return features.map(({ key, name, pricing }) => {
    const units = included[key];
    if (units !== undefined) return [name, units === "unlimited" ? "included" : `${count(units)} included`];
    if (pricing?.model === "usage")
      return [name, `${exactMoney(pricing.pricePerUnit ?? 0, currency)} per ${pricing.unitLabel ?? "unit"}`];
    if (pricing?.model === "graduated") return [name, "by tiers"];
    return [name, "by credits"];
  });
}

function Shown({ catalog }: { catalog: PublicCatalog }) {
  const { product, plans, credits, revenue_model: model } = catalog;
  const weights = Object.entries(credits?.weight_table ?? {});
  return (
    <>
      {plans.length === 0 ? (
        <Empty title="No plan is active">
          <a class="in-text" href={hrefOf("/plans")}>
            Activate one
          </a>
          , and it stands here.
        </Empty>
      ) : (
        <div class="offers">
          {plans.map((plan) => (
            <section class="offer" key={plan.id} aria-label={plan.name}>
              <h3>{plan.name}</h3>
              <p class="offer-price">
                {money(plan.price.amount, plan.price.currency)} <small>per {plan.price.per}</small>
              </p>
              {plan.description === undefined ? null : <p class="quiet">{plan.description}</p>}
              <ul>
                {plan.credits.map(({ currency_name: name, amount }) => (
                  <li key={name}>
                    <span>{name}</span>
                    <span>{count(amount)} included</span>
                  </li>
                ))}
                {usageOf(plan).map(([name, said]) => (
                  <li key={name}>
                    <span>{name}</span>
                    <span>{said}</span>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </div>
      )}
      <dl class="facts">
        <Fact name="Product">{product.name}</Fact>
        <Fact name="Sold by">
          {model.type}, every {model.billing_frequency}
        </Fact>
        {credits === undefined ? null : (
          <Fact name="Credits">
            {credits.currency_name}
            {weights.length === 0
              ? ""
              : `: ${weights.map(([feature, weight]) => `${feature} ${count(weight)}`).join(", ")} a unit`}
          </Fact>
        )}
      </dl>
      <details class="raw">
        <summary>As JSON</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
        <section tabIndex={0} aria-label="The catalog as JSON">
          <pre>{JSON.stringify(catalog, null, 2)}</pre>
        </section>
      </details>
    </>
  );
}
