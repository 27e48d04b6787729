import { useLayoutEffect } from "preact/hooks";
import { ask, whoami } from "./api.ts";
import { followLinks, match, place } from "./router.ts";
import { Shell } from "./ui/shell.tsx";
import { Empty, Loading } from "./ui/states.tsx";
import { SignIn } from "./views/sign-in.tsx";
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

function View({ path }: { path: string }) {
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
