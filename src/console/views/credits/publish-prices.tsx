import { useState } from "preact/hooks";
import { ask, useWhole, whoami } from "../../api.ts";
import { exactMoney } from "../../format.ts";
import { FormDialog, NumberField, numberOf, SelectField, TextField, textOf } from "../../ui/form.tsx";
import type { CreditModel, CreditPrice } from "../../wire.ts";
import { Batch } from "./batch.tsx";
import { isInForce } from "./tariff.ts";
import { effectiveFrom, type When, WhenField } from "./when-field.tsx";

/** A batch of prices, each with the price that it replaces. */

type Entry = { denomination: string; currency: string; price: string };

export function PublishPrices({
  prices,
  onClose,
  onDone,
}: {
  prices: readonly CreditPrice[];
  onClose: () => void;
  onDone: () => void;
}) {
  const empty: Entry = { denomination: "", currency: whoami.value?.account.currency ?? "USD", price: "" };
  const [entries, setEntries] = useState<readonly Entry[]>([empty]);
  const [when, setWhen] = useState<When>({ kind: "now", local: "" });
  const models = useWhole<CreditModel>("/api/v1/monetization/credits/models");
  const known = [...new Set((models.data?.items ?? []).map(({ denomination }) => denomination))];
  return (
    <FormDialog<CreditPrice[]>
      title="Publish prices"
      submit={entries.length === 1 ? "Publish the price" : `Publish ${entries.length} prices`}
      done={(published) =>
        published.length === 1 ? "The price is published." : `${published.length} prices are published.`
      }
      send={() =>
        ask("POST", "/api/v1/monetization/credits/prices/publish", {
          effectiveFrom: effectiveFrom(when),
          entries: entries.map(({ denomination, currency, price }) => ({
            denomination,
            currency: textOf(currency),
            pricePerCredit: numberOf(price),
          })),
        })
      }
      onClose={onClose}
      onDone={onDone}
    >
      <p class="quiet">
        What a credit costs who buys it. Credits that were sold keep their price; what is not in the batch keeps its
        own.
      </p>
      <Batch
        entries={entries}
        empty={empty}
        onChange={setEntries}
        foretold={(entry) => foretold(entry, prices)}
        fields={(entry, at, change) => (
          <>
            <SelectField
              label="Counted in"
              path={`entries[${at}].denomination`}
              value={entry.denomination}
              onChange={(denomination) => change({ denomination })}
              options={[{ value: "", label: "Choose…" }, ...known.map((one) => ({ value: one, label: one }))]}
            />
            <TextField
              label="Currency"
              path={`entries[${at}].currency`}
              value={entry.currency}
              onChange={(currency) => change({ currency: currency.toUpperCase() })}
            />
            <NumberField
              label="A credit costs"
              path={`entries[${at}].pricePerCredit`}
              value={entry.price}
              onChange={(price) => change({ price })}
            />
          </>
        )}
      >
        <WhenField value={when} onChange={setWhen} />
      </Batch>
    </FormDialog>
  );
}

function foretold({ denomination, currency, price }: Entry, prices: readonly CreditPrice[]) {
  const value = numberOf(price);
  if (denomination === "" || typeof value !== "number" || !/^[A-Z]{3}$/.test(currency))
    return <span class="quiet">Choose what is priced and say what a credit costs.</span>;
  const now = prices.find(
    (one) => one.denomination === denomination && one.currency === currency && isInForce(one, Date.now()),
  );
  return (
    <>
      A credit of {denomination}: {now === undefined ? "no price" : exactMoney(now.pricePerCredit, currency)} to{" "}
      <strong>{exactMoney(value, currency)}</strong>
    </>
  );
}
