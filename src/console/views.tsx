import type { ComponentChild } from "preact";
import type { IconName } from "./ui/icon.tsx";
import { CreditModels, CreditModelView } from "./views/credits/models.tsx";
import { Pool } from "./views/credits/pool.tsx";
import { Pools } from "./views/credits/pools.tsx";
import { Prices } from "./views/credits/prices.tsx";
import { Weights } from "./views/credits/weights.tsx";
import { Customer } from "./views/customer.tsx";
import { Customers } from "./views/customers.tsx";
import { Events } from "./views/events/list.tsx";
import { Feature } from "./views/features/feature.tsx";
import { Features } from "./views/features/list.tsx";
import { Balance } from "./views/invoices/balance.tsx";
import { Invoice } from "./views/invoices/invoice.tsx";
import { Invoices } from "./views/invoices/list.tsx";
import { Models } from "./views/models/models.tsx";
import { Overview } from "./views/overview.tsx";
import { Plans } from "./views/plans/list.tsx";
import { Plan } from "./views/plans/plan.tsx";
import { RulesEditor } from "./views/plans/rules-editor.tsx";
import { Settings } from "./views/settings.tsx";
import { Start } from "./views/start.tsx";
import { Subscriptions } from "./views/subscriptions/list.tsx";
import { Subscription } from "./views/subscriptions/one.tsx";
import { TestClocks } from "./views/test-clocks/list.tsx";
import { TestClock } from "./views/test-clocks/one.tsx";

/**
 * Every view: its address, its title, what it shows. `icon`: it stands in the sidebar, in its group's order. What is not here has no
 * address and no link.
 */
export type View = {
  pattern: string;
  title: string;
  icon?: IconName;
  render: (params: Record<string, string>) => ComponentChild;
};

/** What happens, what is sold, what it runs on: the sidebar's groups, from the top. */
export const GROUPS: readonly { name: string; views: readonly View[] }[] = [
  {
    name: "Customers",
    views: [
      { pattern: "/", title: "Overview", icon: "overview", render: () => <Overview /> },
      { pattern: "/customers", title: "Customers", icon: "customers", render: () => <Customers /> },
      { pattern: "/customers/:ref", title: "Customer", render: ({ ref = "" }) => <Customer id={ref} /> },
      { pattern: "/subscriptions", title: "Subscriptions", icon: "subscriptions", render: () => <Subscriptions /> },
      { pattern: "/subscriptions/:id", title: "Subscription", render: ({ id = "" }) => <Subscription id={id} /> },
      { pattern: "/customers/:ref/balance", title: "Balance", render: ({ ref = "" }) => <Balance id={ref} /> },
      { pattern: "/invoices", title: "Invoices", icon: "invoices", render: () => <Invoices /> },
      { pattern: "/invoices/:id", title: "Invoice", render: ({ id = "" }) => <Invoice id={id} /> },
      { pattern: "/events", title: "Events", icon: "events", render: () => <Events /> },
    ],
  },
  {
    name: "Catalog",
    views: [
      { pattern: "/plans", title: "Plans", icon: "plans", render: () => <Plans /> },
      { pattern: "/plans/:id", title: "Plan", render: ({ id = "" }) => <Plan id={id} /> },
      { pattern: "/plans/:id/edit", title: "Features of a plan", render: ({ id = "" }) => <RulesEditor id={id} /> },
      { pattern: "/features", title: "Features", icon: "features", render: () => <Features /> },
      { pattern: "/features/:key", title: "Feature", render: ({ key = "" }) => <Feature featureKey={key} /> },
      { pattern: "/credits", title: "Credits", icon: "credits", render: () => <Pools /> },
      { pattern: "/credits/models", title: "Credit models", render: () => <CreditModels /> },
      { pattern: "/credits/models/:id", title: "Credit model", render: ({ id = "" }) => <CreditModelView id={id} /> },
      { pattern: "/credits/weights", title: "Credit weights", render: () => <Weights /> },
      { pattern: "/credits/prices", title: "Credit prices", render: () => <Prices /> },
      {
        pattern: "/credits/pools/:ref/:id",
        title: "Credit pool",
        render: ({ ref = "", id = "" }) => <Pool reference={ref} id={id} />,
      },
      { pattern: "/models", title: "Models", icon: "models", render: () => <Models /> },
    ],
  },
  {
    name: "Account",
    views: [
      { pattern: "/test-clocks", title: "Test clocks", icon: "clock", render: () => <TestClocks /> },
      { pattern: "/test-clocks/:id", title: "Test clock", render: ({ id = "" }) => <TestClock id={id} /> },
      { pattern: "/start", title: "Getting started", render: () => <Start /> },
      { pattern: "/settings", title: "Settings", icon: "settings", render: () => <Settings /> },
      {
        pattern: "/settings/:section",
        title: "Settings",
        render: ({ section = "" }) => <Settings section={section} />,
      },
    ],
  },
];

export const VIEWS: readonly View[] = GROUPS.flatMap(({ views }) => views);
