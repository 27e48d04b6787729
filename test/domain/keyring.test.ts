import { describe, test } from "vitest";
import { isOutdated, type Keyring, open, readKeyring, seal } from "../../src/payments/keyring.ts";

const KEY_A = Buffer.alloc(32, 1).toString("base64");
const KEY_B = Buffer.alloc(32, 2).toString("base64");

function ring(secret: string): Keyring {
  const read = readKeyring(secret);
  if (typeof read === "string") throw new Error(read);
  return read;
}

describe("does", () => {
  test("what is sealed opens for the same account", async ({ expect }) => {
    const keyring = ring(`a:${KEY_A}`);
    const sealed = await seal(keyring, "sk_test_abc", "account-1");
    expect(sealed).toMatch(/^a:[A-Za-z0-9+/=]+$/);
    expect(sealed).not.toContain("sk_test");
    expect(await open(keyring, sealed, "account-1")).toBe("sk_test_abc");
  });

  test("the first key seals, all open: a new key is put in front and the old one taken away later", async ({
    expect,
  }) => {
    const old = await seal(ring(`a:${KEY_A}`), "secret", "account-1");
    const both = ring(`b:${KEY_B}, a:${KEY_A}`);
    expect(await open(both, old, "account-1")).toBe("secret");
    expect(isOutdated(both, old)).toBe(true);
    const anew = await seal(both, "secret", "account-1");
    expect(anew.startsWith("b:")).toBe(true);
    expect(isOutdated(both, anew)).toBe(false);
    expect(await open(ring(`b:${KEY_B}`), anew, "account-1")).toBe("secret");
    expect(await open(ring(`b:${KEY_B}`), old, "account-1")).toBeUndefined();
  });

  test("base64 may be the kind for addresses", ({ expect }) => {
    const bytes = Buffer.alloc(32, 0xfb);
    expect(ring(`u:${bytes.toString("base64url")}`).keys.get("u")).toEqual(new Uint8Array(bytes));
  });
});

describe("refuses", () => {
  test.for([undefined, "", "  "])("no secret: %j", (secret, { expect }) => {
    expect(readKeyring(secret)).toBe("unset");
  });

  test.for([
    KEY_A,
    `a:${KEY_A},`,
    `a:${Buffer.alloc(16).toString("base64")}`,
    `a:${Buffer.alloc(33).toString("base64")}`,
    `a b:${KEY_A}`,
    `a:${KEY_A},a:${KEY_B}`,
    `a:${"!".repeat(43)}=`,
  ])("a secret that cannot be read: %s", (secret, { expect }) => {
    expect(readKeyring(secret)).toBe("malformed");
  });
});

describe("holds", () => {
  test("another account's row, a changed text or another key of the same id opens nothing", async ({ expect }) => {
    const keyring = ring(`a:${KEY_A}`);
    const sealed = await seal(keyring, "sk_test_abc", "account-1");
    expect(await open(keyring, sealed, "account-2")).toBeUndefined();
    const flipped = sealed.endsWith("A") ? `${sealed.slice(0, -1)}B` : `${sealed.slice(0, -1)}A`;
    for (const text of [flipped, sealed.slice(0, -8), "a:", "", "a:%%%"])
      expect(await open(keyring, text, "account-1"), text).toBeUndefined();
    expect(await open(ring(`a:${KEY_B}`), sealed, "account-1")).toBeUndefined();
  });

  test("the same text is sealed differently each time", async ({ expect }) => {
    const keyring = ring(`a:${KEY_A}`);
    const all = await Promise.all(Array.from({ length: 50 }, () => seal(keyring, "same", "account-1")));
    expect(new Set(all).size).toBe(50);
  });
});
