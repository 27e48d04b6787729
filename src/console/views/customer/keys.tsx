import { useState } from "preact/hooks";
import { ask, useAsk } from "../../api.ts";
import { ShownOnce } from "../../ui/copy.tsx";
import { FormDialog, Tick } from "../../ui/form.tsx";
import { Card, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { CustomerKey } from "../../wire.ts";
import { KeyActions, KeyState, RevokeDialog, RotateDialog } from "../settings/keys.tsx";

/** Keys that this customer's own software may use, for this customer alone. */

type NewKey = CustomerKey & { apiKey: string };
type Asked = { kind: "make" } | { kind: "rotate" | "revoke"; key: CustomerKey };

/** `reference` as it stands in a path. */
export function Keys({ reference }: { reference: string }) {
  const path = `/api/v1/client/customers/${reference}/keys`;
  const asked = useAsk<CustomerKey[]>(path);
  const [doing, setDoing] = useState<Asked>();
  const [made, setMade] = useState<NewKey>();
  const close = () => setDoing(undefined);
  const columns: readonly Column<CustomerKey>[] = [
    { title: "Key", cell: ({ keyHint }) => <code class="one-word">{keyHint}</code> },
    { title: "Scopes", cell: ({ scopes }) => scopes.join(", ") },
    { title: "State", cell: ({ active, revokedAt }) => <KeyState active={active} revokedAt={revokedAt} /> },
    { title: "Made", isSpare: true, cell: ({ createdAt }) => <Time at={createdAt} day /> },
    {
      title: "Action",
      cell: (key) => <KeyActions apiKey={key} name={key.keyHint} onAsk={(kind) => setDoing({ kind, key })} />,
    },
  ];
  return (
    <Card
      title="Keys"
      action={
        <button type="button" class="button small" onClick={() => setDoing({ kind: "make" })}>
          New key
        </button>
      }
    >
      <Answer asked={asked} what="keys">
        {(keys) =>
          keys.length === 0 ? (
            <Empty title="No key of their own">Your account's keys act for them.</Empty>
          ) : (
            <Table label="Keys" columns={columns} rows={keys} keyOf={({ id }) => id} />
          )
        }
      </Answer>
      {doing?.kind === "make" ? <Make path={path} onClose={close} onMade={setMade} /> : null}
      {doing?.kind === "rotate" ? (
        <RotateDialog
          name={doing.key.keyHint}
          path={`${path}/${doing.key.id}/rotate`}
          onClose={close}
          onMade={setMade}
        />
      ) : null}
      {doing?.kind === "revoke" ? (
        <RevokeDialog name={doing.key.keyHint} path={`${path}/${doing.key.id}`} onClose={close} onDone={asked.again} />
      ) : null}
      {made === undefined ? null : (
        <ShownOnce
          title="The customer’s key"
          secret={made.apiKey}
          onClose={() => {
            setMade(undefined);
            asked.again();
          }}
        />
      )}
    </Card>
  );
}

const SCOPES = [
  { scope: "read", label: "Read: their plan, usage, invoices and credits" },
  { scope: "ingest", label: "Report their events" },
  { scope: "purchase", label: "Buy plans and credits" },
] as const;

function Make({ path, onClose, onMade }: { path: string; onClose: () => void; onMade: (key: NewKey) => void }) {
  const [scopes, setScopes] = useState<readonly string[]>(["read"]);
  return (
    <FormDialog<NewKey>
      title="A key for this customer"
      submit="Make the key"
      send={() => ask("POST", path, { scopes })}
      isDisabled={scopes.length === 0}
      onClose={onClose}
      onDone={onMade}
    >
      <p>For the customer’s own software: it reaches this customer alone, and ends after five years.</p>
      {SCOPES.map(({ scope, label }) => (
        <Tick
          key={scope}
          label={label}
          value={scopes.includes(scope)}
          onChange={(isOn) => setScopes((known) => (isOn ? [...known, scope] : known.filter((one) => one !== scope)))}
        />
      ))}
      {scopes.includes("purchase") ? (
        <p class="field-hint">
          It can spend their money: how much at once at most stands in the settings of the account.
        </p>
      ) : null}
    </FormDialog>
  );
}
