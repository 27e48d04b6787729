import { useAsk } from "../../api.ts";
import { count, words } from "../../format.ts";
import { hrefOf } from "../../router.ts";
import { PagedTable } from "../../ui/paged.tsx";
import { Badge, Card, Figure, Time } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { CronRun, OperationsStatus } from "../../wire.ts";

/** Is the server well: what waits, what was given up, who is quarantined, when the cron ran. */

type Troubled = OperationsStatus["troubled"][number];

const TROUBLED_COLUMNS: readonly Column<Troubled>[] = [
  { title: "Customer", cell: ({ customerId }) => <code>{customerId}</code> },
  {
    title: "Quarantined",
    cell: ({ quarantinedAt }) =>
      quarantinedAt === undefined ? (
        "no"
      ) : (
        <>
          <Badge state="underwater" label="since" /> <Time at={quarantinedAt} />
        </>
      ),
  },
  { title: "Given up", isFigure: true, cell: ({ parkedRows }) => count(parkedRows) },
  {
    title: "Size",
    isFigure: true,
    isMinor: true,
    cell: ({ sizeBytes }) => `${count(Math.round(sizeBytes / 1000))} kB`,
  },
];

const RUN_COLUMNS: readonly Column<CronRun>[] = [
  { title: "Task", cell: ({ task }) => words(task.replaceAll("-", "_")) },
  { title: "Ended", cell: ({ finishedAt }) => <Time at={finishedAt} /> },
  {
    title: "Took",
    isFigure: true,
    isMinor: true,
    cell: ({ startedAt, finishedAt }) => `${count(Date.parse(finishedAt) - Date.parse(startedAt))} ms`,
  },
  { title: "Done", isFigure: true, cell: ({ processed }) => count(processed) },
  {
    title: "Failed",
    isFigure: true,
    cell: ({ failed }) => (failed === 0 ? "0" : <strong class="bad-text">{count(failed)}</strong>),
  },
  { title: "Why", isSpare: true, cell: ({ failure }) => <span class="wrap">{failure ?? ""}</span> },
];

export function Operations() {
  const status = useAsk<OperationsStatus>("/api/v1/ops/status");
  return (
    <>
      <Answer asked={status} what="the state of things">
        {(known) => (
          <>
            <dl class="figures">
              <Figure label="Quarantined customers" value={count(known.quarantinedObjects)} note="their checks wait" />
              <Figure label="Deliveries given up" value={count(known.parkedRows)} note="after twenty attempts" />
              <Figure label="Waiting for the database" value={count(known.waitingRows)} note={waitingNote(known)} />
              <Figure label="Failed webhooks" value={count(known.failedWebhooks)} note="of Stripe’s" />
              <Figure label="Customers asked" value={count(known.objectsAsked)} note="troubled and most recent" />
            </dl>
            <div class="grid">
              <Troubles status={known} />
              <Card title="The cron’s last runs">
                {known.cronRuns.length === 0 ? (
                  <Empty title="It has not run yet">It comes every five minutes.</Empty>
                ) : (
                  <Table
                    label="The cron’s last runs"
                    columns={RUN_COLUMNS.filter(({ isSpare }) => isSpare !== true)}
                    rows={known.cronRuns}
                    keyOf={({ task }) => task}
                  />
                )}
              </Card>
            </div>
          </>
        )}
      </Answer>
      <div class="grid below">
        <Card title="Runs of the last week" wide>
          <PagedTable<CronRun>
            path="/api/v1/ops/cron-runs"
            what="runs"
            columns={RUN_COLUMNS}
            keyOf={({ task, startedAt }) => `${task} ${startedAt}`}
            rows={15}
            empty={<Empty title="No run yet">It comes every five minutes.</Empty>}
          />
        </Card>
      </div>
    </>
  );
}

function waitingNote({ oldestUnsentAt, silentObjects }: OperationsStatus): string {
  if (silentObjects.length > 0) return `${count(silentObjects.length)} customers did not answer`;
  if (oldestUnsentAt === undefined) return "nothing is late";
  return `the oldest for ${count(Math.max(0, Math.round((Date.now() - Date.parse(oldestUnsentAt)) / 1000)))} s`;
}

function Troubles({ status: { troubled, silentObjects } }: { status: OperationsStatus }) {
  return (
    <Card title="Customers with trouble">
      {troubled.length === 0 && silentObjects.length === 0 ? (
        <Empty title="None">Quarantined customers and deliveries that were given up would stand here.</Empty>
      ) : (
        <Table
          label="Customers with trouble"
          columns={TROUBLED_COLUMNS}
          rows={troubled}
          keyOf={({ customerId }) => customerId}
          href={({ customerId }) => `/customers/${customerId}`}
        />
      )}
      {silentObjects.length === 0 ? null : (
        <p class="card-note">
          No answer from{" "}
          {silentObjects.map((id) => (
            <a key={id} href={hrefOf(`/customers/${id}`)}>
              {id.slice(0, 8)}{" "}
            </a>
          ))}
        </p>
      )}
    </Card>
  );
}
