import { DAY_MS } from "../../../src/domain/limits.ts";
import { ADMIN, CLIENT, type Heroine } from "./customer.ts";
import { instantOf } from "./texts.ts";

/** What can happen in a story, by how it is said. What is done to a subscription is done to her newest one. */

type Told = { she: Heroine; args: string[] };

const onSubscription = async (
  she: Heroine,
  method: string,
  path: (id: string) => string,
  body?: unknown,
): Promise<void> => {
  await she.ask(method, path((await she.subscription()).id), body);
};

const changePlan =
  (type: string) =>
  ({ she, args: [to] }: Told) =>
    onSubscription(she, "POST", (id) => `${CLIENT}/subscriptions/${id}/plan-change`, {
      changeToPlanId: to,
      changeType: type,
    });

const cancel =
  (mode: string) =>
  ({ she }: Told) =>
    onSubscription(she, "POST", (id) => `${CLIENT}/subscriptions/cancellation/${id}?cancelMode=${mode}`);

/** What can happen in a story, by how it is said. */
const WORDS: readonly (readonly [said: RegExp, act: (told: Told) => Promise<unknown>])[] = [
  [
    /^subscribes (\S+)(?: with (\d+) days of grace)?$/,
    ({ she, args: [plan, days] }) =>
      she.ask("POST", `${CLIENT}/subscriptions`, {
        customerReferenceId: "ada",
        planId: plan,
        ...(days === undefined ? {} : { gracePeriod: Number(days) }),
      }),
  ],
  [
    /^pays(?: (#\d+))?$/,
    async ({ she, args: [place] }) => {
      for (const { id } of await she.named(place)) await she.ask("POST", `${CLIENT}/billing/invoices/${id}/mark-paid`);
    },
  ],
  [
    /^uses (\S+)(?: of (.+))?$/,
    ({ she, args: [units, occurredAt] }) =>
      she.ask("POST", `${CLIENT}/events`, {
        eventName: "call",
        customerReferenceId: "ada",
        featureKey: "api",
        usageUnits: units,
        ...(occurredAt === undefined ? {} : { occurredAt: new Date(instantOf(occurredAt)).toISOString() }),
      }),
  ],
  [/^upgrades to (\S+)$/, changePlan("UPGRADE")],
  [/^downgrades to (\S+)$/, changePlan("DOWNGRADE")],
  [
    /^drops the change$/,
    ({ she }) => onSubscription(she, "DELETE", (id) => `${CLIENT}/subscriptions/${id}/plan-change/scheduled`),
  ],
  [/^cancels now$/, cancel("IMMEDIATE")],
  [/^cancels at the end$/, cancel("END_OF_PERIOD")],
  [
    /^stays$/,
    ({ she }) => onSubscription(she, "DELETE", (id) => `${CLIENT}/subscriptions/cancellation/${id}/scheduled`),
  ],
  [
    /^has (\d+) days of grace$/,
    ({ she, args: [days] }) =>
      onSubscription(she, "PATCH", (id) => `${ADMIN}/subscriptions/${id}`, { gracePeriod: Number(days) }),
  ],
  [
    /^voids (#\d+)( and bills its usage again)?$/,
    async ({ she, args: [place, rebill] }) => {
      for (const { id } of await she.named(place))
        await she.ask("POST", `${ADMIN}/billing/invoices/${id}/void?rebill=${rebill !== undefined}`);
    },
  ],
  [
    /^(\S+) costs (\S+)$/,
    ({ she, args: [plan = "", price] }) =>
      she.ask("PATCH", `${ADMIN}/plans/${she.planId(plan)}`, { priceAmount: Number(price) }),
  ],
  [/^(\S+) is archived$/, ({ she, args: [plan = ""] }) => she.ask("DELETE", `${ADMIN}/plans/${she.planId(plan)}`)],
  [
    /^api costs (\S+) on (\S+)$/,
    ({ she, args: [price, plan = ""] }) => {
      const [planId, { featureId }] = [she.planId(plan), she];
      return she.ask("PATCH", `${ADMIN}/rules/plan-features`, {
        planId,
        featureId,
        value: { pricing: { model: "usage", price_per_unit: Number(price) } },
      });
    },
  ],
  [
    /^(\S+) migrates (now|with the next period)$/,
    ({ she, args: [plan = "", when] }) =>
      she.ask("POST", `${ADMIN}/plans/${she.planId(plan)}/migrate`, { when: when === "now" ? "NOW" : "NEXT_PERIOD" }),
  ],
  [
    /^gets (\S+) credits(?: for (\d+) days)?$/,
    async ({ she, args: [amount, days] }) => {
      const ends = days === undefined ? {} : { expiresAt: new Date(she.nowMs() + Number(days) * DAY_MS).toISOString() };
      return she.ask("POST", `${ADMIN}/credits/grants`, {
        creditPoolId: await she.pool(),
        amount,
        grantType: "PROMOTIONAL",
        ...ends,
      });
    },
  ],
  [/^(#\d+) is too small to be collected$/, ({ she, args: [place = ""] }) => she.carry(place)],
  [
    /^is paid out (\S+)(?: (\S+))?$/,
    ({ she, args: [amount, currency = "USD"] }) =>
      she.ask("POST", `${ADMIN}/customers/ada/balance/payout`, { amount, currency }),
  ],
];

/** Makes it happen, over HTTP; it has to succeed, or to be refused after `may not:`. */
export async function tell(she: Heroine, words: string): Promise<void> {
  const forbidden = /^may not: (.+)$/.exec(words)?.[1];
  if (forbidden !== undefined) {
    const refusal = await tell(she, forbidden).then(
      () => "",
      (error: Error) => error.message,
    );
    if (!/^4\d\d: /.test(refusal)) throw new Error(`this is not refused: ${forbidden} (${refusal})`);
    return;
  }
  for (const [said, act] of WORDS) {
    const found = said.exec(words);
    if (found !== null) {
      await act({ she, args: found.slice(1) });
      return;
    }
  }
  throw new Error(`nobody knows how to: ${words}`);
}
