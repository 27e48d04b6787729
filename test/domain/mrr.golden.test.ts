import { describe, test } from "vitest";
import { formatE12 } from "../../src/domain/amount.ts";
import { openDraft } from "../../src/domain/book.ts";
import { assertDraft } from "../../src/domain/laws.ts";
import type { MrrSpan } from "../../src/domain/mrr.ts";
import { auditSpans, type StoredSpan } from "../../src/domain/mrr-books.ts";
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

type Edit = (span: StoredSpan) => StoredSpan | undefined;

/** What the law of spans says of a customer, once its spans are edited. */
function audited({ world }: Customer, edit: Edit = (stored) => stored, added: readonly MrrSpan[] = []) {
  const stored = [...world.all.mrrSpans.values(), ...added].flatMap((span) => {
    const edited = edit({ span, isOpen: span.endMs === undefined });
    return edited === undefined ? [] : [edited];
  });
  const { subscriptions, invoices } = world.all;
  return auditSpans(stored, { subscriptions, pins: world.book.pins, invoices: invoices.values() });
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
    const ada = story(customer("2027-01-15"));
    expect(spansOf(ada)).toEqual(spans);
    expect(audited(ada)).toMatchObject({ holds: true, left: String(spans.length), right: String(spans.length) });
  });
});

describe("holds", () => {
  const DAY_MS = 86_400_000;
  /** pro until the 20th, team until it was cancelled on the 25th; and pro again, which goes on. */
  const ended = () => customer("2027-01-15").on(PRO).at("2027-01-20").up(TEAM).at("2027-01-25").cancels("now");
  const again = () => ended().at("2027-02-01").on(PRO);
  const only =
    (number: number, change: (span: MrrSpan) => Partial<MrrSpan> | undefined): Edit =>
    (stored) => {
      if (stored.span.number !== number) return stored;
      const changed = change(stored.span);
      return changed === undefined ? undefined : { ...stored, span: { ...stored.span, ...changed } };
    };
  const later = ({ endMs = 0 }: MrrSpan) => ({ endMs: endMs + DAY_MS });
  const sooner = ({ endMs = 0 }: MrrSpan) => ({ endMs: endMs - DAY_MS });

  test.for<[string, Edit, { kind: string; number: number; why: RegExp }]>([
    ["an amount", only(1, () => ({ mrrE12: 1n })), { kind: "mrrSpan", number: 1, why: /its version 30$/ }],
    ["a currency", only(2, () => ({ currency: "EUR" })), { kind: "mrrSpan", number: 2, why: /^is in EUR/ }],
    [
      "the instant of a beginning",
      only(1, ({ startMs }) => ({ startMs: startMs - 1 })),
      { kind: "mrrSpan", number: 1, why: /its subscription at 2027-01-15/ },
    ],
    [
      "an end that became later",
      only(1, later),
      { kind: "mrrSpan", number: 1, why: /^ended at 2027-01-21T.*, number 2 begins at 2027-01-20/ },
    ],
    [
      "an end that became sooner",
      only(1, sooner),
      { kind: "mrrSpan", number: 1, why: /^ended at 2027-01-19T.*, number 2 begins at 2027-01-20/ },
    ],
    [
      "the end of a subscription",
      only(2, later),
      { kind: "mrrSpan", number: 2, why: /its subscription ended at 2027-01-25/ },
    ],
    [
      "an end before the beginning",
      only(2, () => ({ endMs: 1 })),
      { kind: "mrrSpan", number: 2, why: /before it begins$/ },
    ],
    [
      "what goes on",
      only(3, ({ startMs }) => ({ endMs: startMs + 1 })),
      { kind: "mrrSpan", number: 3, why: /column, and not by its body$/ },
    ],
    [
      "what goes on, in its column, too",
      ({ span, isOpen }) =>
        span.number === 3 ? { span: { ...span, endMs: span.startMs }, isOpen: false } : { span, isOpen },
      { kind: "mrrSpan", number: 3, why: /^ended, and its subscription goes on$/ },
    ],
    [
      "a version",
      only(3, () => ({ planId: TEAM.planId, mrrE12: 90n * 10n ** 12n })),
      { kind: "subscription", number: 2, why: /^has no span of its version/ },
    ],
    [
      "a first row that is gone",
      only(1, () => undefined),
      { kind: "mrrSpan", number: 2, why: /^begins at 2027-01-20T00:00:00.000Z, its subscription at 2027-01-15/ },
    ],
    [
      "a last row that is gone",
      only(2, () => undefined),
      { kind: "subscription", number: 1, why: /^has no span of its version/ },
    ],
    [
      "the only row that is gone",
      only(3, () => undefined),
      { kind: "subscription", number: 2, why: /^brings money each month, and has no span$/ },
    ],
  ])("%s is found and named", ([, edit, { kind, number, why }], { expect }) => {
    const ada = again();
    expect(audited(ada)).toMatchObject({ holds: true, left: "3", right: "3" });
    const { holds, brokenBy } = audited(ada, edit);
    expect({ holds, brokenBy }).toMatchObject({
      holds: false,
      brokenBy: { kind, number, why: expect.stringMatching(why) },
    });
  });

  test.for<[string, (last: MrrSpan) => Partial<MrrSpan>, RegExp]>([
    ["beside one that goes on", () => ({}), /^begins at .*, while number 3 goes on$/],
    ["of a subscription that is not there", () => ({ subscription: 7 }), /^is of a subscription that is not there/],
    ["behind an end", ({ startMs }) => ({ subscription: 1, startMs }), /^begins at .*, number 2 ended at/],
    ["of a version that is not there", () => ({ version: 9 }), /^is of a version that is not there/],
  ])("a row that was added %s is found and named", ([, change, why], { expect }) => {
    const ada = again();
    const last = ada.world.all.mrrSpans.get(3);
    if (last === undefined) throw new Error("there are three");
    const { holds, brokenBy } = audited(ada, undefined, [{ ...last, number: 4, ...change(last) }]);
    expect({ holds, brokenBy }).toMatchObject({
      holds: false,
      brokenBy: { kind: "mrrSpan", number: 4, why: expect.stringMatching(why) },
    });
  });

  test("of a customer who had a plan without a price, spans may begin later, and never overlap", ({ expect }) => {
    const ada = customer("2027-01-15").on(FREE).at("2027-01-20").up(PRO).pays().at("2027-01-25").up(TEAM);
    expect(audited(ada).holds).toBe(true);
    expect(audited(ada, only(1, sooner)).holds).toBe(true);
    expect(audited(ada, only(1, later))).toMatchObject({ brokenBy: { number: 1 } });
    expect(
      audited(
        ada,
        only(1, ({ startMs }) => ({ startMs: startMs - 6 * DAY_MS })),
      ),
    ).toMatchObject({ brokenBy: { number: 1 } });
  });

  test("a subscription that ended and is older than the history breaks no law", ({ expect }) => {
    const ada = ended();
    expect(audited(ada, () => undefined)).toMatchObject({ holds: true, left: "0", right: "0" });
  });

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
