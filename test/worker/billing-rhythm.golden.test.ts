import { describe } from "vitest";
import { story } from "../support/golden/story.ts";

/** Periods: how long they are, on which day they begin, and whether they are paid ahead or afterwards. */

const pro = { price: 10, perUnit: 0.1 } as const;
const quarter = { price: 27, months: 3 } as const;
const year = { price: 100, months: 12, perUnit: 0.1 } as const;
const later = { price: 31, arrears: true, perUnit: 0.1 } as const;

describe("does", () => {
  story(
    "a month in advance: the next base and the usage of the month that ended",
    { pro },
    `
    2027-01-15 | subscribes pro | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
               |                | INCOMPLETE pro
               | pays           | #1 INV-000001 PAID
               |                | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-01 | uses 25        |
    2027-02-15 |                | #2 INV-000002 REGULAR DUE 12.50 2027-02-15/2027-03-15 = 25 api 2.50, base 10.00
               |                | ACTIVE pro 2027-02-15/2027-03-15
               | pays           | #2 INV-000002 PAID
    2027-03-15 |                | #3 INV-000003 REGULAR DUE 10.00 2027-03-15/2027-04-15 = base 10.00
               |                | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "a quarter in advance comes again after three months",
    { quarter },
    `
    2027-01-15      | subscribes quarter, pays | #1 INV-000001 INITIAL PAID 27.00 2027-01-15/2027-04-15 = base 27.00
                    |                          | ACTIVE quarter 2027-01-15/2027-04-15
    2027-04-15 -1ms |                          |
    2027-04-15      | pays                     | #2 INV-000002 REGULAR PAID 27.00 2027-04-15/2027-07-15 = base 27.00
                    |                          | ACTIVE quarter 2027-04-15/2027-07-15
    2027-07-15      |                          | #3 INV-000003 REGULAR DUE 27.00 2027-07-15/2027-10-15 = base 27.00
                    |                          | ACTIVE quarter 2027-07-15/2027-10-15
  `,
  );

  story(
    "a year in advance bills what was used in it when it ends",
    { year },
    `
    2027-01-15 | subscribes year, pays | #1 INV-000001 INITIAL PAID 100.00 2027-01-15/2028-01-15 = base 100.00
               |                       | ACTIVE year 2027-01-15/2028-01-15
    2027-03-01 | uses 5                |
    2027-12-31 | uses 7                |
    2028-01-15 |                       | #2 INV-000002 REGULAR DUE 101.20 2028-01-15/2029-01-15 = 12 api 1.20, base 100.00
               |                       | ACTIVE year 2028-01-15/2029-01-15
  `,
  );

  story(
    "a month in arrears is asked for when it is over, with what was used in it",
    { later },
    `
    2027-01-15 | subscribes later | #1 REGULAR PENDING 0.00 2027-01-15/2027-02-15
               |                  | ACTIVE later 2027-01-15/2027-02-15
    2027-02-01 | uses 10          |
    2027-02-15 |                  | #1 INV-000001 REGULAR DUE 32.00 2027-01-15/2027-02-15 = base 31.00, 10 api 1.00
               |                  | #2 REGULAR PENDING 0.00 2027-02-15/2027-03-15
               |                  | ACTIVE later 2027-02-15/2027-03-15
  `,
  );

  story(
    "a quarter in arrears",
    { later: { ...later, months: 3 } },
    `
    2027-01-15 | subscribes later | #1 REGULAR PENDING 0.00 2027-01-15/2027-04-15
               |                  | ACTIVE later 2027-01-15/2027-04-15
    2027-04-15 |                  | #1 INV-000001 REGULAR DUE 31.00 2027-01-15/2027-04-15 = base 31.00
               |                  | #2 REGULAR PENDING 0.00 2027-04-15/2027-07-15
               |                  | ACTIVE later 2027-04-15/2027-07-15
  `,
  );

  story(
    "a year in arrears, over a leap day",
    { later: { ...later, months: 12 } },
    `
    2027-03-01 | subscribes later | #1 REGULAR PENDING 0.00 2027-03-01/2028-03-01
               |                  | ACTIVE later 2027-03-01/2028-03-01
    2028-02-29 | uses 1           |
    2028-03-01 |                  | #1 INV-000001 REGULAR DUE 31.10 2027-03-01/2028-03-01 = base 31.00, 1 api 0.10
               |                  | #2 REGULAR PENDING 0.00 2028-03-01/2029-03-01
               |                  | ACTIVE later 2028-03-01/2029-03-01
  `,
  );

  story(
    "whoever begins on the 31st renews on the last day of each shorter month, and on the 31st again",
    { pro },
    `
    2027-01-31 | subscribes pro with 400 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-31/2027-02-28 = base 10.00
               |                                             | ACTIVE pro 2027-01-31/2027-02-28
    2027-06-30 |                                             | #2 INV-000002 REGULAR DUE 10.00 2027-02-28/2027-03-31 = base 10.00
               |                                             | #3 INV-000003 REGULAR DUE 10.00 2027-03-31/2027-04-30 = base 10.00
               |                                             | #4 INV-000004 REGULAR DUE 10.00 2027-04-30/2027-05-31 = base 10.00
               |                                             | #5 INV-000005 REGULAR DUE 10.00 2027-05-31/2027-06-30 = base 10.00
               |                                             | #6 INV-000006 REGULAR DUE 10.00 2027-06-30/2027-07-31 = base 10.00
               |                                             | ACTIVE pro 2027-06-30/2027-07-31
  `,
  );

  story(
    "whoever begins on the 30th misses only February",
    { pro },
    `
    2027-01-30 | subscribes pro with 400 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-30/2027-02-28 = base 10.00
               |                                             | ACTIVE pro 2027-01-30/2027-02-28
    2027-04-30 |                                             | #2 INV-000002 REGULAR DUE 10.00 2027-02-28/2027-03-30 = base 10.00
               |                                             | #3 INV-000003 REGULAR DUE 10.00 2027-03-30/2027-04-30 = base 10.00
               |                                             | #4 INV-000004 REGULAR DUE 10.00 2027-04-30/2027-05-30 = base 10.00
               |                                             | ACTIVE pro 2027-04-30/2027-05-30
  `,
  );

  story(
    "whoever begins on the 29th renews on the 28th of February, but for a leap year's",
    { pro },
    `
    2027-12-29 | subscribes pro with 400 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-12-29/2028-01-29 = base 10.00
               |                                             | ACTIVE pro 2027-12-29/2028-01-29
    2028-02-29 |                                             | #2 INV-000002 REGULAR DUE 10.00 2028-01-29/2028-02-29 = base 10.00
               |                                             | #3 INV-000003 REGULAR DUE 10.00 2028-02-29/2028-03-29 = base 10.00
               |                                             | ACTIVE pro 2028-02-29/2028-03-29
  `,
  );

  story(
    "and from the 29th of January in a common year on the 28th",
    { pro },
    `
    2027-01-29 | subscribes pro with 400 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-29/2027-02-28 = base 10.00
               |                                             | ACTIVE pro 2027-01-29/2027-02-28
    2027-03-29 |                                             | #2 INV-000002 REGULAR DUE 10.00 2027-02-28/2027-03-29 = base 10.00
               |                                             | #3 INV-000003 REGULAR DUE 10.00 2027-03-29/2027-04-29 = base 10.00
               |                                             | ACTIVE pro 2027-03-29/2027-04-29
  `,
  );

  story(
    "a year that begins on a leap day ends on the 28th, and four years later on a leap day again",
    { year },
    `
    2028-02-29 | subscribes year with 400 days of grace, pays | #1 INV-000001 INITIAL PAID 100.00 2028-02-29/2029-02-28 = base 100.00
               |                                              | ACTIVE year 2028-02-29/2029-02-28
    2029-02-28 | pays                                         | #2 INV-000002 REGULAR PAID 100.00 2029-02-28/2030-02-28 = base 100.00
               |                                              | ACTIVE year 2029-02-28/2030-02-28
    2030-02-28 | pays                                         | #3 INV-000003 REGULAR PAID 100.00 2030-02-28/2031-02-28 = base 100.00
               |                                              | ACTIVE year 2030-02-28/2031-02-28
    2031-02-28 | pays                                         | #4 INV-000004 REGULAR PAID 100.00 2031-02-28/2032-02-29 = base 100.00
               |                                              | ACTIVE year 2031-02-28/2032-02-29
    2032-02-29 |                                              | #5 INV-000005 REGULAR DUE 100.00 2032-02-29/2033-02-28 = base 100.00
               |                                              | ACTIVE year 2032-02-29/2033-02-28
  `,
  );

  story(
    "the 31st of January of a leap year renews on the 29th of February",
    { pro },
    `
    2028-01-31 | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2028-01-31/2028-02-29 = base 10.00
               |                      | ACTIVE pro 2028-01-31/2028-02-29
    2028-02-29 |                      | #2 INV-000002 REGULAR DUE 10.00 2028-02-29/2028-03-31 = base 10.00
               |                      | ACTIVE pro 2028-02-29/2028-03-31
  `,
  );

  story(
    "the first period begins when it is paid, to the minute, and so do all that follow",
    { pro },
    `
    2027-01-15       | subscribes pro | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                | INCOMPLETE pro
    2027-01-20T17:45 | pays           | #1 INV-000001 INITIAL PAID 10.00 2027-01-20T17:45/2027-02-20T17:45 = base 10.00
                     |                | ACTIVE pro 2027-01-20T17:45/2027-02-20T17:45
    2027-02-20T17:45 |                | #2 INV-000002 REGULAR DUE 10.00 2027-02-20T17:45/2027-03-20T17:45 = base 10.00
                     |                | ACTIVE pro 2027-02-20T17:45/2027-03-20T17:45
  `,
  );

  story(
    "whoever pays a renewal late moves no period by it",
    { pro },
    `
    2027-01-15 | subscribes pro with 20 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                            | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 |                                            | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
               |                                            | ACTIVE pro 2027-02-15/2027-03-15
    2027-03-06 | pays                                       | #2 INV-000002 PAID
    2027-03-15 |                                            | #3 INV-000003 REGULAR DUE 10.00 2027-03-15/2027-04-15 = base 10.00
               |                                            | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );
});
