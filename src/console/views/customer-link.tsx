/** The way to a customer, by what answers tell of them. */

type Named = {
  id: string;
  customerReferenceId?: string | undefined;
  displayName?: string | undefined;
  firstName?: string | undefined;
  lastName?: string | undefined;
};

/** First and last name, else the reference, else the id: as the API's own `displayName`. */
export function customerName({ id, customerReferenceId, displayName, firstName, lastName }: Named): string {
  const full = [firstName, lastName].filter((part) => part !== undefined && part !== "").join(" ");
  return displayName ?? (full === "" ? (customerReferenceId ?? id) : full);
}

/** What paths name a customer by. */
export function customerRef({ id, customerReferenceId }: Pick<Named, "id" | "customerReferenceId">): string {
  return encodeURIComponent(customerReferenceId ?? id);
}

export function CustomerLink({ customer }: { customer: Named }) {
  return <a href={`/console/customers/${customerRef(customer)}`}>{customerName(customer)}</a>;
}
