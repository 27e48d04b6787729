import { test } from "vitest";
import { openStory, type PlanOf } from "./customer.ts";
import { instantOf } from "./texts.ts";
import { tell } from "./words.ts";

/**
 * Billing stories as tables, told to the API and read back from it. A row is an instant, what happens then, and all that changed by
 * it; a row without an instant happens at the one above, a row without either only says more.
 *
 *     2027-01-31 | subscribes pro | #1 INITIAL DUE 10.00 2027-01-31/2027-02-28 = base 10.00
 *                |                | INCOMPLETE pro
 *                | pays           | #1 INV-000001 PAID
 *                |                | ACTIVE pro 2027-01-31/2027-02-28
 *     2027-02-28 |                | #2 INV-000002 REGULAR DUE 12.50 2027-02-28/2027-03-31 = base 10.00, 25 api 2.50
 *
 * The third column is the whole truth: an invoice, a subscription, a balance or credits that changed and are not in it fail the story.
 * Time is a test clock's, so nothing is late. In passing each story checks that the upcoming invoice, asked for a millisecond before a
 * period ends, is the one that comes; and at its end that every invoice can be made again from what is stored, that numbers have no
 * gap, and that the books hold.
 */

type Row = { when: string; what: string; changed: string[] };

function rowsOf(table: string): Row[] {
  const rows: Row[] = [];
  for (const line of table.split("\n").filter((text) => text.trim() !== "")) {
    const [when = "", what = "", changed = ""] = line.split("|").map((cell) => cell.trim());
    const above = rows.at(-1);
    if (when === "" && what === "" && above !== undefined) above.changed.push(changed);
    else rows.push({ when, what, changed: changed === "" ? [] : [changed] });
  }
  return rows;
}

function tableOf(rows: readonly Row[]): string {
  const first = Math.max(...rows.map(({ when }) => when.length));
  const second = Math.max(...rows.map(({ what }) => what.length));
  const line = (when: string, what: string, text: string): string =>
    `${when.padEnd(first)} | ${what.padEnd(second)} | ${text}`.trimEnd();
  return rows
    .flatMap(({ when, what, changed: [head = "", ...more] }) => [
      line(when, what, head),
      ...more.map((text) => line("", "", text)),
    ])
    .join("\n");
}

/** A story of one customer in an account of its own; the first row says when it begins. */
export function story(name: string, plans: Record<string, PlanOf>, table: string): void {
  test(name, async ({ expect }) => {
    const told = rowsOf(table);
    const she = await openStory(expect, plans, told[0]?.when ?? "");
    await she.changes();
    const happened: Row[] = [];
    for (const { when, what } of told) {
      if (when !== "") await she.goTo(instantOf(when));
      for (const words of what.split(",").map((text) => text.trim())) if (words !== "") await tell(she, words);
      happened.push({ when, what, changed: await she.changes() });
    }
    expect(`\n${tableOf(happened)}\n`).toBe(`\n${tableOf(told)}\n`);
    await she.end();
  });
}
