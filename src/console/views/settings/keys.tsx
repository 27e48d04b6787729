import { useState } from "preact/hooks";
import { ask, whoami } from "../../api.ts";
import { count } from "../../format.ts";
import { ShownOnce } from "../../ui/copy.tsx";
import { FormDialog, SelectField, TextField, textOf } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import type { Column } from "../../ui/table.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { ApiKey } from "../../wire.ts";

/** The account's own keys. A customer's stand with the customer. */

const PATH = "/api/v1/account/api-keys";

type NewKey = ApiKey & { apiKey: string };
type Asked = { kind: "make" } | { kind: "rotate" | "revoke"; key: ApiKey };

const nameOf = ({ name, keyHint }: ApiKey) => name ?? keyHint;

export const OVERLAPS = [
  { value: "0", label: "At once" },
  { value: "3600", label: "After an hour" },
  { value: "86400", label: "After a day" },
] as const;
export type Overlap = (typeof OVERLAPS)[number]["value"];

/** Active, ended, or still working for a while after it was rotated. */
export function KeyState({ active, revokedAt }: { active: boolean; revokedAt?: string | undefined }) {
  if (!active) return <Badge state="ended" label="Ended" />;
  if (revokedAt === undefined) return <Badge state="ACTIVE" label="Active" />;
  return (
    <>
      <Badge state="at_risk" label="Ending" /> <Time at={revokedAt} />
    </>
  );
}

/** What can be done to a key: one that was rotated already can only be ended sooner. */
export function KeyActions({
  apiKey: { active, revokedAt },
  name,
  onAsk,
}: {
  apiKey: { active: boolean; revokedAt?: string | undefined };
  name: string;
  onAsk: (kind: "rotate" | "revoke") => void;
}) {
  if (!active) return null;
  return (
    <span class="row-actions">
      {revokedAt === undefined ? (
        <button type="button" class="button small" aria-label={`Rotate ${name}`} onClick={() => onAsk("rotate")}>
          Rotate
        </button>
      ) : null}
      <button type="button" class="button small" aria-label={`Revoke ${name}`} onClick={() => onAsk("revoke")}>
        Revoke
      </button>
    </span>
  );
}

export function Keys() {
  const [asked, setAsked] = useState<Asked>();
  const [made, setMade] = useState<NewKey>();
  const [turn, setTurn] = useState(0);
  const again = () => setTurn((known) => known + 1);
  const close = () => setAsked(undefined);
  const mine = whoami.value?.key.id;
  const columns: readonly Column<ApiKey>[] = [
    {
      title: "Name",
      cell: (key) => (
        <>
          {nameOf(key)} {key.id === mine ? <span class="quiet">· signed in with it</span> : null}
        </>
      ),
    },
    { title: "Key", cell: ({ keyHint }) => <code class="one-word">{keyHint}</code> },
    { title: "Scope", isMinor: true, cell: ({ scopes }) => scopes.join(", ") },
    { title: "State", cell: ({ active, revokedAt }) => <KeyState active={active} revokedAt={revokedAt} /> },
    { title: "Made", isMinor: true, cell: ({ createdAt }) => <Time at={createdAt} day /> },
    {
      title: "Action",
      cell: (key) => <KeyActions apiKey={key} name={nameOf(key)} onAsk={(kind) => setAsked({ kind, key })} />,
    },
  ];
  return (
    <>
      <Card
        title="The account’s keys"
        action={
          <button type="button" class="button main" onClick={() => setAsked({ kind: "make" })}>
            New key
          </button>
        }
        wide
      >
        <PagedTable<ApiKey>
          key={turn}
          path={PATH}
          what="keys"
          columns={columns}
          keyOf={({ id }) => id}
          empty={<Empty title="No key" />}
        />
        <p class="card-note quiet">
          Only digests are kept: a key is shown when it is made, and never again. Keys that one customer’s own software
          may use are made at that customer.
        </p>
      </Card>
      {asked?.kind === "make" ? <Make onClose={close} onMade={setMade} /> : null}
      {asked?.kind === "rotate" ? (
        <RotateDialog
          name={nameOf(asked.key)}
          path={`${PATH}/${asked.key.id}/rotate`}
          warning={asked.key.id === mine ? "You are signed in with this key: your session ends with it." : undefined}
          onClose={close}
          onMade={setMade}
        />
      ) : null}
      {asked?.kind === "revoke" ? (
        <RevokeDialog
          name={nameOf(asked.key)}
          path={`${PATH}/${asked.key.id}`}
          warning={asked.key.id === mine ? "You are signed in with this key: you will be signed out." : undefined}
          onClose={close}
          onDone={again}
        />
      ) : null}
      {made === undefined ? null : (
        <ShownOnce
          title={`The key ${nameOf(made)}`}
          secret={made.apiKey}
          onClose={() => {
            setMade(undefined);
            again();
          }}
        />
      )}
    </>
  );
}

