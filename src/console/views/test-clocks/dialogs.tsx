import { useState } from "preact/hooks";
import { ask } from "../../api.ts";
import { navigate } from "../../router.ts";
import { FormDialog, TextField, textOf } from "../../ui/form.tsx";
import { Time } from "../../ui/parts.tsx";
import type { Customer, TestClock } from "../../wire.ts";
import { customerName } from "../customer-link.tsx";

/** Who joins a clock, and how it ends. */

export function JoinClock({ clock, onClose, onDone }: { clock: TestClock; onClose: () => void; onDone: () => void }) {
  const [reference, setReference] = useState("");
  const [email, setEmail] = useState("");
  const [firstName, setFirst] = useState("");
  const [lastName, setLast] = useState("");
  return (
    <FormDialog<Customer>
      title="Add a customer"
      submit="Add the customer"
      done={(customer) => `${customerName(customer)} lives by the clock.`}
      send={() =>
        ask("POST", "/api/v1/monetization/customers", {
          customerReferenceId: textOf(reference),
          email: textOf(email),
          firstName: textOf(firstName),
          lastName: textOf(lastName),
          testClockId: clock.id,
        })
      }
      onClose={onClose}
      onDone={onDone}
    >
      <p class="quiet">
        A new customer, who lives at <Time at={clock.frozenTime} /> from the first instant and never leaves the clock.
      </p>
      <div class="form-row">
        <TextField label="Reference" path="customerReferenceId" value={reference} onChange={setReference} />
        <TextField label="Email" path="email" value={email} onChange={setEmail} />
      </div>
      <div class="form-row">
        <TextField label="First name" path="firstName" value={firstName} onChange={setFirst} />
        <TextField label="Last name" path="lastName" value={lastName} onChange={setLast} />
      </div>
    </FormDialog>
  );
}

export function DeleteClock({ clock, onClose }: { clock: TestClock; onClose: () => void }) {
  return (
    <FormDialog<undefined>
      title="Delete the test clock"
      submit="Delete the clock"
      isDanger
      done="The clock is gone."
      send={() => ask("DELETE", `/api/v1/test-clocks/${clock.id}`)}
      onClose={onClose}
      onDone={() => navigate("/test-clocks")}
    >
      <p>
        Its customers live in real time from now on
        {Date.parse(clock.frozenTime) < Date.now()
          ? ": all that fell due between the clock's time and now happens at once."
          : "; who is ahead of it stays there until it catches up."}{" "}
        The customers stay.
      </p>
    </FormDialog>
  );
}
