import { useState } from "preact/hooks";
import { ask, useAsk } from "../../api.ts";
import { count, exactMoney, money, words } from "../../format.ts";
import {
  FormDialog,
  InstantField,
  instantOf,
  NumberField,
  numberOf,
  SelectField,
  TextField,
  textOf,
} from "../../ui/form.tsx";
import type { CreditPrice, Grant, Pool, Transaction } from "../../wire.ts";

/** Credits that are moved by hand, and what stops them moving: each says what it does before it is done. */

type Doing = { pool: Pool; onClose: () => void; onDone: () => void };

const CREDITS = "/api/v1/monetization/credits";

/** What an operator gives; the other kinds come of plans alone. */
const KINDS = [
  { value: "PROMOTIONAL", label: "Promotional: a gift" },
  { value: "PURCHASED", label: "Purchased: they paid for it" },
  { value: "REFUND", label: "Refund: for something that went wrong" },
  { value: "MANUAL", label: "Manual: anything else" },
  { value: "SYSTEM", label: "System: by a machine of yours" },
] as const;

/** Credits have four decimals at most, so the sum for the eye has too. */
function sumOf(a: number, b: number): string {
  return count(Math.round((a + b) * 10_000) / 10_000);
}

function amountOf(text: string): number | undefined {
  const value = numberOf(text);
  return typeof value === "number" && value > 0 ? value : undefined;
}

export function GiveCredits({ pool, ...doing }: Doing) {
  const [amount, setAmount] = useState("");
  const [grantType, setType] = useState<(typeof KINDS)[number]["value"]>("PROMOTIONAL");
  const [price, setPrice] = useState("");
  const [expires, setExpires] = useState("");
  const [description, setDescription] = useState("");
  const book = useAsk<CreditPrice[]>("/api/v1/client/credits/prices");
  const currency = pool.currency ?? "USD";
  const inBook = book.data?.find((one) => one.denomination === pool.denomination && one.currency === currency);
  const given = amountOf(amount);
  const unitPrice = numberOf(price);
  const isSold = grantType === "PURCHASED";
  const soldFor = !isSold ? undefined : typeof unitPrice === "number" ? unitPrice : inBook?.pricePerCredit;
  return (
    <FormDialog<Grant>
      title="Grant credits"
      submit={given === undefined ? "Grant" : `Grant ${count(given)} credits`}
      done={(grant) => `${count(grant.amount)} credits are granted.`}
      send={() =>
        ask("POST", `${CREDITS}/grants`, {
          creditPoolId: pool.id,
          amount: numberOf(amount),
          grantType,
          unitPrice: isSold ? unitPrice : undefined,
          currency: isSold && unitPrice !== undefined ? currency : undefined,
          expiresAt: instantOf(expires),
          description: textOf(description),
        })
      }
      {...doing}
    >
      <div class="form-row">
        <NumberField label="Credits" path="amount" value={amount} onChange={setAmount} />
        <SelectField label="Kind" path="grantType" value={grantType} onChange={setType} options={KINDS} />
      </div>
      {isSold ? (
        <NumberField
          label="Sold for, each"
          path="unitPrice"
          unit={currency}
          placeholder={inBook === undefined ? "" : String(inBook.pricePerCredit)}
          hint={inBook === undefined ? "The price book has no price for these credits." : "Left empty: the book price."}
          value={price}
          onChange={setPrice}
        />
      ) : null}
      <InstantField
        label="Expires"
        path="expiresAt"
        hint="Left empty: never. What expires soonest is drawn first."
        value={expires}
        onChange={setExpires}
      />
      <TextField label="Description" path="description" value={description} onChange={setDescription} />
      <section class="preview" aria-label="What this does">
        {given === undefined ? (
          <p class="quiet">Say how many credits to see what this does.</p>
        ) : (
          <p>
            The balance goes from {count(pool.balance)} to <strong>{sumOf(pool.balance, given)}</strong>
            {pool.status === "DEPLETED" ? ", so the pool gives access again" : ""}.
            {soldFor === undefined
              ? " Nothing is billed, and what is used of it earns nothing."
              : ` Nothing is billed here; what is used of it counts as revenue of ${exactMoney(soldFor, currency)} a credit, ${money(soldFor * given, currency)} in all.`}
          </p>
        )}
      </section>
    </FormDialog>
  );
}

