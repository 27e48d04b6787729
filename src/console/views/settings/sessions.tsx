import { useState } from "preact/hooks";
import { ask, type Problem, useAsk, withQuery } from "../../api.ts";
import { Badge, Card, Time } from "../../ui/parts.tsx";
import { Answer, Failure } from "../../ui/states.tsx";
import { type Column, Pager, Table } from "../../ui/table.tsx";
import type { ConsoleSession, Page } from "../../wire.ts";

/** Who is signed in to this account's console, and the way to end a session that should not be. */

/** The browser's name out of what it says of itself; the whole on hover. */
function browserOf(userAgent: string): string {
  const [, name = "Another client"] = /(Edg|OPR|Firefox|Chrome|Safari|curl)[/ ]/.exec(userAgent) ?? [];
  const [, system] = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(userAgent) ?? [];
  return system === undefined ? name : `${name} on ${system}`;
}

export function Sessions() {
  const [offset, setOffset] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  const asked = useAsk<Page<ConsoleSession>>(withQuery("/console/sessions", { limit: 25, offset }));
  const end = async (id: string) => {
    const answered = await ask("DELETE", `/console/sessions/${id}`);
    setProblem(answered.ok ? undefined : answered.problem);
    asked.again();
  };
  const columns: readonly Column<ConsoleSession>[] = [
    { title: "Browser", cell: ({ userAgent }) => <span title={userAgent}>{browserOf(userAgent)}</span> },
    { title: "Key", cell: ({ keyHint }) => <code class="one-word">{keyHint}</code> },
    { title: "Address", isMinor: true, cell: ({ ip }) => ip ?? "–" },
    { title: "Signed in", cell: ({ createdAt }) => <Time at={createdAt} /> },
    { title: "Ends", isMinor: true, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    {
      title: "Action",
      cell: ({ id, current }) =>
        current ? (
          <Badge state="ACTIVE" label="This one" />
        ) : (
          <button type="button" class="button small" onClick={() => end(id)}>
            End
          </button>
        ),
    },
  ];
  return (
    <>
      {problem === undefined ? null : <Failure problem={problem} />}
      <Card title="Signed in to this account" wide>
        <Answer asked={asked} what="sessions">
          {({ items, pagination }) => (
            <>
              <Table label="Sessions" columns={columns} rows={items} keyOf={({ id }) => id} />
              <Pager pagination={pagination} onMove={setOffset} />
            </>
          )}
        </Answer>
      </Card>
    </>
  );
}