const SCOPES = [
  { value: "client", label: "Client: events, checks, customers" },
  { value: "admin", label: "Admin: everything, this console too" },
] as const;

function Make({ onClose, onMade }: { onClose: () => void; onMade: (key: NewKey) => void }) {
  const { values, field } = useTexts({ name: "" });
  const [scope, setScope] = useState<(typeof SCOPES)[number]["value"]>("client");
  const name = textOf(values.name);
  return (
    <FormDialog<NewKey>
      title="A new key"
      submit="Make the key"
      send={() => ask("POST", PATH, { ...(name === undefined ? {} : { name }), scopes: [scope] })}
      onClose={onClose}
      onDone={onMade}
    >
      <TextField label="Name" placeholder="Production backend" hint="For you, to tell keys apart." {...field("name")} />
      <SelectField label="What it may do" path="scopes" value={scope} options={SCOPES} onChange={setScope} />
      <p class="field-hint">
        A backend that reports events and asks for access needs the client scope alone: what it cannot do, whoever
        steals it cannot do either.
      </p>
    </FormDialog>
  );
}

/** `path` of the route that rotates. Says what happens to the old key before it happens. */
export function RotateDialog<T>({
  name,
  path,
  warning,
  onClose,
  onMade,
}: {
  name: string;
  path: string;
  warning?: string | undefined;
  onClose: () => void;
  onMade: (key: T) => void;
}) {
  const [overlap, setOverlap] = useState<Overlap>("3600");
  return (
    <FormDialog<T>
      title={`Rotate ${name}`}
      submit="Make its successor"
      send={() => ask("POST", path, { overlapSeconds: Number(overlap) })}
      onClose={onClose}
      onDone={onMade}
    >
      <p>
        A new key with the same scope is made and shown once. The old one{" "}
        {overlap === "0"
          ? "ends at once: whatever still uses it is refused."
          : `works ${count(Number(overlap) / 3600)} more hour${overlap === "3600" ? "" : "s"}, so that you can change it where it is used.`}
      </p>
      <SelectField
        label="The old key ends"
        path="overlapSeconds"
        value={overlap}
        options={OVERLAPS}
        onChange={setOverlap}
      />
      {warning === undefined ? null : <p class="bad-text">{warning}</p>}
    </FormDialog>
  );
}

export function RevokeDialog({
  name,
  path,
  warning,
  onClose,
  onDone,
}: {
  name: string;
  path: string;
  warning?: string | undefined;
  onClose: () => void;
  onDone: () => void;
}) {
  return (
    <FormDialog
      title={`Revoke ${name}`}
      submit="Revoke the key"
      send={() => ask("DELETE", path)}
      done={`${name} is revoked.`}
      isDanger
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        It stops working everywhere within 5 seconds, and cannot be made to work again. It stays in the list, so that
        the audit log can be read.
      </p>
      {warning === undefined ? null : <p class="bad-text">{warning}</p>}
    </FormDialog>
  );
}
