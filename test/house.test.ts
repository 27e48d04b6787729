/// <reference types="vite/types/importMeta.d.ts" />
import { describe, test } from "vitest";

/**
 * Holds the house: which room may import which (docs/architecture.md), what each room must not do, and that nothing lies about
 * unused. Reads the sources as text, so a rule holds for code that no test runs.
 */

const raw = import.meta.glob<string>("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });

/** Sources by their path below `src`, without comments: a comment may speak of what code must not do. */
const SOURCES = new Map(
  Object.entries(raw)
    .map(([path, source]) => [path.replace("../src/", ""), source] as const)
    .filter(([path]) => !path.endsWith(".d.ts")),
);

function codeOf(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

type Import = { from: string; to: string; typeOnly: boolean; isPackage: boolean };

const IMPORT =
  /^(?:import|export)\s+(type\s+)?(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

/** What a file imports: paths below `src` for our own, names for packages. */
function importsOf(path: string, source: string): Import[] {
  return [...codeOf(source).matchAll(IMPORT)].map(([, type, named, lazy]) => {
    const target = named ?? lazy ?? "";
    const to = target.startsWith(".") ? new URL(target, `house:/${path}`).pathname.slice(1) : target;
    return { from: path, to, typeOnly: type !== undefined, isPackage: !target.startsWith(".") };
  });
}

const IMPORTS = [...SOURCES].flatMap(([path, source]) => importsOf(path, source));

/** The room of a file: its first folder; files at the top are rooms of their own. */
function roomOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : path;
}

const isOurs = (to: string): boolean => /\.tsx?$/.test(to);

/** Which rooms a room may import, beside itself. `*`: all. Rooms that do not exist yet stand here all the same. */
const ROOMS: Record<string, readonly string[]> = {
  "index.ts": ["*"],
  "scheduled.ts": ["*"],
  "env.ts": ["customer", "edge"],
  http: ["contract", "clearing", "customer", "edge", "catalog", "ledger", "payments", "documents", "domain", "env.ts"],
  // Between the accounts' provider and their customers' objects, for requests and for the cron.
  clearing: ["customer", "catalog", "ledger", "payments", "domain", "env.ts"],
  contract: ["domain"],
  // What an isolate remembers of customers, below all who ask them: a write must end what is repeated.
  edge: ["domain"],
  customer: ["domain", "edge", "env.ts"],
  catalog: ["domain"],
  ledger: ["domain"],
  // Of the catalog the accounts' sealed keys, of which only this room has the means to open them.
  payments: ["domain", "catalog", "env.ts"],
  documents: ["domain"],
  console: ["contract"],
  domain: [],
};

/** The one door between neighbours: what customers' objects owe others leaves through the outbox, a file for each lane and its rows. */
const DOORS: Record<string, readonly string[]> = {
  "customer/outbox.ts": ["ledger"],
  "customer/outbox-parcels.ts": ["ledger"],
  "customer/provider-outbox.ts": ["payments"],
  "customer/provider-calls.ts": ["payments"],
};

/** Packages a room may import; a room that is not here imports none. */
const PACKAGES: Record<string, readonly string[]> = {
  http: ["hono", "hono/html", "hono/router", "zod", "papaparse"],
  contract: ["zod"],
  console: ["preact", "preact/hooks", "@preact/signals", "uplot", "zod"],
  customer: ["cloudflare:workers"],
  catalog: ["drizzle-orm", "drizzle-orm/d1", "drizzle-orm/sqlite-core"],
  ledger: ["drizzle-orm", "drizzle-orm/d1", "drizzle-orm/sqlite-core"],
  payments: ["stripe"],
  documents: ["@cantoo/pdf-lib", "hono/html"],
  domain: ["@noble/hashes/hmac.js", "@noble/hashes/sha2.js", "@noble/hashes/utils.js", "@pydantic/genai-prices"],
};

const LINES_MAX = 400;

/** `path:line` of every match in the code of these files. */
function placesOf(pattern: RegExp, files: (path: string) => boolean): string[] {
  return [...SOURCES].flatMap(([path, source]) => {
    if (!files(path)) return [];
    return codeOf(source)
      .split("\n")
      .flatMap((line) => (pattern.test(line) ? [`${path}: ${line.trim()}`] : []));
  });
}

const all = (): boolean => true;

describe("holds", () => {
  test("the sources are read, imports and all", ({ expect }) => {
    expect(SOURCES.size).toBeGreaterThan(50);
    expect(IMPORTS).toContainEqual({ from: "index.ts", to: "http/app.ts", typeOnly: false, isPackage: false });
    expect(IMPORTS).toContainEqual({ from: "env.ts", to: "customer/object.ts", typeOnly: true, isPackage: false });
    expect(IMPORTS.filter(({ to }) => isOurs(to) && !SOURCES.has(to) && !raw[`../src/${to}`])).toEqual([]);
  });

  test("every room is known", ({ expect }) => {
    const unknown = [...SOURCES.keys()].map(roomOf).filter((room) => ROOMS[room] === undefined);
    expect([...new Set(unknown)]).toEqual([]);
  });

  test("imports point downwards only, and to a neighbour only through the outbox", ({ expect }) => {
    const forbidden = IMPORTS.filter(({ from, to }) => {
      if (!isOurs(to)) return false;
      const [here, there] = [roomOf(from), roomOf(to)];
      const may = ROOMS[here] ?? [];
      return here !== there && !may.includes("*") && !may.includes(there) && !DOORS[from]?.includes(there);
    });
    expect(forbidden).toEqual([]);
  });

  test("the environment knows the object by its type alone", ({ expect }) => {
    expect(IMPORTS.filter(({ from, typeOnly }) => from === "env.ts" && !typeOnly)).toEqual([]);
  });

  test("the console knows the contract by its types alone, and nobody knows the console", ({ expect }) => {
    const ofConsole = IMPORTS.filter(({ from }) => roomOf(from) === "console");
    expect(ofConsole.length).toBeGreaterThan(50);
    const others = ofConsole.filter(
      ({ to, typeOnly }) => !typeOnly && (to === "zod" || (isOurs(to) && roomOf(to) !== "console")),
    );
    expect(others).toEqual([]);
    expect(IMPORTS.filter(({ from, to }) => roomOf(to) === "console" && roomOf(from) !== "console")).toEqual([]);
  });

  test("nobody imports the entry but the platform, nor the object's inside but its own room", ({ expect }) => {
    expect(IMPORTS.filter(({ to }) => to === "index.ts")).toEqual([]);
    const front = ["customer/object.ts", "customer/object-of.ts", "customer/calls.ts"];
    const inside = IMPORTS.filter(
      ({ from, to, typeOnly }) =>
        roomOf(to) === "customer" && roomOf(from) !== "customer" && !front.includes(to) && !typeOnly,
    );
    expect(inside).toEqual([]);
  });

  test("packages are used in the rooms that they are for", ({ expect }) => {
    const forbidden = IMPORTS.filter(({ from, to, isPackage }) => isPackage && !PACKAGES[roomOf(from)]?.includes(to));
    expect(forbidden).toEqual([]);
  });

  test("the domain has no clock, no dice and no I/O", ({ expect }) => {
    const domain = (path: string) => roomOf(path) === "domain";
    expect(placesOf(/\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b|\bsetTimeout\b|\bsetInterval\b/, domain)).toEqual(
      [],
    );
    expect(placesOf(/\bcrypto\.|\bMath\.random\b|\bfetch\(|\bconsole\./, domain)).toEqual([]);
    expect(placesOf(/\basync\b|\bawait\b|\bPromise\b/, domain)).toEqual([]);
  });

  test("inside an object the clock is read in one place", ({ expect }) => {
    const object = (path: string) => roomOf(path) === "customer" && path !== "customer/turns.ts";
    expect(placesOf(/\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b/, object)).toEqual([]);
  });

  test("commands and questions run in one turn", ({ expect }) => {
    const turns = (path: string) => /^customer\/(commands|questions)\//.test(path) || path === "customer/settle.ts";
    expect([...SOURCES.keys()].filter(turns).length).toBeGreaterThan(4);
    expect(placesOf(/\bawait\b|\basync\b|\.then\(/, turns)).toEqual([]);
  });

  test("SQL stands in customer, catalog and ledger alone", ({ expect }) => {
    const others = (path: string) => !["customer", "catalog", "ledger"].includes(roomOf(path));
    const known = ["http/public/health.ts"];
    const places = placesOf(
      /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s/,
      (path) => others(path) && !known.includes(path),
    );
    expect(places).toEqual([]);
  });

  test("a drizzle query runs in a batch: awaited by itself, it fails with its parameters in the message", ({
    expect,
  }) => {
    const opened = placesOf(/\bdrizzle\(/, all);
    expect(opened.length).toBeGreaterThan(20);
    // Known by one name, or only passed on.
    const named = /const db = drizzle\(database\);$|(?:remembering|featuresNamed)\(drizzle\(database\), /;
    expect(opened.filter((place) => !named.test(place))).toEqual([]);
    expect(placesOf(/\bawait\s+db\b(?!\.batch\()/, all)).toEqual([]);
    // An async function that returns a query awaits it. A function of ours ends where a line begins with its bracket.
    const returned = /\basync function(?:(?!\n\})[\s\S])*?\breturn\s+db\b(?!\.batch\()/;
    expect([...SOURCES].filter(([, source]) => returned.test(codeOf(source))).map(([path]) => path)).toEqual([]);
  });

  test("no file is longer than a head can hold", ({ expect }) => {
    const long = [...SOURCES].filter(([, source]) => source.split("\n").length > LINES_MAX).map(([path]) => path);
    expect(long).toEqual([]);
  });

  test("no file is dead: each is reached from an entry, the Worker's or the console's", ({ expect }) => {
    const reached = new Set(["index.ts", "console/main.tsx"]);
    // A set that grows while it is walked is walked to its end.
    for (const path of reached) for (const { from, to } of IMPORTS) if (from === path && isOurs(to)) reached.add(to);
    const dead = [...SOURCES.keys()].filter((path) => !reached.has(path));
    expect(dead).toEqual([]);
  });

  test("no export is dead: each is used somewhere, if only by a test", ({ expect }) => {
    const tests = Object.values(
      import.meta.glob<string>("./**/*.ts", { query: "?raw", import: "default", eager: true }),
    ).join("\n");
    const words = new Map([...SOURCES].map(([path, source]) => [path, codeOf(source).match(/\w+/g) ?? []]));
    const counts = new Map<string, number>();
    for (const word of [...words.values()].flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
    const exported = [...SOURCES].flatMap(([path, source]) =>
      [...source.matchAll(/^export (?:const|(?:async )?function\*?|class|type) (\w+)/gm)].map(([, name = ""]) => ({
        path,
        name,
      })),
    );
    expect(exported.length).toBeGreaterThan(100);
    // One appearance in all of the code is the definition itself.
    const dead = exported.filter(({ name }) => counts.get(name) === 1 && !new RegExp(`\\b${name}\\b`).test(tests));
    expect(dead).toEqual([]);
  });

  test("nothing is left for later, nothing is untyped, nothing is an enum or a default export", ({ expect }) => {
    const everywhere = [...SOURCES]
      .filter(([, source]) => /\b(TODO|FIXME|XXX|HACK)\b/.test(source))
      .map(([path]) => path);
    expect(everywhere).toEqual([]);
    expect(placesOf(/\bas any\b|:\s*any\b|<any\b|@ts-ignore|@ts-expect-error/, all)).toEqual([]);
    expect(placesOf(/^\s*(export\s+)?(const\s+)?enum\s/, all)).toEqual([]);
    expect(placesOf(/^export default\b/, (path) => path !== "index.ts")).toEqual([]);
    expect(placesOf(/^export \* from\b/, all)).toEqual([]);
  });
});