export function Deduct({ pool, ...doing }: Doing) {
  const [amount, setAmount] = useState("");
  const [description, setDescription] = useState("");
  const taken = amountOf(amount);
  const isTooMuch = taken !== undefined && taken > pool.balance - pool.held;
  return (
    <FormDialog<Transaction>
      title="Deduct credits"
      submit={taken === undefined ? "Deduct" : `Deduct ${count(taken)} credits`}
      isDanger
      done={(transaction) => `The pool has ${count(transaction.balanceAfter)} credits.`}
      send={() =>
        ask("POST", `${CREDITS}/deductions`, {
          creditPoolId: pool.id,
          amount: numberOf(amount),
          description: textOf(description),
        })
      }
      {...doing}
    >
      <NumberField label="Credits" path="amount" value={amount} onChange={setAmount} />
      <TextField
        label="Why"
        path="description"
        hint="Shown in the ledger."
        value={description}
        onChange={setDescription}
      />
      <section class="preview" aria-label="What this does">
        {taken === undefined ? (
          <p class="quiet">Say how many credits to see what this does.</p>
        ) : isTooMuch ? (
          <p class="bad-text">Only {sumOf(pool.balance, -pool.held)} can be taken, so this would be refused.</p>
        ) : (
          <p>
            The balance goes from {count(pool.balance)} to <strong>{sumOf(pool.balance, -taken)}</strong>. Credits that
            go soonest are taken first. It can be reversed in the ledger.
          </p>
        )}
      </section>
    </FormDialog>
  );
}

export function VoidGrant({ pool, grant, ...doing }: Doing & { grant: Grant }) {
  return (
    <FormDialog<Grant>
      title="Void a grant"
      submit={`Take ${count(grant.remaining)} credits back`}
      isDanger
      done="The grant is void."
      send={() => ask("POST", `${CREDITS}/grants/${grant.id}/void`)}
      {...doing}
    >
      <p>
        {words(grant.grantType)} of {count(grant.amount)}: what is left of it, {count(grant.remaining)}, is gone for
        good; what was used stays used. The balance goes from {count(pool.balance)} to{" "}
        <strong>{sumOf(pool.balance, -grant.remaining)}</strong>
        {pool.held === 0 ? "" : " (credits that are held stay until their reservation ends)"}. No money moves.
      </p>
    </FormDialog>
  );
}

export function FreezePool({ pool, ...doing }: Doing) {
  return (
    <FormDialog<Pool>
      title="Freeze the pool"
      submit="Freeze"
      isDanger
      done="The pool is frozen."
      send={() => ask("POST", `${CREDITS}/pools/${pool.id}/freeze`)}
      {...doing}
    >
      <p>
        From now on nothing is drawn from it and nothing granted; it counts as empty.{" "}
        {pool.hardLimit
          ? "Features that need its credits are refused to the customer."
          : "What it would have covered is billed by the plan's price."}{" "}
        Credits go on expiring. It can be unfrozen.
      </p>
    </FormDialog>
  );
}

export function UnfreezePool({ pool, ...doing }: Doing) {
  return (
    <FormDialog<Pool>
      title="Unfreeze the pool"
      submit="Unfreeze"
      done="The pool gives credits again."
      send={() => ask("POST", `${CREDITS}/pools/${pool.id}/unfreeze`)}
      {...doing}
    >
      <p>{count(pool.balance)} credits can be used again from now on.</p>
    </FormDialog>
  );
}

export function ArchivePool({ pool, ...doing }: Doing) {
  return (
    <FormDialog<Pool>
      title="Archive the pool"
      submit="Archive for ever"
      isDanger
      done="The pool is archived."
      send={() => ask("POST", `${CREDITS}/pools/${pool.id}/archive`)}
      {...doing}
    >
      <p>
        Nothing of it changes any more, for ever: the {count(pool.balance)} credits in it stay there and cannot be used.
        It is refused while reservations hold any of them
        {pool.held === 0 ? "" : `, and ${count(pool.held)} are held now`}.
      </p>
    </FormDialog>
  );
}
