import { useState } from "preact/hooks";
import { ask, useAsk } from "../../api.ts";
import { Form, FormDialog, SecretField, TextField, textOf } from "../../ui/form.tsx";
import { Badge, Card, Fact, Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { Settings, StripeConnection } from "../../wire.ts";
import { SETTINGS_PATH } from "./account.tsx";
import { Reconcile } from "./reconcile.tsx";
import { Webhooks } from "./webhooks.tsx";

/** The connection to Stripe: its key, whether payments are collected, what Stripe told, and whether the books agree. */

const PATH = "/api/v1/data/stripe/api";

export function StripeSettings() {
  const connection = useAsk<StripeConnection>(PATH);
  const settings = useAsk<Settings>(SETTINGS_PATH);
  const again = () => {
    connection.again();
    settings.again();
  };
  return (
    <Answer asked={connection} what="the connection">
      {(known) => (
        <Answer asked={settings} what="settings">
          {(set) => (
            <div class="grid">
              <Connection connection={known} settings={set} again={again} />
              <Pages settings={set} />
              <Webhooks />
              {known.connected ? <Reconcile /> : null}
            </div>
          )}
        </Answer>
      )}
    </Answer>
  );
}

type Asked = "connect" | "disconnect" | "mode" | "webhook";

function Connection({
  connection,
  settings,
  again,
}: {
  connection: StripeConnection;
  settings: Settings;
  again: () => void;
}) {
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  const { connected, stripeApiKey, stripeAccountId, webhooks, connectedAt } = connection;
  const isOn = settings.stripeMode === "PAYMENT_PASS_THROUGH";
  const dialog = { connection, settings, onClose: close, onDone: again };
  return (
    <Card title="Connection" action={<State connection={connection} settings={settings} />}>
      <dl class="facts">
        <Fact name="Key">{connected ? <code>{stripeApiKey}</code> : "none is stored"}</Fact>
        {stripeAccountId === undefined ? null : (
          <Fact name="Stripe account">
            <code>{stripeAccountId}</code>
          </Fact>
        )}
        <Fact name="Webhooks">
          {webhooks.length === 0
            ? connected
              ? "none: payments would not be heard of"
              : "none"
            : webhooks.map(({ webhookSecret, endpointId, createdAt }) => (
                <div key={webhookSecret}>
                  <code>{webhookSecret}</code> {endpointId === undefined ? "made at Stripe" : null} since{" "}
                  <Time at={createdAt} day />
                </div>
              ))}
        </Fact>
        <Fact name="Collects">
          {isOn
            ? "payments of invoices and credits, by Stripe’s pages and stored cards"
            : "nothing: invoices are marked as paid by hand"}
        </Fact>
        {connectedAt === undefined ? null : (
          <Fact name="Since">
            <Time at={connectedAt} />
          </Fact>
        )}
      </dl>
      <div class="card-end">
        <button type="button" class={connected ? "button" : "button main"} onClick={() => setAsked("connect")}>
          {connected ? "Replace the key" : "Connect Stripe"}
        </button>
        {connected ? (
          <button type="button" class="button" onClick={() => setAsked("webhook")}>
            Make a webhook
          </button>
        ) : null}
        <button type="button" class="button" onClick={() => setAsked("mode")}>
          {isOn ? "Stop collecting" : "Collect payments"}
        </button>
        {connected ? (
          <button type="button" class="button danger" onClick={() => setAsked("disconnect")}>
            Disconnect
          </button>
        ) : null}
      </div>
      {asked === "connect" ? <Connect {...dialog} /> : null}
      {asked === "webhook" ? <MakeWebhook {...dialog} /> : null}
      {asked === "mode" ? <Mode {...dialog} /> : null}
      {asked === "disconnect" ? <Disconnect {...dialog} /> : null}
    </Card>
  );
}

function State({ connection, settings }: { connection: StripeConnection; settings: Settings }) {
  if (settings.stripeEnabled && connection.webhooks.length > 0) return <Badge state="ACTIVE" label="Collecting" />;
  if (settings.stripeEnabled) return <Badge state="at_risk" label="No webhook" />;
  return <Badge state="off" label={connection.connected ? "Connected, off" : "Not connected"} />;
}

type DialogProps = { connection: StripeConnection; settings: Settings; onClose: () => void; onDone: () => void };

function Connect({ connection, onClose, onDone }: DialogProps) {
  const { values, field } = useTexts({ clientStripeApiKey: "", webhookSecret: "" });
  const webhookSecret = textOf(values.webhookSecret);
  return (
    <FormDialog<StripeConnection>
      title={connection.connected ? "Replace Stripe’s key" : "Connect Stripe"}
      submit="Try it and store it"
      send={() =>
        ask("POST", PATH, {
          clientStripeApiKey: values.clientStripeApiKey.trim(),
          ...(webhookSecret === undefined ? {} : { webhookSecret }),
        })
      }
      done="Stripe is connected."
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        The key is tried at Stripe before it is taken, kept encrypted, and never shown again. Nothing is charged by
        connecting: collecting is a switch of its own.
      </p>
      <SecretField
        label="Secret or restricted key"
        placeholder="sk_… or rk_…"
        hint="A test account takes test keys alone, a live account live ones."
        {...field("clientStripeApiKey")}
      />
      <SecretField
        label="Webhook secret"
        placeholder="whsec_…"
        hint="Only of an endpoint that you made at Stripe yourself. Otherwise leave it empty and make one here afterwards."
        {...field("webhookSecret")}
      />
    </FormDialog>
  );
}

function MakeWebhook({ connection, onClose, onDone }: DialogProps) {
  const { values, field } = useTexts({ baseUrl: "" });
  const baseUrl = textOf(values.baseUrl);
  return (
    <FormDialog<StripeConnection>
      title="Make a webhook at Stripe"
      submit="Make it"
      send={() => ask("POST", "/api/v1/data/stripe/webhook/register", baseUrl === undefined ? {} : { baseUrl })}
      done="Stripe tells of payments from now on."
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        Stripe is asked to send what happens to payments to{" "}
        <code>{new URL(baseUrl ?? location.origin, location.href).origin}</code>.
        {connection.webhooks.length === 0
          ? ""
          : " The newest one before stays valid beside it, so that nothing on its way is lost; an older one is removed."}
      </p>
      <TextField
        label="Address of this server"
        placeholder={location.origin}
        hint="If Stripe reaches it by another one: that of a tunnel, for example."
        {...field("baseUrl")}
      />
    </FormDialog>
  );
}

function Mode({ connection, settings, onClose, onDone }: DialogProps) {
  const isOn = settings.stripeMode === "PAYMENT_PASS_THROUGH";
  return (
    <FormDialog<Settings>
      title={isOn ? "Stop collecting payments" : "Collect payments through Stripe"}
      submit={isOn ? "Stop collecting" : "Collect payments"}
      send={() => ask("PATCH", SETTINGS_PATH, { stripeMode: isOn ? "NONE" : "PAYMENT_PASS_THROUGH" })}
      done={isOn ? "Nothing is collected any more." : "Payments are collected from now on."}
      isDanger={isOn}
      onClose={onClose}
      onDone={onDone}
    >
      {isOn ? (
        <p>
          Invoices go on being made and become due, but no payment page is opened and no card charged. What Stripe has
          already taken still arrives.
        </p>
      ) : (
        <>
          <p>
            Invoices that become due get a payment page at Stripe, and customers with a stored card are charged by it.
            This engine goes on deciding what is billed; Stripe only collects.
          </p>
          {connection.connected ? null : (
            <p class="bad-text">There is no key yet: nothing happens until Stripe is connected.</p>
          )}
        </>
      )}
    </FormDialog>
  );
}

function Disconnect({ connection, onClose, onDone }: DialogProps) {
  return (
    <FormDialog
      title="Disconnect Stripe"
      submit="Forget the key"
      send={() => ask("DELETE", PATH)}
      done="Stripe is disconnected."
      isDanger
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        The key and the webhooks’ secrets are forgotten, and endpoints made here are removed at Stripe. From then on
        nothing is collected, and payments made meanwhile are not heard of.
      </p>
      <p class="quiet">
        Customers keep their ids of {connection.stripeAccountId ?? "that account"}, so a key of the same Stripe account
        can be stored again.
      </p>
    </FormDialog>
  );
}

function Pages({ settings }: { settings: Settings }) {
  const { values, field } = useTexts({
    stripeCheckoutSuccessUrl: settings.stripeCheckoutSuccessUrl ?? "",
    stripeCheckoutCancelUrl: settings.stripeCheckoutCancelUrl ?? "",
  });
  return (
    <Card title="After the payment page">
      <Form<Settings> submit="Save" send={() => ask("PATCH", SETTINGS_PATH, values)} done="Saved." onDone={() => {}}>
        <TextField
          label="Who paid goes to"
          placeholder="https://example.com/paid"
          hint="Empty: a page of this server that says thank you."
          {...field("stripeCheckoutSuccessUrl")}
        />
        <TextField
          label="Who did not pay goes to"
          placeholder="https://example.com/billing"
          {...field("stripeCheckoutCancelUrl")}
        />
      </Form>
    </Card>
  );
}
