import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type Problem } from "../../api.ts";
import { count } from "../../format.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Failure } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import type { BillingVerified } from "../../wire.ts";

/** Makes all invoices again from what is stored behind them, page after page of customers, and tells those that differ. */

type Sum = Pick<BillingVerified, "customers" | "invoices" | "notRecounted" | "differing" | "unfinished">;

const NOTHING: Sum = { customers: 0, invoices: 0, notRecounted: 0, differing: [], unfinished: [] };
/** Customers that one call goes through: few enough that the sums move. */
const PER_CALL = 25;

const COLUMNS: readonly Column<BillingVerified["differing"][number]>[] = [
  { title: "Invoice", cell: ({ invoiceId }) => <code>{invoiceId}</code> },
  { title: "What differs", cell: ({ firstDifference }) => firstDifference.what },
  { title: "Stored", isFigure: true, cell: ({ firstDifference }) => firstDifference.stored },
  { title: "Made again", isFigure: true, cell: ({ firstDifference }) => firstDifference.replayed },
];

export function Verify({ onClose }: { onClose: () => void }) {
  const [state, setState] = useState<"asked" | "running" | "done">("asked");
  const [sum, setSum] = useState(NOTHING);
  const [problem, setProblem] = useState<Problem>();
  const isShown = useRef(true);
  useEffect(
    () => () => {
      isShown.current = false;
    },
    [],
  );
  const run = async () => {
    setState("running");
    setProblem(undefined);
    let all = NOTHING;
    let cursor: string | undefined;
    do {
      const answered = await ask<BillingVerified>("POST", "/api/v1/monetization/billing/verify", {
        limit: PER_CALL,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (!isShown.current) return;
      if (!answered.ok) {
        setProblem(answered.problem);
        setState("asked");
        return;
      }
      const { data } = answered;
      all = {
        customers: all.customers + data.customers,
        invoices: all.invoices + data.invoices,
        notRecounted: all.notRecounted + data.notRecounted,
        differing: [...all.differing, ...data.differing],
        unfinished: [...all.unfinished, ...data.unfinished],
      };
      setSum(all);
      cursor = data.nextCursor;
    } while (cursor !== undefined);
    setState("done");
  };
  return (
    <Dialog title="Verify all invoices" onClose={onClose}>
      <div class="form">
        {state === "asked" ? (
          <>
            <p>
              Each invoice is made again from the plan versions, the closed usage and the events behind it, and compared
              with what was billed. Nothing is changed. A customer with many events takes a while.
            </p>
            {problem === undefined ? null : <Failure problem={problem} />}
            <div class="form-end">
              <button type="button" class="button main" onClick={run}>
                Verify
              </button>
            </div>
          </>
        ) : (
          <Result sum={sum} isDone={state === "done"} />
        )}
      </div>
      {sum.differing.length === 0 || state === "asked" ? null : (
        <Table
          label="Invoices that differ"
          columns={COLUMNS}
          rows={sum.differing}
          keyOf={({ invoiceId }) => invoiceId}
          href={({ invoiceId }) => `/invoices/${invoiceId}`}
        />
      )}
    </Dialog>
  );
}

function Result({ sum, isDone }: { sum: Sum; isDone: boolean }) {
  const { customers, invoices, notRecounted, differing, unfinished } = sum;
  const checked = `${count(invoices)} ${invoices === 1 ? "invoice" : "invoices"} of ${count(customers)} ${customers === 1 ? "customer" : "customers"}`;
  return (
    <>
      <p role="status">
        {!isDone ? (
          <>
            <span class="spinner inline" aria-hidden="true" /> {checked} so far…
          </>
        ) : differing.length === 0 ? (
          <span class="good-text">{checked} made again: all of them match.</span>
        ) : (
          <span class="bad-text">
            {checked} made again: {count(differing.length)} {differing.length === 1 ? "differs" : "differ"}.
          </span>
        )}
      </p>
      {notRecounted === 0 ? null : (
        <p class="quiet">
          {count(notRecounted)} {notRecounted === 1 ? "invoice matches" : "invoices match"} by what was summed up when
          the period closed: the events behind a line are too many to be counted again.
        </p>
      )}
      {unfinished.length === 0 ? null : (
        <p class="quiet">
          {count(unfinished.length)} {unfinished.length === 1 ? "customer" : "customers"} could not be read: verify once
          more.
        </p>
      )}
    </>
  );
}
