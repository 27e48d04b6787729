import { axeFindings, NARROW, settled, shoot, signIn, type Visit } from "./visit.ts";

/** One look at each view: its words stand there, nothing is wrong with it, and a picture is kept for people. */

/** `path` below `/console`; `says`: words of the seed that must be visible on it. */
export type Shown = { name: string; path: string; says: readonly string[] };

export const LOOKS = [
  { look: "light", options: {} },
  { look: "dark", options: { colorScheme: "dark" as const } },
  { look: "narrow", options: { viewport: NARROW } },
];

/** Buttons in tables that are cut off at the table's edge, be it by a pixel. In the page, so it is said as text. */
const CLIPPED_BUTTONS = `[...document.querySelectorAll(".table-box button, .table-box .button")]
  .filter((one) => one.getBoundingClientRect().right > one.closest(".table-box").getBoundingClientRect().right + 0.5)
  .map((one) => one.textContent)`;

/** Throws what is wrong, all of it at once: findings of axe, a view wider than its window, buttons cut off, errors of scripts, hosts that are not ours. */
export async function viewsLookRight(
  { page, errors, hosts }: Visit,
  url: string,
  views: readonly Shown[],
  look: string,
): Promise<void> {
  await signIn(page, `${url}/console`);
  const problems: string[] = [];
  for (const { name, path, says } of views) {
    await page.goto(`${url}/console${path}`);
    for (const words of says) await page.getByText(words).filter({ visible: true }).first().waitFor();
    await settled(page);
    await shoot(page, `${name}-${look}`);
    problems.push(...(await axeFindings(page)).map((finding) => `${name}: ${finding}`));
    if (!(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")))
      problems.push(`${name}: wider than its window`);
    const clipped = (await page.evaluate(CLIPPED_BUTTONS)) as string[];
    problems.push(...clipped.map((button) => `${name}: only a part of ${button} is in sight`));
  }
  const strangers = [...hosts].filter((host) => host !== new URL(url).host);
  const wrong = [...problems, ...errors, ...strangers.map((host) => `asked of another host: ${host}`)];
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}
