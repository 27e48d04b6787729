import { afterAll, describe, test } from "vitest";
import { README, shellOf } from "./support/readme.mjs";
import { seededTanso } from "./support/seeded.ts";
import { paste } from "./support/shell.mjs";
import { newStateFolder, removeStateFolder } from "./support/tanso.mjs";

/** The README, word for word: what a new user pastes must work. */

const shared = await seededTanso();
const folder = newStateFolder();
afterAll(() => removeStateFolder(folder));

/** The README's shell, pointed at this test's server and folder. */
function here(shell: string): string {
  return `export PORT=${shared.port}\n${shell}`
    .replaceAll("127.0.0.1:8787", `127.0.0.1:${shared.port}`)
    .replaceAll("/tmp/", `${folder}/`);
}

/** What one call of the README answered. */
type Answered = { success: boolean; data: object };

/** Pastes pieces of shell one after the other into one shell; answers what each printed. */
async function pasteEach(pieces: readonly string[]): Promise<string[]> {
  const mark = "--- next piece ---";
  const output = await paste(here(pieces.join(`\nprintf '\\n${mark}\\n'\n`)), process.cwd());
  return output.split(mark);
}

/** The answers of the API that a piece of shell printed, one behind the other. */
function answersIn(printed: string): Answered[] {
  const [text = ""] = printed.trim().split("┌");
  return text === "" ? [] : text.split(/(?<=\})\s*(?=\{"success":)/).map((answer) => JSON.parse(answer));
}

/** The data of such answers, all of which are successes. */
function datasOf(printed: string): object[] {
  return answersIn(printed).map((answer) => {
    if (!answer.success) throw new Error(`a call of the README was refused: ${JSON.stringify(answer)}`);
    return answer.data;
  });
}

/** Cells of the table that a piece of shell printed, line by line, without the column of line numbers. */
function tableIn(printed: string): string[][] {
  const lines = printed.split("\n").filter((line) => line.startsWith("│"));
  return lines.map((line) =>
    line
      .split("│")
      .slice(2, -1)
      .map((cell) => cell.trim().replaceAll("'", "")),
  );
}

