import { ask } from "../../api.ts";
import { FormDialog, TextField } from "../../ui/form.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { Customer } from "../../wire.ts";

/** Erasing cannot be undone: what goes and what stays is said first, and the customer's name has to be typed. */
export function EraseCustomer({
  customer,
  onClose,
  onDone,
}: {
  customer: Customer;
  onClose: () => void;
  onDone: () => void;
}) {
  const { values, field } = useTexts({ confirmation: "" });
  const name = customer.customerReferenceId ?? customer.id;
  const isLive = customer.subscriptions.some(({ status }) => status !== "CANCELLED");
  return (
    <FormDialog
      title={`Erase ${customer.displayName}`}
      submit="Erase for ever"
      send={() => ask("DELETE", `/api/v1/monetization/customers/${customer.id}`)}
      done="The customer’s personal data is erased."
      isDanger
      isDisabled={values.confirmation.trim() !== name}
      onClose={onClose}
      onDone={onDone}
    >
      <p>This cannot be undone. Export what you must keep first, and print the invoices that need the buyer’s name.</p>
      <p>
        <strong>What goes:</strong> name, e-mail, phone, address, tax id, reference and Stripe id; the buyer on every
        invoice; what events carried beside their figures; their keys.
      </p>
      <p>
        <strong>What stays, under the id alone:</strong> invoices with number, dates, lines and amounts; the ledgers of
        credits and money; events with time, feature, model, usage, cost and revenue; sums; the audit log.
      </p>
      {isLive ? <p class="bad-text">A subscription is live: cancel it first, or erasing is refused.</p> : null}
      <TextField label={`To erase, type ${name}`} {...field("confirmation")} />
    </FormDialog>
  );
}
