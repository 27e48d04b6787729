import { useEffect, useState } from "preact/hooks";
import { ask, withQuery } from "../api.ts";
import { exactMoney } from "../format.ts";
import { hrefOf } from "../router.ts";
import { Snippet } from "../ui/copy.tsx";
import { Form } from "../ui/form.tsx";
import { Card, Fact, Time } from "../ui/parts.tsx";
import type { ApiKey, Page, StoredEvent } from "../wire.ts";

/** The way to the first event: a key, three calls to copy, and the event as it arrives. */

/** How often it is looked whether the event is there; it takes some seconds to reach the account's list. */
const LOOK_MS = 2_000;
/** An event of now may be told a little late, or by a clock that runs ahead. */
const AROUND_MS = 10 * 60_000;
const NO_KEY = "YOUR_KEY";

export function Start() {
  const [key, setKey] = useState<string>();
  return (
    <>
      <div class="view-head">
        <div>
          <h1>Getting started</h1>
          <p class="step-said">
            One call for each request that your product serves: what it cost, what it earned, and whether the next one
            is allowed.
          </p>
        </div>
      </div>
      <div class="steps">
        <KeyStep secret={key} onMade={setKey} />
        <CallsStep secret={key ?? NO_KEY} />
        <EventStep />
      </div>
    </>
  );
}

function KeyStep({ secret, onMade }: { secret: string | undefined; onMade: (secret: string) => void }) {
  return (
    <Card title="1. A key for your backend" wide>
      {secret === undefined ? (
        <Form<ApiKey & { apiKey: string }>
          submit="Make a key"
          send={() => ask("POST", "/api/v1/account/api-keys", { name: "Getting started", scopes: ["client"] })}
          onDone={({ apiKey }) => onMade(apiKey)}
        >
          <p>
            With the client scope: it reports events, asks for access and serves customers, and cannot change plans,
            prices or settings. Have one already? Put it where the calls say <code>{NO_KEY}</code>.
          </p>
        </Form>
      ) : (
        <div class="card-text">
          <p>Store it now: only its digest is kept, and it is not shown again. The calls below have it.</p>
          <Snippet text={secret} what="the key" />
        </div>
      )}
    </Card>
  );
}

type Call = { title: string; said: string; text: string };

function callsWith(secret: string): readonly Call[] {
  const api = `${location.origin}/api/v1/client`;
  const auth = `  -H "Authorization: Bearer ${secret}"`;
  return [
    {
      title: "Report an event",
      said: "The customer and the feature are made by it. The cost follows from the model and its tokens; the answer is the receipt.",
      text: `curl -s ${api}/events \\
${auth} \\
  -H "Content-Type: application/json" \\
  -d '{"eventName": "chat.completion",
       "customerReferenceId": "my-first-customer",
       "featureKey": "ai.chat",
       "usageUnits": 1,
       "revenueAmount": 0.02,
       "costInput": {"model": "gpt-4o-mini", "modelProvider": "openai",
                     "inputTokens": 3000, "outputTokens": 500}}'`,
    },
    {
      title: "Ask before you serve",
      said: "May this customer use this feature now? Without a plan the answer is no, and says why.",
      text: `curl -s ${api}/entitlements/my-first-customer/ai.chat \\
${auth}`,
    },
    {
      title: "Read the customer",
      said: "Who they are, what they bought, and which credits they have.",
      text: `curl -s ${api}/customers/my-first-customer \\
${auth}`,
    },
  ];
}

function CallsStep({ secret }: { secret: string }) {
  return (
    <Card title="2. Three calls" action={<a href="/docs">All of the API</a>} wide>
      {callsWith(secret).map(({ title, said, text }) => (
        <div class="card-text" key={title}>
          <h3>{title}</h3>
          <p class="quiet">{said}</p>
          <Snippet text={text} what={`the call: ${title}`} />
        </div>
      ))}
    </Card>
  );
}

