import { useEffect, useState } from "preact/hooks";
import { ask, type Problem, whoami } from "../api.ts";
import type { Whoami } from "../wire.ts";

/** Signing in: an admin key for a session. The key leaves this page with the request and is kept nowhere. */

/** The token of a link that a local start printed: behind the `#`, so that no log ever sees it. Taken out of the address at once. */
export function takeLinkToken(): string | undefined {
  const token = /^#token=([\w-]+)$/.exec(window.location.hash)?.[1];
  if (token !== undefined)
    window.history.replaceState(window.history.state, "", `${window.location.pathname}${window.location.search}`);
  return token;
}

export function SignIn() {
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const show = async (body: { apiKey: string } | { linkToken: string }) => {
    setBusy(true);
    const answered = await ask<Whoami>("POST", "/console/session", body);
    setBusy(false);
    if (answered.ok) whoami.value = answered.data;
    else setProblem(answered.problem);
  };
  // A link is tried once, when the page opens.
  useEffect(() => {
    document.title = "Sign in · tanso-edge";
    const linkToken = takeLinkToken();
    if (linkToken !== undefined) show({ linkToken });
  }, []);
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("apiKey") as HTMLInputElement;
    const apiKey = field.value.trim();
    field.value = "";
    if (apiKey === "") field.focus();
    else show({ apiKey });
  };
  return (
    <main class="sign-in">
      <form onSubmit={onSubmit}>
        <span class="brand-mark" aria-hidden="true">
          t
        </span>
        <h1>Sign in to the console</h1>
        <p class="quiet">
          With an admin key of your account. It is exchanged for a session of 12 hours and not kept here.
        </p>
        <label for="api-key">Admin key</label>
        <input id="api-key" name="apiKey" type="password" autocomplete="off" spellcheck={false} placeholder="sk_…" />
        {problem === undefined ? null : (
          <p class="form-problem" role="alert">
            {problem.message}
            {problem.requestId === undefined ? null : (
              <small>
                Request id <code>{problem.requestId}</code>
              </small>
            )}
          </p>
        )}
        <button type="submit" class="button main" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
