import { useState } from "preact/hooks";
import { download } from "../../api.ts";
import { navigate } from "../../router.ts";
import { say } from "../../ui/toast.tsx";
import type { Customer } from "../../wire.ts";
import { EditCustomer } from "./edit.tsx";
import { EraseCustomer } from "./erase.tsx";

/** What can be done with a customer as a whole. `again`: they changed. */
export function CustomerActions({ customer, again }: { customer: Customer; again: () => void }) {
  const [asked, setAsked] = useState<"edit" | "erase">();
  const close = () => setAsked(undefined);
  const takeOut = async () => {
    const path = `/api/v1/monetization/customers/${customer.id}/export`;
    const isTaken = await download(path, `customer-${customer.customerReferenceId ?? customer.id}.ndjson`);
    say(isTaken ? "Everything held of them, a line of JSON per record." : "The export did not work: try again.");
  };
  return (
    <>
      <button type="button" class="button" onClick={() => setAsked("edit")}>
        Edit
      </button>
      <button type="button" class="button" onClick={takeOut}>
        Export
      </button>
      <button type="button" class="button" onClick={() => setAsked("erase")}>
        Erase…
      </button>
      {asked === "edit" ? <EditCustomer customer={customer} onClose={close} onDone={again} /> : null}
      {asked === "erase" ? (
        <EraseCustomer customer={customer} onClose={close} onDone={() => navigate("/customers")} />
      ) : null}
    </>
  );
}
