/// <reference types="vite/types/importMeta.d.ts" />
import { describe, test } from "vitest";
import { INTEGER_DIGITS_MAX } from "../../src/domain/amount.ts";
import * as limits from "../../src/domain/limits.ts";

/** docs/limits.md against src/domain/limits.ts: each limit has a row, and each row says its value. */

const [page = ""] = Object.values(
  import.meta.glob<string>("../../docs/limits.md", { query: "?raw", import: "default", eager: true }),
);
const sources = Object.entries(
  import.meta.glob<string>("../../src/**/*.ts", { query: "?raw", import: "default", eager: true }),
).filter(([path]) => !path.endsWith("/domain/limits.ts"));

/** Not limits but what limits are written in, and the name of what is beyond one. */
const WORDS = ["HOUR_MS", "DAY_MS", "OTHER_PAIR"];
const LIMITS: Record<string, number> = { INTEGER_DIGITS_MAX };
for (const [name, value] of Object.entries(limits)) if (!WORDS.includes(name)) LIMITS[name] = Number(value);

const MS: Record<string, number> = { s: 1000, min: 60_000, h: 3_600_000, days: 86_400_000, years: 365 * 86_400_000 };
const BYTES: Record<string, number> = { KiB: 1024, MiB: 1024 ** 2, MB: 1e6, GB: 1e9 };

/** The table rows: a limit's name, its value as written, why, and what happens beyond. */
const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, name = "", value = "", why = "", beyond = ""]) => ({ name, value, why, beyond }),
);

/** `2.5 s` of a limit in milliseconds is 2500. */
function valueWritten(name: string, written: string): number {
  const [figure = "", unit = ""] = written.split(" ");
  // Days may also be what is counted.
  const scale = (/_(MS|SECONDS)(_|$)/.test(name) ? MS[unit] : BYTES[unit]) ?? 1;
  return (Number(figure.replaceAll(",", "")) * scale) / (name.includes("_SECONDS_") ? 1000 : 1);
}

describe("holds", () => {
  test("each limit has one row, and each row is a limit's", ({ expect }) => {
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(LIMITS).sort());
  });

  test.for(rows)("$name is $value", ({ name, value, why, beyond }, { expect }) => {
    expect(valueWritten(name, value)).toBe(LIMITS[name]);
    for (const words of [why, beyond]) expect(words.trim()).not.toBe("");
  });

  test.for(Object.keys(LIMITS))("%s is used", (name, { expect }) => {
    const used = new RegExp(`\\b${name}\\b`);
    expect(sources.filter(([, source]) => used.test(source)).map(([path]) => path)).not.toEqual([]);
  });
});
