import { place } from "../router.ts";

/** Parts of one view, each with an address of its own. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly { path: string; title: string }[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ path, title }) => (
        <a key={path} href={`/console${path}`} aria-current={place.value.path === path ? "page" : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}
