import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";

/** Texts to take along: code to paste, and secrets that are shown once. */

const SAID_MS = 2_000;

/** `what`: what is copied, for those who do not see it. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState<string>();
  const copy = async () => {
    // Refused where the page is not trusted: the text can still be chosen by hand.
    const isCopied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    setSaid(isCopied === true ? "Copied" : "Copy it by hand");
    setTimeout(() => setSaid(undefined), SAID_MS);
  };
  return (
    <button type="button" class="button small" aria-label={`Copy ${what}`} onClick={copy}>
      <span aria-live="polite">{said ?? "Copy"}</span>
    </button>
  );
}

/** Text as it is to be pasted, with a button that copies it. */
export function Snippet({ text, what }: { text: string; what: string }) {
  return (
    <div class="snippet">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section tabIndex={0} aria-label={what}>
        <pre>{text}</pre>
      </section>
      <CopyButton text={text} what={what} />
    </div>
  );
}

/** A key right after it was made. Nobody can show it again, so the reader has to say that it is kept. */
export function ShownOnce({
  title,
  secret,
  onClose,
  children,
}: {
  title: string;
  secret: string;
  onClose: () => void;
  children?: ComponentChildren;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="form">
        <p>This is the only time it is shown: only its digest is kept. Store it where your secrets are.</p>
        <Snippet text={secret} what="the key" />
        {children}
        <div class="form-end">
          <button type="button" class="button main" onClick={onClose}>
            I have stored it
          </button>
        </div>
      </div>
    </Dialog>
  );
}
