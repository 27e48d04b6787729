import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Answered, ask, useWhole, whoami } from "../../api.ts";
import { AreaField, FormDialog, SelectField, TextField, textOf } from "../../ui/form.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { Customer } from "../../wire.ts";

/** Who a customer is: for a new one, and to change what is said of one. */

const PATH = "/api/v1/monetization/customers";

type Props = { onClose: () => void; onDone: (customer: Customer) => void };

/** Texts that are worth sending. */
function given(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const text = textOf(value);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** What differs from what is known; what was cleared is sent empty. */
function changed(customer: Customer, values: Record<string, string>): Record<string, string> {
  const known: Record<string, unknown> = customer;
  return Object.fromEntries(
    Object.entries(values)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([name, value]) => value !== (known[name] ?? "")),
  );
}

export function NewCustomer({ onClose, onDone }: Props) {
  const [testClockId, setTestClockId] = useState("");
  return (
    <CustomerForm
      title="A new customer"
      submit="Register them"
      send={(values) => ask("POST", PATH, given({ ...values, testClockId }))}
      done="The customer is registered."
      onClose={onClose}
      onDone={onDone}
    >
      {whoami.value?.account.mode === "test" ? <ClockField value={testClockId} onChange={setTestClockId} /> : null}
    </CustomerForm>
  );
}

export function EditCustomer({ customer, onClose, onDone }: Props & { customer: Customer }) {
  return (
    <CustomerForm
      customer={customer}
      title="Edit the customer"
      submit="Save"
      send={(values) => ask("PATCH", `${PATH}/${customer.id}`, changed(customer, values))}
      done="Saved. Invoices that become due from now on say so."
      onClose={onClose}
      onDone={onDone}
    />
  );
}

function CustomerForm({
  customer,
  send,
  children,
  ...dialog
}: Props & {
  customer?: Customer;
  title: string;
  submit: string;
  done: string;
  send: (values: Record<string, string>) => Promise<Answered<Customer>>;
  children?: ComponentChildren;
}) {
  const { values, field } = useTexts({
    customerReferenceId: customer?.customerReferenceId ?? "",
    email: customer?.email ?? "",
    firstName: customer?.firstName ?? "",
    lastName: customer?.lastName ?? "",
    phoneNumber: customer?.phoneNumber ?? "",
    address: customer?.address ?? "",
    taxId: customer?.taxId ?? "",
    stripeCustomerId: customer?.stripeCustomerId ?? "",
  });
  const isFixed = (known: string | undefined) => (known === undefined ? "" : " It cannot be changed any more.");
  return (
    <FormDialog<Customer> {...dialog} send={() => send(values)}>
      <div class="form-row">
        <TextField
          label="Reference"
          placeholder="acme"
          hint={`How your software names them.${isFixed(customer?.customerReferenceId)}`}
          {...field("customerReferenceId")}
        />
        <TextField label="E-mail" placeholder="billing@acme.example" {...field("email")} />
      </div>
      <div class="form-row">
        <TextField label="First name" {...field("firstName")} />
        <TextField label="Last name, or company" {...field("lastName")} />
      </div>
      <div class="form-row">
        <TextField label="Phone" {...field("phoneNumber")} />
        <TextField label="Tax id" hint="Shown on their invoices." {...field("taxId")} />
      </div>
      <AreaField label="Address" hint="As it stands on their invoices." {...field("address")} />
      <TextField
        label="Stripe id"
        placeholder="cus_…"
        hint={`If they are at Stripe already.${isFixed(customer?.stripeCustomerId)}`}
        {...field("stripeCustomerId")}
      />
      {children}
    </FormDialog>
  );
}

type Clock = { id: string; name?: string | undefined };

/** A test account's customer can live by a test clock, from the beginning alone. */
function ClockField({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const clocks = useWhole<Clock>("/api/v1/test-clocks");
  const options = [
    { value: "", label: "Real time" },
    ...(clocks.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name ?? id })),
  ];
  return (
    <SelectField
      label="Lives by"
      path="testClockId"
      hint="A test clock moves on when you say so; a customer stays on it."
      value={value}
      options={options}
      onChange={onChange}
    />
  );
}
