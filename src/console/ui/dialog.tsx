import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

/**
 * What opens above a view and closes with Escape. `panel`: at the right, for what is read beside the view; `box`: in the middle, for a
 * question to answer (`box roomy`: with a table in it). Rendered means open; `onClose` is told once and has to stop rendering it.
 */
export function Dialog({
  title,
  kind = "box",
  onClose,
  children,
}: {
  title: ComponentChildren;
  kind?: "panel" | "box" | "box roomy";
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} class={kind} aria-labelledby="dialog-title" onClose={onClose}>
      <header class="card-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
