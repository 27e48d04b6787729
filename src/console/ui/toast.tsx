import { signal } from "@preact/signals";

/** One line that says what was done, for some seconds; read aloud by readers of the screen. */

const SHOWN_MS = 5_000;

const said = signal<string>("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  said.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    said.value = "";
  }, SHOWN_MS);
}

export function Toast() {
  return (
    <div class={said.value === "" ? "toast" : "toast shown"} role="status">
      {said.value}
    </div>
  );
}
