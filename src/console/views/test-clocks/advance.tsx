import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { Form, InstantField, instantOf } from "../../ui/form.tsx";
import { Card, Choice, Figure, Time } from "../../ui/parts.tsx";
import { say } from "../../ui/toast.tsx";
import type { AdvancedClock, TestClock } from "../../wire.ts";
import { customerName } from "../customer-link.tsx";
import { periodEnds, type Snapshot } from "./snapshot.ts";

/** How far a clock goes next, with the periods that end on the way before it goes. */

const STEPS = [
  { value: "day", label: "A day" },
  { value: "week", label: "A week" },
  { value: "month", label: "A month" },
  { value: "period", label: "To the next period" },
  { value: "time", label: "To a time" },
] as const;
type Step = (typeof STEPS)[number]["value"];

/** A month later, the day kept within the month. */
function monthLater(from: Date): Date {
  const later = new Date(from);
  later.setUTCDate(1);
  later.setUTCMonth(later.getUTCMonth() + 1);
  const days = new Date(Date.UTC(later.getUTCFullYear(), later.getUTCMonth() + 1, 0)).getUTCDate();
  later.setUTCDate(Math.min(from.getUTCDate(), days));
  return later;
}

/** Where a step leads; undefined where nobody can say. */
function targetOf(step: Step, from: string, local: string, next: string | undefined): string | undefined {
  const now = new Date(from);
  const days = (n: number): string => new Date(now.getTime() + n * 86_400_000).toISOString();
  switch (step) {
    case "day":
      return days(1);
    case "week":
      return days(7);
    case "month":
      return monthLater(now).toISOString();
    case "period":
      return next;
    case "time":
      return instantOf(local);
  }
}

/** As many periods are named before an advance. */
const NAMED_MAX = 6;

export function AdvanceCard({
  clock,
  snapshot,
  onAdvanced,
}: {
  clock: TestClock;
  snapshot: Snapshot;
  onAdvanced: (clock: AdvancedClock) => void;
}) {
  const [step, setStep] = useState<Step>("month");
  const [local, setLocal] = useState("");
  const ends = periodEnds(snapshot);
  const next = ends.find(({ at }) => Date.parse(at) > Date.parse(clock.frozenTime))?.at;
  const target = targetOf(step, clock.frozenTime, local, next);
  const due = target === undefined ? [] : ends.filter(({ at }) => Date.parse(at) <= Date.parse(target));
  return (
    <Card title="Advance">
      <dl class="figures one">
        <Figure
          label="The clock stands at"
          value={momentOf(clock.frozenTime)}
          note={`${clock.frozenTime.slice(0, 16).replace("T", " ")} UTC`}
        />
      </dl>
      <Form<AdvancedClock>
        submit="Advance"
        isDisabled={target === undefined}
        send={() => ask("POST", `/api/v1/test-clocks/${clock.id}/advance`, { frozenTime: target })}
        onDone={(advanced) => {
          say("The clock is there.");
          onAdvanced(advanced);
        }}
      >
        <Choice label="How far" options={STEPS} value={step} onChange={setStep} />
        {step === "time" ? (
          <InstantField
            label="To"
            path="frozenTime"
            value={local}
            onChange={setLocal}
            hint="At most two years at once."
          />
        ) : null}
        <section class="preview" aria-label="What this does">
          {target === undefined ? (
            <p class="quiet">{step === "period" ? "No period is open." : "Say to which time."}</p>
          ) : (
            <>
              <p>
                It will stand at <Time at={target} />, and all that is due until then happens in order.
              </p>
              {due.length === 0 ? (
                <p class="quiet">No period ends until then.</p>
              ) : (
                <ul class="said">
                  {due.slice(0, NAMED_MAX).map(({ at, customer, plan }) => (
                    <li key={`${customer.id} ${plan}`}>
                      <Time at={at} day />: {plan} of {customerName(customer)} renews or ends
                    </li>
                  ))}
                  {due.length > NAMED_MAX ? <li class="quiet">and {due.length - NAMED_MAX} more</li> : null}
                </ul>
              )}
            </>
          )}
        </section>
      </Form>
    </Card>
  );
}

function momentOf(instant: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(instant));
}
