import { useState } from "preact/hooks";
import { type Answered, ask } from "../../api.ts";
import { count } from "../../format.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Form, SelectField } from "../../ui/form.tsx";
import type { Migration, Plan } from "../../wire.ts";
import { type Moves, WhoMoves } from "./who-moves.tsx";

/** Moving subscribers to the newest version: first who would move and what each pays before and after, then the move itself. */

type When = "NOW" | "NEXT_PERIOD";

const TIMES = [
  { value: "NEXT_PERIOD", label: "When each one's period ends" },
  { value: "NOW", label: "At once, the time left is settled by an invoice" },
] as const;

/** All pages of it, dry or real. A page that fails is the answer: what was moved before it stays moved, and a repeat goes on. */
async function migrate(
  plan: Plan,
  body: { when: When; fromVersion?: number; dryRun: boolean },
): Promise<Answered<Moves>> {
  const all: Moves = { moved: [], skipped: [] };
  let cursor: string | undefined;
  do {
    const answered = await ask<Migration>("POST", `/api/v1/monetization/plans/${plan.id}/migrate`, {
      ...body,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (!answered.ok) return answered;
    all.moved.push(...answered.data.moved);
    all.skipped.push(...answered.data.skipped);
    cursor = answered.data.nextCursor;
  } while (cursor !== undefined);
  return { ok: true, data: all };
}

export function Migrate({ plan, onClose, onDone }: { plan: Plan; onClose: () => void; onDone: () => void }) {
  const [when, setWhen] = useState<When>("NEXT_PERIOD");
  const [from, setFrom] = useState("");
  const [found, setFound] = useState<Moves>();
  const body = { when, ...(from === "" ? {} : { fromVersion: Number(from) }) };
  const older = Array.from({ length: plan.version - 1 }, (_, index) => String(plan.version - 1 - index));
  return (
    <Dialog kind="box roomy" title={`Move subscribers of ${plan.name} to version ${plan.version}`} onClose={onClose}>
      <Form<Moves> submit="Show who would move" send={() => migrate(plan, { ...body, dryRun: true })} onDone={setFound}>
        <div class="form-row">
          <SelectField
            label="Who"
            path="fromVersion"
            value={from}
            onChange={(version) => {
              setFrom(version);
              setFound(undefined);
            }}
            options={[
              { value: "", label: "All on an older version" },
              ...older.map((version) => ({ value: version, label: `Only those on version ${version}` })),
            ]}
          />
          <SelectField
            label="When"
            path="when"
            value={when}
            onChange={(time) => {
              setWhen(time);
              setFound(undefined);
            }}
            options={TIMES}
          />
        </div>
      </Form>
      {found === undefined ? null : (
        <>
          <WhoMoves plan={plan} found={found} />
          {found.moved.length === 0 ? null : (
            <Form<Moves>
              submit={`Move ${found.moved.length === 1 ? "one subscription" : `${count(found.moved.length)} subscriptions`}${
                when === "NOW" ? " now" : ""
              }`}
              isDanger={when === "NOW"}
              send={() => migrate(plan, { ...body, dryRun: false })}
              done={({ moved }) => `${count(moved.length)} moved to version ${plan.version}`}
              onDone={() => {
                onClose();
                onDone();
              }}
            >
              <p class="consequence">
                {when === "NOW"
                  ? "Each gets the new version at once, and an invoice or credit for the time that is left of its period."
                  : "Each keeps its version until its period ends, and gets the new one with the next."}
              </p>
            </Form>
          )}
        </>
      )}
    </Dialog>
  );
}
