import { describe } from "vitest";
import { story } from "../support/golden/story.ts";

/** Cancellations, now and later, and what is left to pay or to give back. Half of the first period is over on the 30th at noon. */

const pro = { price: 10, perUnit: 0.1 } as const;
const small = { price: 4 } as const;
const later = { price: 31, arrears: true, perUnit: 0.1 } as const;

describe("does", () => {
  story(
    "a cancellation at the end leaves access until then, and a final invoice for what was used",
    { pro },
    `
    2027-01-15      | subscribes pro, pays       | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                            | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20      | cancels at the end, uses 7 | ACTIVE pro 2027-01-15/2027-02-15 until 2027-02-15
    2027-02-15 -1ms | uses 3                     |
    2027-02-15      |                            | #2 INV-000002 REGULAR DUE 1.00 2027-01-15/2027-02-15 = 10 api 1.00
                    |                            | CANCELLED pro
  `,
  );

  story(
    "a cancellation that is taken back in time leaves no trace",
    { pro },
    `
    2027-01-15      | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20      | cancels at the end   | ACTIVE pro 2027-01-15/2027-02-15 until 2027-02-15
    2027-02-15 -1ms | stays                | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15      |                      | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
                    |                      | ACTIVE pro 2027-02-15/2027-03-15
  `,
  );

  story(
    "a cancellation now gives the unused share back, which pays the final usage first; the rest is paid out",
    { pro },
    `
    2027-01-15       | subscribes pro, pays, uses 20 | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                               | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | cancels now                   | #2 INV-000002 CREDIT PAID -5.00 2027-01-30T12:00/2027-02-15 = credit -5.00
                     |                               | #3 REGULAR PAID 0.00 2027-01-15/2027-01-30T12:00 = 20 api 2.00, credit -2.00
                     |                               | CANCELLED pro
                     |                               | balance 3.00 USD
    2027-02-01       | is paid out 3.00              | balance 0
  `,
  );

  story(
    "what a cancellation gave back starts the next subscription where it covers all of it",
    { pro, small },
    `
    2027-01-15       | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | cancels now          | #2 INV-000002 CREDIT PAID -5.00 2027-01-30T12:00/2027-02-15 = credit -5.00
                     |                      | CANCELLED pro
                     |                      | balance 5.00 USD
    2027-02-01       | subscribes small     | #3 INITIAL PAID 0.00 2027-02-01/2027-03-01 = base 4.00, credit -4.00
                     |                      | ACTIVE small 2027-02-01/2027-03-01
                     |                      | balance 1.00 USD
    2027-03-01       |                      | #4 INV-000003 REGULAR DUE 3.00 2027-03-01/2027-04-01 = base 4.00, credit -1.00
                     |                      | ACTIVE small 2027-03-01/2027-04-01
                     |                      | balance 0
  `,
  );

  story(
    "a cancellation in the instant of the payment gives everything back",
    { pro },
    `
    2027-01-15 | subscribes pro, pays, cancels now | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                                   | #2 INV-000002 CREDIT PAID -10.00 2027-01-15/2027-02-15 = credit -10.00
               |                                   | CANCELLED pro
               |                                   | balance 10.00 USD
  `,
  );

  story(
    "a cancellation now after an upgrade gives the unused share of both payments back",
    { pro, team: { price: 30 } },
    `
    2027-01-15       | subscribes pro, pays  | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                     |                       | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-30T12:00 | upgrades to team      | #2 INV-000002 ADJUSTMENT DUE 10.00 2027-01-30T12:00/2027-02-15 = proration -5.00, proration 15.00
                     |                       | ACTIVE team 2027-01-15/2027-02-15
                     | pays                  | #2 INV-000002 PAID
    2027-02-07T06:00 | cancels now           | #3 INV-000003 CREDIT PAID -7.50 2027-02-07T06:00/2027-02-15 = credit -7.50
                     |                       | CANCELLED team
                     |                       | balance 7.50 USD
  `,
  );

  story(
    "a cancellation now makes an unpaid renewal void, and moves its usage to the final invoice",
    { pro },
    `
    2027-01-15 | subscribes pro, pays, uses 20 | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                               | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 | uses 5                        | #2 INV-000002 REGULAR DUE 12.00 2027-02-15/2027-03-15 = 20 api 2.00, base 10.00
               |                               | ACTIVE pro 2027-02-15/2027-03-15
    2027-02-16 | cancels now                   | #2 INV-000002 VOID
               |                               | #3 INV-000003 REGULAR DUE 2.50 2027-02-15/2027-02-16 = 20 api 2.00, 5 api 0.50
               |                               | CANCELLED pro
  `,
  );

  story(
    "in arrears a cancellation now asks for the base by time, and one at the end for all of it",
    { later },
    `
    2027-01-15       | subscribes later    | #1 REGULAR PENDING 0.00 2027-01-15/2027-02-15
                     |                     | ACTIVE later 2027-01-15/2027-02-15
    2027-01-30T12:00 | uses 5, cancels now | #1 INV-000001 REGULAR DUE 16.00 2027-01-15/2027-01-30T12:00 = base 15.50, 5 api 0.50
                     |                     | CANCELLED later
    2027-03-01       | pays                | #1 INV-000001 PAID
                     | subscribes later    | #2 REGULAR PENDING 0.00 2027-03-01/2027-04-01
                     |                     | ACTIVE later 2027-03-01/2027-04-01
    2027-03-02       | cancels at the end  | ACTIVE later 2027-03-01/2027-04-01 until 2027-04-01
    2027-04-01       |                     | #2 INV-000002 REGULAR DUE 31.00 2027-03-01/2027-04-01 = base 31.00
                     |                     | CANCELLED later
  `,
  );

  story(
    "a final invoice that is not paid falls past due, suspends nothing, and can still be paid",
    { pro },
    `
    2027-01-15      | subscribes pro, pays, uses 20 | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
                    |                               | ACTIVE pro 2027-01-15/2027-02-15
    2027-01-20      | cancels at the end            | ACTIVE pro 2027-01-15/2027-02-15 until 2027-02-15
    2027-02-15      |                               | #2 INV-000002 REGULAR DUE 2.00 2027-01-15/2027-02-15 = 20 api 2.00
                    |                               | CANCELLED pro
    2027-02-18 -1ms |                               |
    2027-02-18      |                               | #2 INV-000002 PAST_DUE
    2027-06-01      | pays                          | #2 INV-000002 PAID
  `,
  );

  story(
    "a subscription that is cancelled before it was paid leaves no number behind",
    { pro },
    `
    2027-01-15 | subscribes pro     | #1 INITIAL DUE 10.00 2027-01-15/2027-02-15 = base 10.00
               |                    | INCOMPLETE pro
    2027-01-16 | cancels at the end | #1 CANCELLED
               |                    | CANCELLED pro
    2027-01-17 | subscribes pro     | #2 INITIAL DUE 10.00 2027-01-17/2027-02-17 = base 10.00
               |                    | INCOMPLETE pro
               | pays               | #2 INV-000001 PAID
               |                    | ACTIVE pro 2027-01-17/2027-02-17
  `,
  );

  story(
    "a cancellation at the end keeps its day while the subscription is suspended",
    { pro },
    `
    2027-01-15 | subscribes pro, pays | #1 INV-000001 INITIAL PAID 10.00 2027-01-15/2027-02-15 = base 10.00
               |                      | ACTIVE pro 2027-01-15/2027-02-15
    2027-02-15 | cancels at the end   | #2 INV-000002 REGULAR DUE 10.00 2027-02-15/2027-03-15 = base 10.00
               |                      | ACTIVE pro 2027-02-15/2027-03-15 until 2027-03-15
    2027-02-18 |                      | #2 INV-000002 PAST_DUE
               |                      | SUSPENDED pro 2027-02-15/2027-03-15 until 2027-03-15
    2027-03-15 |                      | CANCELLED pro
    2027-03-16 | pays                 | #2 INV-000002 PAID
  `,
  );
});
