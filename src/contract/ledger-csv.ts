import { formatE12 } from "../domain/amount.ts";
import { formatE4 } from "../domain/credit-amount.ts";
import type { EntryView } from "../domain/credit-views.ts";
import { minorToE12 } from "../domain/money.ts";
import type { BalanceEntryView } from "../domain/views.ts";
import { type Column, textCell } from "./csv.ts";
import { instantText } from "./scalars.ts";

/** The ledgers of credits and of money as rows of a file. */

export const TRANSACTION_COLUMNS: readonly Column<EntryView>[] = [
  ["id", ({ entryId }) => entryId],
  ["creditPoolId", ({ poolId }) => poolId],
  ["creditGrantId", ({ grantId }) => grantId],
  ["transactionType", ({ type }) => type],
  ["amount", ({ amountE4 }) => formatE4(amountE4)],
  ["balanceBefore", ({ balanceBeforeE4 }) => formatE4(balanceBeforeE4)],
  ["balanceAfter", ({ balanceAfterE4 }) => formatE4(balanceAfterE4)],
  ["description", ({ description }) => textCell(description)],
  ["eventId", ({ eventId }) => eventId],
  ["reversedTransactionId", ({ reversesId }) => reversesId],
  ["creditsPerUnit", ({ weight }) => (weight === undefined ? undefined : formatE12(weight.creditsPerUnitE12))],
  ["usageUnits", ({ unitsE12 }) => (unitsE12 === undefined ? undefined : formatE12(unitsE12))],
  ["createdAt", ({ atMs }) => instantText(atMs)],
];

export const BALANCE_COLUMNS: readonly Column<BalanceEntryView>[] = [
  ["id", ({ entryId }) => entryId],
  ["kind", ({ kind }) => kind],
  ["currency", ({ currency }) => currency],
  ["amount", ({ amountMinor, currency }) => formatE12(minorToE12(amountMinor, currency))],
  ["balanceAfter", ({ balanceMinor, currency }) => formatE12(minorToE12(balanceMinor, currency))],
  ["invoiceId", ({ invoiceId }) => invoiceId],
  ["reference", ({ reference }) => textCell(reference)],
  ["createdAt", ({ atMs }) => instantText(atMs)],
];
