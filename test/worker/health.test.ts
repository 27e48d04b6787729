import { env, exports } from "cloudflare:workers";
import { describe, test } from "vitest";

describe("does", () => {
  test("health tells that the Worker and its database are up, without a key", async ({ expect }) => {
    const response = await exports.default.fetch("https://tanso.test/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ success: true, data: { status: "UP", database: "up" } });
  });
});

describe("holds", () => {
  test("the database of a test file is migrated and empty", async ({ expect }) => {
    const row = await env.DB.prepare("SELECT COUNT(*) AS n FROM accounts").first<{ n: number }>();
    expect(row).toEqual({ n: 0 });
  });

  test("tests know the root token, whatever .dev.vars says", async ({ expect }) => {
    const response = await exports.default.fetch("https://tanso.test/api/v1/accounts", {
      method: "POST",
      headers: { Authorization: "Bearer root_test", "Content-Type": "application/json" },
      body: JSON.stringify({ name: "Probe", mode: "test" }),
    });
    expect(response.status).toBe(201);
  });
});
