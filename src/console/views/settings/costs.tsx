import { ask, useAsk } from "../../api.ts";
import { exactMoney } from "../../format.ts";
import { hrefOf } from "../../router.ts";
import { Form, NumberField, numberOf } from "../../ui/form.tsx";
import { Card, Fact } from "../../ui/parts.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { useTexts } from "../../ui/texts.ts";
import type { Settings } from "../../wire.ts";
import { SETTINGS_PATH } from "./account.tsx";

/** How an event's cost is found, and the account's own rates among it. They are changed where models are. */

type Config = Settings["defaultCostConfig"];
type ModelCost = Config["modelCosts"][string];
type Row = { model: string; cost: ModelCost };

const MILLION = 1_000_000;

/** For the eye: what a million tokens cost. */
function perMillion(cost: ModelCost, side: "input" | "output"): number {
  if ("input" in cost) return Number((cost[side] * MILLION).toPrecision(12));
  return side === "input" ? cost.inputCostPerMillion : cost.outputCostPerMillion;
}

export function CostRates() {
  const asked = useAsk<Settings>(SETTINGS_PATH);
  return (
    <Answer asked={asked} what="rates">
      {({ currency, usdExchangeRate, defaultCostConfig }) => {
        const columns: readonly Column<Row>[] = [
          { title: "Model", cell: ({ model }) => <code>{model}</code> },
          {
            title: "Input, per million tokens",
            isFigure: true,
            cell: ({ cost }) => exactMoney(perMillion(cost, "input"), currency),
          },
          {
            title: "Output",
            isFigure: true,
            cell: ({ cost }) => exactMoney(perMillion(cost, "output"), currency),
          },
        ];
        const rows = Object.entries(defaultCostConfig.modelCosts).map(([model, cost]) => ({ model, cost }));
        const { defaultInputCostPerUnit: input, defaultOutputCostPerUnit: output } = defaultCostConfig;
        return (
          <div class="grid">
            <Card title="Own rates" action={<a href={hrefOf("/models")}>Change under Models</a>}>
              {rows.length === 0 ? (
                <Empty title="No rate of your own">
                  Prices you negotiated go before the public list: set them under{" "}
                  <a class="in-text" href={hrefOf("/models")}>
                    Models
                  </a>
                  .
                </Empty>
              ) : (
                <Table label="Own rates" columns={columns} rows={rows} keyOf={({ model }) => model} />
              )}
            </Card>
            <Card title="How a cost is found">
              <dl class="facts">
                <Fact name="First">the cost that the event brings itself (costAmount)</Fact>
                <Fact name="Then">the cost in the plan’s rule for the feature</Fact>
                <Fact name="Then">your own rate of the model</Fact>
                {input === undefined && output === undefined ? null : (
                  <Fact name="Then">
                    your rate of any other model: {exactMoney(input ?? 0, currency)} a token in,{" "}
                    {exactMoney(output ?? 0, currency)} out
                  </Fact>
                )}
                <Fact name="Then">
                  the public price list, in US dollars
                  {currency === "USD"
                    ? ""
                    : usdExchangeRate === undefined
                      ? "; unknown here, for there is no exchange rate"
                      : `, at ${usdExchangeRate} ${currency} each`}
                </Fact>
                <Fact name="Else">it is unknown: the event counts, its cost does not</Fact>
              </dl>
              {currency === "USD" ? null : (
                <p class="card-note quiet">
                  The exchange rate stands under{" "}
                  <a class="in-text" href={hrefOf("/settings/account")}>
                    Account
                  </a>
                  .
                </p>
              )}
            </Card>
            <Others currency={currency} config={defaultCostConfig} again={asked.again} />
          </div>
        );
      }}
    </Answer>
  );
}

/** What any model costs that has no rate of its own; it goes before the public list. The whole configuration is sent: the API sets it as one. */
function Others({ currency, config, again }: { currency: string; config: Config; again: () => void }) {
  const { modelCosts, defaultInputCostPerUnit: input, defaultOutputCostPerUnit: output } = config;
  const { values, field } = useTexts({
    defaultInputCostPerUnit: plain(input),
    defaultOutputCostPerUnit: plain(output),
  });
  return (
    <Card title="Any other model">
      <Form<Settings>
        submit="Save"
        send={() =>
          ask("PATCH", SETTINGS_PATH, {
            defaultCostConfig: {
              modelCosts,
              defaultInputCostPerUnit: numberOf(values.defaultInputCostPerUnit),
              defaultOutputCostPerUnit: numberOf(values.defaultOutputCostPerUnit),
            },
          })
        }
        done="Saved. Events from now on follow it; those recorded keep their cost."
        onDone={again}
      >
        <div class="form-row">
          <NumberField
            label="Input, per token"
            unit={currency}
            {...field("defaultInputCostPerUnit", "defaultCostConfig.defaultInputCostPerUnit")}
          />
          <NumberField
            label="Output, per token"
            unit={currency}
            {...field("defaultOutputCostPerUnit", "defaultCostConfig.defaultOutputCostPerUnit")}
          />
        </div>
        <p class="field-hint">
          Of every model without a rate of your own. Once it is set, the public price list is not asked any more; empty,
          it is.
        </p>
      </Form>
    </Card>
  );
}

/** 5e-8 as one types it: 0.00000005. */
function plain(amount: number | undefined): string {
  return amount === undefined ? "" : amount.toFixed(12).replace(/\.?0+$/, "");
}
