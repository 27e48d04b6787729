import { describe, test } from "vitest";
import lock from "../package-lock.json";

/**
 * The lockfile must install everywhere: npm leaves out optional packages that a registry does not have on the day it writes the
 * file, and then `npm ci` refuses on every machine, or another platform finds no runtime.
 */
type Locked = { optionalDependencies?: Record<string, string>; resolved?: string };
const packages = Object.entries(lock.packages as Record<string, Locked>);
const places = new Set(packages.map(([place]) => place));

describe("holds", () => {
  test("every optional package of every platform is locked", ({ expect }) => {
    const missing = packages.flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !places.has(`node_modules/${name}`) && !places.has(`${place}/node_modules/${name}`))
        .map((name) => `${place} → ${name}`),
    );
    expect(places.size).toBeGreaterThan(100);
    expect(missing).toEqual([]);
  });

  test("no package is tied to one registry's address", ({ expect }) => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([place]) => place)).toEqual([]);
  });
});
