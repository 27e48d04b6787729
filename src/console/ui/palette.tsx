import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { navigate } from "../router.ts";
import { type Found, findThings } from "./find.ts";
import { Icon } from "./icon.tsx";

/** The command palette: Ctrl-K, some letters, Enter. */

export const isPaletteOpen = signal(false);

/** How long typing must rest before the API is asked. */
const REST_MS = 120;

export function Palette() {
  return isPaletteOpen.value ? <OpenPalette /> : null;
}

function OpenPalette() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly Found[]>([]);
  const [at, setAt] = useState(0);
  // Before anything is painted, so that the first letter typed is in it.
  useLayoutEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    let isWanted = true;
    const timer = setTimeout(async () => {
      const things = await findThings(text.trim());
      if (!isWanted) return;
      setFound(things);
      setAt(0);
    }, REST_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [text]);
  const close = () => {
    isPaletteOpen.value = false;
  };
  const open = (thing: Found | undefined) => {
    if (thing === undefined) return;
    close();
    navigate(thing.path);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((known) => Math.max(0, Math.min(found.length - 1, known + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(found[at]);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Find"
      onClose={close}
      onClick={(event) => (event.target === dialog.current ? close() : undefined)}
      onKeyDown={onKeyDown}
    >
      <label class="palette-input">
        <Icon name="search" />
        <span class="unseen">Find customers, plans, features, invoices, views</span>
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="found-things"
          aria-activedescendant={found[at] === undefined ? undefined : `found-${at}`}
          autocomplete="off"
          spellcheck={false}
          placeholder="Customers, plans, features, invoices, views"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <kbd>Esc</kbd>
      </label>
      <div id="found-things" role="listbox" aria-label="Found">
        {found.map((thing, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus.
          <div
            key={`${thing.kind} ${thing.id}`}
            id={`found-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => open(thing)}
          >
            <span class="found-name">{thing.name}</span>
            <span class="quiet">{thing.note}</span>
            <span class="found-kind">{thing.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 ? <p class="quiet palette-none">Nothing found.</p> : null}
    </dialog>
  );
}
