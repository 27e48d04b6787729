import * as z from "zod";
import type { Account } from "../domain/account.ts";
import { JURISDICTIONS, jurisdictionOf } from "../domain/placement.ts";
import { currency, instantText, name } from "./scalars.ts";

/** Accounts on the wire, and the trail of what was done to one. */

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** A currency that is in use somewhere: the list is ISO 4217's as the runtime knows it. */
export const accountCurrency = currency.pipe(
  z.string().refine((code) => CURRENCIES.has(code), { message: "is not a currency of ISO 4217" }),
);

export const CreateAccount = z
  .object({
    name,
    mode: z.enum(["live", "test"]),
    currency: accountCurrency.optional(),
    jurisdiction: z.enum(JURISDICTIONS).optional().meta({
      description:
        "`eu`: everything about the account's customers is kept and worked on within the European Union. What the account itself defines, and the copies for lists and sums, are in D1, whose place the deployment chooses. Never changes.",
    }),
  })
  .meta({ id: "CreateAccount" });

export const ChangeAccount = z.object({ name }).meta({ id: "ChangeAccount" });

const EXAMPLE = {
  id: "4c1f0c9e-6a0f-4b7e-9d52-0f6f2f9a7b31",
  name: "Acme AI",
  mode: "test",
  currency: "USD",
  createdAt: "2027-01-04T09:30:00.000Z",
  modifiedAt: "2027-01-04T09:30:00.000Z",
};

export const AccountWire = z
  .object({
    id: z.uuid(),
    name: z.string(),
    mode: z.enum(["live", "test"]),
    currency: z.string(),
    jurisdiction: z.enum(JURISDICTIONS).optional(),
    createdAt: z.iso.datetime(),
    modifiedAt: z.iso.datetime(),
  })
  .meta({ id: "Account", examples: [EXAMPLE] });

export const NewAccountWire = z
  .object({
    account: AccountWire,
    apiKey: z.string().meta({ description: "The account's first key, scope admin. Shown only now." }),
  })
  .meta({ id: "NewAccount", examples: [{ account: EXAMPLE, apiKey: "sk_test_…" }] });

export function toWireAccount(
  account: Pick<Account, "accountId" | "name" | "mode" | "currency" | "createdAtMs" | "modifiedAtMs">,
): z.input<typeof AccountWire> {
  const jurisdiction = jurisdictionOf(account.accountId);
  return {
    id: account.accountId,
    name: account.name,
    mode: account.mode,
    currency: account.currency,
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    createdAt: instantText(account.createdAtMs),
    modifiedAt: instantText(account.modifiedAtMs),
  };
}
