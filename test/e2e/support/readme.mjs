import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The README's text. */
export const README = readFileSync(fileURLToPath(new URL("../../../README.md", import.meta.url)), "utf8");

/** Pieces of shell in one section of the README, in order. */
export function shellOf(heading) {
  const section = README.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, shell]) => shell);
}
