import { describe } from "vitest";
import { story } from "../support/golden/story.ts";

/**
 * Another plan or another version of it. A period from the 15th of January has 31 days: half of it is over on the 30th at noon, a
 * quarter is left on the 7th of February at six.
 */

const free = { perUnit: 0.01 } as const;
const pro = { price: 10, perUnit: 0.1 } as const;
const team = { price: 30, perUnit: 0.05 } as const;
const max = { price: 100, perUnit: 0.02 } as const;
const year = { price: 100, months: 12, perUnit: 0.1 } as const;
const later = { price: 31, arrears: true, perUnit: 0.1 } as const;

describe("does", () => {
  story(
    "an upgrade with half of the period left costs half of the difference: −5.00 + 15.00",
    { pro, team },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to team     | #2 INV-000002 ADJUSTMENT DUE 10.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 15.00
                     |                      | ACTIVE team 2027-01-15/2027-02-15
                     | pays                 | #2 INV-000002 PAID
    2027-02-15       |                      | #3 INV-000003 REGULAR DUE 30.00 2027-02-15/2027-03-15 = base 30.00
                     |                      | ACTIVE team 2027-02-15/2027-03-15
  `,
  );

  story(
    "up, up and down in one period: each from what is in force then, what was used by the plan of its time",
    { pro, team, max },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20       | uses 10              |
    2027-01-30T12:00 | upgrades to team     | #2 INV-000002 ADJUSTMENT DUE 10.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 15.00
                     |                      | ACTIVE team 2027-01-15/2027-02-15
                     | pays, uses 100       | #2 INV-000002 PAID
    2027-02-07T06:00 | upgrades to max      | #3 INV-000003 ADJUSTMENT DUE 17.50 2027-02-07T06:00/2027-02-15 = proration -7.50, proration 25.00
                     |                      | ACTIVE max 2027-01-15/2027-02-15
                     | pays, uses 50        | #3 INV-000003 PAID
    2027-02-08       | downgrades to pro    | ACTIVE max 2027-01-15/2027-02-15 then pro
    2027-02-15       |                      | #4 INV-000004 REGULAR DUE 17.00 2027-02-15/2027-03-15 = 10 api 1.00, 100 api 5.00, 50 api 1.00, base 10.00
                     |                      | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "an upgrade to a year settles the month, and a year begins now",
    { pro, year },
    `
    2027-01-15       | subscribes pro, pays, uses 20 | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                               | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to year              | #2 INV-000002 ADJUSTMENT DUE 97.00 2027-01-30T12:00/2028-01-30T12:00 = 20 api 2.00, proration -5.00, base 100.00
                     |                               | ACTIVE year 2027-01-30T12:00/2028-01-30T12:00
    2027-01-31       | pays                          | #2 INV-000002 PAID
  `,
  );

  story(
    "an upgrade to a plan in arrears gives back what is unused, for the first invoice to come",
    { pro, later },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to later    | #2 REGULAR PENDING 0.00 2027-01-30T12:00/2027-02-28T12:00
                     |                      | #3 ADJUSTMENT PAID 0.00 2027-01-30T12:00/2027-02-28T12:00 = proration -5.00, credit 5.00
                     |                      | ACTIVE later 2027-01-30T12:00/2027-02-28T12:00
                     |                      | balance 5.00 USD
    2027-02-28T12:00 |                      | #2 INV-000002 REGULAR DUE 26.00 2027-01-30T12:00/2027-02-28T12:00 = base 31.00, credit -5.00
                     |                      | #4 REGULAR PENDING 0.00 2027-02-28T12:00/2027-03-30T12:00
                     |                      | ACTIVE later 2027-02-28T12:00/2027-03-30T12:00
                     |                      | balance 0
  `,
  );

  story(
    "in arrears an upgrade asks nothing now: the base has a line for the time of each plan",
    { later, big: { ...later, price: 62 } },
    `
    2027-01-15       | subscribes later, uses 10 | #1 REGULAR PENDING 0.00 2027-01-15/2027-02-15
                     |                           | ACTIVE later 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to big, uses 20  | ACTIVE big 2027-01-15/2027-02-15
    2027-02-15       |                           | #1 INV-000001 REGULAR DUE 49.50 2027-01-15/2027-02-15 = base 15.50, base 31.00, 10 api 1.00, 20 api 2.00
                     |                           | #2 REGULAR PENDING 0.00 2027-02-15/2027-03-15
                     |                           | ACTIVE big 2027-02-15/2027-03-15
  `,
  );

  story(
    "a downgrade waits for the end of the period, is replaced by the next one, and dropped",
    { free, pro, team },
    `
    2027-01-15 | subscribes team, pays | #1 INV-000001 INITIAL PAID 30.00 2027-01-15/2027-02-15 = base 30.00
               |                       | ACTIVE team 2027-01-15/2027-02-15
    2027-01-20 | downgrades to pro     | ACTIVE team 2027-01-15/2027-02-15 then pro
    2027-01-21 | downgrades to free    | ACTIVE team 2027-01-15/2027-02-15 then free
    2027-01-22 | drops the change      | ACTIVE team 2027-01-15/2027-02-15
    2027-01-23 | downgrades to free    | ACTIVE team 2027-01-15/2027-02-15 then free
    2027-02-15 |                       | ACTIVE free 2027-02-15/2027-03-15
    2027-03-01 | uses 150              |
    2027-03-15 |                       | #2 INV-000002 REGULAR DUE 1.50 2027-02-15/2027-03-15 = 150 api 1.50
               |                       | ACTIVE free 2027-03-15/2027-04-15
  `,
  );

  story(
    "an upgrade drops a scheduled downgrade and keeps a scheduled cancellation",
    { free, pro, team, max },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20       | downgrades to free   | ACTIVE pro 2027-01-15/2027-02-15 then free
    2027-01-30T12:00 | upgrades to team     | #2 INV-000002 ADJUSTMENT DUE 10.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 15.00
                     |                      | ACTIVE team 2027-01-15/2027-02-15
                     | pays                 | #2 INV-000002 PAID
    2027-02-01       | cancels at the end   | ACTIVE team 2027-01-15/2027-02-15 until 2027-02-15
    2027-02-07T06:00 | upgrades to max      | #3 INV-000003 ADJUSTMENT DUE 17.50 2027-02-07T06:00/2027-02-15 = proration -7.50, proration 25.00
                     |                      | ACTIVE max 2027-01-15/2027-02-15 until 2027-02-15
                     | pays                 | #3 INV-000003 PAID
    2027-02-15       |                      | CANCELLED max
  `,
  );

  story(
    "an upgrade that nobody pays leaves access to the new plan until its window ends",
    { pro, team },
    `
    2027-01-15            | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                          |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00      | upgrades to team     | #2 INV-000002 ADJUSTMENT DUE 10.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 15.00
                          |                      | ACTIVE team 2027-01-15/2027-02-15
    2027-02-02T12:00 -1ms |                      |
    2027-02-02T12:00      |                      | #2 INV-000002 PAST_DUE
                          |                      | SUSPENDED team 2027-01-15/2027-02-15
    2027-02-03            | pays                 | #2 INV-000002 PAID
                          |                      | ACTIVE team 2027-01-15/2027-02-15
  `,
  );

  story(
    "a change before the first payment exchanges what is to be paid, and the 30 days run on",
    { pro, team },
    `
    2027-01-15      | subscribes pro   | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                  | INCOMPLETE pro
    2027-01-20      | upgrades to team | #1 CANCELLED
                    |                  | #2 INITIAL DUE 30.00 2027-01-20/2027-02-20 = base 30.00
                    |                  | INCOMPLETE team
    2027-02-14 -1ms |                  |
    2027-02-14      |                  | #2 CANCELLED
                    |                  | CANCELLED team
  `,
  );

  story(
    "a dearer version now costs the difference for the time left, and its prices hold from then on",
    { pro },
    `
    2027-01-15       | subscribes pro, pays                                 | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                                                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20       | uses 10, pro costs 20, api costs 0.30 on pro, uses 5 |
    2027-01-30T12:00 | pro migrates now                                     | #2 INV-000002 ADJUSTMENT DUE 5.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 10.00
                     | pays, uses 2                                         | #2 INV-000002 PAID
    2027-02-15       |                                                      | #3 INV-000003 REGULAR DUE 22.10 2027-02-15/2027-03-15 = 15 api 1.50, 2 api 0.60, base 20.00
                     |                                                      | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "a cheaper version now leaves credit, which the next invoice takes",
    { pro },
    `
    2027-01-15       | subscribes pro, pays              | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                                   | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | pro costs 4, pro migrates now     | #2 ADJUSTMENT PAID 0.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 2.00, credit 3.00
                     |                                   | balance 3.00 USD
    2027-02-15       |                                   | #3 INV-000002 REGULAR DUE 1.00 2027-02-15/2027-03-15 = base 4.00, credit -3.00
                     |                                   | ACTIVE pro 2027-02-15/2027-03-15
                     |                                   | balance 0
  `,
  );

  story(
    "a version with the next period changes nothing before, and nobody moves twice",
    { pro },
    `
    2027-01-15 | subscribes pro, pays, uses 10             | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                           | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30 | pro costs 12, api costs 0.50 on pro       |
               | pro migrates with the next period         | ACTIVE pro 2027-01-15/2027-02-15 then pro
               | pro migrates with the next period, uses 4 |
    2027-02-15 |                                           | #2 INV-000002 REGULAR DUE 13.40 2027-02-15/2027-03-15 = 14 api 1.40, base 12.00
               |                                           | ACTIVE pro 2027-02-15/2027-03-15
               | pays, uses 1                              | #2 INV-000002 PAID
    2027-03-15 |                                           | #3 INV-000003 REGULAR DUE 12.50 2027-03-15/2027-04-15 = 1 api 0.50, base 12.00
               |                                           | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "whoever bought keeps the price of then while a plan becomes dearer",
    { pro },
    `
    2027-01-15 | subscribes pro, pays                   | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                        | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-16 | pro costs 99, api costs 9 on pro, uses 3 |
    2027-02-15 |                                        | #2 INV-000002 REGULAR DUE 10.30 2027-02-15/2027-03-15 = 3 api 0.30, base 10.00
               |                                        | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "an upgrade while the renewal is unpaid: both invoices stand, and the older one cannot be void under the newer",
    { pro, team },
    `
    2027-01-15 | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 |                      | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
               |                      | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-16 | upgrades to team     | #3 INV-000003 ADJUSTMENT DUE 19.29 2027-02-16/2027-03-15 = proration -9.64, proration 28.93
               |                      | ACTIVE team 2027-02-15/2027-03-15
               | may not: voids #2    |
    2027-02-18 |                      | #2 INV-000002 PAST_DUE
               |                      | SUSPENDED team 2027-02-15/2027-03-15
               | pays #2              | #2 INV-000002 PAID
               |                      | ACTIVE team 2027-02-15/2027-03-15
    2027-02-19 |                      | #3 INV-000003 PAST_DUE
               |                      | SUSPENDED team 2027-02-15/2027-03-15
               | voids #3             | #3 INV-000003 VOID
               |                      | ACTIVE team 2027-02-15/2027-03-15
  `,
  );

  story(
    "a scheduled plan keeps the price that it was chosen for, though it became dearer and is sold no more",
    { pro, small: { price: 4 } },
    `
    2027-01-15 | subscribes pro, pays               | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                    | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20 | downgrades to small                | ACTIVE pro 2027-01-15/2027-02-15 then small
    2027-01-21 | small costs 99, small is archived  |
    2027-02-15 |                                    | #2 INV-000002 REGULAR DUE 4.00 2027-02-15/2027-03-15 = base 4.00
               |                                    | ACTIVE small 2027-02-15/2027-03-15
  `,
  );

  story(
    "a downgrade that waits while suspended applies to the period that the payment opens",
    { pro, small: { price: 4 } },
    `
    2027-01-15 | subscribes pro, pays             | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                  | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 | downgrades to small              | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
               |                                  | ACTIVE pro 2027-02-15/2027-03-15 then small
    2027-02-18 | may not: upgrades to small       | #2 INV-000002 PAST_DUE
               |                                  | SUSPENDED pro 2027-02-15/2027-03-15 then small
    2027-03-15 |                                  |
    2027-03-20 | pays                             | #2 INV-000002 PAID
               |                                  | #3 INV-000003 REGULAR DUE 4.00 2027-03-20/2027-04-20 = base 4.00
               |                                  | ACTIVE small 2027-03-20/2027-04-20
  `,
  );
});
