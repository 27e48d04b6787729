import { useState } from "preact/hooks";
import { ask, useWhole, withQuery } from "../../api.ts";
import { count } from "../../format.ts";
import { FormDialog, NumberField, SelectField } from "../../ui/form.tsx";
import { Card } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { Customer, Pool, Subscription } from "../../wire.ts";
import { priceWords } from "../subscriptions/words.tsx";

/** Who may draw from a pool. */

type Doing = { pool: Pool; onClose: () => void; onDone: () => void };

function pathOf(pool: Pool, subscriptionId: string): string {
  return `/api/v1/monetization/credits/pools/${pool.id}/subscriptions/${subscriptionId}`;
}

export function LinkSubscription({ pool, ...doing }: Doing) {
  const [subscriptionId, choose] = useState("");
  const [priority, setPriority] = useState("");
  const [limit, setLimit] = useState("");
  const asked = useWhole<Subscription>(`/api/v1/monetization/subscriptions/customer/${pool.customerId}`);
  const live = (asked.data?.items ?? []).filter(({ status }) => status !== "CANCELLED");
  const isLinked = pool.subscriptions.some((link) => link.subscriptionId === subscriptionId);
  return (
    <FormDialog<Pool>
      title="Link a subscription"
      submit={isLinked ? "Change the link" : "Link"}
      isDisabled={subscriptionId === ""}
      done="The subscription draws from the pool."
      send={() =>
        ask("POST", withQuery(pathOf(pool, subscriptionId), { drawPriority: priority.trim(), drawLimit: limit.trim() }))
      }
      {...doing}
    >
      <SelectField
        label="Subscription"
        path="subscriptionId"
        value={subscriptionId}
        onChange={choose}
        options={[
          { value: "", label: live.length === 0 ? "The customer has none that is live" : "Choose…" },
          ...live.map(({ id, plan }) => ({ value: id, label: `${plan.name} · ${priceWords(plan)}` })),
        ]}
        hint={
          pool.subscriptions.length === 0
            ? "From then on only linked subscriptions draw from this pool; now every one of the customer does."
            : isLinked
              ? "It is linked already: it gets these terms, and keeps what it has drawn."
              : undefined
        }
      />
      <div class="form-row">
        <NumberField
          label="Priority"
          path="drawPriority"
          placeholder="0"
          hint="Lower is drawn from first."
          value={priority}
          onChange={setPriority}
        />
        <NumberField
          label="Limit a period"
          path="drawLimit"
          placeholder="none"
          unit="credits"
          value={limit}
          onChange={setLimit}
        />
      </div>
    </FormDialog>
  );
}

export function UnlinkSubscription({ pool, subscriptionId, ...doing }: Doing & { subscriptionId: string }) {
  const left = pool.subscriptions.length - 1;
  return (
    <FormDialog<Pool>
      title="Unlink the subscription"
      submit="Unlink"
      isDanger
      done="The link is gone."
      send={() => ask("DELETE", pathOf(pool, subscriptionId))}
      {...doing}
    >
      <p>
        {left === 0
          ? "No subscription is linked then, so every one of the customer draws from the pool."
          : `It draws no more from the pool; ${left} other${left === 1 ? " does" : "s do"}.`}
      </p>
    </FormDialog>
  );
}

type Link = Pool["subscriptions"][number];

export function Drawers({
  pool,
  customer,
  onLink,
  onUnlink,
}: {
  pool: Pool;
  customer: Customer | undefined;
  onLink: () => void;
  onUnlink: (subscriptionId: string) => void;
}) {
  const planOf = (id: string): string =>
    customer?.subscriptions.find((subscription) => subscription.id === id)?.plan.name ?? "A subscription";
  const columns: readonly Column<Link>[] = [
    { title: "Subscription", cell: ({ subscriptionId }) => planOf(subscriptionId) },
    { title: "Priority", isFigure: true, isMinor: true, cell: ({ drawPriority }) => drawPriority },
    { title: "Drawn", isFigure: true, cell: ({ drawn }) => count(drawn) },
    {
      title: "Limit a period",
      isFigure: true,
      cell: ({ drawLimit }) => (drawLimit === undefined ? <span class="quiet">none</span> : count(drawLimit)),
    },
    {
      title: "Action",
      cell: ({ subscriptionId }) =>
        pool.status === "ARCHIVED" ? null : (
          <button
            type="button"
            class="button small"
            aria-label={`Unlink ${planOf(subscriptionId)}`}
            onClick={() => onUnlink(subscriptionId)}
          >
            Unlink
          </button>
        ),
    },
  ];
  return (
    <Card
      title="Who draws from it"
      action={
        pool.status === "ARCHIVED" ? null : (
          <button type="button" class="button small" onClick={onLink}>
            Link
          </button>
        )
      }
    >
      {pool.subscriptions.length === 0 ? (
        <Empty title="Every subscription of the customer">Once one is linked, only linked ones draw from it.</Empty>
      ) : (
        <Table
          label="Who draws from it"
          columns={columns}
          rows={pool.subscriptions}
          keyOf={({ subscriptionId }) => subscriptionId}
          href={({ subscriptionId }) => `/subscriptions/${subscriptionId}`}
        />
      )}
    </Card>
  );
}
