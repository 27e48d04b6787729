import { describe, test } from "vitest";
import { formatE12 } from "../../src/domain/amount.ts";
import { openDraft } from "../../src/domain/book.ts";
import { assertDraft } from "../../src/domain/laws.ts";
import { dateText, plan } from "../support/book.ts";
import { type Customer, customer } from "../support/story.ts";

/**
 * What a subscription brings a month, and when, told with dates. Customers subscribe on the 15th of January 2027 and pay at once,
 * unless it is said otherwise.
 */

const PRO = plan({ key: "pro", price: "30" });
const PRO_2 = plan({ key: "pro", price: "36", version: 2 });
const TEAM = plan({ key: "team", price: "90" });
const BASIC = plan({ key: "basic", price: "12" });
const YEAR = plan({ key: "year", price: "100", months: 12 });
const FREE = plan({ key: "free" });
const ARREARS = plan({ key: "later", price: "20", timing: "IN_ARREARS" });

/** `pro 30 2027-01-15/2027-02-15`; without an end it goes on. */
function spansOf({ world }: Customer): string[] {
  return [...world.all.mrrSpans.values()].map(({ subscription, planId, version, mrrE12, startMs, endMs }) => {
    const key = world.book.pins.get(`${planId}/${version}`)?.key ?? planId;
    const end = endMs === undefined ? "" : dateText(endMs);
    const which = subscription === 1 ? "" : ` of ${subscription}`;
    return `${key} ${formatE12(mrrE12)} ${dateText(startMs)}/${end}${which}`;
  });
}

const STORIES: [title: string, story: (ada: Customer) => Customer, spans: string[]][] = [
  [
    "begins when the first invoice is paid",
    (ada) => ada.on(PRO, { isUnpaid: true }).at("2027-01-20").pays(),
    ["pro 30 2027-01-20/"],
  ],
  [
    "is nothing while the first invoice is unpaid, nor when it never is",
    (ada) => ada.on(PRO, { isUnpaid: true }).at("2027-03-01"),
    [],
  ],
  ["begins at once in arrears", (ada) => ada.on(ARREARS), ["later 20 2027-01-15/"]],
  ["of a year is a twelfth", (ada) => ada.on(YEAR), ["year 8.333333333333 2027-01-15/"]],
  ["is nothing on a free plan", (ada) => ada.on(FREE).at("2027-04-01"), []],
  [
    "goes on over renewals",
    (ada) => ada.on(PRO).at("2027-02-16").pays().at("2027-03-16").pays(),
    ["pro 30 2027-01-15/"],
  ],
  [
    "changes with an upgrade at its instant",
    (ada) => ada.on(PRO).at("2027-01-20T12:30").up(TEAM),
    ["pro 30 2027-01-15/2027-01-20T12:30", "team 90 2027-01-20T12:30/"],
  ],
  [
    "changes with an upgrade to another interval",
    (ada) => ada.on(BASIC).at("2027-01-20").up(ARREARS),
    ["basic 12 2027-01-15/2027-01-20", "later 20 2027-01-20/"],
  ],
  ["begins when a free plan is left", (ada) => ada.on(FREE).at("2027-01-20").up(PRO), ["pro 30 2027-01-20/"]],
  [
    "changes with a downgrade when the period ends, however late that is settled",
    (ada) => ada.on(TEAM, { grace: 400 }).down(PRO).wakesAt("2027-06-01"),
    ["team 90 2027-01-15/2027-02-15", "pro 30 2027-02-15/"],
  ],
  [
    "ends when a downgrade leads to a free plan",
    (ada) => ada.on(TEAM).down(FREE).at("2027-02-20"),
    ["team 90 2027-01-15/2027-02-15"],
  ],
  [
    "changes with a version",
    (ada) => ada.on(PRO).at("2027-01-20").migrates(PRO_2, "NOW"),
    ["pro 30 2027-01-15/2027-01-20", "pro 36 2027-01-20/"],
  ],
  [
    "does not change with what is only scheduled",
    (ada) => ada.on(TEAM).down(PRO).drops().cancels("at end").reverts(),
    ["team 90 2027-01-15/"],
  ],
  [
    "ends with the period that was cancelled",
    (ada) => ada.on(PRO).cancels("at end").at("2027-05-01"),
    ["pro 30 2027-01-15/2027-02-15"],
  ],
  [
    "ends at once",
    (ada) => ada.on(PRO).at("2027-01-20T00:00:00.001").cancels("now"),
    ["pro 30 2027-01-15/2027-01-20T00:00:00.001"],
  ],
  [
    "goes on while suspended, until it is given up after 90 days",
    (ada) => ada.on(PRO).at("2027-06-01"),
    ["pro 30 2027-01-15/2027-05-19"],
  ],
  [
    "goes on when a suspension ends, under the version that was to come",
    (ada) => ada.on(TEAM).down(PRO).at("2027-02-10").at("2027-03-20").pays(),
    ["team 90 2027-01-15/2027-02-15", "pro 30 2027-02-15/"],
  ],
  [
    "of a second subscription stands beside",
    (ada) => ada.on(PRO).at("2027-01-20").on(TEAM),
    ["pro 30 2027-01-15/", "team 90 2027-01-20/ of 2"],
  ],
  [
    "begins anew after an end",
    (ada) => ada.on(PRO).at("2027-01-20").cancels("now").at("2027-02-01").on(PRO),
    ["pro 30 2027-01-15/2027-01-20", "pro 30 2027-02-01/ of 2"],
  ],
];

describe("does", () => {
  test.for(STORIES)("MRR %s", ([, story, spans], { expect }) => {
    expect(spansOf(story(customer("2027-01-15")))).toEqual(spans);
  });
});

describe("holds", () => {
  test("a subscription that is older than the history gets one from its activation, with whatever is written next", ({
    expect,
  }) => {
    const ada = customer("2027-01-15").on(PRO).at("2027-01-20");
    const { world } = ada;
    world.book.mrrSpans.clear();
    world.all.mrrSpans.clear();
    expect(spansOf(ada.up(TEAM))).toEqual(["pro 30 2027-01-15/2027-01-20", "team 90 2027-01-20/"]);
  });

  test("a draft that leaves a paying subscription without its span is refused", ({ expect }) => {
    const { world } = customer("2027-01-15").on(PRO);
    const draft = openDraft(world.book);
    draft.subscriptions.put(world.live(1));
    for (const span of draft.mrrSpans.values()) draft.mrrSpans.put({ ...span, endMs: span.startMs });
    expect(() => assertDraft(world.book, draft)).toThrow("who pays has a span for it");
  });
});
