import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ask, whoami } from "./api.ts";
import { followLinks, match, place } from "./router.ts";
import { Shell } from "./ui/shell.tsx";
import { Empty, Loading } from "./ui/states.tsx";
import { SignIn, takeLinkToken } from "./views/sign-in.tsx";
import { VIEWS } from "./views.tsx";
import type { Whoami } from "./wire.ts";
import "./theme.ts";

/** Who is signed in decides what is shown; the address decides which view. */
export function App() {
  // Before anything is painted: a link that is seen can be followed.
  useLayoutEffect(() => {
    document.addEventListener("click", followLinks);
    ask<Whoami>("GET", "/console/session").then((answered) => {
      whoami.value = answered.ok ? answered.data : null;
      // Who is signed in needs no link: it is not left in the address for others to use.
      if (answered.ok) takeLinkToken();
    });
    return () => document.removeEventListener("click", followLinks);
  }, []);
  if (whoami.value === undefined) return <Loading what="the console" />;
  if (whoami.value === null) return <SignIn />;
  return (
    <Shell who={whoami.value}>
      <View path={place.value.path} />
    </Shell>
  );
}

/**
 * Who comes to another view stands at its beginning, and hears of it; its heading, which may be a customer's name that is still on its
 * way, names the page in the history.
 */
function useArrival(path: string): void {
  const first = useRef(true);
  useEffect(() => {
    const main = document.getElementById("main");
    if (main === null) return;
    if (!first.current && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    first.current = false;
    const name = () => {
      const heading = main.querySelector("h1")?.textContent?.trim();
      if (heading) document.title = `${heading} · tanso-edge`;
    };
    name();
    const observer = new MutationObserver(name);
    observer.observe(main, { childList: true, subtree: true, characterData: true });
    return () => observer.disconnect();
  }, [path]);
}

function View({ path }: { path: string }) {
  useArrival(path);
  for (const { pattern, title, render } of VIEWS) {
    const params = match(pattern, path);
    if (params === undefined) continue;
    document.title = `${title} · tanso-edge`;
    return <div key={`${pattern} ${JSON.stringify(params)}`}>{render(params)}</div>;
  }
  return (
    <Empty title="There is no such page">
      <a href="/console">Go to the overview</a>
    </Empty>
  );
}
