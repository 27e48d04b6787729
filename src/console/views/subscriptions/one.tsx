import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAsk } from "../../api.ts";
import { Badge, Card, Fact, Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import type { Subscription as SubscriptionOf } from "../../wire.ts";
import { CustomerLink, customerName } from "../customer-link.tsx";
import { Cancel } from "./cancel.tsx";
import { ChangePlan } from "./change-plan.tsx";
import { Activate, ChangeGrace, type Doing, DropChange, TakeBackCancellation } from "./confirm.tsx";
import { Given, Invoices, Pools, Upcoming } from "./owned.tsx";
import { priceWords } from "./words.tsx";

/** One subscription: its terms, where it stands, what was and will be billed, and all that can be done to it. */

const DIALOGS = {
  activate: Activate,
  change: ChangePlan,
  cancel: Cancel,
  keep: TakeBackCancellation,
  drop: DropChange,
  grace: ChangeGrace,
} satisfies Record<string, (doing: Doing) => ComponentChildren>;
type DialogName = keyof typeof DIALOGS;

export function Subscription({ id }: { id: string }) {
  const asked = useAsk<SubscriptionOf>(`/api/v1/monetization/subscriptions/${encodeURIComponent(id)}`);
  // What was done changes everything on the page: it is asked for anew as a whole.
  const [turn, setTurn] = useState(0);
  const [open, setOpen] = useState<DialogName>();
  const Opened = open === undefined ? undefined : DIALOGS[open];
  return (
    <Answer asked={asked} what="the subscription">
      {(subscription) => (
        <>
          <Head subscription={subscription} onOpen={setOpen} />
          <Waiting subscription={subscription} onOpen={setOpen} />
          <div class="grid" key={turn}>
            <div class="stack loose">
              <Terms subscription={subscription} onOpen={setOpen} />
              <Given subscription={subscription} />
            </div>
            <div class="stack loose">
              <Upcoming subscription={subscription} />
              <Invoices subscription={subscription} />
              <Pools subscription={subscription} />
            </div>
          </div>
          {Opened === undefined ? null : (
            <Opened
              subscription={subscription}
              onClose={() => setOpen(undefined)}
              onDone={() => {
                asked.again();
                setTurn(turn + 1);
              }}
            />
          )}
        </>
      )}
    </Answer>
  );
}

type Part = { subscription: SubscriptionOf; onOpen: (name: DialogName) => void };

function Head({ subscription, onOpen }: Part) {
  const { plan, customer, status, cancelEffectiveAt } = subscription;
  return (
    <div class="view-head">
      <div>
        <p class="crumbs">
          <a href="/console/subscriptions">Subscriptions</a>
        </p>
        <h1>
          {customerName(customer)} on {plan.name}
        </h1>
      </div>
      <div class="tools">
        <Badge state={status} />
        {status === "INCOMPLETE" ? (
          <button type="button" class="button main" onClick={() => onOpen("activate")}>
            Activate
          </button>
        ) : null}
        {status === "CANCELLED" ? null : (
          <button type="button" class="button" onClick={() => onOpen("change")}>
            Change plan
          </button>
        )}
        {status === "CANCELLED" ? null : (
          <button type="button" class="button danger" onClick={() => onOpen("cancel")}>
            {cancelEffectiveAt === undefined ? "Cancel" : "Cancel at once"}
          </button>
        )}
      </div>
    </div>
  );
}

/** What is going to happen, and the way to prevent it. */
function Waiting({ subscription, onOpen }: Part) {
  const { status, cancelEffectiveAt, scheduledChange, suspendedAt, endedAt } = subscription;
  if (status === "CANCELLED")
    return endedAt === undefined ? null : (
      <p class="notice">
        It ended on <Time at={endedAt} />.
      </p>
    );
  return (
    <>
      {suspendedAt === undefined ? null : (
        <p class="notice bad">
          Suspended since <Time at={suspendedAt} />: an invoice was not paid in time. Access returns when it is.
        </p>
      )}
      {cancelEffectiveAt === undefined ? null : (
        <p class="notice">
          <span>
            It ends on <Time at={cancelEffectiveAt} />.
          </span>
          <button type="button" class="button small" onClick={() => onOpen("keep")}>
            Keep it
          </button>
        </p>
      )}
      {scheduledChange === undefined ? null : (
        <p class="notice">
          <span>
            It goes to {scheduledChange.toPlan.name}, version {scheduledChange.toPlan.version} (
            {priceWords(scheduledChange.toPlan)}), on <Time at={scheduledChange.effectiveAt} />.
          </span>
          <button type="button" class="button small" onClick={() => onOpen("drop")}>
            Drop the change
          </button>
        </p>
      )}
    </>
  );
}

function Terms({ subscription, onOpen }: Part) {
  const { id, customer, plan, status, gracePeriodDays, billingAnchorDay, createdAt } = subscription;
  return (
    <Card title="Terms">
      <dl class="facts">
        <Fact name="Customer">
          <CustomerLink customer={customer} />
        </Fact>
        <Fact name="Plan">
          <a href={`/console/plans/${plan.id}`}>
            {plan.name}, version {plan.version}
          </a>
        </Fact>
        <Fact name="Price">
          {priceWords(plan)}, {plan.billingTiming === "IN_ADVANCE" ? "billed in advance" : "billed in arrears"}
        </Fact>
        {status === "CANCELLED" ? null : (
          <Fact name={status === "INCOMPLETE" ? "Period if paid now" : "Period"}>
            <Time at={subscription.currentPeriodStart} day /> – <Time at={subscription.currentPeriodEnd} day />
          </Fact>
        )}
        <Fact name="Anchor day">{billingAnchorDay}</Fact>
        <Fact name="Grace">
          {gracePeriodDays} {gracePeriodDays === 1 ? "day" : "days"}{" "}
          {status === "CANCELLED" ? null : (
            <button type="button" class="link-button" onClick={() => onOpen("grace")}>
              Change
            </button>
          )}
        </Fact>
        <Fact name="Since">
          <Time at={createdAt} />
        </Fact>
        <Fact name="Id">
          <code>{id}</code>
        </Fact>
      </dl>
    </Card>
  );
}