describe("does", () => {
  test("the README's three calls are those that a start prints", async ({ expect }) => {
    const printed = shared.output().replaceAll(`127.0.0.1:${shared.port}`, "127.0.0.1:8787");
    const calls = README.split("\n").filter((line) => line.startsWith("curl -s ") && line.includes("sk_test_"));
    expect(calls).toHaveLength(3);
    for (const call of calls) expect(printed).toContain(call);
  });

  test("the tour leads from zero to margin per customer", async ({ expect }) => {
    const steps = shellOf("Tour");
    const last = steps.pop() ?? "";
    const output = await paste(`${here(steps.join("\n"))}\nprintf '\\nkey=%s' "$KEY"`, process.cwd());
    expect(output).toContain('"costAmount":0.00075,"costSource":"catalog"');
    expect(output).toContain('"accepted":2,"duplicates":0,"overLimit":0,"rejected":0');
    expect(output).toContain("2 accepted, 0 duplicates, 0 rejected.");
    const key = /key=(sk_test_\S+)$/.exec(output)?.[1] ?? "";

    const table = async () => tableIn(await paste(`KEY=${key}\n${here(last)}`, process.cwd()));
    // gpt-4o: 2.50 and 10.00 dollars a million tokens.
    await expect.poll(table, { timeout: 60_000 }).toEqual([
      ["customer", "events", "cost", "revenue", "margin", "percent", "unknownCosts"],
      ["globex", "2", "0.249", "0.1", "-0.149", "-149", "0"],
      ["initech", "1", "0", "0.01", "0.01", "100", "1"],
      ["acme", "2", "0.00675", "0.03", "0.02325", "77.5", "0"],
    ]);
  });

  test("the platform is sold, gated and billed in ten minutes", async ({ expect }) => {
    const [key = ""] = shellOf("Tour");
    const [, , , subscribed = "", used = "", held = "", upgraded = "", renewed = "", cancelled = ""] = await pasteEach([
      key,
      ...shellOf("Platform"),
    ]);

    expect(datasOf(subscribed)).toMatchObject([
      { customerReferenceId: "ada" },
      {
        allowed: false,
        meta: {
          reason: { code: "SUBSCRIPTION_INACTIVE", description: expect.stringContaining("first invoice is paid") },
        },
      },
      { amount: 10, status: "PAID", subscription: { status: "ACTIVE" } },
    ]);
    expect(datasOf(used)).toMatchObject([
      { allowed: true, usage: { used: 0, limit: 1000, remaining: 1000 } },
      { usageUnits: 500, revenueAmount: 10 },
      { usageUnits: 12_000, revenueAmount: 595 },
      { allowed: false, usage: { used: 0 }, simulation: { projectedUsage: 1500, wouldExceedLimit: true } },
      { receipt: { usageUnits: 990 }, entitlement: { allowed: true, usage: { used: 990, remaining: 10 } } },
      { entitlement: { allowed: false, meta: { reason: { code: "WOULD_EXCEED_LIMIT" } }, usage: { used: 990 } } },
    ]);
    expect(datasOf(used).at(-1)).not.toHaveProperty("receipt");
    expect(datasOf(held)).toMatchObject([
      { allowed: true, usage: { used: 990, limit: 1000, remaining: 2 } },
      { usageUnits: 5 },
      { allowed: true, usage: { used: 995, limit: 1000, remaining: 5 } },
    ]);
    const [, preview, paid] = datasOf(upgraded);
    const change = { amount: 10, items: [{ chargeAmount: -5 }, { chargeAmount: 15 }] };
    expect({ preview, paid }).toMatchObject({ preview: { invoice: change }, paid: { ...change, status: "PAID" } });

    const [scheduled, , second, , , , , search] = datasOf(renewed);
    expect(scheduled).toMatchObject({
      subscription: { plan: { key: "max" }, scheduledChange: { toPlan: { key: "pro" }, status: "PENDING" } },
    });
    expect(second).toMatchObject({ amount: 615, subscription: { plan: { key: "pro" } } });
    expect(search).toMatchObject({ allowed: true, usage: { used: 0, limit: 1000, remaining: 1000 } });
    expect(tableIn(renewed)).toEqual([
      ["due", "type", "status", "line", "amount"],
      ["2027-01-15", "IN_ADVANCE_INITIAL", "PAID", "Pro, 2027-01-15 to 2027-02-15", "10"],
      ["2027-01-30", "ADJUSTMENT", "PAID", "Unused time on Pro, 2027-01-30 to 2027-02-15", "-5"],
      ["2027-01-30", "ADJUSTMENT", "PAID", "Remaining time on Max, 2027-01-30 to 2027-02-15", "15"],
      ["2027-02-15", "REGULAR", "PAID", "chat: 500 call", "10"],
      ["2027-02-15", "REGULAR", "PAID", "summary: 12000 page", "595"],
      ["2027-02-15", "REGULAR", "PAID", "Pro, 2027-02-15 to 2027-03-15", "10"],
      ["2027-03-15", "REGULAR", "PAID", "Pro, 2027-03-15 to 2027-04-15", "10"],
      ["2027-04-15", "REGULAR", "PAID", "Pro, 2027-04-15 to 2027-05-15", "10"],
    ]);
    expect(datasOf(cancelled)).toMatchObject([
      {
        subscription: { status: "ACTIVE", cancelMode: "END_OF_PERIOD", cancelEffectiveAt: "2027-05-15T00:00:00.000Z" },
      },
      { allowed: true },
      { frozenTime: "2027-05-15T00:00:00.000Z" },
      {
        allowed: false,
        meta: { reason: { code: "NO_SUBSCRIPTION", description: expect.stringContaining("subscribe it to a plan") } },
      },
    ]);
  });

  test("credits are sold, burned, run dry, bought and carried over in ten minutes", async ({ expect }) => {
    const [key = ""] = shellOf("Tour");
    // In the account of the section before: one reader does both.
    const before = [key, ...shellOf("Platform")];
    const pieces = await pasteEach([...before, ...shellOf("Sell credits")]);
    const [, modelled = "", published = "", joined = "", burnt = "", dry = "", bought = "", passed = "", told = ""] =
      pieces.slice(before.length);

    expect(datasOf(modelled)).toMatchObject([
      { creditDenomination: "CREDITS" },
      { creditAmount: 1000, hardLimit: true, rolloverPolicy: "CAPPED", rolloverCap: 500 },
      { key: "thousand", status: "ACTIVE" },
    ]);
    expect(datasOf(published)).toMatchObject([
      [
        { model: "gpt-4o-mini", creditsPerUnit: 1 },
        { model: "gpt-4o", creditsPerUnit: 2.5 },
        { model: "claude-opus-4-1", creditsPerUnit: 10 },
      ],
      [{ denomination: "CREDITS", currency: "USD", pricePerCredit: 0.1 }],
    ]);
    expect(datasOf(joined)).toMatchObject([
      { customerReferenceId: "grace" },
      { amount: 49, status: "PAID" },
      { status: "ACTIVE", balance: 1000, rolloverPolicy: "CAPPED", rolloverCap: 500 },
    ]);

    const [quote = "", accepted] = burnt.trim().split("\n");
    expect(datasOf(quote)).toMatchObject([
      {
        allowed: true,
        creditQuote: { weight: 2.5, estimatedCredits: 250, pricePerCredit: 0.1, currency: "USD", estimatedCost: 25 },
      },
    ]);
    expect(accepted).toBe("100");
    expect(tableIn(burnt)).toEqual([
      ["type", "weight", "credits", "left"],
      ["GRANT", "", "1000", "1000"],
      ...Array.from({ length: 100 }, (_, at) => ["DEDUCTION", "2.5", "-2.5", String(1000 - 2.5 * (at + 1))]),
    ]);
    expect(burnt.trim().split("\n").at(-1)).toBe("250.0000 credits, worth 25.00");

    expect(answersIn(dry)).toMatchObject([
      { success: true, data: { creditsDeducted: 750, weightApplied: 10, remainingBalance: 0 } },
      {
        success: true,
        data: {
          allowed: false,
          meta: { reason: { code: "CREDIT_LIMIT_REACHED", description: expect.stringContaining("Buy or grant more") } },
        },
      },
      {
        success: false,
        error: {
          code: "insufficient_credits",
          message: "Credit pool depleted: 1 credit is needed and 0 can be drawn: buy or grant more.",
        },
      },
      { success: true, data: { status: "DEPLETED", balance: 0, totalConsumed: 1000 } },
    ]);
    expect(datasOf(bought)).toMatchObject([
      { grantType: "PURCHASED", amount: 1000, unitPrice: 0.1, currency: "USD" },
      { creditsDeducted: 100, weightApplied: 1, remainingBalance: 900, revenueAmount: 10 },
    ]);

    const [year = ""] = /\d{4}(?=-02-15: )/.exec(passed) ?? [];
    expect(passed.split("\n").filter((line) => line.startsWith(`${year}-`))).toEqual([
      `${year}-02-15: 900 credits, and once it is paid 1900`,
      `${year}-03-15: 1400 credits, and once it is paid 2400`,
      `${year}-04-15: 1400 credits, and once it is paid 2400`,
    ]);
    expect(tableIn(passed)).toEqual([
      ["at", "type", "credits", "left", "why"],
      [`${year}-01-15`, "GRANT", "1000", "1000", ""],
      [`${year}-01-15`, "DEDUCTION", "-100", "900", ""],
      [`${year}-02-15`, "GRANT", "1000", "1900", ""],
      [`${year}-02-15`, "DEDUCTION", "-300", "1600", ""],
      [`${year}-03-15`, "EXPIRATION", "-200", "1400", ""],
      [`${year}-03-15`, "ADJUSTMENT", "-500", "900", "Carried over"],
      [`${year}-03-15`, "ADJUSTMENT", "500", "1400", "Carried over"],
      [`${year}-03-15`, "GRANT", "1000", "2400", ""],
      [`${year}-04-15`, "EXPIRATION", "-500", "1900", ""],
      [`${year}-04-15`, "ADJUSTMENT", "-500", "1400", "Carried over"],
      [`${year}-04-15`, "ADJUSTMENT", "500", "1900", "Carried over"],
      [`${year}-04-15`, "EXPIRATION", "-500", "1400", ""],
      [`${year}-04-15`, "GRANT", "1000", "2400", ""],
    ]);

    expect(datasOf(told)).toMatchObject([
      { at: `${year}-03-01T00:00:00.000Z`, balance: 1600, transaction: { amount: -300 } },
      {
        grants: {
          items: [
            {
              grant: { grantType: "PLAN_INCLUDED", amount: 1000, remaining: 0 },
              history: [
                { amount: 1000, remaining: 1000 },
                { amount: -300, remaining: 700, transaction: { eventId: expect.any(String) } },
                { amount: -200, remaining: 500 },
                { amount: -500, remaining: 0 },
              ],
            },
          ],
        },
      },
      { creditPools: [{ balance: 2400, totalConsumed: 1400, pricePerCredit: 0.1 }] },
      { holds: true },
    ]);
  });
});
