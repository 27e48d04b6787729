import { describe } from "vitest";
import { story } from "../support/golden/story.ts";

/** What usage costs, what credits and the balance pay of it, in currencies with no, two and three digits. */

const pro = { price: 10, perUnit: 0.1 } as const;
const free = { perUnit: 0.1 } as const;
const tiers = [
  [1000, 0.1],
  [10_000, 0.05, 5],
  ["inf", 0.02],
] as const;

describe("does", () => {
  story(
    "yen have no digits: half a yen is a yen",
    { basic: { price: 1000, perUnit: 0.5, currency: "JPY" }, big: { price: 3001, currency: "JPY" } },
    `
    2027-01-15       | subscribes basic, pays, uses 3 | #1 INV-000001 INITIAL PAID 1000 2027-01-15/2027-02-15 = base 1000
                     |                                | ACTIVE basic 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to big                | #2 INV-000002 ADJUSTMENT DUE 1001 2027-01-30T12:00/2027-02-15 = proration -500, proration 1501
                     |                                | ACTIVE big 2027-01-15/2027-02-15
                     | pays                           | #2 INV-000002 PAID
    2027-02-15       |                                | #3 INV-000003 REGULAR DUE 3003 2027-02-15/2027-03-15 = 3 api 2, base 3001
                     |                                | ACTIVE big 2027-02-15/2027-03-15
  `,
  );

  story(
    "dinars have three digits, and each line is rounded once",
    { basic: { price: 10.005, perUnit: 0.0005, currency: "BHD" }, big: { price: 30, currency: "BHD" } },
    `
    2027-01-15       | subscribes basic, pays, uses 3 | #1 INV-000001 INITIAL PAID 10.005 2027-01-15/2027-02-15 = base 10.005
                     |                                | ACTIVE basic 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to big                | #2 INV-000002 ADJUSTMENT DUE 9.997 2027-01-30T12:00/2027-02-15 = proration -5.003, proration 15.000
                     |                                | ACTIVE big 2027-01-15/2027-02-15
                     | pays                           | #2 INV-000002 PAID
    2027-02-15       |                                | #3 INV-000003 REGULAR DUE 30.002 2027-02-15/2027-03-15 = 3 api 0.002, base 30.000
                     |                                | ACTIVE big 2027-02-15/2027-03-15
  `,
  );

  story(
    "each currency has a balance of its own",
    { pro, yen: { price: 1000, currency: "JPY" }, small: { price: 8 } },
    `
    2027-01-15       | subscribes yen, pays   | #1 INV-000001 INITIAL PAID 1000 2027-01-15/2027-02-15 = base 1000
                     |                        | ACTIVE yen 2027-01-15/2027-02-15
    2027-01-30T12:00 | cancels now            | #2 INV-000002 CREDIT PAID -500 2027-01-30T12:00/2027-02-15 = credit -500
                     |                        | CANCELLED yen
                     |                        | balance 500 JPY
                     | subscribes small       | #3 INITIAL DUE 8.00 2027-01-30T12:00/2027-02-28T12:00 = base 8.00
                     |                        | INCOMPLETE small
                     | pays                   | #3 INV-000003 PAID
                     |                        | ACTIVE small 2027-01-30T12:00/2027-02-28T12:00
                     | cancels now            | #4 INV-000004 CREDIT PAID -8.00 2027-01-30T12:00/2027-02-28T12:00 = credit -8.00
                     |                        | CANCELLED small
                     |                        | balance 500 JPY, 8.00 USD
                     | is paid out 500 JPY    | balance 8.00 USD
  `,
  );

  story(
    "12,000 graduated units cost 100.00 + 5 + 450.00 + 40.00, and the next 1,000 begin at the bottom again",
    { tiered: { tiers } },
    `
    2027-01-15 | subscribes tiered, uses 12000 | #1 INITIAL PAID 0.00 2027-01-15/2027-02-15 = base 0.00
               |                               | ACTIVE tiered 2027-01-15/2027-02-15
    2027-02-15 | pays, uses 1000               | #2 INV-000001 REGULAR PAID 595.00 2027-01-15/2027-02-15 = 12000 api 595.00
               |                               | ACTIVE tiered 2027-02-15/2027-03-15
    2027-03-15 |                               | #3 INV-000002 REGULAR DUE 100.00 2027-02-15/2027-03-15 = 1000 api 100.00
               |                               | ACTIVE tiered 2027-03-15/2027-04-15
  `,
  );

  story(
    "a line is rounded once, however many events it is made of",
    { free: { perUnit: 0.001 } },
    `
    2027-01-15 | subscribes free                | #1 INITIAL PAID 0.00 2027-01-15/2027-02-15 = base 0.00
               |                                | ACTIVE free 2027-01-15/2027-02-15
    2027-01-20 | uses 4, uses 4, uses 4, uses 3 |
    2027-02-15 |                                | #2 INV-000001 REGULAR DUE 0.02 2027-01-15/2027-02-15 = 15 api 0.02
               |                                | ACTIVE free 2027-02-15/2027-03-15
  `,
  );

  story(
    "seats that stay are charged when they come, not with every period",
    { seats: { price: 5, perUnit: 4, accumulate: true } },
    `
    2027-01-15 | subscribes seats, pays, uses 3 | #1 INV-000001 INITIAL PAID 5.00 2027-01-15/2027-02-15 = base 5.00
               |                                | ACTIVE seats 2027-01-15/2027-02-15
    2027-02-15 | pays                           | #2 INV-000002 REGULAR PAID 17.00 2027-02-15/2027-03-15 = 3 api 12.00, base 5.00
               |                                | ACTIVE seats 2027-02-15/2027-03-15
    2027-03-15 | pays, uses 2                   | #3 INV-000003 REGULAR PAID 5.00 2027-03-15/2027-04-15 = base 5.00
               |                                | ACTIVE seats 2027-03-15/2027-04-15
    2027-04-15 |                                | #4 INV-000004 REGULAR DUE 13.00 2027-04-15/2027-05-15 = 2 api 8.00, base 5.00
               |                                | ACTIVE seats 2027-04-15/2027-05-15
  `,
  );

  story(
    "credits pay a part of the usage, and the rest is billed by its price",
    { pro: { ...pro, burnsCredits: true } },
    `
    2027-01-15 | gets 30 credits              | credits 30
               | subscribes pro, pays         | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                              | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20 | uses 20                      | credits 10
    2027-01-21 | uses 80                      | credits 0
    2027-02-15 |                              | #2 INV-000002 REGULAR DUE 17.00 2027-02-15/2027-03-15 = 70 api 7.00, base 10.00
               |                              | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "credits pay everything until the millisecond in which they expire",
    { pro: { ...pro, burnsCredits: true } },
    `
    2027-01-15      | subscribes pro, pays      | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                           | ACTIVE pro 2027-01-15/2027-02-15
                    | gets 50 credits for 10 days | credits 50
    2027-01-25 -1ms | uses 20                   | credits 30
    2027-01-25      | uses 20                   | credits 0
    2027-02-15      |                           | #2 INV-000002 REGULAR DUE 12.00 2027-02-15/2027-03-15 = 20 api 2.00, base 10.00
                    |                           | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "usage that comes after its period is on the next invoice, which says how much of it is late",
    { pro },
    `
    2027-01-15      | subscribes pro, pays, uses 10       | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                                     | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15      | pays                                | #2 INV-000002 REGULAR PAID 11.00 2027-02-15/2027-03-15 = 10 api 1.00, base 10.00
                    |                                     | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-20      | uses 7, uses 5 of 2027-02-10        |
                    | uses 2 of 2027-02-15 -1ms           |
                    | uses 1 of 2027-02-15                |
    2027-03-15      |                                     | #3 INV-000003 REGULAR DUE 11.50 2027-03-15/2027-04-15 = 15 api (7 late) 1.50, base 10.00
                    |                                     | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "what occurred before the subscription began, or after it ended, is never billed",
    { pro },
    `
    2027-01-10 | uses 4                                |
    2027-01-15 | subscribes pro, pays                  | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                       | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-16 | uses 3, uses 5 of 2027-01-15 -1ms     |
    2027-01-20 | cancels at the end                    | ACTIVE pro 2027-01-15/2027-02-15 until 2027-02-15
    2027-02-15 | uses 9                                | #2 INV-000002 REGULAR DUE 0.30 2027-01-15/2027-02-15 = 3 api 0.30
               |                                       | CANCELLED pro
    2027-04-01 | uses 9 of 2027-02-01                  | #2 INV-000002 PAST_DUE
  `,
  );

  story(
    "a balance pays invoices until nothing is left of it",
    { pro, tiny: { price: 3 } },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | pro costs 0, pro migrates now | #2 ADJUSTMENT PAID 0.00 2027-01-30T12:00/2027-02-15 = proration -5.00, credit 5.00
                     |                      | balance 5.00 USD
    2027-02-15       | subscribes tiny      | #3 INITIAL PAID 0.00 2027-02-15/2027-03-15 = base 3.00, credit -3.00
                     |                      | ACTIVE pro 2027-02-15/2027-03-15
                     |                      | ACTIVE tiny 2027-02-15/2027-03-15
                     |                      | balance 2.00 USD
    2027-03-15       |                      | #4 INV-000002 REGULAR DUE 1.00 2027-03-15/2027-04-15 = base 3.00, credit -2.00
                     |                      | ACTIVE pro 2027-03-15/2027-04-15
                     |                      | ACTIVE tiny 2027-03-15/2027-04-15
                     |                      | balance 0
  `,
  );

  story(
    "a void invoice gives the balance back that it took",
    { pro, small: { price: 8 } },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | cancels now          | #2 INV-000002 CREDIT PAID -5.00 2027-01-30T12:00/2027-02-15 = credit -5.00
                     |                      | CANCELLED pro
                     |                      | balance 5.00 USD
    2027-02-01       | subscribes small     | #3 INITIAL DUE 3.00 2027-02-01/2027-03-01 = base 8.00, credit -5.00
                     |                      | INCOMPLETE small
                     |                      | balance 0
    2027-02-02       | voids #3             | #3 CANCELLED
                     |                      | CANCELLED small
                     |                      | balance 5.00 USD
  `,
  );

  story(
    "an invoice that asks for nothing has no number, and leaves no gap",
    { free },
    `
    2027-01-15 | subscribes free | #1 INITIAL PAID 0.00 2027-01-15/2027-02-15 = base 0.00
               |                 | ACTIVE free 2027-01-15/2027-02-15
    2027-02-15 | uses 1          | ACTIVE free 2027-02-15/2027-03-15
    2027-03-15 | pays            | #2 INV-000001 REGULAR PAID 0.10 2027-02-15/2027-03-15 = 1 api 0.10
               |                 | ACTIVE free 2027-03-15/2027-04-15
    2027-04-15 |                 | ACTIVE free 2027-04-15/2027-05-15
  `,
  );

  story(
    "a debt too small to be collected is asked for with the next invoice, and stays owed while that is void",
    { free },
    `
    2027-01-15 | subscribes free, uses 3             | #1 INITIAL PAID 0.00 2027-01-15/2027-02-15 = base 0.00
               |                                     | ACTIVE free 2027-01-15/2027-02-15
    2027-02-15 |                                     | #2 INV-000001 REGULAR DUE 0.30 2027-01-15/2027-02-15 = 3 api 0.30
               |                                     | ACTIVE free 2027-02-15/2027-03-15
               | #2 is too small to be collected     | #2 INV-000001 PAID
               |                                     | balance -0.30 USD
    2027-02-20 | uses 2                              |
    2027-03-15 |                                     | #3 INV-000002 REGULAR DUE 0.50 2027-02-15/2027-03-15 = 2 api 0.20, credit 0.30
               |                                     | ACTIVE free 2027-03-15/2027-04-15
               |                                     | balance 0
               | voids #3 and bills its usage again  | #3 INV-000002 VOID
               |                                     | balance -0.30 USD
               | may not: is paid out 1              |
    2027-04-15 |                                     | #4 INV-000003 REGULAR DUE 0.50 2027-03-15/2027-04-15 = 2 api 0.20, credit 0.30
               |                                     | ACTIVE free 2027-04-15/2027-05-15
               |                                     | balance 0
  `,
  );
});
