import { describe } from "vitest";
import { story } from "../support/golden/story.ts";

/** Unpaid invoices: how long they may be, what happens then, and the way back; a millisecond before each instant, and at it. */

const pro = { price: 10, perUnit: 0.1 } as const;
const later = { price: 31, arrears: true, perUnit: 0.1 } as const;

describe("does", () => {
  story(
    "access lasts to the last millisecond of grace, and ends with the invoice past due in one instant",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15      |                      | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-18 -1ms |                      |
    2027-02-18      |                      | #2 INV-000002 PAST_DUE
                    |                      | SUSPENDED pro 2027-02-15/2027-03-15
    2027-02-18 +1ms | pays                 | #2 INV-000002 PAID
                    |                      | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "whoever pays in the last millisecond of grace loses nothing",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15      |                      | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-18 -1ms | pays                 | #2 INV-000002 PAID
    2027-02-18      |                      |
  `,
  );

  story(
    "paid in the last millisecond of the period, the suspension ends within it",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-18      |                      | #2 INV-000002 REGULAR PAST_DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | SUSPENDED pro 2027-02-15/2027-03-15
    2027-03-15 -1ms | pays                 | #2 INV-000002 PAID
                    |                      | ACTIVE pro 2027-02-15/2027-03-15
    2027-03-15      |                      | #3 INV-000003 REGULAR DUE 10.00 2027-03-15/2027-04-15 = base 10.00
                    |                      | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "paid after the period, a new one begins with the payment, on a day of its own",
    { pro },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-16       | uses 30              | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                     |                      | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-18       |                      | #2 INV-000002 PAST_DUE
                     |                      | SUSPENDED pro 2027-02-15/2027-03-15
    2027-03-15       |                      | #3 INV-000003 REGULAR DUE 3.00 2027-02-15/2027-03-15 = 30 api 3.00
    2027-03-17T08:30 | pays                 | #2 INV-000002 PAID
                     |                      | #3 INV-000003 PAID
                     |                      | #4 INV-000004 REGULAR DUE 10.00 2027-03-17T08:30/2027-04-17T08:30 = base 10.00
                     |                      | ACTIVE pro 2027-03-17T08:30/2027-04-17T08:30
    2027-04-17T08:30 |                      | #4 INV-000004 PAST_DUE
                     |                      | SUSPENDED pro 2027-03-17T08:30/2027-04-17T08:30
  `,
  );

  story(
    "fewer days of grace end now, not before; and all that is past due has to be paid for access to come back",
    { pro },
    `
    2027-01-15 | subscribes pro with 30 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                            | ACTIVE pro 2027-01-15/2027-02-15
    2027-03-16 |                                            | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
               |                                            | #3 INV-000003 REGULAR DUE 10.00 2027-03-15/2027-04-15 = base 10.00
               |                                            | ACTIVE pro 2027-03-15/2027-04-15
               | has 3 days of grace                        | #2 INV-000002 PAST_DUE
               |                                            | SUSPENDED pro 2027-03-15/2027-04-15
    2027-03-18 |                                            | #3 INV-000003 PAST_DUE
    2027-03-19 | pays #2                                    | #2 INV-000002 PAID
    2027-03-20 | pays #3                                    | #3 INV-000003 PAID
               |                                            | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "a suspension ends the subscription after 90 days, to the millisecond",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-18      |                      | #2 INV-000002 REGULAR PAST_DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | SUSPENDED pro 2027-02-15/2027-03-15
    2027-05-19 -1ms |                      |
    2027-05-19      |                      | CANCELLED pro
    2027-06-01      | pays                 | #2 INV-000002 PAID
  `,
  );

  story(
    "a first invoice waits for 30 days, to the millisecond",
    { pro },
    `
    2027-01-15      | subscribes pro | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                | INCOMPLETE pro
    2027-02-14 -1ms |                |
    2027-02-14      |                | #1 CANCELLED
                    |                | CANCELLED pro
  `,
  );

  story(
    "a first invoice can be paid in the last of its milliseconds",
    { pro },
    `
    2027-01-15      | subscribes pro | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                | INCOMPLETE pro
    2027-02-14 -1ms | pays           | #1 INV-000001 INITIAL PAID 10.00 2027-02-13T23:59:59.999/2027-03-13T23:59:59.999 = base 10.00
                    |                | ACTIVE pro 2027-02-13T23:59:59.999/2027-03-13T23:59:59.999
    2027-02-14      |                |
  `,
  );

  story(
    "without grace the period that is not paid opens suspended",
    { pro },
    `
    2027-01-15 | subscribes pro with 0 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                           | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 |                                           | #2 INV-000002 REGULAR PAST_DUE 10.00 2027-02-15/2027-03-15 = base 10.00
               |                                           | SUSPENDED pro 2027-02-15/2027-03-15
               | pays                                      | #2 INV-000002 PAID
               |                                           | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "grace that ends with the period suspends first, so no next one opens",
    { pro },
    `
    2027-01-15      | subscribes pro with 28 days of grace, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                                            | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15      | uses 10                                    | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                                            | ACTIVE pro 2027-02-15/2027-03-15
    2027-03-15 -1ms |                                            |
    2027-03-15      |                                            | #2 INV-000002 PAST_DUE
                    |                                            | #3 INV-000003 REGULAR DUE 1.00 2027-02-15/2027-03-15 = 10 api 1.00
                    |                                            | SUSPENDED pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "more days of grace count for what is due already",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-17      | has 10 days of grace | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-25 -1ms |                      |
    2027-02-25      |                      | #2 INV-000002 PAST_DUE
                    |                      | SUSPENDED pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "a void invoice counts as settled, and its usage is not asked for again",
    { pro },
    `
    2027-01-15 | subscribes pro, pays, uses 20 | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                               | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-18 |                               | #2 INV-000002 REGULAR PAST_DUE 12.00 2027-02-15/2027-03-15 = 20 api 2.00, base 10.00
               |                               | SUSPENDED pro 2027-02-15/2027-03-15
    2027-02-19 | voids #2                      | #2 INV-000002 VOID
               |                               | ACTIVE pro 2027-02-15/2027-03-15
    2027-03-15 |                               | #3 INV-000003 REGULAR DUE 10.00 2027-03-15/2027-04-15 = base 10.00
               |                               | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "unless the operator asks for it: then it is on the next invoice",
    { pro },
    `
    2027-01-15 | subscribes pro, pays, uses 20           | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                         | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 |                                         | #2 INV-000002 REGULAR DUE 12.00 2027-02-15/2027-03-15 = 20 api 2.00, base 10.00
               |                                         | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-16 | voids #2 and bills its usage again      | #2 INV-000002 VOID
    2027-02-20 | uses 1                                  |
    2027-03-15 |                                         | #3 INV-000003 REGULAR DUE 12.10 2027-03-15/2027-04-15 = 1 api 0.10, base 10.00, 20 api 2.00
               |                                         | ACTIVE pro 2027-03-15/2027-04-15
  `,
  );

  story(
    "a void first invoice takes its subscription with it",
    { pro },
    `
    2027-01-15 | subscribes pro | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
               |                | INCOMPLETE pro
    2027-01-16 | voids #1       | #1 CANCELLED
               |                | CANCELLED pro
  `,
  );

  story(
    "a suspended period in arrears is charged until the suspension",
    { later },
    `
    2027-01-15 | subscribes later | #1 REGULAR PENDING 0.00 2027-01-15/2027-02-15
               |                  | ACTIVE later 2027-01-15/2027-02-15
    2027-02-15 |                  | #1 INV-000001 REGULAR DUE 31.00 2027-01-15/2027-02-15 = base 31.00
               |                  | #2 REGULAR PENDING 0.00 2027-02-15/2027-03-15
               |                  | ACTIVE later 2027-02-15/2027-03-15
    2027-02-18 |                  | #1 INV-000001 PAST_DUE
               |                  | SUSPENDED later 2027-02-15/2027-03-15
    2027-03-15 |                  | #2 INV-000002 REGULAR DUE 3.32 2027-02-15/2027-03-15 = base 3.32
    2027-03-16 | pays #1          | #1 INV-000001 PAID
               |                  | #3 REGULAR PENDING 0.00 2027-03-16/2027-04-16
               |                  | ACTIVE later 2027-03-16/2027-04-16
  `,
  );

  story(
    "whoever pays in the last millisecond of the 90 days is back, in a period that begins then",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-18      |                      | #2 INV-000002 REGULAR PAST_DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | SUSPENDED pro 2027-02-15/2027-03-15
    2027-05-19 -1ms | pays                 | #2 INV-000002 PAID
                    |                      | #3 INV-000003 REGULAR DUE 10.00 2027-05-18T23:59:59.999/2027-06-18T23:59:59.999 = base 10.00
                    |                      | ACTIVE pro 2027-05-18T23:59:59.999/2027-06-18T23:59:59.999
    2027-05-19      |                      |
  `,
  );
});
