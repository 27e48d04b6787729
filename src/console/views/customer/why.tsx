import { useAsk, useWhole } from "../../api.ts";
import { count, exactMoney } from "../../format.ts";
import { setQuery } from "../../router.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Badge, Fact, Meter, Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import type { Entitlement, PlanVersion, Subscription } from "../../wire.ts";
import { Lines, ruleLines } from "../rule-words.tsx";

/** Why a customer may use a feature or not: the engine's own verdict, and every fact that it rests on. Asking is not recorded. */
export function Why({
  reference,
  feature,
  subscriptions,
}: {
  reference: string;
  feature: string;
  subscriptions: readonly Subscription[];
}) {
  const asked = useAsk<Entitlement>(
    `/api/v1/client/entitlements/${reference}/${encodeURIComponent(feature)}?record=false`,
  );
  return (
    <Dialog
      kind="panel"
      title={
        <>
          Why? <code>{feature}</code>
        </>
      }
      onClose={() => setQuery({ why: undefined })}
    >
      <Answer asked={asked} what="the verdict">
        {(entitlement) => <Verdict entitlement={entitlement} subscriptions={subscriptions} />}
      </Answer>
    </Dialog>
  );
}

function Verdict({ entitlement, subscriptions }: { entitlement: Entitlement; subscriptions: readonly Subscription[] }) {
  const { allowed, meta, usage, credit, creditQuote, asOf } = entitlement;
  const subscription = subscriptions.find(({ id }) => id === entitlement.subscriptionId);
  return (
    <>
      <div class={allowed ? "verdict good" : "verdict bad"}>
        <Badge state={allowed ? "allowed" : "denied"} />
        <p>{allowed ? "The engine allows the next unit." : meta?.reason.description}</p>
        {meta === undefined ? null : <code>{meta.reason.code}</code>}
      </div>
      <dl class="facts">
        <Fact name="Decided by">
          {subscription === undefined ? (
            "no subscription"
          ) : (
            <>
              {subscription.plan.name}, version {subscription.plan.version} <Badge state={subscription.status} />
            </>
          )}
        </Fact>
        {subscription?.currentPeriodEnd === undefined ? null : (
          <Fact name="Period until">
            <Time at={subscription.currentPeriodEnd} />
          </Fact>
        )}
        {subscription === undefined ? null : <Rule subscription={subscription} featureKey={entitlement.featureKey} />}
        <Fact name="Counter">
          {count(usage.used)} used
          {usage.limit === undefined ? (
            ", no limit"
          ) : (
            <>
              {" "}
              of {count(usage.limit)}, {count(usage.remaining ?? 0)} left
              <Meter share={usage.used / usage.limit} label={`${count(usage.used)} of ${count(usage.limit)} used`} />
            </>
          )}
        </Fact>
        {credit === undefined ? null : (
          <Fact name="Credit pools">
            {count(credit.balance)} {credit.denomination} of {count(credit.totalGranted)} granted,{" "}
            {count(credit.totalConsumed)} used; {credit.hardLimit ? "at 0 they refuse" : "at 0 the price is billed"}
          </Fact>
        )}
        {creditQuote === undefined ? null : (
          <Fact name="One unit costs">
            {count(creditQuote.estimatedCredits)} credits (weight {count(creditQuote.weight)})
            {creditQuote.estimatedCost === null || creditQuote.currency === null
              ? ""
              : `, worth ${exactMoney(creditQuote.estimatedCost, creditQuote.currency)}`}
          </Fact>
        )}
        <Fact name="As of">
          <Time at={asOf} />
        </Fact>
      </dl>
    </>
  );
}

/** The rule of the version that the customer bought, which need not be the plan's newest. */
function Rule({ subscription, featureKey }: { subscription: Subscription; featureKey: string }) {
  const { plan } = subscription;
  const asked = useWhole<PlanVersion>(`/api/v1/monetization/plans/${plan.id}/versions`);
  const version = asked.data?.items.find((one) => one.version === plan.version);
  if (version === undefined) return null;
  const rule = version.features.find((feature) => feature.featureKey === featureKey);
  return (
    <Fact name="Rule">
      {rule === undefined ? "the plan does not have this feature" : <Lines lines={ruleLines(rule, plan.currency)} />}
    </Fact>
  );
}
