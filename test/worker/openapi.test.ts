import { exports } from "cloudflare:workers";
import { describe, test } from "vitest";
import { version } from "../../package.json";
import { openApiDocument } from "../../src/contract/openapi.ts";
import { docsPage } from "../../src/http/public/docs.ts";
import { ROUTES } from "../../src/http/routes.ts";

const get = (path: string, headers: Record<string, string> = {}) =>
  exports.default.fetch(`https://tanso.test${path}`, { headers });

/** What an attribute is set to, everywhere in a page. */
const valuesOf = (page: string, attribute: string) =>
  [...page.matchAll(new RegExp(` ${attribute}="([^"]*)"`, "g"))].map(([, value = ""]) => value);

describe("does", () => {
  test("openapi.json is the document of the mounted routes, bare and without a key", async ({ expect }) => {
    const response = await get("/openapi.json");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument(ROUTES, version))));
  });

  test("its alias answers the same", async ({ expect }) => {
    const [document, alias] = await Promise.all([get("/openapi.json"), get("/v3/api-docs")]);
    expect(await alias.text()).toBe(await document.text());
  });

  test("the page shows every route once, with a call to copy", async ({ expect }) => {
    const response = await get("/docs");
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    const page = await response.text();
    const folds = [...page.matchAll(/<details class="entry" id="(\w+)"/g)].map(([, id]) => id);
    expect(new Set(folds).size).toBe(ROUTES.length);
    expect(folds.length).toBe(ROUTES.length);
    expect(page.split('<code class="shell">').length - 1).toBe(ROUTES.length);
  });

  test("script and style are answered as what they are", async ({ expect }) => {
    const [script, style] = await Promise.all([get("/docs/app.js"), get("/docs/style.css")]);
    expect(script.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
    expect(style.headers.get("Content-Type")).toBe("text/css; charset=utf-8");
    expect(await script.text()).toContain("addEventListener");
    expect(await style.text()).toContain("light-dark(");
  });
});

describe("refuses", () => {
  test("other methods", async ({ expect }) => {
    const response = await exports.default.fetch("https://tanso.test/openapi.json", { method: "POST" });
    expect(response.status).toBe(405);
  });

  test("to run or load anything that is not its own", async ({ expect }) => {
    const response = await get("/docs");
    const policy = response.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const page = await response.text();
    expect(page).not.toMatch(/<style|<script(?! src="\/docs\/app\.js")| style="| on\w+="/);
    const loaded = [...valuesOf(page, "src"), ...valuesOf(page, "href")];
    expect(loaded.filter((value) => /^(https?:)?\/\//.test(value))).toEqual([]);
    const style = await (await get("/docs/style.css")).text();
    expect(style).not.toMatch(/@import|url\(/);
  });

  test("markup in the words of a route", async ({ expect }) => {
    const hostile = "<script>alert(1)</script> `<b>` **<i>**";
    const route = {
      method: "GET" as const,
      path: "/things",
      scope: "public" as const,
      tag: hostile,
      summary: hostile,
      description: `${hostile}\n\n- ${hostile}\n\n| ${hostile} |\n|---|\n| ${hostile} |`,
      answers: { 200: null },
    };
    const page = await docsPage(openApiDocument([route], '"><script>'));
    expect(page).not.toMatch(/<script>|<b>|<i>/);
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  });
});

describe("holds", () => {
  test.each(["/openapi.json", "/docs", "/docs/app.js", "/docs/style.css"])(
    "%s is not sent again to who has it",
    async (path) => {
      const first = await get(path);
      const etag = first.headers.get("ETag") ?? "";
      if (!/^"[0-9a-f]{32}"$/.test(etag)) throw new Error(`ETag ${etag}`);
      const again = await get(path, { "If-None-Match": `"other", W/${etag}` });
      if (again.status !== 304 || (await again.text()) !== "") throw new Error(`answered ${again.status}`);
      const changed = await get(path, { "If-None-Match": '"other"' });
      if (changed.status !== 200) throw new Error(`answered ${changed.status} to who has another`);
      await Promise.all([first.text(), changed.text()]);
    },
  );

  test("every link within the page leads to one place of it", async ({ expect }) => {
    const page = await (await get("/docs")).text();
    const ids = valuesOf(page, "id");
    expect(new Set(ids).size).toBe(ids.length);
    const links = valuesOf(page, "href").filter((href) => href.startsWith("#"));
    expect(links.filter((link) => !ids.includes(link.slice(1)))).toEqual([]);
  });
});
