import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { ask, whoami } from "../api.ts";
import { hrefOf, match, place } from "../router.ts";
import { nextTheme, theme } from "../theme.ts";
import { GROUPS } from "../views.tsx";
import type { Whoami } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { isPaletteOpen, Palette } from "./palette.tsx";
import { Toast } from "./toast.tsx";

/** What surrounds every view: the sidebar, the top bar, the palette. */

/** On a narrow screen the sidebar is a drawer. */
const isMenuOpen = signal(false);

async function signOut(): Promise<void> {
  const answered = await ask("DELETE", "/console/session");
  if (answered.ok || answered.problem.status === 401) whoami.value = null;
}

/** A view below another (`/customers/ada`) marks the other's entry. */
function isHere(pattern: string): boolean {
  const { path } = place.value;
  return match(pattern, path) !== undefined || (pattern !== "/" && path.startsWith(`${pattern}/`));
}

export function Shell({ who, children }: { who: Whoami; children: ComponentChildren }) {
  // Before anything is painted: who sees the page can already use its keys.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        isPaletteOpen.value = true;
      }
      if (event.key === "Escape") isMenuOpen.value = false;
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
  // A new address closes the drawer.
  useEffect(() => {
    isMenuOpen.value = false;
  }, [place.value]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Sidebar who={who} />
      {isMenuOpen.value ? (
        <button type="button" class="backdrop" aria-label="Close the menu" onClick={() => (isMenuOpen.value = false)} />
      ) : null}
      <div class="page">
        <header class="topbar">
          <button
            type="button"
            class="icon-button menu-button"
            aria-label="Menu"
            aria-expanded={isMenuOpen.value}
            onClick={() => (isMenuOpen.value = !isMenuOpen.value)}
          >
            <Icon name="menu" />
          </button>
          <button type="button" class="find" aria-keyshortcuts="Control+K" onClick={() => (isPaletteOpen.value = true)}>
            <Icon name="search" />
            <span>Find…</span>
            <kbd>Ctrl K</kbd>
          </button>
          <span class="spacer" />
          {who.account.mode === "test" ? <span class="badge warn">Test account</span> : null}
          <button
            type="button"
            class="icon-button"
            aria-label={`Theme: ${theme.value}. Change`}
            title={`Theme: ${theme.value}`}
            onClick={() => (theme.value = nextTheme())}
          >
            <Icon name={theme.value} />
          </button>
          <button type="button" class="icon-button" aria-label="Sign out" title="Sign out" onClick={signOut}>
            <Icon name="signOut" />
          </button>
        </header>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
      <Palette />
      <Toast />
    </div>
  );
}

function Sidebar({ who }: { who: Whoami }) {
  return (
    <nav class={isMenuOpen.value ? "sidebar open" : "sidebar"} aria-label="Views">
      <a class="brand" href="/console">
        <span class="brand-mark" aria-hidden="true">
          {who.account.name.slice(0, 1).toUpperCase()}
        </span>
        <span>
          <strong>{who.account.name}</strong>
          <small>tanso-edge</small>
        </span>
      </a>
      {GROUPS.map(({ name, views }) => (
        <ul key={name} aria-label={name}>
          {views.flatMap(({ pattern, title, icon }) =>
            icon === undefined
              ? []
              : [
                  <li key={pattern}>
                    <a href={hrefOf(pattern)} aria-current={isHere(pattern) ? "page" : undefined}>
                      <Icon name={icon} />
                      {title}
                    </a>
                  </li>,
                ],
          )}
        </ul>
      ))}
      <p class="sidebar-foot">
        Key <code>{who.key.hint}</code>
        <br />
        <a href="/docs">API reference</a>
      </p>
    </nav>
  );
}
