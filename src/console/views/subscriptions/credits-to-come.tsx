import { count } from "../../format.ts";
import { Time } from "../../ui/parts.tsx";
import type { PlanChangePreview } from "../../wire.ts";

/** Plan credits that a change brings. */
export function CreditsToCome({ credits, when }: { credits: PlanChangePreview["credits"]; when: string }) {
  if (credits.length === 0) return null;
  return (
    <ul class="said">
      {credits.map(({ denomination, amount, expiresAt }) => (
        <li key={`${denomination} ${amount} ${expiresAt ?? ""}`}>
          {when}: <strong>{count(amount)}</strong> {denomination}
          {expiresAt === undefined ? null : (
            <>
              , until <Time at={expiresAt} day />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
