import { money, percent } from "../format.ts";
import { Margin } from "../ui/amounts.tsx";
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
      cell: ({ margin }) => <Margin amount={margin} currency={currency} />,
    },
    { title: "%", isFigure: true, isMinor: isPercentMinor, cell: ({ marginPercent }) => percent(marginPercent) },
  ];
}
