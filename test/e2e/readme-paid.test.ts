import { afterAll, beforeAll, describe, test } from "vitest";
import { shellOf } from "./support/readme.mjs";
import { paste } from "./support/shell.mjs";
import { freePort, newStateFolder, removeStateFolder, startTanso, stopTanso, type Tanso } from "./support/tanso.mjs";

/** “Get paid in ten minutes”, word for word: with a stand-in for Stripe, and without. */

const state = newStateFolder();
const folder = newStateFolder();
let tanso: Tanso;
let printed: string[];

const MARK = "--- next piece ---";

beforeAll(async () => {
  const stripePort = await freePort();
  const args = ["--no-seed", "--stripe-port", String(stripePort)];
  tanso = await startTanso(state, { args, script: "start-stripe.mjs" });
  const [key = ""] = shellOf("Tour");
  // The first piece starts the server.
  const [, ...pieces] = shellOf("Get paid");
  const shell = `export PORT=${tanso.port}\n${[key, ...pieces].join(`\nprintf '\\n${MARK}\\n'\n`)}`
    .replaceAll("127.0.0.1:8787", `127.0.0.1:${tanso.port}`)
    .replaceAll("/tmp/", `${folder}/`);
  printed = (await paste(shell, process.cwd())).split(MARK);
}, 120_000);

afterAll(async () => {
  await stopTanso(tanso);
  removeStateFolder(state);
  removeStateFolder(folder);
});

/** The answers that a piece printed. */
function answersIn(piece: string): { success: boolean; data: object }[] {
  return piece
    .split("\n")
    .filter((line) => line.startsWith('{"success"'))
    .map((line) => JSON.parse(line));
}

const datasOf = (piece: string): object[] => answersIn(piece).map(({ data }) => data);

describe("does", () => {
  test("every call of it succeeds", ({ expect }) => {
    const answers = printed.flatMap(answersIn);
    expect(answers.length).toBeGreaterThan(12);
    expect(answers.filter(({ success }) => !success)).toEqual([]);
  });

  test("an account is connected, and shows its secrets masked", ({ expect }) => {
    expect(datasOf(printed[2] ?? "")).toMatchObject([
      { connected: true, stripeApiKey: "sk_test_…uble" },
      { webhookSecret: expect.stringMatching(/^whsec_…/) },
      { stripeMode: "PAYMENT_PASS_THROUGH", stripeEnabled: true, seller: { name: "Acme AI GmbH" } },
    ]);
  });

  test("what is paid on the checkout page is PAID and ACTIVE", ({ expect }) => {
    const [, , , sold = "", paid = ""] = printed;
    expect(sold).toMatch(/Open http:\/\/127\.0\.0\.1:\d+\/c\/pay\//);
    expect(datasOf(paid)).toMatchObject([{ purpose: "SUBSCRIPTION", status: "COMPLETED", amount: 20 }]);
    expect(paid).toMatch(/INV-000001.*IN_ADVANCE_INITIAL.*PAID.*STRIPE.*20.*ACTIVE/);
  });

  test("a month's usage is upcoming, billed and paid", ({ expect }) => {
    expect(datasOf(printed[5] ?? "")).toMatchObject([
      { usageUnits: 250, revenueAmount: 30 },
      { status: "DRAFT", amount: 50 },
      { settled: { invoices: 1 } },
      { status: "PAID", paidBy: "STRIPE", number: "INV-000002", amount: 50, buyer: { name: "Zoë Wójcik" } },
    ]);
  });

  test("the invoice explains itself, matches when it is made again, and is a PDF", async ({ expect }) => {
    const explained = printed[6] ?? "";
    expect(explained).toContain("250 × 0.12 = 30.00");
    expect(explained).toContain("20.00 for the whole period");
    expect(explained).toContain("made again, it matches");
    expect(await paste(`head -c 5 ${folder}/invoice.pdf`, process.cwd())).toBe("%PDF-");
  });

  test("without Stripe, who does not pay loses access, and has it back when the invoice is marked as paid", ({
    expect,
  }) => {
    expect(datasOf(printed[7] ?? "")).toMatchObject([
      { stripeMode: "NONE" },
      { settled: {} },
      { allowed: false, meta: { reason: { code: "SUBSCRIPTION_SUSPENDED" } } },
      { status: "PAID", paidBy: "MANUAL" },
      { allowed: true },
    ]);
  });
});
