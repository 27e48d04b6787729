import type { ComponentChildren } from "preact";
import type { Answered } from "../api.ts";

/** What a form would do, above its button: nothing until it can be known, then the answer or why it would be refused. */
export function Preview<T>({
  answered,
  isAsked,
  hint,
  children,
}: {
  answered: Answered<T> | undefined;
  /** Can it be known, so that an answer is under way? */
  isAsked: boolean;
  /** What is missing before it can be known. */
  hint: string;
  children: (data: T) => ComponentChildren;
}) {
  return (
    <section class="preview" aria-label="What this does" aria-live="polite">
      {!isAsked ? (
        <p class="quiet">{hint}</p>
      ) : answered === undefined ? (
        <p class="quiet">Working out what this does…</p>
      ) : answered.ok ? (
        children(answered.data)
      ) : (
        <>
          <p class="bad-text">{answered.problem.message}</p>
          {answered.problem.detail === undefined ? null : <p class="quiet">{answered.problem.detail}</p>}
        </>
      )}
    </section>
  );
}
