import type { ComponentChildren } from "preact";
import type { Plan } from "../../wire.ts";

/** What saving a change of a plan does, and whom it does not touch: said before it is saved. `isVersion`: what is bought changes. */
export function Consequence({
  plan,
  isVersion,
  children,
}: {
  plan: Plan;
  isVersion: boolean;
  children?: ComponentChildren;
}) {
  return (
    <p class={isVersion && plan.version > 0 ? "consequence" : "consequence calm"}>
      {plan.version === 0
        ? "A draft: nobody can have bought it, so nobody is touched."
        : isVersion
          ? `Saving makes version ${plan.version + 1}. Who subscribes from then on gets it; subscribers keep the version that they bought until you move them.`
          : "No new version: what subscribers bought stays as it is."}{" "}
      {children}
    </p>
  );
}
