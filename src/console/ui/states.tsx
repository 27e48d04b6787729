import type { ComponentChildren } from "preact";
import type { Asked, Problem } from "../api.ts";

/** What stands where data would: waiting, nothing there, or a failure with the id that leads to it in the log. */

export function Loading({ what }: { what: string }) {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      Loading {what}…
    </div>
  );
}

/** `children` say what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children === undefined ? null : <div>{children}</div>}
    </div>
  );
}

export function Failure({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="state failure" role="alert">
      <p class="state-title">{problem.message}</p>
      {problem.detail === undefined ? null : <p>{problem.detail}</p>}
      {problem.requestId === undefined ? null : (
        <p class="quiet">
          Request id <code>{problem.requestId}</code>
        </p>
      )}
      {again === undefined ? null : (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** An answer, once it is there. */
export function Answer<T>({
  asked,
  what,
  children,
}: {
  asked: Asked<T>;
  what: string;
  children: (data: T) => ComponentChildren;
}) {
  if (asked.problem !== undefined) return <Failure problem={asked.problem} again={asked.again} />;
  if (asked.data === undefined) return <Loading what={what} />;
  return (
    <div aria-busy={asked.isLoading} class={asked.isLoading ? "stale" : ""}>
      {children(asked.data)}
    </div>
  );
}
