import type * as z from "zod";
import { hasEvents, sellerUntilStatement, settingsStatement } from "../../catalog/accounts.ts";
import { hasPrices } from "../../catalog/credit-tariffs.ts";
import { hasPlans } from "../../catalog/plans.ts";
import { readAccount } from "../../catalog/snapshot.ts";
import { ChangeSettings, changedSettings, SettingsWire, toWireSettings } from "../../contract/settings.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { hasGrants } from "../../ledger/pools.ts";
import { commitAccount } from "../remembered.ts";
import { type Answer, answer, type Call, defineRoute, type Route } from "../route.ts";

const PATH = "/api/v1/account/settings";
const ALIASES = ["/api/v1/tanso/account-settings"];

const GONE: Refusal = { ok: false, code: "thing_not_found", what: "account", given: "of this key" };

async function readSettings(call: Call): Promise<Answer> {
  const snapshot = await readAccount(call.env.DB, call.account.account.accountId, Date.now());
  return snapshot === undefined ? GONE : answer(200, toWireSettings(snapshot.account));
}

function changeSettings(call: Call<unknown, unknown, z.output<typeof ChangeSettings>>): Promise<Answer> {
  const { accountId } = call.account.account;
  return commitAccount(call, async (nowMs) => {
    const snapshot = await readAccount(call.env.DB, accountId, nowMs);
    if (snapshot === undefined) return GONE;
    const { account } = snapshot;
    const changed = changedSettings(account, call.body);
    if (changed.currency !== account.currency && (await hasEvents(call.env.DB, accountId)))
      return {
        ok: false,
        code: "state_conflict",
        why: `Events are recorded in ${account.currency} already, so the account's currency can no longer change.`,
      };
    if (changed.currency !== account.currency && (await hasPlans(call.env.DB, accountId)))
      return {
        ok: false,
        code: "state_conflict",
        why: `Plans are priced in ${account.currency} already, so the account's currency can no longer change.`,
      };
    if (changed.currency !== account.currency && (await hasPrices(call.env.DB, accountId)))
      return {
        ok: false,
        code: "state_conflict",
        why: `Credits are priced already, so the account's currency ${account.currency} can no longer change.`,
      };
    if (changed.currency !== account.currency && (await hasGrants(call.env.DB, accountId)))
      return {
        ok: false,
        code: "state_conflict",
        why: `Credits are granted already, so the account's currency ${account.currency} can no longer change.`,
      };
    const before = toWireSettings(account);
    const after = toWireSettings(changed);
    const differing = changedFields(before, after);
    if (differing.length === 0)
      return { ok: true, version: "leave", statements: [], audit: [], status: 200, data: after };
    return {
      ok: true,
      version: "guard",
      statements: [
        ...(differing.includes("seller") ? [sellerUntilStatement(call.env.DB, accountId, nowMs)] : []),
        settingsStatement(call.env.DB, accountId, changed, nowMs),
      ],
      audit: {
        action: "settings.changed",
        target: accountId,
        before: pick(before, differing),
        after: pick(after, differing),
      },
      status: 200,
      data: after,
      taken: { ok: false, code: "key_taken", what: "public catalog", value: changed.settings.slug ?? "" },
    };
  });
}

type Shown = Record<string, unknown>;

function changedFields(before: Shown, after: Shown): string[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields].filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
}

function pick(shown: Shown, fields: readonly string[]): Shown {
  return Object.fromEntries(fields.filter((field) => field in shown).map((field) => [field, shown[field]]));
}

export const settingsRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: PATH,
    aliases: ALIASES,
    scope: "admin",
    tag: "Settings",
    summary: "Read the account's settings",
    answers: { 200: SettingsWire },
    refuses: ["thing_not_found"],
    handle: readSettings,
  }),
  defineRoute({
    method: "PATCH",
    path: PATH,
    aliases: ALIASES,
    scope: "admin",
    tag: "Settings",
    summary: "Change settings",
    description: [
      "Sets the fields it names, each as a whole, and leaves the others. An empty string clears a text or amount; `defaultCostConfig: {}` clears all own rates.",
      "",
      "- `defaultCostConfig` is in the account's currency: per token (`input`, `output`) or per million tokens. Its rates come before the public price list.",
      "- `usdExchangeRate` (account currency per US dollar) turns the price list, which is in USD, into the account's currency. Without it an account in another currency has unknown costs where it has no own rate. Changing the currency drops the rate.",
      "- `currency` can change until the first event, plan or credit price.",
      "- A change reaches every request within 5 seconds; events that are recorded keep their cost.",
    ].join("\n"),
    body: ChangeSettings,
    examples: {
      body: {
        defaultCostConfig: {
          modelCosts: {
            "my-model": { input: 0.000001, output: 0.000004 },
            "openai/gpt-4o-mini": { inputCostPerMillion: 0.12, outputCostPerMillion: 0.48 },
          },
        },
      },
    },
    answers: { 200: SettingsWire },
    refuses: ["thing_not_found", "state_conflict", "key_taken", "request_conflict"],
    handle: changeSettings,
  }),
];
