import fc from "fast-check";
import { TrieRouter } from "hono/router/trie-router";
import { describe, expect, test } from "vitest";
import { PathRouter } from "../../src/http/path-router.ts";

/** The router of our table: what Hono's own says of the same paths. */

const PART = fc.constantFrom("a", "b", "ab", ":x", ":y");
const PATH = fc.array(PART, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
const METHOD = fc.constantFrom("GET", "POST");
const ASKED = fc
  .array(fc.constantFrom("a", "b", "ab", "c", "", "a%20b"), { minLength: 1, maxLength: 5 })
  .map((parts) => `/${parts.join("/")}`);

/** The handler that comes first, and what the path says of its names. */
function firstOf(router: PathRouter<string> | TrieRouter<string>, method: string, path: string) {
  const [[found] = []] = router.match(method, path);
  return found === undefined ? undefined : { handler: found[0], params: { ...found[1] } };
}

/** Names that a path has once: twice the same is in no table. */
const isSound = (path: string): boolean => new Set(path.match(/:\w/g)).size === (path.match(/:\w/g) ?? []).length;

describe("does", () => {
  test("answers as Hono's own router for any such table: the path that was added first, with its names", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(METHOD, PATH.filter(isSound)), { selector: String, minLength: 3, maxLength: 8 }),
        fc.array(fc.tuple(METHOD, ASKED), { minLength: 5, maxLength: 20 }),
        (table, asked) => {
          const [ours, theirs] = [new PathRouter<string>(), new TrieRouter<string>()];
          for (const [method, path] of table)
            for (const router of [ours, theirs]) router.add(method, path, `${method} ${path}`);
          for (const [method, path] of asked)
            expect(firstOf(ours, method, path), `${method} ${path}`).toEqual(firstOf(theirs, method, path));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.for([
    [["/:x/b", "/a/:y"], "/a/b"],
    [["/a/:y", "/:x/b"], "/a/b"],
    [["/:x", "/:y"], "/a"],
    [["/:x", "/a"], "/a"],
    [["/a", "/:x"], "/a"],
  ] as const)("of %j the first answers %s", ([paths, asked]) => {
    const router = new PathRouter<string>();
    for (const path of paths) router.add("GET", path, path);
    expect(firstOf(router, "GET", asked)?.handler).toBe(paths[0]);
  });

  test("goes back where a literal part leads nowhere", () => {
    const router = new PathRouter<string>();
    router.add("GET", "/plans/active", "active");
    router.add("GET", "/plans/:id/rules", "rules");
    expect(firstOf(router, "GET", "/plans/active/rules")).toEqual({ handler: "rules", params: { id: "active" } });
    expect(firstOf(router, "GET", "/plans/active")).toEqual({ handler: "active", params: {} });
  });

  test("takes no empty part for a name, nor a slash too many", () => {
    const router = new PathRouter<string>();
    router.add("GET", "/plans/:id", "one");
    for (const path of ["/plans/", "/plans", "/plans/a/", "//plans/a", "/plans/a/b"])
      expect(firstOf(router, "GET", path), path).toBeUndefined();
    expect(firstOf(router, "POST", "/plans/a")).toBeUndefined();
  });
});

describe("refuses", () => {
  test.for(["/a/*", "/a/:id?", "/a/:id{[0-9]+}", "/a/{id}"])("%s, which it does not know", (path) => {
    expect(() => new PathRouter<string>().add("GET", path, "")).toThrow("no such part");
  });
});
