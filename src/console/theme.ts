import { effect, signal } from "@preact/signals";

/** Light, dark, or what the system says; remembered in this browser. */
export type Theme = "auto" | "light" | "dark";

const STORED = "tanso.theme";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];

function stored(): Theme {
  const found = window.localStorage.getItem(STORED);
  return THEMES.find((theme) => theme === found) ?? "auto";
}

export const theme = signal<Theme>(stored());

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(systemDark.matches);
systemDark.addEventListener("change", (event) => {
  isSystemDark.value = event.matches;
});

/** Is it dark now? Charts draw on a canvas, which style cannot reach, and ask. */
export function isDark(): boolean {
  return theme.value === "dark" || (theme.value === "auto" && isSystemDark.value);
}

effect(() => {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  window.localStorage.setItem(STORED, theme.value);
});

/** The theme after this one. */
export function nextTheme(): Theme {
  return THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
}
