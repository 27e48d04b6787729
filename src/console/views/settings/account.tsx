import { useState } from "preact/hooks";
import { ask, useAsk, whoami } from "../../api.ts";
import { AreaField, Form, NumberField, numberOf, TextField, Tick } from "../../ui/form.tsx";
import { Card, Fact, Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { Account, Settings } from "../../wire.ts";

/** Who the account is, in which currency it reckons, and what its invoices say. */

export const SETTINGS_PATH = "/api/v1/account/settings";

export function AccountSettings() {
  const settings = useAsk<Settings>(SETTINGS_PATH);
  const account = whoami.value?.account;
  return (
    <Answer asked={settings} what="settings">
      {(known) => (
        <div class="grid">
          <div class="stack">
            {account === undefined ? null : <Who account={account} />}
            <Currency settings={known} again={settings.again} />
          </div>
          <div class="stack">
            <Seller settings={known} />
            <Purchases settings={known} />
          </div>
        </div>
      )}
    </Answer>
  );
}

function Who({ account }: { account: Account }) {
  const { values, field } = useTexts({ name: account.name });
  return (
    <Card title="Account">
      <Form<Account>
        submit="Rename"
        send={() => ask("PATCH", "/api/v1/account", { name: values.name })}
        isDisabled={values.name === account.name}
        done={({ name }) => `The account is called ${name} now.`}
        onDone={(renamed) => {
          const who = whoami.value;
          if (who !== null && who !== undefined) whoami.value = { ...who, account: renamed };
        }}
      >
        <TextField
          label="Name"
          hint="Shown here and, without a seller’s name, in the public catalog."
          {...field("name")}
        />
      </Form>
      <dl class="facts">
        <Fact name="Id">
          <code>{account.id}</code>
        </Fact>
        <Fact name="Mode">
          {account.mode === "test" ? "Test: test clocks, test keys of Stripe" : "Live"}; it never changes
        </Fact>
        <Fact name="Since">
          <Time at={account.createdAt} />
        </Fact>
      </dl>
    </Card>
  );
}

type Rate = { code: string; rate: string };

function Currency({ settings, again }: { settings: Settings; again: () => void }) {
  const { values, field } = useTexts({
    currency: settings.currency,
    usdExchangeRate: String(settings.usdExchangeRate ?? ""),
  });
  const [rates, setRates] = useState<readonly Rate[]>(() =>
    Object.entries(settings.exchangeRates ?? {}).map(([code, rate]) => ({ code, rate: String(rate) })),
  );
  const change = (at: number, part: Partial<Rate>) =>
    setRates((known) => known.map((row, place) => (place === at ? { ...row, ...part } : row)));
  const send = () =>
    ask<Settings>("PATCH", SETTINGS_PATH, {
      currency: values.currency.trim().toUpperCase(),
      usdExchangeRate: numberOf(values.usdExchangeRate) ?? "",
      exchangeRates: Object.fromEntries(
        rates
          .filter(({ code }) => code.trim() !== "")
          .map(({ code, rate }) => [code.trim().toUpperCase(), numberOf(rate) ?? ""]),
      ),
    });
  return (
    <Card title="Currency">
      <Form<Settings> submit="Save" send={send} done="Saved. Requests follow within 5 seconds." onDone={again}>
        <TextField
          label="The account’s currency"
          hint="Can change until the first event, plan or credit price. Changing it drops the rates below."
          {...field("currency")}
        />
        {settings.currency === "USD" ? null : (
          <NumberField
            label="One US dollar is"
            unit={settings.currency}
            hint="Turns the model price list, which is in US dollars, into your currency. Without it those costs are unknown."
            {...field("usdExchangeRate")}
          />
        )}
        {rates.map(({ code, rate }, at) => (
          <div class="rate-row" key={at}>
            <TextField
              label={`Currency ${at + 1}`}
              path={`exchangeRates.${code}.code`}
              value={code}
              onChange={(text) => change(at, { code: text })}
            />
            <NumberField
              label="One of it is"
              unit={settings.currency}
              path={`exchangeRates.${code.trim().toUpperCase()}`}
              value={rate}
              onChange={(text) => change(at, { rate: text })}
            />
            <button
              type="button"
              class="button small"
              aria-label={`Remove ${code === "" ? `currency ${at + 1}` : code}`}
              onClick={() => setRates((known) => known.filter((_, place) => place !== at))}
            >
              Remove
            </button>
          </div>
        ))}
        <div class="field">
          <button
            type="button"
            class="button small own-width"
            onClick={() => setRates((known) => [...known, { code: "", rate: "" }])}
          >
            Add a currency
          </button>
          <p class="field-hint">
            Plans in other currencies are added to the account’s sums at these rates; without one they stand beside
            them.
          </p>
        </div>
      </Form>
    </Card>
  );
}

function Seller({ settings: { seller } }: { settings: Settings }) {
  const { values, field } = useTexts({
    name: seller.name ?? "",
    address: seller.address ?? "",
    taxId: seller.taxId ?? "",
    email: seller.email ?? "",
    footer: seller.footer ?? "",
  });
  const place = (name: keyof typeof values) => field(name, `seller.${name}`);
  return (
    <Card title="On invoices">
      <Form<Settings>
        submit="Save"
        send={() => ask("PATCH", SETTINGS_PATH, { seller: values })}
        done="Saved. Invoices that become due from now on say so."
        onDone={() => {}}
      >
        <TextField label="Seller" {...place("name")} />
        <AreaField label="Address" {...place("address")} />
        <div class="form-row">
          <TextField label="Tax id" hint="A VAT number, for example." {...place("taxId")} />
          <TextField label="E-mail" hint="For questions about invoices." {...place("email")} />
        </div>
        <AreaField
          label="Footer"
          hint="Small print under each invoice: register entries, bank details, terms of payment."
          {...place("footer")}
        />
        <p class="field-hint">An invoice keeps what was said when it became due: those already sent do not change.</p>
      </Form>
    </Card>
  );
}

function Purchases({ settings }: { settings: Settings }) {
  const { values, field } = useTexts({ agentMaxTopupAmount: String(settings.agentMaxTopupAmount ?? "") });
  const [refunds, setRefunds] = useState(settings.refundOverpayments);
  return (
    <Card title="Payments">
      <Form<Settings>
        submit="Save"
        send={() =>
          ask("PATCH", SETTINGS_PATH, {
            agentMaxTopupAmount: numberOf(values.agentMaxTopupAmount) ?? "",
            refundOverpayments: refunds,
          })
        }
        done="Saved. Requests follow within 5 seconds."
        onDone={() => {}}
      >
        <NumberField
          label="The most a customer’s own key may buy at once"
          unit={settings.currency}
          hint="Credits bought by a key with the scope purchase. Empty: no bound."
          {...field("agentMaxTopupAmount")}
        />
        <Tick label="Give back by itself what was paid twice" value={refunds} onChange={setRefunds} />
        <p class="field-hint">
          As when an invoice is marked as paid while its page is being paid. Otherwise it is shown as overpaid, and you
          decide.
        </p>
      </Form>
    </Card>
  );
}
