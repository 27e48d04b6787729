import type { ComponentChild } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { hrefOf } from "../router.ts";
import { Empty } from "../ui/states.tsx";
import { AccountSettings } from "./settings/account.tsx";
import { AuditLog } from "./settings/audit.tsx";
import { PublicCatalogSettings } from "./settings/catalog.tsx";
import { CostRates } from "./settings/costs.tsx";
import { Keys } from "./settings/keys.tsx";
import { Operations } from "./settings/operations.tsx";
import { Sessions } from "./settings/sessions.tsx";
import { StripeSettings } from "./settings/stripe.tsx";

/** What the account is and how it runs; a section each, each with an address. */

type Section = { key: string; title: string; render: () => ComponentChild };

export const SECTIONS: readonly Section[] = [
  { key: "account", title: "Account", render: () => <AccountSettings /> },
  { key: "costs", title: "Cost rates", render: () => <CostRates /> },
  { key: "stripe", title: "Stripe", render: () => <StripeSettings /> },
  { key: "keys", title: "API keys", render: () => <Keys /> },
  { key: "catalog", title: "Public catalog", render: () => <PublicCatalogSettings /> },
  { key: "audit", title: "Audit log", render: () => <AuditLog /> },
  { key: "operations", title: "Operations", render: () => <Operations /> },
  { key: "sessions", title: "Sessions", render: () => <Sessions /> },
];

export function Settings({ section = "account" }: { section?: string }) {
  const tabs = useRef<HTMLElement>(null);
  // On a phone the tabs are wider than the screen: the one that is open must be seen.
  useLayoutEffect(() => {
    const [nav, tab] = [tabs.current, tabs.current?.querySelector<HTMLElement>("[aria-current]")];
    if (nav !== null && tab !== null && tab !== undefined)
      nav.scrollLeft = tab.offsetLeft - nav.offsetLeft - (nav.clientWidth - tab.offsetWidth) / 2;
  }, [section]);
  const shown = SECTIONS.find(({ key }) => key === section);
  return (
    <>
      <div class="view-head">
        <h1>Settings</h1>
      </div>
      <nav ref={tabs} class="tabs" aria-label="Sections">
        {SECTIONS.map(({ key, title }) => (
          <a key={key} href={hrefOf(`/settings/${key}`)} aria-current={key === section ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {shown === undefined ? <Empty title="There is no such section" /> : shown.render()}
    </>
  );
}
