import * as z from "zod";
import { missing } from "./refusals.ts";
import { get } from "./route.ts";
import type { Account } from "./state.ts";

/** The account itself, and the money that it holds. */

const NOTHING_DUE = {
  alternatives: [],
  current_deadline: null,
  currently_due: [],
  disabled_reason: null,
  errors: [],
  eventually_due: [],
  past_due: [],
  pending_verification: [],
};

function accountObject({ id }: Account): object {
  return {
    id,
    object: "account",
    business_profile: {
      mcc: null,
      name: "Double",
      support_email: null,
      support_phone: null,
      support_url: null,
      url: null,
    },
    business_type: null,
    capabilities: { card_payments: "active", transfers: "active", us_bank_account_ach_payments: "active" },
    charges_enabled: true,
    controller: { type: "account" },
    country: "US",
    created: 1_700_000_000,
    default_currency: "usd",
    details_submitted: true,
    email: "owner@double.example",
    external_accounts: { object: "list", data: [], has_more: false, url: `/v1/accounts/${id}/external_accounts` },
    future_requirements: NOTHING_DUE,
    metadata: {},
    payouts_enabled: true,
    requirements: NOTHING_DUE,
    settings: {
      branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
      dashboard: { display_name: "Double", timezone: "Etc/UTC" },
      payments: { statement_descriptor: "DOUBLE" },
    },
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type: "standard",
  };
}

/** Money of one currency in its smallest unit. `held` = received − refunded − disputed. */
export type Money = { received: number; refunded: number; disputed: number; held: number };

/** What was received, given back and taken back, by currency. A dispute that is won is no longer in it. */
export function moneyOf(account: Account): Record<string, Money> {
  const money: Record<string, Money> = {};
  const of = (currency: string) => {
    const sums = money[currency] ?? { received: 0, refunded: 0, disputed: 0, held: 0 };
    money[currency] = sums;
    return sums;
  };
  for (const { currency, amount_captured } of Object.values(account.charges))
    if (amount_captured > 0) of(currency).received += amount_captured;
  for (const { currency, amount, status } of Object.values(account.refunds))
    if (status === "succeeded") of(currency).refunded += amount;
  for (const { currency, amount, status } of Object.values(account.disputes))
    if (status !== "won") of(currency).disputed += amount;
  for (const sums of Object.values(money)) sums.held = sums.received - sums.refunded - sums.disputed;
  return money;
}

export const accountRoutes = [
  get("/v1/account", "accounts_kyc_basic", z.strictObject({}), ({ account }) => accountObject(account)),
  get("/v1/accounts/:id", "accounts_kyc_basic", z.strictObject({}), ({ account }, _, { id }) => {
    if (id !== account.id) throw missing("account", id);
    return accountObject(account);
  }),
  get("/v1/balance", "balance", z.strictObject({}), ({ account }) => ({
    object: "balance",
    available: Object.entries(moneyOf(account)).map(([currency, { held }]) => ({
      amount: held,
      currency,
      source_types: { card: held },
    })),
    connect_reserved: [],
    livemode: false,
    pending: [],
  })),
];