/** Events of about now: customers of a test clock that stands ahead have newer ones. */
async function eventsNow(): Promise<readonly StoredEvent[] | undefined> {
  const around = (ms: number) => new Date(Date.now() + ms).toISOString();
  const range = { start: around(-AROUND_MS), end: around(AROUND_MS), limit: 50 };
  const answered = await ask<Page<StoredEvent>>("GET", withQuery("/api/v1/analytics/events", range));
  return answered.ok ? answered.data.items : undefined;
}

/** The first event that was not there when the page opened; of an account without any, the first at all. */
function useArrival(): { arrived: StoredEvent | undefined; hadEvents: boolean } {
  const [arrived, setArrived] = useState<StoredEvent>();
  const [hadEvents, setHadEvents] = useState(false);
  // Looks again and again until the view is left or the event is there.
  useEffect(() => {
    let isWanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (known: ReadonlySet<string> | undefined) => {
      const found = await eventsNow();
      if (!isWanted) return;
      const fresh = known === undefined ? undefined : found?.find(({ id }) => !known.has(id));
      if (fresh !== undefined) return setArrived(fresh);
      timer = setTimeout(() => look(known ?? (found && new Set(found.map(({ id }) => id)))), LOOK_MS);
    };
    look(undefined);
    ask<Page<StoredEvent>>("GET", "/api/v1/analytics/events?limit=1").then((any) => {
      if (isWanted) setHadEvents(any.ok && any.data.items.length > 0);
    });
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, []);
  return { arrived, hadEvents };
}

function EventStep() {
  const { arrived, hadEvents } = useArrival();
  if (arrived === undefined)
    return (
      <Card title="3. Your first event" wide>
        <div class="card-text" role="status">
          <p class="waiting">
            <span class="pulse" aria-hidden="true" />
            Waiting for an event: send the first call, and it shows up here within seconds.
          </p>
          {hadEvents ? (
            <p class="quiet">
              This account has events already: the{" "}
              <a class="in-text" href={hrefOf("/")}>
                overview
              </a>{" "}
              has their margin.
            </p>
          ) : null}
        </div>
      </Card>
    );
  return (
    <Card title="3. There it is" wide>
      <div role="status">
        <Arrived event={arrived} />
      </div>
      <Next event={arrived} />
    </Card>
  );
}

function Arrived({ event }: { event: StoredEvent }) {
  const { eventName, customerReferenceId, customerId, featureKey, model, costAmount, revenueAmount, currency } = event;
  const { revenueCurrency = currency } = event;
  const isSum = costAmount !== undefined && revenueAmount !== undefined && revenueCurrency === currency;
  const margin = isSum ? revenueAmount - costAmount : undefined;
  const ref = customerReferenceId ?? customerId;
  return (
    <dl class="facts">
      <Fact name="Event">
        <code>{eventName}</code> of <a href={hrefOf(`/customers/${encodeURIComponent(ref)}`)}>{ref}</a>,{" "}
        <Time at={event.occurredAt} />
      </Fact>
      {featureKey === undefined ? null : (
        <Fact name="Feature">
          <code>{featureKey}</code>
          {model === undefined ? "" : `, by ${model}`}
        </Fact>
      )}
      <Fact name="Revenue">{revenueAmount === undefined ? "none" : exactMoney(revenueAmount, revenueCurrency)}</Fact>
      <Fact name="Cost">
        {costAmount === undefined ? "unknown: its model has no rate" : exactMoney(costAmount, currency)}
      </Fact>
      <Fact name="Margin">
        {margin === undefined ? (
          "–"
        ) : (
          <strong class={margin < 0 ? "bad-text" : "good-text"}>
            {/* Of two amounts with twelve decimals at most; more would be noise of the subtraction. */}
            {exactMoney(Number(margin.toFixed(12)), currency)}
          </strong>
        )}
      </Fact>
    </dl>
  );
}

function Next({ event }: { event: StoredEvent }) {
  const ref = encodeURIComponent(event.customerReferenceId ?? event.customerId);
  return (
    <div class="card-end">
      <a class="button" href={hrefOf(`/customers/${ref}`)}>
        See the customer
      </a>
      <a class="button" href={hrefOf("/plans")}>
        Make a plan
      </a>
      <a class="button main" href={hrefOf("/")}>
        See the margin
      </a>
    </div>
  );
}
