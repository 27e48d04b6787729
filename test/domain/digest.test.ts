import * as fc from "fast-check";
import { describe, test } from "vitest";
import { eventKeyBytes, sha256Hex } from "../../src/domain/digest.ts";

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

describe("does", () => {
  test("SHA-256 as published", ({ expect }) => {
    expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256Hex(Uint8Array.of())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("a short key stays as it is, a long one becomes a marked digest", ({ expect }) => {
    expect(new TextDecoder().decode(eventKeyBytes("req-1"))).toBe("req-1");
    expect(eventKeyBytes("x".repeat(64)).byteLength).toBe(64);
    expect(hex(eventKeyBytes("x".repeat(65)))).toBe(`ff${sha256Hex("x".repeat(65)).slice(0, 32)}`);
    // 33 characters of two bytes each are long, 32 are not.
    expect(eventKeyBytes("é".repeat(32)).byteLength).toBe(64);
    expect(eventKeyBytes("é".repeat(33)).byteLength).toBe(17);
  });
});

describe("holds", () => {
  test("different keys are remembered differently", ({ expect }) => {
    const keys = fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.string({ minLength: 60, maxLength: 70 }));
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(hex(eventKeyBytes(a)) === hex(eventKeyBytes(b))).toBe(a === b);
      }),
    );
  });
});
