import { money, percent } from "../format.ts";
import type { Column } from "../ui/table.tsx";
import type { CustomerFigures } from "../wire.ts";

/** What a customer brings, costs and leaves, wherever customers are listed. */
export function marginColumns(currency: string, isPercentMinor = false): readonly Column<CustomerFigures>[] {
  return [
    { title: "Revenue", isFigure: true, isMinor: true, cell: ({ revenue }) => money(revenue, currency) },
    { title: "Cost", isFigure: true, isMinor: true, cell: ({ cost }) => money(cost, currency) },
    {
      title: "Margin",
      isFigure: true,
      cell: ({ margin }) => <span class={margin < 0 ? "bad-text" : ""}>{money(margin, currency)}</span>,
    },
    { title: "%", isFigure: true, isMinor: isPercentMinor, cell: ({ marginPercent }) => percent(marginPercent) },
  ];
}
