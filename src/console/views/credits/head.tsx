import type { ComponentChildren } from "preact";
import { Tabs } from "../../ui/tabs.tsx";

const TABS = [
  { path: "/credits", title: "Pools" },
  { path: "/credits/models", title: "Models" },
  { path: "/credits/weights", title: "Weights and margin" },
  { path: "/credits/prices", title: "Price book" },
] as const;

/** The head of what belongs to credits, with the way to its other parts. `children`: what can be done here. */
export function CreditsHead({ children }: { children?: ComponentChildren }) {
  return (
    <>
      <div class="view-head">
        <h1>Credits</h1>
        <div class="tools">{children}</div>
      </div>
      <Tabs label="Credits" tabs={TABS} />
    </>
  );
}
