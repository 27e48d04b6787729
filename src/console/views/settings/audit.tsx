import { useWhole } from "../../api.ts";
import { words } from "../../format.ts";
import { hrefOf, place, setQuery } from "../../router.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { InstantField, instantOf, SelectField, TextField } from "../../ui/form.tsx";
import { PagedTable } from "../../ui/paged.tsx";
import { Card, Fact, Time } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { ApiKey, AuditEntry } from "../../wire.ts";

/** Who did what, with what was before and what is since. Filters and the entry that is open stand in the address. */

/** The part of an action before its dot, and what it is about. */
const FAMILIES = [
  { value: "", label: "Everything" },
  { value: "account", label: "Account" },
  { value: "settings", label: "Settings" },
  { value: "api_key", label: "The account’s keys" },
  { value: "customer_key", label: "Customers’ keys" },
  { value: "console", label: "Signing in" },
  { value: "stripe", label: "Stripe" },
  { value: "feature", label: "Features" },
  { value: "plan", label: "Plans" },
  { value: "rule", label: "Rules of plans" },
  { value: "subscription", label: "Subscriptions" },
  { value: "invoice", label: "Invoices" },
  { value: "balance", label: "Payouts" },
  { value: "customer", label: "Erasures" },
  { value: "credit_model", label: "Credit models" },
  { value: "allocation", label: "Credits in plans" },
  { value: "credit_pool", label: "Credit pools" },
  { value: "credit_grant", label: "Credit grants" },
  { value: "credits", label: "Credit corrections" },
  { value: "credit_weights", label: "Weights" },
  { value: "credit_prices", label: "Credit prices" },
  { value: "clock", label: "Test clocks" },
  { value: "events", label: "Imports" },
  { value: "costs", label: "Costs anew" },
  { value: "copies", label: "Copies anew" },
] as const;

const SHORT = 8;

/** An id's beginning, whole on hover; other targets as they are. */
function Target({ target }: { target: string }) {
  return /^[0-9a-f-]{36}$/.test(target) ? (
    <code title={target}>{target.slice(0, SHORT)}</code>
  ) : (
    <code class="wrap">{target}</code>
  );
}

/** Where what was acted on has a view under its id. */
const VIEWS: Record<string, string> = {
  plan: "/plans",
  subscription: "/subscriptions",
  invoice: "/invoices",
};

function said(action: string): string {
  return words(action.replace(".", " "));
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  {
    title: "What",
    cell: ({ id, action }) => (
      <button type="button" class="link-button" onClick={() => setQuery({ entry: id })}>
        {said(action)}
      </button>
    ),
  },
  { title: "On", cell: ({ target }) => <Target target={target} /> },
  { title: "By", cell: ({ actor }) => <code class="one-word">{actor.hint}</code> },
  { title: "From", isSpare: true, cell: ({ ip }) => ip ?? "–" },
  { title: "When", cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function AuditLog() {
  const { query } = place.value;
  const get = (name: string) => query.get(name) ?? "";
  const set = (name: string) => (value: string) => setQuery({ [name]: value, offset: undefined, entry: undefined });
  const keys = useWhole<ApiKey>("/api/v1/account/api-keys");
  const filter = {
    action: get("action"),
    target: get("target").trim(),
    keyId: get("key"),
    start: instantOf(get("from")),
    end: instantOf(get("to")),
  };
  const makers = [
    { value: "", label: "Anybody" },
    ...(keys.data?.items ?? []).map(({ id, name, keyHint }) => ({
      value: id,
      label: name === undefined ? keyHint : `${name} ${keyHint}`,
    })),
  ];
  return (
    <Card title="Who did what" wide>
      <div class="card-tools">
        <SelectField label="What" path="action" value={get("action")} options={FAMILIES} onChange={set("action")} />
        <SelectField label="By which key" path="keyId" value={get("key")} options={makers} onChange={set("key")} />
        <TextField label="On which id" path="target" value={get("target")} onChange={set("target")} />
        <InstantField label="From" path="start" value={get("from")} onChange={set("from")} />
        <InstantField label="Before" path="end" value={get("to")} onChange={set("to")} />
      </div>
      <PagedTable<AuditEntry>
        path="/api/v1/account/audit-log"
        query={filter}
        what="entries"
        columns={COLUMNS}
        keyOf={({ id }) => id}
        empty={<Empty title="No such entry">Take a filter away to see more.</Empty>}
      >
        {(entries) => {
          const open = entries.find(({ id }) => id === query.get("entry"));
          return open === undefined ? null : <Entry entry={open} />;
        }}
      </PagedTable>
    </Card>
  );
}

type Changed = { field: string; before: string; after: string };

function textOfValue(value: unknown): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Field by field where both sides have fields, else as a whole. */
function changesOf({ before, after }: AuditEntry): Changed[] {
  const [old, since] = [before ?? {}, after ?? {}];
  if (!isRecord(old) || !isRecord(since))
    return [{ field: "", before: textOfValue(before), after: textOfValue(after) }];
  return [...new Set([...Object.keys(old), ...Object.keys(since)])].map((field) => ({
    field,
    before: textOfValue(old[field]),
    after: textOfValue(since[field]),
  }));
}

const CHANGE_COLUMNS: readonly Column<Changed>[] = [
  { title: "Field", cell: ({ field }) => <code>{field}</code> },
  { title: "Before", cell: ({ before }) => <span class="wrap">{before}</span> },
  { title: "Since", cell: ({ after }) => <span class="wrap">{after}</span> },
];

function Entry({ entry }: { entry: AuditEntry }) {
  const changes = changesOf(entry);
  const view = VIEWS[entry.action.split(".")[0] ?? ""];
  return (
    <Dialog kind="panel" title={said(entry.action)} onClose={() => setQuery({ entry: undefined })}>
      <dl class="facts">
        <Fact name="Action">
          <code>{entry.action}</code>
        </Fact>
        <Fact name="On">
          {view === undefined ? (
            <code>{entry.target}</code>
          ) : (
            <a href={hrefOf(`${view}/${entry.target}`)}>
              <code>{entry.target}</code>
            </a>
          )}
        </Fact>
        <Fact name="By">
          <code>{entry.actor.hint}</code>
        </Fact>
        <Fact name="When">
          <Time at={entry.createdAt} />
        </Fact>
        {entry.ip === undefined ? null : <Fact name="From">{entry.ip}</Fact>}
        <Fact name="Request">
          <code>{entry.requestId}</code>
        </Fact>
      </dl>
      {changes.length === 0 ? (
        <Empty title="Nothing to compare">The action alone says what happened.</Empty>
      ) : (
        <Table label="What changed" columns={CHANGE_COLUMNS} rows={changes} keyOf={({ field }) => field} />
      )}
    </Dialog>
  );
}
