import { useState } from "preact/hooks";
import { ask, useWhole, whoami } from "../../api.ts";
import { count, words } from "../../format.ts";
import { navigate, place, setQuery } from "../../router.ts";
import { FormDialog, SelectField, TextField, Tick } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Meter } from "../../ui/parts.tsx";
import { CustomerField } from "../../ui/pick-customer.tsx";
import { StateFilter } from "../../ui/state-filter.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import type { CreditModel, Pool } from "../../wire.ts";
import { customerName, customerRef } from "../customer-link.tsx";
import { CustomerFilter, OfFilteredCustomer, useFilteredCustomer } from "../filters.tsx";
import { CreditsHead } from "./head.tsx";
import { RolloverFields, rolloverBody, rolloverWords } from "./rollover.tsx";

/** Every customer's pools. */

/** Beside the states, what the overview counts: `low` to the API. */
const NEARLY_DRY = "NEARLY_DRY";
const STATES = ["ACTIVE", NEARLY_DRY, "DEPLETED", "FROZEN", "ARCHIVED"] as const;

export function poolPath({ id, customerId, customer }: Pool): string {
  return `/credits/pools/${customerRef({ id: customerId, customerReferenceId: customer?.customerReferenceId })}/${id}`;
}

const COLUMNS: readonly Column<Pool>[] = [
  { title: "Customer", cell: ({ customer, customerId }) => customerName({ id: customerId, ...customer }) },
  { title: "Pool", isMinor: true, cell: ({ name }) => name },
  { title: "State", cell: ({ status }) => <Badge state={status} /> },
  {
    title: "Balance",
    isFigure: true,
    cell: ({ balance, totalGranted, denomination }) => (
      <>
        <strong>{count(balance)}</strong>
        <Meter
          share={totalGranted === 0 ? 0 : 1 - balance / totalGranted}
          label={`${count(totalGranted - balance)} of ${count(totalGranted)} ${denomination} are gone`}
        />
      </>
    ),
  },
  { title: "Held", isFigure: true, isSpare: true, cell: ({ held }) => count(held) },
  { title: "Granted", isFigure: true, isMinor: true, cell: ({ totalGranted }) => count(totalGranted) },
  { title: "Used", isFigure: true, isMinor: true, cell: ({ totalConsumed }) => count(totalConsumed) },
  { title: "Counted in", isSpare: true, cell: ({ denomination }) => <code>{denomination}</code> },
  { title: "At 0", isSpare: true, cell: ({ hardLimit }) => (hardLimit ? "refuses" : "bills by price") },
];

export function Pools() {
  const [isMaking, setMaking] = useState(false);
  const status = place.value.query.get("status") ?? "";
  const owner = useFilteredCustomer();
  return (
    <>
      <CreditsHead>
        <button type="button" class="button main" onClick={() => setMaking(true)}>
          New pool
        </button>
      </CreditsHead>
      <Card
        title="Pools, newest first"
        wide
        action={
          <div class="tools filters">
            <CustomerFilter />
            <StateFilter states={STATES} />
          </div>
        }
      >
        <OfFilteredCustomer owner={owner}>
          <PagedTable<Pool>
            path="/api/v1/monetization/credits/pools"
            query={{ ...(status === NEARLY_DRY ? { low: "true" } : { status }), customerId: owner.customerId }}
            what="credit pools"
            columns={COLUMNS}
            keyOf={({ id }) => id}
            href={poolPath}
            empty={
              status === "" && owner.customerId === undefined ? (
                <Empty title="No pool yet">
                  A plan that gives credits makes one for each subscriber; you can make one by hand too.
                </Empty>
              ) : (
                <Empty title={status === "" ? "No pool of this customer" : `No pool is ${words(status).toLowerCase()}`}>
                  <button
                    type="button"
                    class="link-button"
                    onClick={() => setQuery({ status: undefined, customer: undefined })}
                  >
                    Show all
                  </button>
                </Empty>
              )
            }
          />
        </OfFilteredCustomer>
      </Card>
      {isMaking ? <NewPool onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function NewPool({ onClose }: { onClose: () => void }) {
  const [customerId, setCustomer] = useState("");
  const [name, setName] = useState("");
  const [denomination, setDenomination] = useState("");
  const [currency, setCurrency] = useState("");
  const [hardLimit, setHard] = useState(true);
  const [rollover, setRollover] = useState({ policy: "NONE" as const, cap: "" } as Parameters<typeof rolloverBody>[0]);
  const models = useWhole<CreditModel>("/api/v1/monetization/credits/models");
  const known = [...new Set((models.data?.items ?? []).map((model) => model.denomination))];
  return (
    <FormDialog<Pool>
      title="New pool"
      submit="Make the pool"
      done={(pool) => `The pool “${pool.name}” is made.`}
      send={() =>
        ask("POST", "/api/v1/monetization/credits/pools", {
          customerId: customerId.trim(),
          name: name.trim(),
          denomination,
          hardLimit,
          ...(currency.trim() === "" ? {} : { currency: currency.trim() }),
          ...rolloverBody(rollover),
        })
      }
      onClose={onClose}
      onDone={(pool) => navigate(poolPath(pool))}
    >
      <CustomerField path="customerId" value={customerId} onChange={setCustomer} />
      <TextField label="Name" path="name" value={name} onChange={setName} />
      <div class="form-row">
        <SelectField
          label="Counted in"
          path="denomination"
          value={denomination}
          onChange={setDenomination}
          options={[{ value: "", label: "Choose…" }, ...known.map((one) => ({ value: one, label: one }))]}
          hint={known.length === 0 ? "Make a credit model first." : "Features that burn it draw from the pool."}
        />
        <TextField
          label="Sold in"
          path="currency"
          value={currency}
          onChange={setCurrency}
          placeholder={whoami.value?.account.currency ?? "USD"}
        />
      </div>
      <Tick
        label="At 0, refuse usage (otherwise it is billed by the plan's price)"
        value={hardLimit}
        onChange={setHard}
      />
      <RolloverFields value={rollover} onChange={setRollover} />
      <p class="quiet">It is empty at first, and {rolloverWords(rollover.policy, rollover.cap)}.</p>
    </FormDialog>
  );
}
